//! From the predecessor's words to this relay's records.

mod account;
mod binding;
mod channel;
mod credential;
mod key;
mod limits;
mod models;
mod person;
mod proxy;
mod usage;

pub(crate) use channel::WantedChannel;
pub(crate) use credential::Plain;
pub(crate) use key::KeySecret;
pub(crate) use person::WantedPerson;

use std::collections::{BTreeMap, BTreeSet};

use posthaste_core::{Account, ClientKey, Limit, Owner, Pool, PoolRules, Secret, Timestamp, UserId};
use posthaste_storage::RollupRow;
use posthaste_vault::CrsKey;
use uuid::Uuid;

use self::binding::Groups;
use crate::{
    found::{Flaw, Found},
    ids,
    names::Names,
    report::LeftOut,
    secrets::{Secrets, Unreadable},
};

/// What mapping needs to know.
#[derive(Clone, Debug)]
pub struct MapOptions {
    /// The predecessor's time zone, in which its days and weeks begin.
    pub zone: String,
    /// The present moment.
    pub now: Timestamp,
}

/// An account as it is to be.
#[derive(Debug)]
pub struct WantedAccount {
    /// The record, without its secrets.
    pub account: Account,
    pub(crate) credential: Option<Plain>,
    pub(crate) proxy_password: Option<Secret>,
    /// Whether a secret of it could not be read.
    pub unreadable: bool,
    /// What the operator should know.
    pub notes: Vec<String>,
}

/// A client key as it is to be.
#[derive(Debug)]
pub struct WantedKey {
    /// The record; its hash is worked out when it is written.
    pub key: ClientKey,
    pub(crate) secret: KeySecret,
    /// What the operator should know.
    pub notes: Vec<String>,
    /// Where counters of its limits stand already.
    pub(crate) counted: Vec<Counted>,
}

/// What the predecessor has counted in the present window of a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) limit: Limit,
    /// Nano-dollars.
    pub(crate) amount: i64,
}

/// Everything as it is to be.
#[derive(Debug, Default)]
pub struct Wanted {
    /// Accounts.
    pub accounts: Vec<WantedAccount>,
    /// Pools: one for each group, and those that bindings need.
    pub pools: Vec<Pool>,
    /// Owners of client keys.
    pub owners: Vec<Owner>,
    /// The names that owners had there, of those that are to be called otherwise since another one has the name.
    pub(crate) renamed: BTreeMap<Uuid, String>,
    /// People who log in.
    pub(crate) people: Vec<WantedPerson>,
    /// Channels.
    pub(crate) channels: Vec<WantedChannel>,
    /// Client keys.
    pub keys: Vec<WantedKey>,
    /// Opening balances.
    pub rollups: Vec<RollupRow>,
    /// What is not taken over.
    pub left_out: Vec<LeftOut>,
    /// Secrets that cannot be read.
    pub unreadable: Vec<Unreadable>,
    /// How many secrets were tried in vain while none opened.
    pub wrong_key: Option<usize>,
    /// What is not in order at the source.
    pub flaws: Vec<Flaw>,
}

/// The names that records have here already.
pub struct Taken {
    pub(crate) accounts: Names,
    pub(crate) pools: Names,
    pub(crate) owners: Names,
    pub(crate) keys: Names,
    pub(crate) channels: Names,
    /// Who logs in by which name.
    pub(crate) people: BTreeMap<String, Uuid>,
}

/// Puts everything that was found into this relay's terms.
pub fn map(found: &Found, key: Option<&CrsKey>, options: &MapOptions, mut taken: Taken) -> Wanted {
    let mut wanted = Wanted { flaws: found.flaws.clone(), ..Wanted::default() };
    let mut secrets = Secrets::new(key);
    let mut kinds = BTreeMap::new();
    let mut accounts: Vec<_> = found.accounts.iter().collect();
    accounts.sort_by_key(|account| (account.fields.moment("createdAt"), account.kind, account.id.clone()));
    for account in accounts {
        match account::account(account, &mut secrets, &mut taken.accounts, options) {
            Ok(mapped) => {
                kinds.insert(account.id.as_str(), (account, mapped.account.id));
                wanted.accounts.push(mapped);
            }
            Err(what) => wanted.left_out.push(LeftOut::one(what)),
        }
    }
    owners(found, options, &mut taken.owners, &mut wanted);
    person::people(found, options, taken.people, &mut wanted);
    channel::channels(found, options, &mut taken.channels, &mut wanted);
    let mut groups = Groups::new(found, &kinds, options, &mut taken.pools);
    keys(found, options, &mut taken.keys, &mut groups, &mut wanted);
    let (pools, memberships) = groups.finish();
    wanted.pools = pools;
    for account in &mut wanted.accounts {
        let own = memberships.get(&account.account.id).cloned().unwrap_or_default();
        account.account.scheduling.pools = own.into_iter().collect();
    }
    wanted.rollups = usage::rollups(found, &wanted.keys);
    left_out(found, &mut wanted);
    (wanted.unreadable, wanted.wrong_key) = secrets.finish();
    wanted
}

