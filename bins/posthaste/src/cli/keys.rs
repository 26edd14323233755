//! `posthaste keys`

pub(super) mod view;

use clap::{Args, Subcommand};
use posthaste_admin::{Command as Work, ExpiryInput, KeyChange, NewKey, Reply, parse_limit};
use posthaste_core::{Limit, Timestamp};

use super::{
    Failure, Output, input,
    session::{Session, unexpected},
};
use crate::Config;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a client key; it is shown this once
    Create(Create),
    /// List all client keys
    List,
    /// Show one client key
    Show(Which),
    /// Change a client key; what is not named stays as it is
    Update(Update),
    /// Close a client key for good; its record stays
    Revoke(Which),
    /// Remove a client key's record; what it used stays in the books
    Delete(Which),
    /// Show what a client key used: in all, by model, by day
    Usage(Which),
}

#[derive(Args, Debug)]
pub(super) struct Which {
    /// The key's name or id (not the secret)
    key: String,
}

#[derive(Args, Debug)]
pub(super) struct Create {
    /// A name for it, unique
    #[arg(long)]
    name: String,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Args, Debug)]
pub(super) struct Update {
    /// The key's name or id (not the secret)
    key: String,
    /// Another name for it
    #[arg(long)]
    name: Option<String>,
    /// Switch it on or off
    #[arg(long, value_name = "BOOL")]
    enabled: Option<bool>,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Args, Debug)]
struct Settings {
    /// End at this date (its start, UTC) or moment: 2027-01-31 or 2027-01-31T18:00:00Z
    #[arg(long, value_name = "DATE", value_parser = input::moment, group = "expiry")]
    expires_at: Option<Timestamp>,
    /// End this many days after the first use
    #[arg(long, value_name = "DAYS", group = "expiry")]
    expires_after_first_use: Option<u32>,
    /// Never end
    #[arg(long, group = "expiry")]
    never_expires: bool,
    /// Open only these models; `*` stands for any text; may be repeated or separated by commas; '' for all
    #[arg(long, value_name = "MODEL", value_delimiter = ',')]
    allow: Option<Vec<String>>,
    /// Do not open these models
    #[arg(long, value_name = "MODEL", value_delimiter = ',')]
    deny: Option<Vec<String>>,
    /// Allow so much, such as `requests=100/5h`, `cost=25/month`, `concurrency=4`; may be repeated, replaces all
    #[arg(long, value_name = "LIMIT", value_parser = parse_limit)]
    limit: Option<Vec<Limit>>,
    /// Drop all limits
    #[arg(long, conflicts_with = "limit")]
    no_limits: bool,
}

impl Settings {
    fn expiry(&self) -> Option<ExpiryInput> {
        match (self.expires_at, self.expires_after_first_use) {
            (Some(at), _) => Some(ExpiryInput::At { at }),
            (None, Some(days)) => Some(ExpiryInput::DaysFromFirstUse { days }),
            (None, None) => self.never_expires.then_some(ExpiryInput::Never),
        }
    }
}

pub(super) async fn run(command: Command, config: &Config, out: &Output) -> Result<(), Failure> {
    let work = work(command);
    let session = Session::open(config, &work).await?;
    let deleted = matches!(work, Work::DeleteKey { .. });
    match session.execute(work).await? {
        Reply::CreatedKey(created) => out.show(&created, || view::created(&created)),
        Reply::Keys(keys) => out.show(&keys, || view::table(&keys)),
        Reply::Key(key) if deleted => out.show(&key, || format!("client key `{}` is removed", key.name)),
        Reply::Key(key) => out.show(&key, || view::one(&key)),
        Reply::Usage(usage) => out.show(&usage, || view::usage(&usage)),
        _ => Err(unexpected()),
    }
}

fn work(command: Command) -> Work {
    match command {
        Command::Create(create) => Work::CreateKey(NewKey {
            name: create.name,
            expiry: create.settings.expiry().unwrap_or_default(),
            allow: input::list(create.settings.allow).unwrap_or_default(),
            deny: input::list(create.settings.deny).unwrap_or_default(),
            limits: create.settings.limit.unwrap_or_default(),
        }),
        Command::List => Work::ListKeys,
        Command::Show(which) => Work::ShowKey { key: which.key },
        Command::Update(update) => Work::UpdateKey {
            key: update.key,
            change: KeyChange {
                name: update.name,
                enabled: update.enabled,
                expiry: update.settings.expiry(),
                allow: input::list(update.settings.allow),
                deny: input::list(update.settings.deny),
                limits: if update.settings.no_limits { Some(Vec::new()) } else { update.settings.limit },
            },
        },
        Command::Revoke(which) => Work::RevokeKey { key: which.key },
        Command::Delete(which) => Work::DeleteKey { key: which.key },
        Command::Usage(which) => Work::KeyUsage { key: which.key },
    }
}
