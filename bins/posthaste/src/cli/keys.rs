//! `posthaste keys`

mod trial;
pub(super) mod view;

use clap::{Args, Subcommand};
use posthaste_admin::{
    BindingInput, CaptureInput, Command as Work, ExpiryInput, KeyChange, NewKey, PlaceInput, PolicyInput,
    QueueInput, Reply, parse_length, parse_limit,
};
use posthaste_core::{Limit, QueueRules, Timestamp};

use super::{
    Failure, Output,
    going::Going,
    input,
    session::{Session, unexpected},
};
use crate::{Config, config::ByteSize};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    #[command(flatten)]
    Record(Box<Record>),
    /// Try a client key out: send a relay one small request with it, as a client does
    Test(trial::Trial),
}

#[derive(Debug, Subcommand)]
pub(super) enum Record {
    /// Make a client key; it is shown this once
    Create(Create),
    /// List all client keys
    List {
        /// Those that are deleted instead
        #[arg(long)]
        deleted: bool,
    },
    /// Show one client key
    Show(Which),
    /// Change a client key; what is not named stays as it is
    #[command(visible_alias = "edit")]
    Update(Update),
    /// Close a client key for good; its record stays
    Revoke(Going<Which>),
    /// Delete a client key; it can be restored, and what it used stays in the books
    Delete(Which),
    /// Make a deleted client key what it was; its secret opens again
    Restore {
        /// The key's id, or the name that it had
        key: String,
        /// Another name, where its own is another key's by now
        #[arg(long)]
        name: Option<String>,
    },
    /// Drop a deleted client key's record for good; what it used stays in the books
    Purge(Going<Which>),
    /// Give a client key another secret; it is shown this once, and the one before opens nothing any more
    Regenerate(Going<Which>),
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
    /// Why it is switched off; whoever presents it is told; '' for no reason
    #[arg(long, value_name = "TEXT")]
    because: Option<String>,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Args, Debug)]
struct Settings {
    /// End at this date (its start, UTC) or moment: 2027-01-31 or 2027-01-31T18:00:00Z
    #[arg(long, value_name = "DATE", value_parser = input::moment, group = "expiry")]
    expires_at: Option<Timestamp>,
    /// End so long from now: 12h, 30d
    #[arg(long, value_name = "LENGTH", value_parser = parse_length, group = "expiry")]
    expires_in: Option<u64>,
    /// End so long after the first use: 12h, 30d; a number alone counts days
    #[arg(long, value_name = "LENGTH", value_parser = days_or_length, group = "expiry")]
    expires_after_first_use: Option<u64>,
    /// End so much later than it would, from now on where it has ended: 12h, 30d
    #[arg(long, value_name = "LENGTH", value_parser = parse_length, group = "expiry")]
    extend: Option<u64>,
    /// Never end
    #[arg(long, group = "expiry")]
    never_expires: bool,
    /// Open only these models; `*` stands for any text; may be repeated or separated by commas; '' for all
    #[arg(long = "allow-model", visible_alias = "allow", value_name = "MODEL", value_delimiter = ',')]
    allow: Option<Vec<String>>,
    /// Do not open these models, whatever is allowed
    #[arg(long = "deny-model", visible_alias = "deny", value_name = "MODEL", value_delimiter = ',')]
    deny: Option<Vec<String>>,
    /// Allow so much, such as `requests=100/5h`, `cost=25/month,on-loss=closed`, `concurrency=4`; may be repeated, replaces all
    #[arg(long, value_name = "LIMIT", value_parser = parse_limit)]
    limit: Option<Vec<Limit>>,
    /// Drop all limits
    #[arg(long, conflicts_with = "limit")]
    no_limits: bool,
    /// Use accounts of these providers only, such as `anthropic`; '' for all
    #[arg(long, value_name = "PROVIDER", value_delimiter = ',')]
    provider: Option<Vec<String>>,
    /// Open for these clients only, such as `claude-code` or the user agent `my-agent/*`; they declare themselves, so this
    /// keeps nobody out who does not want to be; '' for all
    #[arg(long, value_name = "CLIENT", value_delimiter = ',')]
    client: Option<Vec<String>>,
    /// Open for these addresses and networks only, such as `192.0.2.0/24`; '' for all. Behind a proxy set
    /// server.trusted_proxies
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',')]
    allow_ip: Option<Vec<String>>,
    /// Bill a dollar of cost as so much, such as `1.25`
    #[arg(long, value_name = "FACTOR")]
    multiplier: Option<String>,
    /// Give tool calls that an interrupted session left without a result an error result, so that it can go on
    #[arg(long, value_name = "BOOL")]
    repair_conversations: Option<bool>,
    /// A word for sorting; may be repeated or separated by commas, replaces all; '' for none
    #[arg(long, value_name = "TAG", value_delimiter = ',')]
    tag: Option<Vec<String>>,
    /// A word more for sorting; may be repeated or separated by commas
    #[arg(long, value_name = "TAG", value_delimiter = ',')]
    add_tag: Vec<String>,
    /// A word less for sorting
    #[arg(long, value_name = "TAG", value_delimiter = ',')]
    remove_tag: Vec<String>,
    /// Let only these accounts serve it: pool:NAME or account:NAME; '' for all
    #[arg(long, value_name = "PLACE", value_parser = place, group = "binding")]
    bind: Option<Place>,
    /// Let these accounts serve it first, and all others when they cannot: pool:NAME or account:NAME
    #[arg(long, value_name = "PLACE", value_parser = place, group = "binding")]
    prefer: Option<Place>,
    /// Let so many requests wait in line while its concurrency is used up, each for so long: 20/30s; '' for none
    #[arg(long, value_name = "LENGTH/TIME", value_parser = line)]
    queue: Option<QueueInput>,
    /// Keep the bodies of its requests and answers for so long from now, with secrets masked, for `explain --bodies`: 30m,
    /// 2h; at most 7d; '' to stop
    #[arg(long, value_name = "DURATION", value_parser = capture)]
    capture: Option<Captures>,
    /// Keep so much of each body: 32KiB unless said otherwise, at most 256KiB
    #[arg(long, value_name = "BYTES", value_parser = size, requires = "capture")]
    capture_max: Option<u32>,
    /// The owner whose it is, by name or id (`posthaste owners`), with whose other keys it shares the owner's limits; '' for
    /// nobody. Its counters begin anew with another owner
    #[arg(long, value_name = "OWNER")]
    owner: Option<String>,
}

