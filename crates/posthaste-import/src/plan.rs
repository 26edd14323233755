//! What an import would do: the source against what is here.

mod channels;
mod people;

use std::collections::{BTreeSet, HashMap};

use posthaste_core::{Account, AuthForm, Channel, ClientKey, Owner, Pool, User};
use posthaste_storage::{Entity, Repository, StorageError, Stores, Versioned};
use posthaste_vault::{
    CrsKey, StoredAwsKeys, StoredCredential, Vault, VaultError, account_credential_place, account_proxy_place,
};
use uuid::Uuid;

use crate::{
    ImportError,
    diff::differences,
    found::Found,
    map::{KeySecret, MapOptions, Plain, Taken, Wanted, WantedAccount, WantedKey, map},
    names::Names,
    opening::{self, Opening},
    report::{Difference, Entry, Part, Report, State},
};

/// Where things are taken over to.
#[derive(Clone, Copy)]
pub struct Target<'a> {
    /// The stores.
    pub stores: &'a Stores,
    /// Seals what is taken over.
    pub vault: &'a Vault,
    /// Tells of a channel why no message could be sent to it.
    pub check_channel: CheckChannel<'a>,
}

/// Tells why no message could be sent to a channel; sends none.
pub type CheckChannel<'a> = &'a (dyn Fn(&Channel) -> Result<(), String> + Send + Sync);

/// What is to be written, and the report of it.
#[derive(Debug, Default)]
pub struct Plan {
    /// The report.
    pub report: Report,
    pub(crate) pools: Vec<Write<Pool>>,
    pub(crate) accounts: Vec<Write<WantedAccount>>,
    pub(crate) owners: Vec<Write<Owner>>,
    pub(crate) people: Vec<Write<User>>,
    pub(crate) keys: Vec<Write<ClientKey>>,
    pub(crate) channels: Vec<Write<Channel>>,
    pub(crate) opening: Opening,
    /// Whether there are keys that are recognised by the predecessor's hash.
    pub(crate) needs_crs_key: bool,
}

/// A record to be written.
#[derive(Debug)]
pub(crate) struct Write<T> {
    pub(crate) record: T,
    /// The version that it takes the place of; `None` for a new one.
    pub(crate) over: Option<u64>,
}

/// Compares what was found with what is here. Nothing is written.
///
/// # Errors
/// When the store fails, when no sealed secret opens, or when keys of another CRS were taken over before.
pub async fn plan(
    target: Target<'_>,
    found: &Found,
    key: Option<&CrsKey>,
    options: &MapOptions,
    only: &BTreeSet<Part>,
) -> Result<Plan, ImportError> {
    let here = Here::read(target.stores).await?;
    let mut wanted = map(found, key, options, here.names());
    if let Some(tried) = wanted.wrong_key {
        return Err(ImportError::WrongKey(tried));
    }
    if key.is_some_and(|key| target.vault.knows_crs() && !target.vault.keeps_crs_key(key)) {
        return Err(VaultError::AnotherCrsKey.into());
    }
    let mut plan = Plan::default();
    let has = |part| only.is_empty() || only.contains(&part);
    let rollups = std::mem::take(&mut wanted.rollups);
    if has(Part::Usage) {
        let mut entries = opening::books(target.stores, &wanted.keys, rollups, &mut plan.opening).await?;
        let limits =
            opening::limits(target.stores, &wanted.keys, &wanted.owners, options.now, &mut plan.opening)
                .await?;
        entries.extend(limits);
        plan.report.parts.insert(Part::Usage, entries);
    }
    let Wanted {
        accounts, pools, owners, renamed, people, channels, keys, left_out, unreadable, flaws, ..
    } = wanted;
    if has(Part::Pools) {
        let each = pools.into_iter().map(|pool| plain(&here.pools, pool, &["rules", "limits"]));
        plan.pools = entered(&mut plan.report, Part::Pools, each);
    }
    if has(Part::Owners) {
        let each = owners.into_iter().map(|owner| {
            let was = renamed.get(&owner.id.uuid());
            let (mut entry, write) = plain(&here.owners, owner, &["limits", "team"]);
            entry
                .notes
                .extend(was.map(|name| format!("called `{name}` there: another owner has that name here")));
            (entry, write)
        });
        plan.owners = entered(&mut plan.report, Part::Owners, each);
    }
    if has(Part::Accounts) {
        let each = accounts.into_iter().map(|wanted| account(target.vault, &here.accounts, wanted));
        plan.accounts = entered(&mut plan.report, Part::Accounts, each);
    }
    if has(Part::People) {
        let each = people.into_iter().map(|wanted| people::person(&here.people, wanted));
        plan.people = entered(&mut plan.report, Part::People, each);
    }
    if has(Part::Channels) {
        let mut each = Vec::new();
        for wanted in channels {
            each.push(channels::channel(target, &here.channels, wanted)?);
        }
        plan.channels = entered(&mut plan.report, Part::Channels, each.into_iter());
    }
    if has(Part::Keys) {
        plan.needs_crs_key = keys.iter().any(|wanted| matches!(wanted.secret, KeySecret::Hash(_)));
        let each = keys.into_iter().map(|wanted| client_key(target.vault, &here.keys, wanted));
        plan.keys = entered(&mut plan.report, Part::Keys, each);
    }
    (plan.report.left_out, plan.report.unreadable, plan.report.flaws) = (left_out, unreadable, flaws);
    Ok(plan)
}

