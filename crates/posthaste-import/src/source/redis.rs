//! The predecessor's Redis, read directly: one SCAN over all names, then batches of reads of those that are known.
//!
//! Only reading commands are sent. A key of another type than expected answers `WRONGTYPE`, which becomes a line in the list of
//! what is not in order; so neither its index keys of newer releases nor anybody else's data disturb.

mod name;

use std::collections::{BTreeMap, BTreeSet};

use fred::{
    clients::{Client, Pipeline},
    error::{Error, ErrorKind},
    interfaces::{ClientLike, HashesInterface, KeysInterface, ServerInterface, SetsInterface},
    types::{
        Builder, Key, Value,
        config::{Config, ReconnectPolicy},
    },
};
use posthaste_core::Secret;
use serde_json::{Map, Value as Json};

use self::name::{Name, Used};
use super::known;
use crate::{
    ImportError, Progress, Step,
    found::{AccountKind, Counts, Fields, Flaw, Found, FoundAccount, FoundGroup, FoundRecord},
};

/// What reading needs to know.
#[derive(Clone, Debug, Default)]
pub struct ReadOptions {
    /// Today's date (`YYYY-MM-DD`) by the predecessor's calendar: of what it billed by day, only today's is asked for.
    pub today: String,
}

/// Reads the predecessor's data from its Redis.
///
/// # Errors
/// When the server cannot be reached or refuses, or holds nothing of the predecessor's. No message holds a part of the URL.
pub async fn read_redis(
    url: &Secret,
    options: &ReadOptions,
    progress: &Progress<'_>,
) -> Result<Found, ImportError> {
    let config = Config::from_url_centralized(url.expose()).map_err(|_| ImportError::Url)?;
    let client = Builder::from_config(config)
        .with_connection_config(|connection| {
            connection.connection_timeout = CONNECT_TIMEOUT;
            connection.internal_command_timeout = CONNECT_TIMEOUT;
        })
        .with_performance_config(|performance| performance.default_command_timeout = COMMAND_TIMEOUT)
        .set_policy(ReconnectPolicy::new_constant(3, 500))
        .build()
        .map_err(|error| failed(&error))?;
    let connection = client.init().await.map_err(|error| failed(&error))?;
    let mut reader =
        Reader { client, today: &options.today, found: Found::default(), names: Names::default() };
    let read = reader.read(progress).await;
    let _ = reader.client.quit().await;
    connection.abort();
    read?;
    if reader.found.accounts.is_empty() && reader.found.keys.is_empty() && reader.found.users.is_empty() {
        return Err(ImportError::Nothing("this Redis database"));
    }
    Ok(reader.found)
}

struct Reader<'a> {
    client: Client,
    today: &'a str,
    found: Found,
    names: Names,
}

/// What the scan has found. A scan may tell a name twice.
#[derive(Default)]
struct Names {
    accounts: BTreeSet<(AccountKind, String)>,
    keys: BTreeSet<String>,
    groups: BTreeSet<String>,
    users: BTreeSet<String>,
    admin: bool,
    used: Vec<(String, Used)>,
    settings: BTreeSet<String>,
    counted: BTreeMap<&'static str, BTreeSet<String>>,
}

