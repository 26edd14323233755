//! `posthaste demo`: the whole product in one command, with no account anywhere.

use std::{
    fs,
    io::{self, Write},
    net::{Ipv4Addr, SocketAddr},
    os::unix::fs::PermissionsExt,
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, ensure};
use bytes::Bytes;
use http_body_util::BodyExt;
use posthaste_admin::{Admin, NewAccount, NewKey};
use posthaste_core::{Egress, Payload, RelayBody, Secret, Transport};
use posthaste_sandbox::{Sandbox, SandboxOptions, SandboxOr};
use posthaste_upstream::{HttpTransport, UpstreamOptions};
use posthaste_wire::FrameSplitter;
use serde_json::{Value, json};

use crate::{
    Config,
    config::{StoreKind, VaultSection},
    running::Running,
    serve::{Signals, end_orderly, reachable, say},
    wiring,
};

/// Runs the relay with an imitation provider and a throw-away store, sends one request through it, and stays up.
///
/// # Errors
/// When it cannot start or its own request fails.
pub async fn run(mut config: Config) -> anyhow::Result<()> {
    let mut signals = Signals::listen()?;
    let folder = tempfile::Builder::new()
        .prefix("posthaste-demo-")
        .permissions(fs::Permissions::from_mode(0o700))
        .tempdir()
        .context("no temporary folder")?;
    folder.path().clone_into(&mut config.data.dir);
    config.data.store = StoreKind::Sqlite;
    config.vault = VaultSection { master_key_file: None, master_key: None };
    // Made before the relay starts, or its log would tell one to back up what is thrown away.
    wiring::open_stores(&config).await?.close().await?;
    config.server.listen = free_or_any(config.server.listen).await;
    let running = Running::start(&config, transport(&config)?).await?;
    let base = reachable(running.address);
    let key = furnish(&running.admin).await?;

    let serving = end_orderly(running, &mut signals);
    let showing = show(&base, &key);
    tokio::pin!(serving);
    tokio::select! {
        ended = &mut serving => return ended,
        shown = showing => shown?,
    }
    serving.await
}

/// The sandbox speaks slowly enough here to be seen speaking.
fn transport(config: &Config) -> anyhow::Result<Arc<dyn Transport>> {
    let options =
        UpstreamOptions { connect_timeout: config.relay.connect_timeout, ..UpstreamOptions::default() };
    let sandbox = Sandbox::new(SandboxOptions { event_pause: EVENT_PAUSE, ..SandboxOptions::default() });
    Ok(Arc::new(SandboxOr::new(sandbox, HttpTransport::new(&options)?)))
}

/// Somebody who tries things out should not have to look for a free port.
async fn free_or_any(wanted: SocketAddr) -> SocketAddr {
    match tokio::net::TcpListener::bind(wanted).await {
        Ok(_) => wanted,
        Err(_) => SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
    }
}

async fn furnish(admin: &Admin) -> anyhow::Result<Secret> {
    let account =
        NewAccount { preset: "sandbox".to_owned(), name: "sandbox".to_owned(), ..NewAccount::default() };
    admin.accounts().add(account).await?;
    let created = admin.keys().create(NewKey { name: "demo".to_owned(), ..NewKey::default() }).await?;
    Ok(created.key.secret().clone())
}

async fn show(base: &str, key: &Secret) -> anyhow::Result<()> {
    say(&format!(
        "posthaste demo\n\n  relay       {base}\n  account     sandbox (built in, nothing leaves this machine)"
    ))?;
    say(&format!("  client key  {}\n\nOne streamed request through the relay:\n", key.expose()))?;
    let answer = ask(base, key).await?;
    ensure!(!answer.text.is_empty(), "the relay gave no answer");
    let attempts = if answer.attempts == "1" { "attempt" } else { "attempts" };
    say(&format!(
        "\n\n  {} events, {} input and {} output tokens, {} {attempts}, request {}\n",
        answer.events, answer.input_tokens, answer.output_tokens, answer.attempts, answer.request_id
    ))?;
    say(&paste_lines(base, key))?;
    Ok(())
}

#[derive(Default)]
struct Answer {
    text: String,
    events: usize,
    input_tokens: u64,
    output_tokens: u64,
    attempts: String,
    request_id: String,
}

async fn ask(base: &str, key: &Secret) -> anyhow::Result<Answer> {
    let body = json!({
        "model": MODEL, "max_tokens": 256, "stream": true,
        "messages": [{"role": "user", "content": "Say hello to whoever tries Posthaste for the first time."}],
    });
    let request = http::Request::post(format!("{base}/api/v1/messages"))
        .header("content-type", "application/json")
        .header("x-api-key", key.expose())
        .header("anthropic-version", "2023-06-01")
        .body(Payload::from(Bytes::from(body.to_string())))?;
    let client = HttpTransport::new(&UpstreamOptions::default())?;
    let response =
        client.send(request, &Egress::direct(true)).await.context("the relay cannot be reached")?;
    ensure!(response.status().is_success(), "the relay answered {}", response.status());
    let header =
        |name| response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or("").to_owned();
    let answer = Answer {
        attempts: header("x-posthaste-attempts"),
        request_id: header("x-posthaste-request-id"),
        ..Answer::default()
    };
    read_aloud(response.into_body(), answer).await
}

/// Prints the text as it comes.
async fn read_aloud(mut body: RelayBody, mut answer: Answer) -> anyhow::Result<Answer> {
    let mut splitter = FrameSplitter::new();
    while let Some(frame) = Pin::new(&mut body).frame().await {
        let Ok(piece) = frame?.into_data() else { continue };
        let mut said = String::new();
        splitter.push(&piece, |frame| {
            answer.events += 1;
            if let Ok(event) = serde_json::from_slice::<Value>(frame.data) {
                take_in(&mut answer, &event, &mut said);
            }
        })?;
        write!(io::stdout().lock(), "{said}")?;
        io::stdout().lock().flush()?;
        answer.text.push_str(&said);
    }
    Ok(answer)
}

fn take_in(answer: &mut Answer, event: &Value, said: &mut String) {
    if let Some(text) = event["delta"]["text"].as_str() {
        said.push_str(text);
    }
    for usage in [&event["message"]["usage"], &event["usage"]] {
        answer.input_tokens = usage["input_tokens"].as_u64().unwrap_or(answer.input_tokens);
        answer.output_tokens = usage["output_tokens"].as_u64().unwrap_or(answer.output_tokens);
    }
}

fn paste_lines(base: &str, key: &Secret) -> String {
    let key = key.expose();
    format!(
        "Try it yourself:

  curl -N {base}/api/v1/messages -H 'x-api-key: {key}' -H 'content-type: application/json' \\
    -d '{{\"model\":\"{MODEL}\",\"max_tokens\":200,\"stream\":true,\"messages\":[{{\"role\":\"user\",\"content\":\"Hello!\"}}]}}'

  curl {base}/openai/v1/chat/completions -H 'authorization: Bearer {key}' -H 'content-type: application/json' \\
    -d '{{\"model\":\"{MODEL}\",\"messages\":[{{\"role\":\"user\",\"content\":\"Hello!\"}}]}}'

Claude Code through this relay:

  ANTHROPIC_BASE_URL={base}/api ANTHROPIC_AUTH_TOKEN={key} claude

The relay stays up until Ctrl-C; everything is forgotten then."
    )
}

const MODEL: &str = "claude-sonnet-5";
const EVENT_PAUSE: Duration = Duration::from_millis(40);
