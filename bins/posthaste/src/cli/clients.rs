//! `posthaste clients`: settings of the agents that use the relay.

mod change;
mod document;
mod known;
mod preview;

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Subcommand};
use posthaste_core::Secret;
use serde_json::json;
use url::Url;

pub(super) use self::known::Client;
use self::{
    change::{Change, planned_removal, planned_setup},
    known::Homes,
};
use super::{
    Failure, Global, Output,
    ask::confirmed,
    input::{one_secret, secret},
    load,
    output::note,
};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Have a client use the relay: shows what changes in its settings, and writes it
    Setup(Setup),
    /// Give a client the settings back that it had before `setup`; whatever else was changed since stays
    Remove(Remove),
}

#[derive(Args, Debug)]
pub(super) struct Setup {
    /// Which
    #[arg(value_enum)]
    client: Client,
    /// Where the relay is, without a path such as /api [default: server.listen of the configuration]
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// The client key; `-` or nothing asks for it, which keeps it out of the process list and the shell's history
    #[arg(long, value_name = "KEY", value_parser = secret)]
    key: Option<Secret>,
    /// A file that holds the client key
    #[arg(long, value_name = "FILE", conflicts_with = "key")]
    key_file: Option<PathBuf>,
    #[command(flatten)]
    how: How,
}

#[derive(Args, Debug)]
pub(super) struct Remove {
    /// Which
    #[arg(value_enum)]
    client: Client,
    #[command(flatten)]
    how: How,
}

#[derive(Args, Clone, Copy, Debug)]
struct How {
    /// Show what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// The settings of a client for a relay at an address, for people to read; in the place of a key stands `cr_…`.
pub(super) fn settings(client: Client, url: &str) -> Result<String, Failure> {
    let mut lines = Vec::new();
    for file in client.files(&Homes::of_this_user()?, url, "cr_…")? {
        lines.push(format!("{}:", file.path.display()));
        lines.extend(file.entries.iter().map(|entry| format!("  {} = {}", entry.at.join("."), entry.value)));
    }
    Ok(lines.join("\n"))
}

pub(super) fn run(command: Command, global: &Global, out: &Output) -> Result<(), Failure> {
    match command {
        Command::Setup(asked) => setup(asked, global, out),
        Command::Remove(asked) => remove(&asked, out),
    }
}

fn setup(asked: Setup, global: &Global, out: &Output) -> Result<(), Failure> {
    let url = match &asked.url {
        Some(url) => relay(url)?,
        None => own_address(load(global)?.server.listen),
    };
    let key = asked.key.or_else(|| asked.key_file.is_none().then(|| Secret::new("-")));
    let key = one_secret("client key", key, asked.key_file)?
        .map(|key| key.secret().expose().trim().to_owned())
        .filter(|key| !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)))
        .ok_or_else(|| {
            Failure::usage("key: is empty, or has characters that no client key has")
                .hint("`posthaste keys create --name NAME` makes one")
        })?;
    let changes = planned_setup(&asked.client.files(&Homes::of_this_user()?, &url, &key)?)?;
    let done = carry_out(&changes, asked.how, asked.client, Some(&key), out)?;
    if done {
        asked.client.hints().iter().for_each(|hint| note(hint));
    }
    Ok(())
}

fn remove(asked: &Remove, out: &Output) -> Result<(), Failure> {
    let (changes, stays) = planned_removal(&asked.client.files(&Homes::of_this_user()?, "", "")?)?;
    stays.iter().for_each(|what| note(&format!("{what} was changed since and stays as it is")));
    carry_out(&changes, asked.how, asked.client, None, out).map(|_| ())
}

/// Shows the changes, asks and makes them; tells whether they were made.
fn carry_out(
    changes: &[Change],
    how: How,
    client: Client,
    key: Option<&str>,
    out: &Output,
) -> Result<bool, Failure> {
    let previews: Vec<_> = changes.iter().map(|change| preview::of(change, key)).collect();
    let shown = previews.concat();
    let changing = changes.iter().any(|change| !change.is_nothing());
    let name = client.name();
    if changing && !how.dry_run && !how.yes && !confirmed(&shown, &format!("change the settings of {name}"))?
    {
        return Err(Failure::failed("nothing was changed"));
    }
    if !how.dry_run {
        changes.iter().try_for_each(Change::make)?;
    }
    let files: Vec<_> = changes
        .iter()
        .zip(&previews)
        .filter(|(change, _)| !change.is_nothing())
        .map(|(change, diff)| {
            json!({ "file": change.path.display().to_string(), "backup": change.backup_path().display().to_string(), "diff": diff })
        })
        .collect();
    out.show(&json!({ "client": name, "changed": changing && !how.dry_run, "files": files }), || {
        let paths: Vec<_> = changes.iter().filter(|change| !change.is_nothing()).map(Change::told).collect();
        match (changing, how.dry_run) {
            (false, _) => format!("nothing to do: the settings of {name} are so already"),
            (true, true) => shown.clone(),
            // Whoever was not asked sees it now.
            (true, false) if how.yes => format!("{shown}{}", paths.join("\n")),
            (true, false) => paths.join("\n"),
        }
    })?;
    Ok(changing && !how.dry_run)
}

/// Where the relay is, without a slash at the end.
fn relay(text: &str) -> Result<String, Failure> {
    let refused =
        |why: &str| Failure::usage(format!("url: `{text}` {why}")).hint("such as http://127.0.0.1:3001");
    let url = Url::parse(text).map_err(|error| refused("is no URL").caused_by(error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(refused("is no address of a web server"));
    }
    if url.query().is_some()
        || url.fragment().is_some()
        || !url.username().is_empty()
        || url.password().is_some()
    {
        return Err(refused("has more than an address"));
    }
    let url = url.as_str().trim_end_matches('/');
    if let Some(base) = BASES.iter().find(|base| url.ends_with(*base)) {
        return Err(refused(&format!("ends with {base}, which this command adds where a client needs it")));
    }
    Ok(url.to_owned())
}

/// Where clients of this machine find a relay that listens there.
fn own_address(listen: SocketAddr) -> String {
    let mut at = listen;
    match at {
        SocketAddr::V4(_) if at.ip().is_unspecified() => at.set_ip([127, 0, 0, 1].into()),
        SocketAddr::V6(_) if at.ip().is_unspecified() => at.set_ip(std::net::Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    format!("http://{at}")
}

/// What clients' base URLs end with (docs/DIALECTS.md, "Base URLs").
const BASES: [&str; 6] = ["/api", "/v1", "/openai", "/gemini", "/claude", "/v1beta"];
