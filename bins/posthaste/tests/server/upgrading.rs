//! One relay takes over from another.

use std::{
    os::fd::OwnedFd,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use posthaste_core::AttemptOutcome;
use posthaste_storage_redis::{RedisOptions, RedisStores};
use posthaste_testkit::{
    Gate, Received, Script, ScriptedUpstream, anthropic_json, anthropic_sse, spawn_redis_with,
};
use rusqlite::Connection;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixDatagram, UnixStream},
    task::{JoinHandle, JoinSet, spawn_blocking},
    time::{Instant, sleep, timeout},
};

use crate::support::{
    Answer, Bench, Client, PATIENCE, Server, USAGE, eventually, furnished, streamed, whole,
};

const TEXTS: [&str; 4] = ["a", "b", "c", "d"];

/// The process that took over, which is killed with the value.
pub(crate) struct Successor(Pid);

impl Successor {
    fn of(upgraded: &Value) -> Self {
        let pid = i32::try_from(upgraded["pid"].as_u64().unwrap()).unwrap();
        Self(Pid::from_raw(pid).unwrap())
    }

    fn is_there(&self) -> bool {
        // One that has ended and that nobody has asked after is still in the table.
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0)).unwrap_or_default();
        status.lines().any(|line| line.starts_with("State:") && !line.contains("zombie"))
    }

    pub(crate) async fn stop(self) {
        kill_process(self.0, Signal::TERM).unwrap();
        eventually("the relay that took over ends", || (!self.is_there()).then_some(())).await;
    }
}

impl Drop for Successor {
    fn drop(&mut self) {
        // It may have ended.
        let _ = kill_process(self.0, Signal::KILL);
    }
}

/// A bench whose relay adds nothing to a stream that stands still.
fn bench() -> Bench {
    Bench::new().with("POSTHASTE_SERVER__KEEP_ALIVE_AFTER", "10m")
}

/// An upstream whose streams stand still in their middle until the gate is open.
pub(crate) async fn gated(gate: &Gate) -> ScriptedUpstream {
    let gate = gate.clone();
    ScriptedUpstream::start(move |request: &Received| {
        if request.json()["stream"] != true {
            return Script::json(200, &anthropic_json("hello", USAGE));
        }
        let frames = anthropic_sse(&TEXTS, USAGE);
        let (first, rest) = frames.split_at(4);
        Script::sse(first).gate(&gate).chunks(rest.iter().cloned())
    })
    .await
}

/// Whole requests, one after the other, each on a connection of its own or all on one, until told to stop. Gives how many
/// were answered.
pub(crate) fn keep_asking(
    server: &Server,
    key: &str,
    anew: bool,
    stop: &Arc<AtomicBool>,
) -> JoinHandle<usize> {
    let clients: Vec<Client> = (0..if anew { 200 } else { 1 }).map(|_| server.client()).collect();
    let (key, stop) = (key.to_owned(), Arc::clone(stop));
    tokio::spawn(async move {
        let mut answered = 0;
        for client in clients.iter().cycle() {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let answer = client.post(&key, &whole()).await.expect("no connection is refused or cut");
            let status = answer.status;
            let text = answer.text().await.expect("no answer is cut");
            assert_eq!(status, 200, "{text}");
            answered += 1;
            sleep(Duration::from_millis(10)).await;
        }
        answered
    })
}

pub(crate) async fn open_streams(client: &Client, key: &str, number: usize) -> Vec<(Vec<u8>, Answer)> {
    let mut streams = Vec::with_capacity(number);
    // No more at once than a listener's queue holds.
    while streams.len() < number {
        streams.extend(open_at_once(client, key, (number - streams.len()).min(100)).await);
    }
    streams
}

async fn open_at_once(client: &Client, key: &str, number: usize) -> Vec<(Vec<u8>, Answer)> {
    let mut opening = JoinSet::new();
    for _ in 0..number {
        let (client, key) = (client.clone(), key.to_owned());
        opening.spawn(async move {
            let mut answer = client.post(&key, &streamed()).await.unwrap();
            assert_eq!(answer.status, 200);
            let first = answer.piece().await.unwrap().unwrap().to_vec();
            (first, answer)
        });
    }
    opening.join_all().await
}

