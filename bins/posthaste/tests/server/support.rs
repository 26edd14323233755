//! A data folder, the program run on it, and a client.

use std::{
    io::{BufRead, BufReader, Read},
    path::PathBuf,
    pin::Pin,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread::JoinHandle,
    time::Duration,
};

use bytes::Bytes;
use http::Method;
use http_body_util::BodyExt;
use posthaste_core::{AttemptRow, Egress, Payload, RelayBody, Transport, TransportError, Usage};
use posthaste_storage_sqlite::SqliteStores;
use posthaste_testkit::{Received, Script, ScriptedUpstream, anthropic_json, anthropic_sse};
use posthaste_upstream::{HttpTransport, UpstreamOptions};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{Instant, sleep, timeout};

pub(crate) const MODEL: &str = "claude-sonnet-4-5";
pub(crate) const UPSTREAM_KEY: &str = "sk-ant-dummy-CANARY-upstream";

pub(crate) const USAGE: Usage = Usage {
    input: 12,
    output: 34,
    cache_read: 0,
    cache_write_5m: 0,
    cache_write_1h: 0,
    reasoning: 0,
    ..Usage::NONE
};

/// A data folder with settings for the programs that run on it.
pub(crate) struct Bench {
    pub(crate) folder: TempDir,
    settings: Vec<(String, String)>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), settings: Vec::new() }
    }

    /// With a key of the configuration, as its environment variable.
    pub(crate) fn with(mut self, name: impl Into<String>, value: &str) -> Self {
        self.settings.push((name.into(), value.to_owned()));
        self
    }

    /// Another data folder with the same settings.
    pub(crate) fn like(&self) -> Self {
        Self { settings: self.settings.clone(), ..Self::new() }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_posthaste"));
        command.current_dir(self.folder.path()).args(line.split_whitespace()).arg("--data").arg(self.data());
        // Many relays run at the same time here, and but one could have the usual address.
        command.env("POSTHASTE_SERVER__EVENTS_LISTEN", "off");
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a command to its end, which is a good one.
    pub(crate) fn cli(&self, line: &str) -> Value {
        let output = self.command(&format!("{line} --json")).output().unwrap();
        assert!(output.status.success(), "{line}: {output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    pub(crate) fn add_account(&self, name: &str, upstream: &ScriptedUpstream) {
        let url = upstream.base_url();
        self.cli(&format!(
            "accounts add --preset anthropic-compatible --name {name} --base-url {url} --api-key {UPSTREAM_KEY}"
        ));
    }

    /// Makes a client key and gives its secret.
    pub(crate) fn create_key(&self, name: &str) -> String {
        self.cli(&format!("keys create --name {name}"))["key"].as_str().unwrap().to_owned()
    }

    /// Starts the relay and waits until it listens.
    pub(crate) fn serve(&self) -> Server {
        Self::started(self.command("serve --listen 127.0.0.1:0"))
    }

    /// Starts the relay in a way of one's own and waits until it listens.
    pub(crate) fn started(command: Command) -> Server {
        let mut server = Self::run(command);
        let line = server.announced.take().unwrap_or_else(|| panic!("it did not start: {}", server.log()));
        line.strip_prefix("listening on ").unwrap().clone_into(&mut server.base);
        server
    }

    /// Starts a program and reads its first line, if it says one.
    pub(crate) fn spawn(&self, line: &str) -> Server {
        Self::run(self.command(line))
    }

    fn run(mut command: Command) -> Server {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        let log = Arc::new(Mutex::new(String::new()));
        let mut readers = vec![collect(child.stderr.take().unwrap(), Arc::clone(&log))];
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        out.read_line(&mut first).unwrap();
        log.lock().unwrap().push_str(&first);
        readers.push(collect(out, Arc::clone(&log)));
        let announced = (!first.is_empty()).then(|| first.trim_end().to_owned());
        Server { child, announced, base: String::new(), log, readers }
    }

    /// What is in the books. Works beside a running relay as well.
    pub(crate) async fn rows(&self) -> Vec<AttemptRow> {
        self.rows_up_to(100_000).await
    }

    /// The latest ones.
    pub(crate) async fn rows_up_to(&self, most: usize) -> Vec<AttemptRow> {
        let opened = SqliteStores::open(&self.data().join("posthaste.db")).unwrap();
        let rows = opened.stores().ledger.recent(None, most).await.unwrap();
        opened.close().await.unwrap();
        rows
    }
}

fn collect(from: impl Read + Send + 'static, log: Arc<Mutex<String>>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines() {
            let Ok(line) = line else { return };
            let mut log = log.lock().unwrap();
            log.push_str(&line);
            log.push('\n');
        }
    })
}

/// A running program. It is killed with the value.
pub(crate) struct Server {
    child: Child,
    announced: Option<String>,
    pub(crate) base: String,
    log: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
}

