//! A made-up machine, and what its network answers.

use std::{
    collections::HashMap,
    io,
    path::Path,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use http::{Response, StatusCode};
use posthaste_core::{AwsKeys, Egress, full_body};
use posthaste_testkit::{FakeClock, MemoryTransport, Reply, Sent};
use posthaste_vault::aws_chain::{AwsAsk, AwsChain, AwsChainError, Machine};

pub(crate) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// A machine with these variables, files and commands, and nothing else.
#[derive(Default)]
pub(crate) struct FakeMachine {
    variables: HashMap<&'static str, String>,
    files: HashMap<&'static str, String>,
    commands: HashMap<&'static str, String>,
    /// What was run.
    ran: Mutex<Vec<String>>,
}

impl FakeMachine {
    /// A machine whose home folder is `/home/relay`.
    pub(crate) fn new() -> Self {
        Self::default().variable("HOME", "/home/relay")
    }

    pub(crate) fn variable(mut self, name: &'static str, value: &str) -> Self {
        self.variables.insert(name, value.to_owned());
        self
    }

    pub(crate) fn file(mut self, path: &'static str, text: &str) -> Self {
        self.files.insert(path, text.to_owned());
        self
    }

    pub(crate) fn command(mut self, line: &'static str, prints: &str) -> Self {
        self.commands.insert(line, prints.to_owned());
        self
    }

    pub(crate) fn config(self, text: &str) -> Self {
        self.file("/home/relay/.aws/config", text)
    }

    pub(crate) fn credentials(self, text: &str) -> Self {
        self.file("/home/relay/.aws/credentials", text)
    }
}

#[async_trait]
impl Machine for FakeMachine {
    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }

    async fn file(&self, path: &Path) -> io::Result<String> {
        let text = path.to_str().and_then(|path| self.files.get(path));
        text.cloned().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }

    async fn output(&self, command: &str) -> io::Result<String> {
        self.ran.lock().expect("no panic").push(command.to_owned());
        self.commands.get(command).cloned().ok_or_else(|| io::Error::other("it ended with exit status: 1"))
    }
}

/// A chain on a machine, and what it sent.
pub(crate) struct Bench {
    chain: AwsChain,
    transport: MemoryTransport,
}

/// `answer` answers everything that is sent.
pub(crate) fn bench(machine: FakeMachine, answer: impl Fn(&Sent) -> Reply + Send + Sync + 'static) -> Bench {
    let transport = MemoryTransport::new(answer);
    let now = "2026-11-26T12:00:00Z".parse().expect("a moment");
    let clock = Arc::new(FakeClock::at(now));
    Bench { chain: AwsChain::new(Arc::new(machine), Arc::new(transport.clone()), clock), transport }
}

/// A machine without a network.
pub(crate) fn offline(machine: FakeMachine) -> Bench {
    bench(machine, |sent| panic!("nothing is to be asked, and {} was", sent.uri))
}

impl Bench {
    pub(crate) async fn keys(&self) -> Result<AwsKeys, AwsChainError> {
        self.ask(AwsAsk::default()).await
    }

    pub(crate) async fn profile(&self, name: &str) -> Result<AwsKeys, AwsChainError> {
        self.ask(AwsAsk { profile: Some(name), region: None }).await
    }

    pub(crate) async fn ask(&self, ask: AwsAsk<'_>) -> Result<AwsKeys, AwsChainError> {
        self.chain.keys(ask, &Egress::direct(false)).await
    }

    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.transport.sent()
    }
}

/// Keys without an end.
pub(crate) fn keys(id: &str, secret: &str, token: Option<&str>) -> AwsKeys {
    AwsKeys {
        access_key_id: id.to_owned(),
        secret_access_key: posthaste_core::Secret::new(secret),
        session_token: token.map(posthaste_core::Secret::new),
        expires_at: None,
    }
}

/// An answer in plain text.
pub(crate) fn text(status: u16, body: &str) -> Reply {
    let mut response = Response::new(full_body(body.to_owned()));
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    response.into()
}

/// What the token service answers.
pub(crate) fn sts(action: &str, id: &str) -> Reply {
    text(
        200,
        &format!(
            "<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">
  <{action}Result>
    <AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/relay/posthaste</Arn></AssumedRoleUser>
    <Credentials>
      <AccessKeyId>{id}</AccessKeyId>
      <SecretAccessKey>roles-secret</SecretAccessKey>
      <SessionToken>roles-token==</SessionToken>
      <Expiration>2026-11-26T13:00:00Z</Expiration>
    </Credentials>
  </{action}Result>
</{action}Response>"
        ),
    )
}

/// The keys in [`sts`]'s answer.
pub(crate) fn roles_keys(id: &str) -> AwsKeys {
    AwsKeys {
        expires_at: "2026-11-26T13:00:00Z".parse().ok(),
        ..keys(id, "roles-secret", Some("roles-token=="))
    }
}