impl Settings {
    fn expiry(&self) -> Option<ExpiryInput> {
        let at = self.expires_at.map(|at| ExpiryInput::At { at });
        let soon = self.expires_in.map(|seconds| ExpiryInput::In { seconds });
        let later = self.expires_after_first_use.map(|seconds| ExpiryInput::FromFirstUse { seconds });
        let extended = self.extend.map(|seconds| ExpiryInput::Extend { seconds });
        at.or(soon).or(later).or(extended).or(self.never_expires.then_some(ExpiryInput::Never))
    }

    fn capture_for(&self, seconds: Option<u64>) -> CaptureInput {
        let most_bytes = self.capture_max.unwrap_or(CaptureInput::USUAL_BYTES);
        seconds.map_or(CaptureInput::None, |seconds| CaptureInput::For { seconds, most_bytes })
    }

    fn policy(&mut self) -> PolicyInput {
        PolicyInput {
            providers: input::list(self.provider.take()),
            clients: input::list(self.client.take()),
            networks: input::list(self.allow_ip.take()),
            multiplier: self.multiplier.take(),
            repair_conversations: self.repair_conversations,
            tags: input::list(self.tag.take()),
            add_tags: std::mem::take(&mut self.add_tag),
            remove_tags: std::mem::take(&mut self.remove_tag),
            owner: self.owner.take(),
            binding: match (self.bind.take(), self.prefer.take()) {
                (Some(Place(Some(place))), _) => Some(BindingInput::Strict(place)),
                (_, Some(Place(Some(place)))) => Some(BindingInput::First(place)),
                (Some(Place(None)), _) | (_, Some(Place(None))) => Some(BindingInput::None),
                (None, None) => None,
            },
            queue: self.queue,
            capture: self.capture.map(|Captures(seconds)| self.capture_for(seconds)),
        }
    }
}

pub(super) async fn run(command: Command, config: &Config, out: &Output) -> Result<(), Failure> {
    let work = match command {
        Command::Record(command) => work(*command)?,
        Command::Test(trial) => return trial::run(trial, config, out).await,
    };
    let session = Session::open(config, &work).await?;
    let gone = match work {
        Work::DeleteKey { .. } => Some("deleted; `posthaste keys restore` brings it back"),
        Work::PurgeKey { .. } => Some("dropped for good"),
        _ => None,
    };
    match session.execute(work).await? {
        Reply::CreatedKey(created) => out.show(&created, || view::created(&created)),
        Reply::Keys(keys) => out.show(&keys, || view::table(&keys)),
        Reply::Key(key) => out.show(&key, || match gone {
            Some(gone) => format!("client key `{}` is {gone}", key.name),
            None => view::one(&key),
        }),
        Reply::Usage(usage) => out.show(&usage, || view::usage(&usage)),
        _ => Err(unexpected()),
    }
}

