//! Logging accounts in with the command line, at a vendor that stands elsewhere: the sandbox over HTTP.

mod again;
mod demo;
mod device;
mod failing;

use std::{
    io::{BufRead, BufReader, Read, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use bytes::Bytes;
use posthaste_core::{Egress, Payload, Transport};
use posthaste_sandbox::Sandbox;
use posthaste_testkit::SandboxServer;
use posthaste_upstream::{HttpTransport, UpstreamOptions};
use serde_json::{Value, json};

use crate::support::{Bench, Server};

/// A bench whose operator has an OAuth client at a vendor.
pub(crate) struct Desk {
    pub(crate) bench: Bench,
    pub(crate) vendor: SandboxServer,
}

/// `accounts login` under way, as a program runs it.
struct LoggingIn {
    child: Child,
    out: BufReader<ChildStdout>,
    stdin: Option<ChildStdin>,
    /// What it says has to be done.
    task: Value,
}

/// How it ended.
struct Ended {
    code: i32,
    out: String,
    err: String,
}

impl Desk {
    /// The vendor is asked for this scope, of which some words ask it to misbehave.
    async fn new(scope: &str) -> Self {
        Self::on(Bench::new(), scope).await
    }

    /// The same with a bench that is there.
    pub(crate) async fn on(bench: Bench, scope: &str) -> Self {
        let vendor = SandboxServer::start(Sandbox::default()).await;
        let base = vendor.base_url();
        let bench = bench
            .with("POSTHASTE_OAUTH__SANDBOX__AUTHORIZE_URL", &format!("{base}/oauth/authorize"))
            .with("POSTHASTE_OAUTH__SANDBOX__TOKEN_URLS", &format!("{base}/oauth/token"))
            .with("POSTHASTE_OAUTH__SANDBOX__DEVICE_URL", &format!("{base}/oauth/device"))
            .with("POSTHASTE_OAUTH__SANDBOX__SCOPES", scope);
        Self { bench, vendor }
    }

    /// `--preset … --base-url …` of accounts that only a token opens.
    fn preset(&self) -> String {
        format!("--preset sandbox --base-url {}/signed-in", self.vendor.base_url())
    }

    fn log_in(&self, line: &str) -> LoggingIn {
        let mut command = self.bench.command(&format!("accounts login {line} --json"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        LoggingIn::begin(command)
    }

    /// Opens a page; gives where the browser is sent then, if anywhere.
    async fn browse(&self, url: &str) -> Option<String> {
        let (status, location) = visit(url).await;
        assert!(matches!(status, 200..400), "{status}");
        location
    }

    /// What the browser brings back once the person has allowed it.
    async fn allow(&self, login: &LoggingIn) -> String {
        let url = login.task["url"].as_str().unwrap_or_else(|| panic!("an address: {}", login.task));
        self.browse(&format!("{url}&approve=1&login_hint=ada@sandbox.example")).await.unwrap()
    }

    /// Logs an account in to the end.
    pub(crate) async fn logged_in(&self, name: &str) -> Value {
        let mut login = self.log_in(&format!("{} --name {name} --paste", self.preset()));
        let brought = self.allow(&login).await;
        login.paste(&brought);
        login.end().saved()
    }
}

impl LoggingIn {
    /// Starts the program and reads what has to be done, if it comes to that.
    fn begin(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        out.read_line(&mut first).unwrap();
        let stdin = child.stdin.take();
        let task = serde_json::from_str(&first).unwrap_or(Value::Null);
        Self { child, out, stdin, task }
    }

    fn paste(&mut self, text: &str) {
        writeln!(self.stdin.as_mut().unwrap(), "{text}").unwrap();
    }

    fn end(mut self) -> Ended {
        drop(self.stdin.take());
        let (mut out, mut err) = (String::new(), String::new());
        self.out.read_to_string(&mut out).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        let code = self.child.wait().unwrap().code().unwrap();
        Ended { code, out, err }
    }
}

impl Ended {
    fn saved(&self) -> Value {
        assert_eq!(self.code, 0, "{}", self.err);
        serde_json::from_str(&self.out).unwrap()
    }

    /// What a program is told of a failure: the state and the hint.
    fn failure(&self) -> (String, String) {
        assert_ne!(self.code, 0, "{}", self.out);
        let line = self.err.lines().last().unwrap();
        let error: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{}", self.err));
        let text = |name: &str| error["error"][name].as_str().unwrap_or_default().to_owned();
        (text("state"), text("hint"))
    }
}

/// What a browser gets from an address: the status, and where it is sent.
async fn visit(url: &str) -> (u16, Option<String>) {
    let transport = HttpTransport::new(&UpstreamOptions::default()).unwrap();
    let request = http::Request::get(url).body(Payload::from(Bytes::new())).unwrap();
    let answer = transport.send(request, &Egress::direct(true)).await.unwrap();
    let location = answer.headers().get("location").map(|location| location.to_str().unwrap().to_owned());
    (answer.status().as_u16(), location)
}

/// Asks the relay with a key, and gives the status and the answer.
async fn chat(server: &Server, key: &str) -> (u16, String) {
    let body = json!({"model": "claude-sonnet-4-5", "max_tokens": 64,
        "messages": [{"role": "user", "content": "hello"}]});
    let answer = server.post(key, &body).await.unwrap();
    (answer.status, answer.text().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_browser_on_this_machine_brings_the_code() {
    let desk = Desk::new("inference").await;
    let key = desk.bench.create_key("team");
    let server = desk.bench.serve();
    let login = desk.log_in(&format!("{} --name ada", desk.preset()));
    assert_eq!(login.task["flow"], "code");
    let brought = desk.allow(&login).await;
    assert!(brought.starts_with("http://127.0.0.1:"), "{brought}");
    // A stranger's answer changes nothing.
    let foreign = brought.replace("state=", "state=x");
    assert_eq!(visit(&foreign).await.0, 400);
    desk.browse(&brought).await;
    let saved = login.end().saved();
    assert_eq!((saved["name"].as_str(), saved["auth"].as_str()), (Some("ada"), Some("o-auth")));
    assert!(saved["notices"].to_string().contains("ada@sandbox.example"), "{saved}");
    let (status, text) = chat(&server, &key).await;
    assert_eq!(status, 200, "{text}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_pasted_where_no_relay_runs() {
    let desk = Desk::new("inference").await;
    let mut login = desk.log_in(&format!("{} --name ada --paste --priority 7", desk.preset()));
    let brought = desk.allow(&login).await;
    login.paste("this is no code");
    login.paste(&brought.replace("state=", "state=x"));
    login.paste(&brought);
    let ended = login.end();
    assert!(ended.err.contains("there is no code"), "{}", ended.err);
    assert!(ended.err.contains("another sign-in"), "{}", ended.err);
    let saved = ended.saved();
    assert_eq!((saved["priority"].as_u64(), saved["has_credential"].as_bool()), (Some(7), Some(true)));
    // The relay that starts afterwards has it.
    let key = desk.bench.create_key("team");
    let server = desk.bench.serve();
    assert_eq!(chat(&server, &key).await.0, 200);
    server.stop().await;
}
