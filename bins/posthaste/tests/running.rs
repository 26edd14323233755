//! A relay as a process: how it stops, and what its connections hold.

#![expect(clippy::unwrap_used, reason = "a failed setup is a failed test")]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use assert_cmd::cargo::CommandCargoExt;
use posthaste::{
    Config, admin_socket,
    config::{Flag, Sources, Strings},
    running::Running,
};
use posthaste_core::{AttemptOutcome, AttemptRow, Usage};
use posthaste_storage_sqlite::SqliteStores;
use posthaste_testkit::{MemoryTransport, Reply, Script, ScriptedUpstream, anthropic_sse};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// A relay that runs over a data folder of its own, with one account and one client key.
struct Relay {
    folder: TempDir,
    child: Child,
    address: String,
    key: String,
}

impl Relay {
    fn start(upstream: &str, env: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = data(folder.path());
        let add = format!("accounts add --preset anthropic-compatible --name one --base-url {upstream}");
        run(&data, &format!("{add} --api-key sk-ant-dummy"));
        let created: Value = serde_json::from_str(&run(&data, "keys create --name team --json")).unwrap();
        let key = created["key"].as_str().unwrap_or_else(|| panic!("{created}")).to_owned();
        let mut child = program(&data, "serve --listen 127.0.0.1:0")
            .envs(env.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").expect("an address").to_owned();
        Self { folder, child, address, key }
    }

    /// Sends a head and a body, both as they are.
    fn send(&self, head: &str, body: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).expect("the relay listens");
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let length = body.len();
        write!(stream, "{head}\r\nhost: relay\r\ncontent-length: {length}\r\n\r\n").unwrap();
        stream.write_all(body).expect("the relay takes all that is sent");
        stream
    }

    /// A stream whose first event has arrived.
    fn streaming(&self) -> TcpStream {
        let head = format!("POST /api/v1/messages HTTP/1.1\r\nx-api-key: {}", self.key);
        let mut stream = self.send(&head, STREAMED.as_bytes());
        read_until(&mut stream, "message_start");
        stream
    }

    fn signal(&self) {
        let id = i32::try_from(self.child.id()).unwrap();
        kill_process(Pid::from_raw(id).unwrap(), Signal::TERM).expect("the relay runs");
    }