fn work(command: Record) -> Result<Work, Failure> {
    Ok(match command {
        Record::Create(mut create) => Work::CreateKey(NewKey {
            policy: create.settings.policy(),
            name: create.name,
            expiry: create.settings.expiry().unwrap_or_default(),
            allow: input::list(create.settings.allow).unwrap_or_default(),
            deny: input::list(create.settings.deny).unwrap_or_default(),
            limits: create.settings.limit.unwrap_or_default(),
        }),
        Record::List { deleted: false } => Work::ListKeys,
        Record::List { deleted: true } => Work::ListDeletedKeys,
        Record::Show(which) => Work::ShowKey { key: which.key },
        Record::Update(mut update) => Work::UpdateKey {
            key: update.key,
            change: KeyChange {
                policy: update.settings.policy(),
                name: update.name,
                enabled: update.enabled,
                disabled_because: update.because,
                expiry: update.settings.expiry(),
                allow: input::list(update.settings.allow),
                deny: input::list(update.settings.deny),
                limits: if update.settings.no_limits { Some(Vec::new()) } else { update.settings.limit },
            },
        },
        Record::Revoke(going) => {
            let which = going.sure(|which| format!("close the client key {} for good", which.key))?;
            Work::RevokeKey { key: which.key }
        }
        Record::Delete(which) => Work::DeleteKey { key: which.key },
        Record::Restore { key, name } => Work::RestoreKey { key, name },
        Record::Purge(going) => {
            let which =
                going.sure(|which| format!("drop the record of the client key {} for good", which.key))?;
            Work::PurgeKey { key: which.key }
        }
        Record::Regenerate(going) => {
            let which = going.sure(|which| {
                format!("give {} another secret, so that the present one opens nothing any more", which.key)
            })?;
            Work::RegenerateKey { key: which.key }
        }
        Record::Usage(which) => Work::KeyUsage { key: which.key },
    })
}

/// A pool or an account; none where the text is empty.
#[derive(Clone, Debug)]
struct Place(Option<PlaceInput>);

fn place(text: &str) -> Result<Place, String> {
    let named = |name: &str| Some(name.trim().to_owned()).filter(|name| !name.is_empty());
    match text.split_once(':') {
        None if text.trim().is_empty() => Ok(Place(None)),
        Some(("pool", name)) if named(name).is_some() => Ok(Place(named(name).map(PlaceInput::Pool))),
        Some(("account", name)) if named(name).is_some() => Ok(Place(named(name).map(PlaceInput::Account))),
        _ => Err("expected pool:NAME or account:NAME, or nothing for all".to_owned()),
    }
}

fn line(text: &str) -> Result<QueueInput, String> {
    const EXPECTED: &str = "expected LENGTH/TIME such as 20/30s, or nothing for none";
    if text.trim().is_empty() {
        return Ok(QueueInput::None);
    }
    let (length, patience) = text.split_once('/').ok_or(EXPECTED)?;
    let length = length.trim().parse().map_err(|_| EXPECTED)?;
    let patience = input::duration(patience.trim()).map_err(|_| EXPECTED)?;
    let patience_ms = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
    Ok(QueueInput::Line(QueueRules { length, patience_ms }))
}

/// For how many seconds bodies are kept; none where the text is empty.
#[derive(Clone, Copy, Debug)]
struct Captures(Option<u64>);

fn capture(text: &str) -> Result<Captures, String> {
    if text.trim().is_empty() {
        return Ok(Captures(None));
    }
    parse_length(text).map(|seconds| Captures(Some(seconds)))
}

fn size(text: &str) -> Result<u32, String> {
    let size = ByteSize::parse_text(text).and_then(|size| u32::try_from(size.bytes()).ok());
    size.ok_or_else(|| "expected a size such as `64KiB` or a number of bytes".to_owned())
}

fn days_or_length(text: &str) -> Result<u64, String> {
    let days = text.trim().parse::<u32>().ok();
    days.map_or_else(|| parse_length(text), |days| Ok(u64::from(days) * SECONDS_A_DAY))
}

const SECONDS_A_DAY: u64 = 86_400;