/// The records that are here.
struct Here {
    accounts: HashMap<Uuid, Versioned<Account>>,
    pools: HashMap<Uuid, Versioned<Pool>>,
    owners: HashMap<Uuid, Versioned<Owner>>,
    keys: HashMap<Uuid, Versioned<ClientKey>>,
    people: HashMap<Uuid, Versioned<User>>,
    channels: HashMap<Uuid, Versioned<Channel>>,
}

impl Here {
    async fn read(stores: &Stores) -> Result<Self, StorageError> {
        async fn all<T: Entity>(stores: &Stores) -> Result<HashMap<Uuid, Versioned<T>>, StorageError> {
            let records = Repository::<T>::new(stores.config.clone()).all().await?;
            Ok(records.into_iter().map(|record| (record.value.id(), record)).collect())
        }
        Ok(Self {
            accounts: all(stores).await?,
            pools: all(stores).await?,
            owners: all(stores).await?,
            keys: all(stores).await?,
            people: all(stores).await?,
            channels: all(stores).await?,
        })
    }

    fn names(&self) -> Taken {
        fn of<T: Entity>(records: &HashMap<Uuid, Versioned<T>>, name: fn(&T) -> &String) -> Names {
            Names::taken(records.iter().map(|(id, record)| (name(&record.value).clone(), *id)))
        }
        Taken {
            accounts: of(&self.accounts, |account| &account.name),
            pools: of(&self.pools, |pool| &pool.name),
            owners: of(&self.owners, |owner| &owner.name),
            keys: of(&self.keys, |key| &key.name),
            channels: of(&self.channels, |channel| &channel.name),
            people: self.people.iter().map(|(id, user)| (user.value.name.clone(), *id)).collect(),
        }
    }
}

/// Notes entries, and keeps what is to be written.
fn entered<T>(
    report: &mut Report,
    part: Part,
    each: impl Iterator<Item = (Entry, Option<Write<T>>)>,
) -> Vec<Write<T>> {
    let (entries, writes): (Vec<_>, Vec<_>) = each.unzip();
    report.parts.insert(part, entries);
    writes.into_iter().flatten().collect()
}

/// A record without secrets. What is in `here_only` has no counterpart there.
fn plain<T: Entity + HasName>(
    here: &HashMap<Uuid, Versioned<T>>,
    wanted: T,
    here_only: &[&str],
) -> (Entry, Option<Write<T>>) {
    let left_alone: Vec<_> = here_only.iter().chain(&ALWAYS_LEFT_ALONE).copied().collect();
    let found = here.get(&wanted.id());
    let differences = found.map(|found| differences(&found.value, &wanted, &left_alone)).unwrap_or_default();
    let entry = entry(wanted.id(), wanted.name(), found.is_some(), differences);
    let write = match (entry.state, found) {
        (State::Same, _) => None,
        (_, None) => Some(Write { record: wanted, over: None }),
        (_, Some(found)) => {
            // Of these two kinds, the name is all that is known there.
            let record = found.value.renamed(wanted.name());
            Some(Write { record, over: Some(found.version) })
        }
    };
    (entry, write)
}

/// Records that differ by their names alone.
pub(crate) trait HasName: Sized {
    fn name(&self) -> &str;
    fn renamed(&self, name: &str) -> Self;
}

impl HasName for Pool {
    fn name(&self) -> &str {
        &self.name
    }

    fn renamed(&self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self.clone() }
    }
}

impl HasName for Owner {
    fn name(&self) -> &str {
        &self.name
    }

    fn renamed(&self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self.clone() }
    }
}