    /// Waits until new connections are refused: the first signal has been taken.
    fn wait_closed(&self) {
        let begun = Instant::now();
        while TcpStream::connect(&self.address).is_ok() {
            assert!(begun.elapsed() < PATIENCE, "the relay does not stop listening");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits for the end; gives the exit code and what was said on standard error.
    fn ended(&mut self) -> (Option<i32>, String) {
        let begun = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            assert!(begun.elapsed() < PATIENCE, "the relay does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (self.child.wait().unwrap().code(), said)
    }

    async fn rows(&self) -> Vec<AttemptRow> {
        let opened = SqliteStores::open(&data(self.folder.path()).join("posthaste.db")).unwrap();
        opened.stores().ledger.recent(None, 10).await.unwrap()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn data(folder: &Path) -> PathBuf {
    folder.join("data")
}

fn program(data: &Path, line: &str) -> Command {
    let mut command = Command::cargo_bin("posthaste").expect("the program is built");
    command.current_dir(data.parent().unwrap()).args(line.split(' ')).arg("--data").arg(data);
    command.env("POSTHASTE_SERVER__EVENTS_LISTEN", "off");
    command
}

fn run(data: &Path, line: &str) -> String {
    let output = program(data, line).output().expect("the program runs");
    assert!(output.status.success(), "{line}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn read_until(stream: &mut TcpStream, wanted: &str) -> String {
    let mut read = Vec::new();
    let mut buffer = [0; 4096];
    while !read.windows(wanted.len()).any(|window| window == wanted.as_bytes()) {
        let count = stream.read(&mut buffer).expect("the relay answers");
        assert!(count > 0, "no {wanted} in {}", read.escape_ascii());
        read.extend_from_slice(&buffer[..count]);
    }
    String::from_utf8(read).unwrap()
}

/// An upstream whose streams begin and never end.
async fn endless() -> ScriptedUpstream {
    ScriptedUpstream::start(|_| {
        let usage = Usage { input: 12, output: 34, ..Usage::default() };
        // As far as the first content.
        Script::sse(&anthropic_sse(&["hel"], usage)[..4]).stall()
    })
    .await
}

fn assert_cancelled(rows: &[AttemptRow]) {
    let outcomes: Vec<_> = rows.iter().map(|row| row.outcome).collect();
    assert_eq!(outcomes, [AttemptOutcome::Cancelled]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_outlasts_the_grace_is_in_the_books() {
    let upstream = endless().await;
    let mut relay = Relay::start(&upstream.base_url(), &[("POSTHASTE_SERVER__SHUTDOWN_GRACE", "1s")]);
    let _client = relay.streaming();
    relay.signal();
    let (code, said) = relay.ended();
    assert_eq!(code, Some(0), "{said}");
    assert_cancelled(&relay.rows().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_a_second_signal_cuts_off_is_in_the_books() {
    let upstream = endless().await;
    let mut relay = Relay::start(&upstream.base_url(), &[]);
    let _client = relay.streaming();
    relay.signal();
    relay.wait_closed();
    relay.signal();
    let (code, said) = relay.ended();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("stopped at once: answers under way were cut off"), "{said}");
    assert_cancelled(&relay.rows().await);
}

#[test]
fn a_refusal_reaches_a_client_that_sends_its_whole_body_first() {
    let relay = Relay::start(NOWHERE, &[]);
    let good = format!("POST /v1/messages HTTP/1.1\r\nx-api-key: {}", relay.key);
    for (head, length, status) in [
        ("POST /v1/messages HTTP/1.1\r\nx-api-key: cr_0", 8_000_000, "401 Unauthorized"),
        (good.as_str(), 70 << 20, "413 Payload Too Large"),
        ("POST /nowhere HTTP/1.1", 8_000_000, "404 Not Found"),
    ] {
        let mut stream = relay.send(head, &vec![b'x'; length]);
        let read = read_until(&mut stream, "\"error\"");
        assert!(read.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{read}");
    }
}

#[test]
fn a_models_name_that_is_no_text_is_refused_in_the_words_of_the_dialect() {
    let relay = Relay::start(NOWHERE, &[]);
    for base in ["/claude", "/openai"] {
        let mut stream =
            relay.send(&format!("GET {base}/v1/models/%FF HTTP/1.1\r\nx-api-key: {}", relay.key), b"");
        let read = read_until(&mut stream, "\"error\"");
        assert!(read.starts_with("HTTP/1.1 404 Not Found\r\n"), "{read}");
        assert!(read.contains("content-type: application/json\r\n"), "{read}");
    }
    let mut stream = relay.send("GET /v1/models/%FF HTTP/1.1", b"");
    assert!(read_until(&mut stream, "\r\n").starts_with("HTTP/1.1 401 "));
}

#[cfg(target_os = "linux")]
#[test]
fn idle_memory_is_not_rounded_up_to_huge_pages() {
    let relay = Relay::start(NOWHERE, &[]);
    let told = |file: &str| fs::read_to_string(format!("/proc/{}/{file}", relay.child.id())).unwrap();
    // The flag itself: on a kernel that is set to `madvise` there are no such pages with it or without.
    let status = told("status");
    assert!(status.contains("THP_enabled:\t0\n"), "{status}");
    let rollup = told("smaps_rollup");
    let line = rollup.lines().find(|line| line.starts_with("AnonHugePages:")).unwrap();
    assert_eq!(line.split_whitespace().nth(1), Some("0"), "{line}");
}

/// In this process: a second start in the same one finds what the first has left.
#[tokio::test]
async fn a_failed_start_leaves_nothing_running() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let config = |metrics: SocketAddr| {
        let flag = |path, value: String| Flag { name: "test", path, value };
        let flags = [
            flag("data.dir", folder.path().to_str().unwrap().to_owned()),
            flag("server.listen", "127.0.0.1:0".to_owned()),
            flag("server.events_listen", "off".to_owned()),
            flag("server.metrics_listen", metrics.to_string()),
        ];
        Config::read(&Sources { file: None, env: &Nothing, flags: &flags }).unwrap()
    };
    let transport = || Arc::new(MemoryTransport::new(|_| Reply::never()));
    let refused = Running::start(&config(taken.local_addr().unwrap()), None, transport()).await;
    let error = refused.err().expect("the address is taken");
    assert!(error.to_string().starts_with("cannot listen on 127.0.0.1:"), "{error}");
    let started = Running::start(&config("127.0.0.1:0".parse().unwrap()), None, transport()).await;
    let running = started.unwrap_or_else(|error| panic!("{error:#}"));
    // Dropped instead of served.
    drop(running);
    tokio::task::yield_now().await;
    assert!(!admin_socket::path(folder.path()).exists());
}

struct Nothing;

impl Strings for Nothing {
    fn vars(&self) -> Vec<(String, Option<String>)> {
        Vec::new()
    }
}

const NOWHERE: &str = "http://127.0.0.1:9";
const STREAMED: &str = r#"{"model":"claude-sonnet-4-5","max_tokens":64,"stream":true,"messages":[{"role":"user","content":"hello"}]}"#;
const PATIENCE: Duration = Duration::from_secs(30);