impl Reader<'_> {
    async fn read(&mut self, progress: &Progress<'_>) -> Result<(), ImportError> {
        let all: u64 = self.client.dbsize().await.map_err(|error| failed(&error))?;
        let (mut cursor, mut seen) = ("0".to_owned(), 0);
        loop {
            let (next, page): (String, Vec<Key>) =
                self.client.scan_page(cursor, "*", Some(PAGE), None).await.map_err(|error| failed(&error))?;
            seen += page.len() as u64;
            progress(Step::Reading, seen.min(all), all);
            page.iter().filter_map(Key::as_str).for_each(|name| self.names.note(name, self.today));
            if self.names.used.len() >= BATCH {
                self.usage().await?;
            }
            if next == "0" {
                break;
            }
            cursor = next;
        }
        self.usage().await?;
        self.accounts().await?;
        self.keys().await?;
        self.groups().await?;
        self.users().await?;
        self.admin().await?;
        self.settings().await?;
        for (what, names) in std::mem::take(&mut self.names.counted) {
            known::count(&mut self.found.others, what, names.len() as u64);
        }
        Ok(())
    }

    async fn accounts(&mut self) -> Result<(), ImportError> {
        let (json, hashes): (Vec<_>, Vec<_>) = std::mem::take(&mut self.names.accounts)
            .into_iter()
            .partition(|(kind, _)| *kind == AccountKind::Bedrock);
        for (accounts, texts) in [(hashes, false), (json, true)] {
            let names: Vec<_> = accounts.iter().map(|(kind, id)| format!("{}{id}", kind.prefix())).collect();
            let records = if texts { self.json(&names).await? } else { self.hashes(&names).await? };
            for ((kind, id), fields) in accounts.into_iter().zip(records) {
                if let Some(fields) = fields {
                    self.found.accounts.push(FoundAccount { kind, id, fields, sealed: true });
                }
            }
        }
        Ok(())
    }

    async fn keys(&mut self) -> Result<(), ImportError> {
        let ids: Vec<_> = std::mem::take(&mut self.names.keys).into_iter().collect();
        let names: Vec<_> = ids.iter().map(|id| format!("apikey:{id}")).collect();
        let records = self.hashes(&names).await?;
        let found =
            ids.into_iter().zip(records).filter_map(|(id, fields)| Some(FoundRecord { id, fields: fields? }));
        self.found.keys.extend(found);
        Ok(())
    }

    async fn groups(&mut self) -> Result<(), ImportError> {
        let ids: Vec<_> = std::mem::take(&mut self.names.groups).into_iter().collect();
        let names: Vec<_> = ids.iter().map(|id| format!("account_group:{id}")).collect();
        let records = self.hashes(&names).await?;
        let sets: Vec<_> = ids.iter().map(|id| format!("account_group_members:{id}")).collect();
        let mut members = Vec::new();
        for chunk in sets.chunks(BATCH) {
            let pipeline = self.client.pipeline();
            for name in chunk {
                let () = pipeline.smembers(name).await.map_err(|error| failed(&error))?;
            }
            for (name, answer) in chunk.iter().zip(answers(&pipeline).await?) {
                let answer = self.usable(name, answer)?;
                members
                    .push(answer.and_then(|value| value.convert::<Vec<String>>().ok()).unwrap_or_default());
            }
        }
        for ((id, fields), mut members) in ids.into_iter().zip(records).zip(members) {
            members.sort();
            if let Some(fields) = fields {
                self.found.groups.push(FoundGroup { id, fields, members });
            }
        }
        Ok(())
    }

    async fn users(&mut self) -> Result<(), ImportError> {
        let ids: Vec<_> = std::mem::take(&mut self.names.users).into_iter().collect();
        let names: Vec<_> = ids.iter().map(|id| format!("user:{id}")).collect();
        let records = self.json(&names).await?;
        let found =
            ids.into_iter().zip(records).filter_map(|(id, fields)| Some(FoundRecord { id, fields: fields? }));
        self.found.users.extend(found);
        Ok(())
    }

    async fn admin(&mut self) -> Result<(), ImportError> {
        if !std::mem::take(&mut self.names.admin) {
            return Ok(());
        }
        for fields in self.hashes(&[name::ADMIN.to_owned()]).await?.into_iter().flatten() {
            match fields.text("username").map(|name| name.into_owned()) {
                Some(id) => self.found.admins.push(FoundRecord { id, fields }),
                None => self.flaw(name::ADMIN, "it has no username: only a part of it was written"),
            }
        }
        Ok(())
    }

    async fn settings(&mut self) -> Result<(), ImportError> {
        let names: Vec<_> = std::mem::take(&mut self.names.settings).into_iter().collect();
        let records = self.json(&names).await?;
        for (name, fields) in names.iter().zip(records) {
            match (name.as_str(), fields) {
                (name::RELAY_CONFIG, Some(fields)) => self.found.relay = fields,
                (name::SERVICE_RATES, Some(fields)) => self.found.service_rates = fields,
                (name::NOTIFICATIONS, Some(fields)) => self.found.notifications = fields,
                _ => {}
            }
        }
        Ok(())
    }

    /// Reads what was noted of client keys' use.
    async fn usage(&mut self) -> Result<(), ImportError> {
        let used = std::mem::take(&mut self.names.used);
        for chunk in used.chunks(BATCH) {
            let pipeline = self.client.pipeline();
            for (name, used) in chunk {
                let queued = if used.what.is_hash() {
                    pipeline.hgetall::<(), _>(name).await
                } else {
                    pipeline.get::<(), _>(name).await
                };
                queued.map_err(|error| failed(&error))?;
            }
            for ((name, used), answer) in chunk.iter().zip(answers(&pipeline).await?) {
                let Some(value) = self.usable(name, answer)? else { continue };
                let usage = self.found.usage.entry(used.key.clone()).or_default();
                if used.what.is_hash() {
                    used.what.set(usage, Counts::of(&fields(value)));
                } else {
                    let number = value.into_string().and_then(|text| text.parse().ok());
                    number.into_iter().for_each(|number| used.what.set_money(usage, number));
                }
            }
        }
        Ok(())
    }

    /// Hashes, each as fields; `None` where there is none any more or the key holds something else.
    async fn hashes(&mut self, names: &[String]) -> Result<Vec<Option<Fields>>, ImportError> {
        let mut read = Vec::with_capacity(names.len());
        for chunk in names.chunks(BATCH) {
            let pipeline = self.client.pipeline();
            for name in chunk {
                let () = pipeline.hgetall(name).await.map_err(|error| failed(&error))?;
            }
            for (name, answer) in chunk.iter().zip(answers(&pipeline).await?) {
                let fields = self.usable(name, answer)?.map(fields);
                read.push(fields.filter(|fields| !fields.is_empty()));
            }
        }
        Ok(read)
    }

    /// JSON objects in texts; likewise.
    async fn json(&mut self, names: &[String]) -> Result<Vec<Option<Fields>>, ImportError> {
        let mut read = Vec::with_capacity(names.len());
        for chunk in names.chunks(BATCH) {
            let pipeline = self.client.pipeline();
            for name in chunk {
                let () = pipeline.get(name).await.map_err(|error| failed(&error))?;
            }
            for (name, answer) in chunk.iter().zip(answers(&pipeline).await?) {
                let text = self.usable(name, answer)?.and_then(Value::into_string);
                let parsed = text.as_deref().map(serde_json::from_str::<Json>);
                if matches!(parsed, Some(Err(_))) {
                    self.flaw(name, "it is no JSON");
                }
                read.push(parsed.and_then(Result::ok).map(Fields::of).filter(|fields| !fields.is_empty()));
            }
        }
        Ok(read)
    }

    /// The answer, if the key is of the type that was asked for.
    fn usable(&mut self, name: &str, answer: Result<Value, Error>) -> Result<Option<Value>, ImportError> {
        match answer {
            Ok(Value::Null) => Ok(None),
            Ok(value) => Ok(Some(value)),
            Err(error) if error.details().starts_with("WRONGTYPE") => {
                self.flaw(name, "it is of another type than CRS gives it");
                Ok(None)
            }
            Err(error) => Err(failed(&error)),
        }
    }

    fn flaw(&mut self, name: &str, what: &str) {
        self.found.flaws.push(Flaw { place: name.to_owned(), what: what.to_owned() });
    }
}