pub(crate) async fn read_to_the_end(streams: Vec<(Vec<u8>, Answer)>) {
    let sent = anthropic_sse(&TEXTS, USAGE).concat();
    let mut reading: JoinSet<_> = streams
        .into_iter()
        .map(|(first, rest)| async move { [&first[..], rest.text().await.unwrap().as_bytes()].concat() })
        .collect();
    while let Some(read) = reading.join_next().await {
        assert!(read.unwrap() == sent, "a stream is whole");
    }
}

/// Has the relay make way for its own program.
pub(crate) async fn upgrade(bench: &Bench) -> Successor {
    let mut command = bench.command("upgrade --yes --json");
    let output = spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert!(output.status.success(), "{output:?}");
    Successor::of(&serde_json::from_slice(&output.stdout).unwrap())
}

async fn status_of(server: &Server, key: &str) -> u16 {
    server.post(key, &whole()).await.unwrap().status
}

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_streams_outlive_an_upgrade_and_nobody_is_refused() {
    const STREAMS: usize = 2_000;
    let (bench, gate) = (bench(), Gate::default());
    let upstream = gated(&gate).await;
    bench.add_account("one", &upstream);
    let probe = bench.create_key("probe");
    let made = bench.cli(&format!("keys create --name streams --limit concurrency={STREAMS}"));
    let key = made["key"].as_str().unwrap();
    let mut server = bench.serve();
    let client = server.client();
    let streams = open_streams(&client, key, STREAMS).await;
    assert_eq!(status_of(&server, key).await, 429, "as many as may be are open");

    let stop = Arc::new(AtomicBool::new(false));
    let asking: Vec<_> = [true, true, false].map(|anew| keep_asking(&server, &probe, anew, &stop)).into();
    let successor = upgrade(&bench).await;
    assert!(server.ended().is_none(), "its streams are still under way");
    assert_eq!(status_of(&server, key).await, 429, "the next relay knows of the streams");
    assert_eq!(status_of(&server, &probe).await, 200);

    gate.open();
    read_to_the_end(streams).await;
    drop(client);
    stop.store(true, Ordering::Relaxed);
    let mut answered = 1;
    for asked in asking {
        answered += asked.await.unwrap();
    }
    // The relay that took over goes on with its output, so only its own end is waited for.
    let ended = eventually("the relay before ends", || server.ended()).await;
    assert_eq!(ended.code(), Some(0), "{}", server.log());
    eventually("no place is held any more", || {
        bench.cli("status")["server"]["in_flight"].as_u64().filter(|n| *n == 0)
    })
    .await;
    assert_eq!(status_of(&server, key).await, 200, "{}", server.log());
    successor.stop().await;

    let rows = bench.rows().await;
    assert_eq!(rows.len(), STREAMS + answered + 1);
    assert!(rows.iter().all(|row| row.outcome == AttemptOutcome::Complete && row.usage == USAGE));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_does_not_serve_leaves_the_relay_as_it_was() {
    let (bench, gate) = (bench(), Gate::default());
    let upstream = gated(&gate).await;
    bench.add_account("one", &upstream);
    let key = bench.create_key("team");
    let server = bench.serve();
    let streams = open_streams(&server.client(), &key, 3).await;
    // An address of the documentation's (RFC 5737), which no machine has.
    let elsewhere = "[server]\nmetrics_listen = \"203.0.113.1:9\"\n";
    std::fs::write(bench.folder.path().join("posthaste.toml"), elsewhere).unwrap();
    let output = bench.command("upgrade --yes").output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("goes on as before"), "{told}");
    let why = "cannot listen on 203.0.113.1:9";
    eventually("the log tells why", || server.log().contains(why).then_some(())).await;
    std::fs::remove_file(bench.folder.path().join("posthaste.toml")).unwrap();
    gate.open();
    read_to_the_end(streams).await;
    assert_eq!(status_of(&server, &key).await, 200);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_limits_count_goes_on_where_it_was_through_upgrade_and_roll_back() {
    let (bench, gate) = (bench(), Gate::default());
    let upstream = gated(&gate).await;
    bench.add_account("one", &upstream);
    let made = bench.cli("keys create --name five --limit requests=5/day");
    let key = made["key"].as_str().unwrap();
    let mut server = bench.serve();
    let streams = open_streams(&server.client(), key, 1).await;
    assert_eq!(status_of(&server, key).await, 200, "the second of five");
    let second = upgrade(&bench).await;
    assert_eq!(status_of(&server, key).await, 200, "the third");
    let third = upgrade(&bench).await;
    assert_ne!(second.0, third.0);
    eventually("the second relay ends, having nothing under way", || (!second.is_there()).then_some(()))
        .await;
    assert!(server.ended().is_none(), "the first one has a stream");
    assert_eq!(status_of(&server, key).await, 200, "the fourth");
    assert_eq!(status_of(&server, key).await, 200, "the fifth");
    assert_eq!(status_of(&server, key).await, 429, "one too many");
    gate.open();
    read_to_the_end(streams).await;
    let ended = eventually("the first relay ends", || server.ended()).await;
    assert_eq!(ended.code(), Some(0), "{}", server.log());
    assert_eq!(bench.cli("keys usage five")["totals"]["attempts"], 5);
    third.stop().await;
    assert!(!bench.data().join("successor.sock").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_connection_is_served_once_more_and_asked_to_go() {
    let (bench, _upstream, key) = furnished(Bench::new()).await;
    let mut server = bench.serve();
    let client = server.client();
    let ask = async || {
        let answer = client.post(&key, &whole()).await.unwrap();
        let said = (answer.status, answer.header("connection").to_owned());
        answer.text().await.unwrap();
        said
    };
    assert_eq!(ask().await, (200, String::new()));
    let successor = upgrade(&bench).await;
    assert!(server.ended().is_none(), "it waits for a connection that is kept");
    assert_eq!(ask().await, (200, "close".to_owned()));
    eventually("nothing is left to wait for", || server.ended()).await;
    assert_eq!(ask().await, (200, String::new()));
    successor.stop().await;
}

/// A process that says what it wants to the socket for successors.
struct Pretender {
    said: BufReader<tokio::net::unix::OwnedReadHalf>,
    to: tokio::net::unix::OwnedWriteHalf,
}

impl Pretender {
    async fn meet(bench: &Bench) -> Self {
        let stream = UnixStream::connect(bench.data().join("successor.sock")).await.unwrap();
        let (mut said, mut to) = stream.into_split();
        let hello = json!({ "take_over": { "protocol": 2, "version": "0.0.0", "pid": 1 } });
        to.write_all(format!("{hello}\n").as_bytes()).await.unwrap();
        // The byte that descriptors come with. Read together with more it would end the read, after which tokio waits for
        // the socket to become readable anew.
        let mut mark = [0];
        said.read_exact(&mut mark).await.unwrap();
        Self { said: BufReader::new(said), to }
    }

    async fn say(&mut self, line: &Value) {
        self.to.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    async fn hear(&mut self) -> Value {
        let mut line = String::new();
        self.said.read_line(&mut line).await.unwrap();
        serde_json::from_str(&line).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_breaks_off_leaves_the_relay_as_it_was_and_two_at_once_are_one_too_many() {
    let (bench, gate) = (bench(), Gate::default());
    let upstream = gated(&gate).await;
    bench.add_account("one", &upstream);
    let key = bench.cli("keys create --name one --limit concurrency=1")["key"].as_str().unwrap().to_owned();
    let server = bench.serve();
    let streams = open_streams(&server.client(), &key, 1).await;

    let mut first = Pretender::meet(&bench).await;
    let offer = first.hear().await;
    assert_eq!(offer["sockets"]["names"], json!(["relay"]));
    let refused = Pretender::meet(&bench).await.hear().await;
    assert!(refused["refused"]["reason"].as_str().unwrap().contains("already"), "{refused}");
    first.say(&json!("ready")).await;
    let holdings = first.hear().await;
    assert_eq!(holdings["holdings"]["leases"].as_array().unwrap().len(), 1, "the account limits nothing");
    let waiting = tokio::spawn({
        let (client, key) = (server.client(), key.clone());
        async move { client.post(&key, &whole()).await.unwrap().status }
    });
    sleep(Duration::from_millis(100)).await;
    assert!(!waiting.is_finished(), "a claim waits while it is not settled who admits");
    drop(first);
    assert_eq!(waiting.await.unwrap(), 429, "its place is still taken here");

    let mut second = Pretender::meet(&bench).await;
    second.hear().await;
    second.say(&json!("serving")).await;
    eventually("what is out of turn ends it", || {
        server.log().contains("the other process said Serving").then_some(())
    })
    .await;
    gate.open();
    read_to_the_end(streams).await;
    assert_eq!(status_of(&server, &key).await, 200);
    assert_eq!(bench.cli("upgrade --check")["hindrances"], json!([]));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_with_its_process_is_not_handed_over() {
    let bench = Bench::new().with("POSTHASTE_DATA__STORE", "memory");
    let server = bench.serve();
    let output = bench.command("upgrade --yes").output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("memory store"), "{told}");
    let output = bench.command("serve --listen 127.0.0.1:0 --take-over").output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && told.contains("does not hand over"), "{told}");
    server.stop().await;
    let output = bench.command("upgrade --check").output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
}

/// Into other tables than its own the one before could not book what it still serves.
#[tokio::test(flavor = "multi_thread")]
async fn a_relay_whose_books_would_have_another_form_is_not_upgraded_but_started_anew() {
    let (bench, _upstream, key) = furnished(bench()).await;
    let server = bench.serve();
    let file = Connection::open(bench.data().join("posthaste.db")).unwrap();
    file.pragma_update(None, "user_version", 9).unwrap();
    for line in ["upgrade --check", "upgrade --yes"] {
        let output = bench.command(line).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.contains("could not book"), "{told}");
    }
    file.pragma_update(None, "user_version", 10).unwrap();
    assert_eq!(status_of(&server, &key).await, 200);
    server.stop().await;
}

/// Each process has a spool of its own: the one before books on, and what it has to leave behind is booked by the next.
#[tokio::test(flavor = "multi_thread")]
async fn on_redis_the_rows_of_the_relay_before_are_booked_though_redis_is_away_at_its_end() {
    let mut redis = spawn_redis_with(&["--appendonly", "yes", "--appendfsync", "always"]);
    let (bench, gate) = (bench(), Gate::default());
    let bench = bench
        .with("POSTHASTE_DATA__STORE", "redis")
        .with("POSTHASTE_DATA__REDIS_URL", &redis.url())
        .with("POSTHASTE_ACCOUNTING__DURABILITY", "strict");
    let upstream = gated(&gate).await;
    bench.add_account("one", &upstream);
    let key = bench.create_key("team");
    let mut server = bench.serve();
    let streams = open_streams(&server.client(), &key, 20).await;
    let successor = upgrade(&bench).await;
    assert_eq!(status_of(&server, &key).await, 200);
    redis.kill();
    gate.open();
    read_to_the_end(streams).await;
    assert_eq!(status_of(&server, &key).await, 200);
    eventually("the relay before ends", || server.ended()).await;
    redis.restart();
    let stores = RedisStores::connect(RedisOptions::new(redis.url())).await.unwrap();
    let deadline = Instant::now() + PATIENCE;
    let mut rows = 0;
    while rows < 22 && Instant::now() < deadline {
        rows = stores.stores().ledger.recent(None, 100).await.unwrap().len();
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(rows, 22, "{}", server.log());
    assert_eq!(bench.cli("data verify")["ok"], true);
    successor.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn systemd_hands_over_a_socket_and_is_told_which_process_serves() {
    let (bench, gate) = (bench(), Gate::default());
    let upstream = gated(&gate).await;
    bench.add_account("one", &upstream);
    let key = bench.create_key("team");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let told = UnixDatagram::bind(bench.folder.path().join("notify")).unwrap();
    let bench = bench.with("NOTIFY_SOCKET", bench_path(&told).as_str());

    // The third descriptor is the first that systemd hands over (sd_listen_fds(3)).
    let shell = r#"exec 3<&0 0</dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" "$@""#;
    let program = bench.command(&format!("serve --listen {address}"));
    let mut activated = Command::new("sh");
    activated.arg("-c").arg(shell).arg(program.get_program()).args(program.get_args());
    activated.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    activated.current_dir(bench.folder.path()).stdin(OwnedFd::from(listener));
    let server = Bench::started(activated);
    assert_eq!(server.address(), address.to_string());
    assert_eq!(heard(&told).await, format!("READY=1\nMAINPID={}", server.pid()));
    assert_eq!(status_of(&server, &key).await, 200);

    let successor = upgrade(&bench).await;
    assert_eq!(heard(&told).await, format!("READY=1\nMAINPID={}", successor.0));
    assert_eq!(status_of(&server, &key).await, 200);
    successor.stop().await;
}

fn bench_path(socket: &UnixDatagram) -> String {
    socket.local_addr().unwrap().as_pathname().unwrap().to_str().unwrap().to_owned()
}

/// The next message to the service manager.
async fn heard(socket: &UnixDatagram) -> String {
    let mut message = [0; 256];
    let length = timeout(PATIENCE, socket.recv(&mut message)).await.expect("a message").unwrap();
    String::from_utf8_lossy(&message[..length]).trim_end().to_owned()
}
