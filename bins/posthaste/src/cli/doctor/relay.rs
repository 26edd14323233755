//! The store, and the relay that runs on it.

use std::{
    io,
    net::{SocketAddr, TcpListener},
};

use posthaste_admin::{Command as Work, Reply, StatusView};

use super::Finding;
use crate::{
    Config,
    cli::{session::Session, web},
};

pub(super) async fn look(config: &Config) -> Vec<Finding> {
    let session = match Session::open(config, &Work::Status).await {
        Ok(session) => session,
        Err(failure) => {
            let fix = "what is said there; docs/OPERATIONS.md, Troubleshooting, has more";
            return vec![Finding::bad("store", failure.line(), fix)];
        }
    };
    match session.execute(Work::Status).await {
        Ok(Reply::Status(status)) => told(config, &status),
        Ok(_) => vec![Finding::bad("relay", "answers something else", "use the program of the same version")],
        Err(failure) => vec![Finding::bad("store", failure.line(), "what is said there")],
    }
}

fn told(config: &Config, status: &StatusView) -> Vec<Finding> {
    let mut found = Vec::new();
    match &status.store_away {
        Some(away) => found.push(Finding::bad(
            "store",
            format!("{} has been away since {}: {}", status.store, away.since, away.reason),
            "bring it back; requests are served meanwhile, and limits kept as their on-loss says",
        )),
        None => found.push(Finding::good("store", status.store.clone())),
    }
    if status.version != env!("CARGO_PKG_VERSION") {
        let seen =
            format!("the relay has version {}, this program {}", status.version, env!("CARGO_PKG_VERSION"));
        found.push(Finding::odd("version", seen, "use the program of the same version"));
    }
    match &status.server {
        Some(server) => {
            found.push(Finding::good("relay", format!("running for {} s", server.uptime_seconds)));
            if let Some(spool) = server.spool.as_ref().filter(|spool| spool.failing || spool.damaged > 0) {
                let seen = format!("{} rows wait, {} files are damaged", spool.rows, spool.damaged);
                found.push(Finding::bad("spool", seen, "docs/OPERATIONS.md, Redis"));
            }
        }
        None if config.elsewhere.is_some() => {}
        None => found.extend(ports(config)),
    }
    if status.accounts.is_empty() {
        found.push(Finding::odd("accounts", "there are none", "posthaste accounts add"));
    }
    if status.keys.total == 0 {
        found.push(Finding::odd("client keys", "there are none", "posthaste keys create --name NAME"));
    }
    found
}

/// Whether the relay could listen.
fn ports(config: &Config) -> Vec<Finding> {
    let address = config.server.listen;
    let main = match TcpListener::bind(address) {
        Ok(_) => Finding::odd("relay", "does not run", format!("posthaste serve; {address} is free")),
        Err(error) => taken(address, &error, "stop the other program there, or set server.listen"),
    };
    let events = config.server.events_listen.address().and_then(|address| {
        let error = TcpListener::bind(address).err()?;
        let advice =
            "stop the other program there, or set server.events_listen to another address or to `off`";
        Some(taken(address, &error, advice))
    });
    [main].into_iter().chain(events).collect()
}

fn taken(address: SocketAddr, error: &io::Error, advice: &str) -> Finding {
    Finding::bad("relay", format!("does not run, and {address} cannot be listened on: {error}"), advice)
}

/// What `/health` says at an address, for who looks at the way there.
pub(super) async fn health(base: &str) -> Result<web::Answered, String> {
    let request = http::Request::get(format!("{base}/health"))
        .body(posthaste_core::Payload::from(bytes::Bytes::new()))
        .map_err(|_| "that is no address".to_owned())?;
    web::ask(request, PATIENCE).await
}

const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);