impl Names {
    fn note(&mut self, name: &str, today: &str) {
        match name::read(name, today) {
            Name::Account(kind, id) => drop(self.accounts.insert((kind, id.to_owned()))),
            Name::Key(id) => drop(self.keys.insert(id.to_owned())),
            Name::Group(id) => drop(self.groups.insert(id.to_owned())),
            Name::User(id) => drop(self.users.insert(id.to_owned())),
            Name::Used(used) => self.used.push((name.to_owned(), used)),
            Name::Admin => self.admin = true,
            Name::Setting => drop(self.settings.insert(name.to_owned())),
            Name::Counted(what) => drop(self.counted.entry(what).or_default().insert(name.to_owned())),
            Name::Other => {}
        }
    }
}

async fn answers(pipeline: &Pipeline<Client>) -> Result<Vec<Result<Value, Error>>, ImportError> {
    Ok(pipeline.try_all::<Value>().await)
}

/// A hash's fields as texts.
fn fields(value: Value) -> Fields {
    let Ok(map) = value.into_map() else { return Fields::default() };
    let pairs = map
        .inner()
        .into_iter()
        .filter_map(|(name, value)| Some((name.as_str()?.to_owned(), Json::String(value.into_string()?))));
    Fields::of(Json::Object(pairs.collect::<Map<_, _>>()))
}

/// A server's message may quote what was sent to it, a password included: only its leading code is kept.
fn failed(error: &Error) -> ImportError {
    let code = error.details().split_whitespace().next().unwrap_or_default();
    let code = code.chars().all(|c| c.is_ascii_uppercase()).then_some(code).filter(|code| !code.is_empty());
    ImportError::Redis(match (error.kind(), code) {
        (ErrorKind::Timeout, _) => "no answer in time".to_owned(),
        (ErrorKind::Auth, _) | (_, Some("NOAUTH" | "WRONGPASS")) => {
            "it wants a user and password, or others".to_owned()
        }
        (_, Some(code)) => format!("it refused: {code}"),
        (kind, None) => kind.to_str().to_owned(),
    })
}

const CONNECT_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);
/// A page of names or a batch of reads; a server under load takes its time.
const COMMAND_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(30);
/// How many names are asked for at once: each call holds the server up for well under a millisecond.
const PAGE: u32 = 1_000;
/// How many keys are read at once.
const BATCH: usize = 500;