impl Server {
    /// Everything it printed so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// `127.0.0.1:PORT`
    pub(crate) fn address(&self) -> &str {
        self.base.strip_prefix("http://").unwrap()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Waits for its end and for its last words.
    pub(crate) async fn end(&mut self) -> ExitStatus {
        let status = eventually("the program ends", || self.ended()).await;
        self.readers.drain(..).for_each(|reader| reader.join().unwrap());
        status
    }

    /// Tells it to stop and waits for its good end.
    pub(crate) async fn stop(mut self) {
        self.signal(Signal::TERM);
        let status = self.end().await;
        assert!(status.success(), "{status}: {}", self.log());
    }

    pub(crate) async fn post(&self, key: &str, body: &Value) -> Result<Answer, TransportError> {
        self.client().post(key, body).await
    }

    pub(crate) fn client(&self) -> Client {
        self.client_with(UpstreamOptions::default())
    }

    pub(crate) fn client_with(&self, options: UpstreamOptions) -> Client {
        Client { transport: Arc::new(HttpTransport::new(&options).unwrap()), base: self.base.clone() }
    }

    /// Asks the admin API with a token, or with none; `null` for no body.
    pub(crate) async fn ask(&self, method: Method, path: &str, token: Option<&str>, body: &Value) -> Answer {
        let mut request = http::Request::builder().method(method).uri(format!("{}{path}", self.base));
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = match body {
            Value::Null => Bytes::new(),
            body => Bytes::from(body.to_string()),
        };
        let request = request.header("content-type", "application/json").body(Payload::from(body));
        self.client().send(request.unwrap()).await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str, header: (&str, &str)) -> Answer {
        let request = http::Request::get(format!("{}{path}", self.base)).header(header.0, header.1);
        self.client().send(request.body(Payload::from(Bytes::new())).unwrap()).await.unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended long ago.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client with its pool of connections.
#[derive(Clone)]
pub(crate) struct Client {
    transport: Arc<HttpTransport>,
    base: String,
}

impl Client {
    pub(crate) async fn post(&self, key: &str, body: &Value) -> Result<Answer, TransportError> {
        let request = http::Request::post(format!("{}/v1/messages", self.base))
            .header("content-type", "application/json")
            .header("x-api-key", key)
            .body(Payload::from(Bytes::from(body.to_string())));
        self.send(request.unwrap()).await
    }

    /// `http://127.0.0.1:PORT`
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    pub(crate) async fn send(&self, request: http::Request<Payload>) -> Result<Answer, TransportError> {
        let response = self.transport.send(request, &Egress::direct(true)).await?;
        let (head, body) = response.into_parts();
        Ok(Answer { status: head.status.as_u16(), headers: head.headers, body })
    }
}

/// An answer whose body is still to be read.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: RelayBody,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The next piece; `None` at the end.
    pub(crate) async fn piece(&mut self) -> Option<Result<Bytes, TransportError>> {
        self.piece_within(PATIENCE).await
    }

    /// The rest of the body as JSON.
    pub(crate) async fn json(self) -> Value {
        serde_json::from_str(&self.text().await.unwrap()).unwrap()
    }

    async fn piece_within(&mut self, patience: Duration) -> Option<Result<Bytes, TransportError>> {
        let frame = timeout(patience, Pin::new(&mut self.body).frame()).await.expect("a piece in time")?;
        Some(frame.map(|frame| frame.into_data().unwrap_or_default()))
    }

    /// The rest of the body.
    pub(crate) async fn text(self) -> Result<String, TransportError> {
        self.text_within(PATIENCE).await
    }

    /// The rest of the body, from a relay that may stand still for a while amid it.
    pub(crate) async fn text_within(mut self, patience: Duration) -> Result<String, TransportError> {
        let mut text = Vec::new();
        while let Some(piece) = self.piece_within(patience).await {
            text.extend_from_slice(&piece?);
        }
        Ok(String::from_utf8(text).unwrap())
    }
}

pub(crate) fn whole() -> Value {
    json!({"model": MODEL, "max_tokens": 64, "messages": [{"role": "user", "content": "hello"}]})
}

pub(crate) fn streamed() -> Value {
    let mut body = whole();
    body["stream"] = json!(true);
    body
}

/// An upstream that serves whatever it is asked for.
pub(crate) fn serving(request: &Received) -> Script {
    if request.json()["stream"] == true {
        Script::sse(&anthropic_sse(&["hel", "lo"], USAGE))
    } else {
        Script::json(200, &anthropic_json("hello", USAGE))
    }
}

/// A bench with one account at a serving upstream and one client key.
pub(crate) async fn furnished(bench: Bench) -> (Bench, ScriptedUpstream, String) {
    let upstream = ScriptedUpstream::start(serving).await;
    bench.add_account("one", &upstream);
    let key = bench.create_key("team");
    (bench, upstream, key)
}

/// Polls until there is something.
pub(crate) async fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        sleep(Duration::from_millis(10)).await;
    }
}

/// Far more than anything here takes, even on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
