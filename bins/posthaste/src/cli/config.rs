//! `posthaste config`

use clap::Subcommand;
use serde_json::{Map, Value, json};

use posthaste_admin::{Command as Work, Reply};

use super::{
    Failure, Global, Output, Threads, file, load, runtime,
    session::{Session, unexpected},
};
use crate::{
    Config,
    config::{Shown, reference_markdown},
};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Look whether the configuration is in order, without starting anything
    Check,
    /// Print every key with the value that holds, secrets redacted
    Show,
    /// Have the relay that runs on the data folder read its configuration again
    Reload,
    /// Print docs/CONFIG.md
    #[command(hide = true)]
    Reference,
}

pub(super) fn run(command: &Command, global: &Global, out: &Output) -> Result<(), Failure> {
    match command {
        Command::Check => check(global, out),
        Command::Show => {
            let shown = load(global)?.show();
            out.show(&as_json(&shown), || as_toml(&shown))
        }
        Command::Reload => runtime(Threads::One)?.block_on(reload(&load(global)?, out)),
        Command::Reference => {
            let reference = reference_markdown();
            out.show(&json!({ "markdown": reference }), || reference.clone())
        }
    }
}

/// Of the settings that have another value now, and of those that wait for the next start.
async fn reload(config: &Config, out: &Output) -> Result<(), Failure> {
    let session = Session::open(config, &Work::ReloadSettings).await?;
    let Reply::Reloaded(done) = session.execute(Work::ReloadSettings).await? else {
        return Err(unexpected());
    };
    out.show(&done, || {
        let mut lines = match done.changed.is_empty() {
            true => vec!["nothing else holds than before".to_owned()],
            false => vec![format!("changed: {}", done.changed.join(", "))],
        };
        if !done.waiting.is_empty() {
            lines.push(format!("with the next start: {}", done.waiting.join(", ")));
        }
        lines.join("\n")
    })
}

fn check(global: &Global, out: &Output) -> Result<(), Failure> {
    load(global)?;
    let file = file(global.config.as_deref())?.map(|file| file.path.display().to_string());
    out.show(&json!({ "ok": true, "file": file }), || match &file {
        Some(file) => format!("the configuration is in order (file {file})"),
        None => "the configuration is in order (no file)".to_owned(),
    })
}

fn as_toml(shown: &[Shown]) -> String {
    let mut out = String::new();
    let mut section = "";
    for key in shown {
        if key.section != section {
            section = key.section;
            out.push_str(&format!("\n[{section}]\n"));
        }
        match &key.value {
            Some(value) => out.push_str(&format!("{} = {value}\n", key.key)),
            None => out.push_str(&format!("# {} is unset\n", key.key)),
        }
    }
    out.trim_start().to_owned()
}

fn as_json(shown: &[Shown]) -> Value {
    let mut sections = Map::new();
    for key in shown {
        let section = sections.entry(key.section).or_insert_with(|| json!({}));
        section[key.key] = key.value.as_deref().map_or(Value::Null, from_toml);
    }
    Value::Object(sections)
}

/// Values are shown in forms that TOML and JSON share; a text with odd escapes stays as it is shown.
fn from_toml(value: &str) -> Value {
    serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()))
}
