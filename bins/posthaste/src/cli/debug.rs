//! `posthaste debug`: what somebody who helps has to see.

use std::{
    fs::File,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use clap::Args;
use posthaste_admin::{Command as Work, LogInput, Reply};
use posthaste_core::{Clock, SystemClock};
use serde_json::{Value, json};

use super::{Failure, Output, session::Session};
use crate::Config;

#[derive(Args, Debug)]
pub(super) struct Debug {
    /// The new file, or `-` for standard output; one that is there already is never written over
    #[arg(long, value_name = "FILE", default_value = "posthaste-debug.json")]
    to: PathBuf,
    /// How many of the latest log lines go with it, 0 to 1000
    #[arg(long, value_name = "N", default_value_t = 500)]
    logs: usize,
}

/// Writes a bundle for those who help. There is no secret in it, nor anybody's prompt or answer; names of accounts, keys and
/// models are.
pub(super) async fn run(debug: Debug, config: &Config, out: &Output) -> Result<(), Failure> {
    let to_file = debug.to.as_os_str() != "-";
    if to_file && debug.to.exists() {
        return Err(Failure::conflict(format!("{} exists already", debug.to.display()))
            .hint("name a new file: --to FILE"));
    }
    let mut session = Session::open(config, &Work::Status).await?;
    let mut parts = serde_json::Map::new();
    for (name, work) in pieces(debug.logs) {
        // What cannot be told is a finding, too.
        let told = match session.call(work).await {
            Ok(reply) => value(&reply),
            Err(failure) => json!({ "failed": failure.line() }),
        };
        parts.insert(name.to_owned(), told);
    }
    session.close().await?;
    let settings: Vec<_> = config
        .show()
        .into_iter()
        .map(|shown| json!({ "path": format!("{}.{}", shown.section, shown.key), "value": shown.value }))
        .collect();
    let bundle = json!({
        "program": { "version": env!("CARGO_PKG_VERSION"), "os": std::env::consts::OS, "arch": std::env::consts::ARCH },
        "made_at": SystemClock.now(),
        "configuration_here": settings,
        "relay": parts,
    });
    if !to_file {
        return Output::new(true).show(&bundle, String::new);
    }
    write_new(&debug.to, &bundle)?;
    let file = debug.to.display().to_string();
    out.show(&json!({ "file": file }), || {
        format!("{file} holds what somebody who helps has to see: no secrets, no prompts; names of accounts and keys. Look through it before you send it.")
    })
}

fn pieces(logs: usize) -> Vec<(&'static str, Work)> {
    let mut pieces = vec![
        ("status", Work::Status),
        ("system", Work::System),
        ("settings", Work::Settings),
        ("accounts", Work::ListAccounts),
        ("pools", Work::ListPools),
        ("routes", Work::ListRoutes),
        ("prices", Work::PriceStatus),
        ("unpriced", Work::ListUnpriced),
    ];
    if logs > 0 {
        let latest = LogInput { limit: Some(logs.min(1_000)), ..LogInput::default() };
        pieces.push(("logs", Work::ListLogs(latest)));
    }
    pieces
}

/// The reply without the name of its kind.
fn value(reply: &Reply) -> Value {
    serde_json::to_value(reply).map_or(Value::Null, |mut reply| reply["value"].take())
}

fn write_new(path: &Path, bundle: &Value) -> Result<(), Failure> {
    let written = File::options().write(true).create_new(true).mode(0o600).open(path).and_then(|mut file| {
        serde_json::to_writer_pretty(&mut file, bundle)?;
        file.write_all(b"\n")
    });
    written.map_err(|error| {
        Failure::failed(format!("{} cannot be written", path.display())).caused_by(error.to_string())
    })
}
