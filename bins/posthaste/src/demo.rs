//! `posthaste demo`: the whole product in one command, with no account anywhere.

use std::{
    fs,
    future::pending,
    io::{self, Write},
    net::{Ipv4Addr, SocketAddr},
    os::unix::fs::PermissionsExt,
    path::Path,
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, ensure};
use bytes::Bytes;
use http_body_util::BodyExt;
use posthaste_admin::{Actor, Admin, Disclosed, NewAccount, NewKey, NewUser};
use posthaste_core::{Egress, Payload, RelayBody, Role, Secret, Transport};
use posthaste_http::{ServerOptions, door_router};
use posthaste_sandbox::{SANDBOX_BASE_URL, Sandbox, SandboxOptions, SandboxOr};
use posthaste_upstream::{HttpTransport, UpstreamOptions};
use posthaste_wire::FrameSplitter;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;
use uuid::Uuid;

use crate::{
    Config,
    config::{Listen, StoreKind, Urls, VaultSection},
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
    if let Listen::At(wanted) = config.server.events_listen {
        config.server.events_listen = Listen::At(free_or_any(wanted).await);
    }
    let sandbox = Sandbox::new(SandboxOptions { event_pause: EVENT_PAUSE, ..SandboxOptions::default() });
    let pages =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("no free port for the sandbox's pages")?;
    show_pages_at(&mut config, pages.local_addr()?)?;
    let running = Running::start(&config, None, transport(&config, sandbox.clone())?).await?;
    let base = reachable(running.address);
    let furnished = furnish(&running.admin).await?;

    let serving = end_orderly(running, &mut signals);
    let showing = show(&base, &furnished, folder.path());
    let door = door_router(Arc::new(sandbox), SANDBOX_BASE_URL.parse()?);
    let options = ServerOptions {
        header_read_timeout: config.server.header_read_timeout,
        idle_timeout: config.server.idle_timeout,
        unread_timeout: config.server.unread_timeout,
        shutdown_grace: Duration::ZERO,
        most_connections: usize::MAX,
        tls: None,
    };
    let open = posthaste_http::serve(pages, door, &options, pending::<()>(), pending());
    tokio::pin!(serving, open);
    let shown = async {
        tokio::select! {
            shown = showing => shown,
            _ = &mut open => Ok(()),
        }
    };
    tokio::select! {
        ended = &mut serving => return ended,
        shown = shown => shown?,
    }
    tokio::select! {
        ended = serving => ended,
        _ = open => unreachable!("nothing stops it"),
    }
}

/// Has people sent to the sandbox's pages where their browsers reach them.
fn show_pages_at(config: &mut Config, address: SocketAddr) -> anyhow::Result<()> {
    let page = |name: &str| Url::parse(&format!("http://{address}/oauth/{name}"));
    let oauth = &mut config.oauth.sandbox;
    oauth.authorize_url = Some(page("authorize")?);
    oauth.token_urls = Some(Urls(vec![page("token")?]));
    oauth.device_url = Some(page("device")?);
    Ok(())
}

/// The sandbox speaks slowly enough here to be seen speaking.
fn transport(config: &Config, sandbox: Sandbox) -> anyhow::Result<Arc<dyn Transport>> {
    let options =
        UpstreamOptions { connect_timeout: config.relay.connect_timeout, ..UpstreamOptions::default() };
    Ok(Arc::new(SandboxOr::new(sandbox, HttpTransport::new(&options)?)))
}

/// Somebody who tries things out should not have to look for a free port.
async fn free_or_any(wanted: SocketAddr) -> SocketAddr {
    match TcpListener::bind(wanted).await {
        Ok(_) => wanted,
        Err(_) => SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
    }
}

/// What is made for whoever tries things out.
struct Furnished {
    key: Secret,
    /// Opens the console, for the owner `demo`.
    password: Secret,
}

async fn furnish(admin: &Admin) -> anyhow::Result<Furnished> {
    let account =
        NewAccount { preset: "sandbox".to_owned(), name: "sandbox".to_owned(), ..NewAccount::default() };
    admin.accounts().add(account).await?;
    let created = admin.keys().create(NewKey { name: "demo".to_owned(), ..NewKey::default() }).await?;
    let password = Secret::new(Uuid::new_v4().simple().to_string());
    let owner = NewUser {
        name: OWNER.to_owned(),
        password: Some(Disclosed::new(password.clone())),
        role: Some(Role::Owner),
        ..NewUser::default()
    };
    admin.people().create(&Actor::machine(), owner).await?;
    Ok(Furnished { key: created.key.secret().clone(), password })
}

async fn show(base: &str, Furnished { key, password }: &Furnished, data: &Path) -> anyhow::Result<()> {
    say(&format!(
        "posthaste demo\n\n  relay       {base}\n  account     sandbox (built in, nothing leaves this machine)"
    ))?;
    say(&format!(
        "  console     {base}{}  name {OWNER}, password {}",
        posthaste_console::BASE,
        password.expose()
    ))?;
    say(&format!("  client key  {}\n\nOne streamed request through the relay:\n", key.expose()))?;
    let answer = ask(base, key).await?;
    ensure!(!answer.text.is_empty(), "the relay gave no answer");
    let attempts = if answer.attempts == "1" { "attempt" } else { "attempts" };
    say(&format!(
        "\n\n  {} events, {} input and {} output tokens, {} {attempts}, request {}\n",
        answer.events, answer.input_tokens, answer.output_tokens, answer.attempts, answer.request_id
    ))?;
    say(&paste_lines(base, key, data))?;
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

fn paste_lines(base: &str, key: &Secret, data: &Path) -> String {
    let (key, data) = (key.expose(), data.display());
    format!(
        "Try it yourself:

  curl -N {base}/api/v1/messages -H 'x-api-key: {key}' -H 'content-type: application/json' \\
    -d '{{\"model\":\"{MODEL}\",\"max_tokens\":200,\"stream\":true,\"messages\":[{{\"role\":\"user\",\"content\":\"Hello!\"}}]}}'

  curl {base}/openai/v1/chat/completions -H 'authorization: Bearer {key}' -H 'content-type: application/json' \\
    -d '{{\"model\":\"{MODEL}\",\"messages\":[{{\"role\":\"user\",\"content\":\"Hello!\"}}]}}'

Claude Code through this relay:

  ANTHROPIC_BASE_URL={base}/api ANTHROPIC_AUTH_TOKEN={key} claude

Log an account in at the imitation vendor, by browser or with --device, and look at the accounts:

  posthaste accounts login --preset sandbox --name me --data {data}
  posthaste accounts list --data {data}

The relay stays up until Ctrl-C; everything is forgotten then."
    )
}

/// Who logs in to the console.
const OWNER: &str = "demo";
const MODEL: &str = "claude-sonnet-5";
const EVENT_PAUSE: Duration = Duration::from_millis(40);
