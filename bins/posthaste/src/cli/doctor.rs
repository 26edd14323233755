//! `posthaste doctor`: what is not as it should be, and what to do about it.

mod accounts;
mod here;
mod path;
mod relay;
mod through;

use std::time::Duration;

use clap::Args;
use serde::Serialize;

use super::{Failure, Global, Output, load, with_flags};
use crate::{Config, reload::ConfigSource};

#[derive(Args, Debug)]
pub(super) struct Doctor {
    /// Only these accounts (name or id); without it all that are switched on
    #[arg(long, value_name = "ACCOUNT")]
    account: Vec<String>,
    /// Ask no vendor: accounts are not tried, which costs a few tokens each
    #[arg(long, conflicts_with = "account")]
    offline: bool,
    /// The address by which clients reach the relay, through whatever proxy: the way there is looked at as well
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Try the way to the running relay through the proxy at this address: whether streams come one by one and uncompressed,
    /// silence and large bodies pass, WebSockets open, and the relay is told who asks
    #[arg(long, value_name = "URL")]
    through: Option<String>,
    /// How long a silence --through tries, in seconds, at most 300
    #[arg(long, value_name = "SECONDS", default_value_t = 20, requires = "through",
        value_parser = clap::value_parser!(u64).range(1..=300))]
    idle: u64,
    /// Tell the settings that this client needs
    #[arg(long, value_enum, value_name = "CLIENT")]
    client: Option<super::clients::Client>,
}

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Finding {
    /// What was looked at.
    pub(super) what: String,
    /// How it is.
    pub(super) state: State,
    /// What was seen.
    pub(super) seen: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fix: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    Good,
    /// It works, and somebody should look at it all the same.
    Odd,
    Bad,
    /// It could not be looked at, or nobody wanted it.
    Skipped,
}

impl Finding {
    pub(super) fn good(what: impl Into<String>, seen: impl Into<String>) -> Self {
        Self { what: what.into(), state: State::Good, seen: seen.into(), fix: None }
    }

    pub(super) fn odd(what: impl Into<String>, seen: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { what: what.into(), state: State::Odd, seen: seen.into(), fix: Some(fix.into()) }
    }

    pub(super) fn bad(what: impl Into<String>, seen: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { what: what.into(), state: State::Bad, seen: seen.into(), fix: Some(fix.into()) }
    }

    pub(super) fn skipped(what: impl Into<String>, seen: impl Into<String>) -> Self {
        Self { what: what.into(), state: State::Skipped, seen: seen.into(), fix: None }
    }
}

/// Looks at everything, from near to far; what is far is not looked at while what it needs is not in order.
pub(super) async fn run(doctor: Doctor, global: &Global, out: &Output) -> Result<(), Failure> {
    let source = with_flags(global, Vec::new())?;
    let found = match configuration(&source) {
        Err(findings) => findings,
        Ok(finding) => {
            let config = load(global)?;
            let mut found = vec![finding];
            found.extend(look(&doctor, &config).await);
            found
        }
    };
    let bad = found.iter().filter(|finding| finding.state == State::Bad).count();
    let url = doctor.url.as_deref().unwrap_or("http://127.0.0.1:3001").trim_end_matches('/');
    let settings = doctor.client.map(|client| super::clients::settings(client, url)).transpose()?;
    out.show(&serde_json::json!({ "ok": bad == 0, "findings": found, "client": settings }), || {
        let mut text = found.iter().map(line).collect::<Vec<_>>().join("\n");
        if let Some(settings) = &settings {
            text.push_str(&format!("\n\nsettings of the client:\n{settings}"));
        }
        text
    })?;
    match bad {
        0 => Ok(()),
        1 => Err(Failure::failed("one thing is not in order")),
        several => Err(Failure::failed(format!("{several} things are not in order"))),
    }
}

async fn look(doctor: &Doctor, config: &Config) -> Vec<Finding> {
    let mut found = Vec::new();
    if config.elsewhere.is_none() {
        found.extend(here::look(config));
    }
    found.extend(relay::look(config).await);
    if found.iter().all(|finding| finding.state != State::Bad) {
        found.extend(accounts::look(config, &doctor.account, doctor.offline).await);
    } else {
        found.push(Finding::skipped("accounts", "looked at once the rest is in order"));
    }
    if let Some(url) = &doctor.url {
        found.extend(path::look(url).await);
    }
    if let Some(url) = &doctor.through {
        found.extend(Box::pin(through::look(config, url, Duration::from_secs(doctor.idle))).await);
    }
    found
}

fn configuration(source: &ConfigSource) -> Result<Finding, Vec<Finding>> {
    match source.read() {
        Ok(config) => {
            drop(config);
            let file = source.file.as_ref().map_or_else(String::new, |file| format!(" ({})", file.display()));
            Ok(Finding::good("configuration", format!("in order{file}")))
        }
        Err(errors) => {
            let finding = |error| Finding::bad("configuration", error, "docs/CONFIG.md lists every key");
            Err(errors.into_iter().map(finding).collect())
        }
    }
}

fn line(finding: &Finding) -> String {
    let sign = match finding.state {
        State::Good => "ok",
        State::Odd => "look",
        State::Bad => "BAD",
        State::Skipped => "-",
    };
    let mut text = format!("{sign:>4}  {}: {}", finding.what, finding.seen);
    if let Some(fix) = &finding.fix {
        text.push_str(&format!("\n      do: {fix}"));
    }
    text
}