fn account(
    vault: &Vault,
    here: &HashMap<Uuid, Versioned<Account>>,
    mut wanted: WantedAccount,
) -> (Entry, Option<Write<WantedAccount>>) {
    let id = wanted.account.id.uuid();
    let found = here.get(&id);
    let mut differ = Vec::new();
    if let Some(Versioned { value: found, .. }) = found {
        // What was given consent, and entered in place of what could not be read, stays.
        if wanted.unreadable && found.credential.is_some() {
            wanted.account.enabled = found.enabled;
        }
        if found.private_address.is_some() {
            wanted.account.private_address.clone_from(&found.private_address);
        }
        let left_alone =
            ["credential", "proxy.password", "private_address"].into_iter().chain(ALWAYS_LEFT_ALONE);
        differ = differences(found, &wanted.account, &left_alone.collect::<Vec<_>>());
        if same_credential(vault, found, &mut wanted) {
            wanted.account.credential.clone_from(&found.credential);
            wanted.credential = None;
        } else {
            differ.push(another("credential"));
        }
        if same_proxy_password(vault, found, &wanted) {
            if let (Some(proxy), Some(kept)) = (&mut wanted.account.proxy, &found.proxy) {
                proxy.password.clone_from(&kept.password);
            }
            wanted.proxy_password = None;
        } else {
            differ.push(another("proxy.password"));
        }
    }
    let mut entry = entry(id, &wanted.account.name, found.is_some(), differ);
    entry.unreadable = wanted.unreadable;
    entry.about = about_account(&wanted.account);
    entry.notes.clone_from(&wanted.notes);
    let write = (entry.state != State::Same)
        .then(|| Write { record: wanted, over: found.map(|found| found.version) });
    (entry, write)
}

/// Whether the credential that is here may stay. Tokens may: they are refreshed here, and those there are older.
fn same_credential(vault: &Vault, found: &Account, wanted: &mut WantedAccount) -> bool {
    let (Some(sealed), Some(plain)) = (&found.credential, &wanted.credential) else {
        return wanted.credential.is_none();
    };
    match plain {
        Plain::Token(_) => found.auth == AuthForm::OAuth,
        Plain::Key(key) => {
            vault.unseal(&account_credential_place(found.id), sealed).is_ok_and(|kept| kept == *key)
        }
        Plain::Aws(keys) => StoredAwsKeys::open(vault, found.id, sealed).is_ok_and(|kept| kept == *keys),
    }
}

fn same_proxy_password(vault: &Vault, found: &Account, wanted: &WantedAccount) -> bool {
    let kept = found.proxy.as_ref().and_then(|proxy| proxy.password.as_ref());
    match (kept, &wanted.proxy_password) {
        (None, None) => true,
        (Some(sealed), Some(password)) => {
            vault.unseal(&account_proxy_place(found.id), sealed).is_ok_and(|kept| kept == *password)
        }
        // Without a proxy there is no password, which the proxy itself tells.
        (Some(_), None) => wanted.account.proxy.is_none(),
        (None, Some(_)) => false,
    }
}

fn client_key(
    vault: &Vault,
    here: &HashMap<Uuid, Versioned<ClientKey>>,
    wanted: WantedKey,
) -> (Entry, Option<Write<ClientKey>>) {
    let WantedKey { mut key, secret, notes, .. } = wanted;
    if let KeySecret::Plain(secret) = &secret {
        key.hash = vault.hash_client_key(secret.expose());
        let start = secret.expose().char_indices().rev().nth(3).map_or(0, |(at, _)| at);
        secret.expose()[start..].clone_into(&mut key.hint);
    }
    let found = here.get(&key.id.uuid());
    let mut differ = Vec::new();
    if let Some(Versioned { value: found, .. }) = found {
        // Its secret is the same whatever hash it is kept under, and what it does here is no concern of there.
        (key.hash, key.hash_form) = (found.hash, found.hash_form);
        key.hint.clone_from(&found.hint);
        key.first_used_at = found.first_used_at;
        key.policy.capture.clone_from(&found.policy.capture);
        differ = differences(found, &key, &ALWAYS_LEFT_ALONE);
    }
    let mut entry = entry(key.id.uuid(), &key.name, found.is_some(), differ);
    entry.about = about_key(&key);
    entry.notes = notes;
    let write =
        (entry.state != State::Same).then(|| Write { record: key, over: found.map(|found| found.version) });
    (entry, write)
}

/// A secret differs, and neither is told.
fn another(field: &str) -> Difference {
    Difference { field: field.to_owned(), here: "another".to_owned(), there: "…".to_owned() }
}

fn about_account(account: &Account) -> String {
    let off = match (account.enabled, account.scheduling.schedulable) {
        (false, _) => ", off",
        (true, false) => ", paused",
        (true, true) => "",
    };
    format!("{} at {}{off}", account.preset, account.base_url)
}

fn about_key(key: &ClientKey) -> String {
    let mut about: Vec<&str> = key.policy.limits.iter().map(|limit| limit.name.as_str()).collect();
    if key.policy.binding.is_some() {
        about.push("bound");
    }
    if key.deleted_at.is_some() {
        about.push("deleted");
    } else if !key.enabled {
        about.push("off");
    }
    about.join(", ")
}

fn entry(id: Uuid, name: &str, is_here: bool, differences: Vec<Difference>) -> Entry {
    let state = match (is_here, differences.is_empty()) {
        (false, _) => State::New,
        (true, false) => State::Changed,
        (true, true) => State::Same,
    };
    let (name, about) = (name.to_owned(), String::new());
    Entry { id, name, about, state, differences, unreadable: false, notes: Vec::new() }
}

const ALWAYS_LEFT_ALONE: [&str; 2] = ["created_at", "updated_at"];