fn owners(found: &Found, options: &MapOptions, names: &mut Names, wanted: &mut Wanted) {
    let users = found.users.iter().map(|user| (ids::stable("owner", &user.id), user));
    let admins = found.admins.iter().map(|admin| (person::id_of_admin(admin), admin));
    for (id, record) in users.chain(admins) {
        let fields = &record.fields;
        let name = fields.text("username").or_else(|| fields.text("displayName")).unwrap_or_default();
        let given = names.give(&name, "crs user", id);
        if names.is_of_another(&name, id) {
            wanted.renamed.insert(id, name.to_string());
        }
        wanted.owners.push(Owner {
            id: UserId::from_uuid(id),
            name: given,
            limits: Vec::new(),
            team: None,
            created_at: fields.moment("createdAt").unwrap_or(options.now),
            updated_at: options.now,
        });
    }
}

fn keys(
    found: &Found,
    options: &MapOptions,
    names: &mut Names,
    groups: &mut Groups<'_>,
    wanted: &mut Wanted,
) {
    let users: BTreeMap<&str, bool> = found
        .users
        .iter()
        .map(|user| (user.id.as_str(), user.fields.flag("isActive") != Some(false)))
        .collect();
    let mut hashes = BTreeSet::new();
    let mut records: Vec<_> = found.keys.iter().collect();
    records.sort_by_key(|record| (record.fields.moment("createdAt"), record.id.clone()));
    let mut words = 0;
    for record in records {
        words +=
            u64::from(record.fields.text("description").is_some() || record.fields.text("icon").is_some());
        let refuse = |what: &str| Flaw { place: format!("client key {}", record.id), what: what.to_owned() };
        let Some(secret) = KeySecret::of(record) else {
            wanted.flaws.push(refuse("it has no hash of its secret: only a part of it was written"));
            continue;
        };
        if !hashes.insert(secret.identity()) {
            wanted.flaws.push(refuse("another client key has the same secret"));
            continue;
        }
        let usage = found.usage.get(&record.id);
        let mut mapped = key::key(record, secret, &users, &found.relay, usage, names, options);
        groups.bind(record, &mut mapped);
        wanted.keys.push(mapped);
    }
    if words > 0 {
        let what = "descriptions and icons of client keys: there is no place for them yet".to_owned();
        wanted.left_out.push(LeftOut { what, count: words });
    }
}

fn left_out(found: &Found, wanted: &mut Wanted) {
    let others = found.others.iter().map(|(what, count)| LeftOut { what: (*what).to_owned(), count: *count });
    wanted.left_out.extend(others);
    let rates = found.service_rates.json("rates");
    for (service, rate) in rates.iter().filter_map(|rates| rates.as_object()).flatten() {
        if rate.as_f64().is_some_and(|rate| (rate - 1.0).abs() > f64::EPSILON) {
            let what = format!("the rate {rate} of service `{service}`: set it by provider in [pricing]");
            wanted.left_out.push(LeftOut::one(what));
        }
    }
    for (name, what) in [
        ("claudeCodeOnlyEnabled", "the switch that admits Claude Code only: give keys --client claude-code"),
        (
            "globalSessionBindingEnabled",
            "binding of sessions to accounts: conversations stay with their account here by affinity",
        ),
        ("userMessageQueueEnabled", "the queue of user messages"),
        ("requestDetailCaptureEnabled", "request details: see [records] and keys update --capture"),
    ] {
        if found.relay.flag(name) == Some(true) {
            wanted.left_out.push(LeftOut::one(what));
        }
    }
}

/// A pool with the rules of this relay's settings.
fn pool(id: posthaste_core::PoolId, name: String, created_at: Timestamp, now: Timestamp) -> Pool {
    Pool { id, name, rules: PoolRules::default(), limits: Vec::new(), created_at, updated_at: now }
}
