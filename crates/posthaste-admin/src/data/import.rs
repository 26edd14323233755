//! What an export would change, and changing it.

use std::{collections::BTreeSet, sync::Arc};

use posthaste_core::{
    Account, AuthForm, Card, CardState, Channel, ClientKey, OwnPrice, Owner, Pool, Route, Sealed, Setting,
    Team, Timestamp, User,
};
use posthaste_storage::{Entity, Expect, RecordKind, Repository, StorageError, Stores, Versioned};
use posthaste_vault::{PassphraseKey, Place, Vault, account_credential_place, account_proxy_place};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::{
    carried,
    export::{CREDENTIAL, Export, ExportedSecrets, PROXY},
};
use crate::{AdminError, Branding, branding};

/// What an export would change.
#[derive(Debug)]
pub struct ImportPlan {
    /// One line for each record of the export.
    pub records: Vec<PlannedRecord>,
    /// Whether the store has to [take over](Vault::with_pepper_of) what the export's client keys are hashed under first.
    pub takes_pepper: bool,
    /// What becomes of what the relay calls itself, where the export tells it.
    pub branding: Option<Fate>,
    writes: Vec<Write>,
    renames: Option<Renaming>,
}

/// What the relay is to call itself, and the version that this is.
#[derive(Debug)]
struct Renaming {
    branding: Branding,
    version: u64,
}

/// What becomes of a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlannedRecord {
    /// Of which kind it is.
    pub kind: RecordKind,
    /// Its identity.
    pub id: Uuid,
    /// What operators call it.
    pub name: String,
    /// What becomes of it.
    pub fate: Fate,
    /// Which fields change, or why it is left out.
    pub why: String,
}

/// What becomes of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It is not there yet.
    New,
    /// It is there and is otherwise.
    Changed,
    /// It is there as it is.
    Same,
    /// It cannot be of use here, and is left out.
    Skipped,
    /// Another record has its name: nothing is imported until one of them is called otherwise.
    Conflict,
}

#[derive(Debug)]
struct Write {
    kind: RecordKind,
    id: Uuid,
    lookup: Option<String>,
    body: String,
    expect: Expect,
}

impl ImportPlan {
    /// How many records have a fate.
    pub fn count(&self, fate: Fate) -> usize {
        self.records.iter().filter(|record| record.fate == fate).count()
    }

    /// Writes what is new or changed, in an order in which nothing names what is not there yet. Doing it again, also after it
    /// was cut off, writes what is still missing.
    ///
    /// # Errors
    /// [`AdminError::Conflict`] when there are conflicts, with nothing written, or when somebody changed a record meanwhile.
    pub async fn apply(&self, stores: &Stores, now: Timestamp) -> Result<(), AdminError> {
        if self.count(Fate::Conflict) > 0 {
            let what = "names in the export belong to other records here; rename one of each".to_owned();
            return Err(AdminError::Conflict { what });
        }
        for Write { kind, id, lookup, body, expect } in &self.writes {
            stores.config.put(*kind, *id, lookup.clone(), body.clone(), *expect).await?;
        }
        if let Some(Renaming { branding, version }) = &self.renames {
            branding::keep(&*stores.journals, branding, *version, now).await?;
        }
        Ok(())
    }
}

/// Compares an export with what is kept; `passphrase` is the key that its secrets were sealed under.
///
/// # Errors
/// When the store fails, or the passphrase is missing or wrong.
pub async fn plan_import(
    stores: &Stores,
    vault: &Vault,
    export: &Export,
    passphrase: Option<&PassphraseKey>,
) -> Result<ImportPlan, AdminError> {
    let sealed = matches!(export.secrets, ExportedSecrets::Sealed { .. });
    if sealed && passphrase.is_none() {
        let what = "is needed: the export's secrets are sealed under a passphrase";
        return Err(AdminError::invalid("passphrase_file", what));
    }
    let mut plan = ImportPlan {
        records: Vec::new(),
        takes_pepper: false,
        branding: None,
        writes: Vec::new(),
        renames: None,
    };
    plan.weigh_all(stores, &export.teams, |team: &Team| team.name.clone()).await?;
    plan.weigh_all(stores, &export.owners, |owner: &Owner| owner.name.clone()).await?;
    plan.weigh_all(stores, &export.pools, |pool: &Pool| pool.name.clone()).await?;

    let here = all::<Account>(stores).await?;
    let mut accounts = Vec::new();
    for account in &export.accounts {
        let present = here.iter().find(|present| present.value.id == account.id).map(|found| &found.value);
        accounts.push(match passphrase.filter(|_| sealed) {
            Some(key) => with_secrets(account, present, vault, key)?,
            None => without_secrets(account, present, export),
        });
    }
    plan.weigh_all(stores, &accounts, |account: &Account| account.name.clone()).await?;
    plan.weigh_all(stores, &export.own_prices, OwnPrice::name).await?;
    plan.cards(stores, &export.cards).await?;
    plan.weigh_all(stores, &export.settings, |setting: &Setting| setting.name().to_owned()).await?;
    plan.weigh_all(stores, &export.routes, |route: &Route| route.model.as_str().to_owned()).await?;
    plan.people(stores, vault, export, passphrase.filter(|_| sealed)).await?;
    plan.client_keys(stores, vault, export, sealed).await?;
    plan.branding(stores, export).await?;
    Ok(plan)
}

impl ImportPlan {
    async fn weigh_all<T: Entity>(
        &mut self,
        stores: &Stores,
        wanted: &[T],
        name: impl Fn(&T) -> String,
    ) -> Result<(), AdminError> {
        let here = all::<T>(stores).await?;
        for wanted in wanted {
            self.weigh(&here, wanted, &name)?;
        }
        Ok(())
    }

    fn weigh<T: Entity>(
        &mut self,
        here: &[Versioned<T>],
        wanted: &T,
        name: &impl Fn(&T) -> String,
    ) -> Result<(), AdminError> {
        let (id, called) = (wanted.id(), name(wanted));
        let namesake = here.iter().find(|other| {
            other.value.id() != id
                && (name(&other.value) == called || other.value.lookup() == wanted.lookup())
        });
        let present = here.iter().find(|present| present.value.id() == id);
        let (fate, why, expect) = match (namesake, present) {
            (Some(other), _) => (Fate::Conflict, format!("the name belongs to {}", other.value.id()), None),
            (None, None) => (Fate::New, String::new(), Some(Expect::Absent)),
            (None, Some(present)) => match differences(&json(&present.value)?, &json(wanted)?) {
                none if none.is_empty() => (Fate::Same, String::new(), None),
                fields => (Fate::Changed, fields.join(", "), Some(Expect::Version(present.version))),
            },
        };
        if let Some(expect) = expect {
            let body = json(wanted)?.to_string();
            self.writes.push(Write { kind: T::KIND, id, lookup: wanted.lookup(), body, expect });
        }
        self.records.push(PlannedRecord { kind: T::KIND, id, name: called, fate, why });
        Ok(())
    }

    /// Cards. One that is no longer unused here stays what it became: an older export makes none redeemable once more.
    async fn cards(&mut self, stores: &Stores, wanted: &[Card]) -> Result<(), AdminError> {
        let here = all::<Card>(stores).await?;
        for card in wanted {
            let present = here.iter().map(|found| &found.value).find(|present| present.id == card.id);
            if present.is_some_and(|here| here.state != CardState::Unused && here.state != card.state) {
                let why = "it was redeemed or withdrawn here since, and stays so".to_owned();
                let (kind, id, name) = (RecordKind::Card, card.id.uuid(), card.id.to_string());
                self.records.push(PlannedRecord { kind, id, name, fate: Fate::Skipped, why });
                continue;
            }
            // Its code is no name, and its last characters may be another's too.
            self.weigh(&here, card, &|card: &Card| card.id.to_string())?;
        }
        Ok(())
    }

    /// People, their tokens, and the channels that they are told by.
    async fn people(
        &mut self,
        stores: &Stores,
        vault: &Vault,
        export: &Export,
        key: Option<&PassphraseKey>,
    ) -> Result<(), AdminError> {
        let here = all::<User>(stores).await?;
        for user in &export.users {
            let (id, name) = (user.id.uuid(), user.name.clone());
            if here.iter().any(|other| other.value.id != user.id && other.value.name == user.name) {
                // The name to log in with stays what it is.
                let why = "somebody else logs in by that name here".to_owned();
                self.records.push(PlannedRecord {
                    kind: RecordKind::User,
                    id,
                    name,
                    fate: Fate::Skipped,
                    why,
                });
                continue;
            }
            let present = here.iter().find(|present| present.value.id == user.id).map(|found| &found.value);
            let login = export.logins.iter().find(|login| login.id == id).zip(key);
            let user = carried::with_login(user, present, vault, login)?;
            self.weigh(&here, &user, &|user: &User| user.name.clone())?;
            if let Some(told) = self.records.last_mut().filter(|told| told.fate == Fate::New)
                && !user.has_sign_in()
            {
                told.why = "without a password: give one with `users reset-password`".to_owned();
            }
        }
        let here = all::<Channel>(stores).await?;
        for channel in &export.channels {
            let present =
                here.iter().find(|present| present.value.id == channel.id).map(|found| &found.value);
            let channel = carried::with_channel_secrets(channel, present, vault, key, &export.left_out)?;
            self.weigh(&here, &channel, &|channel: &Channel| channel.name.clone())?;
        }
        let Some(key) = key else { return Ok(()) };
        let tokens = export.api_tokens.iter().map(|part| carried::open_token(part, key));
        let tokens = tokens.collect::<Result<Vec<_>, _>>()?;
        self.weigh_all(stores, &tokens, |token| token.name.clone()).await
    }

    async fn branding(&mut self, stores: &Stores, export: &Export) -> Result<(), AdminError> {
        let Some(wanted) = &export.branding else { return Ok(()) };
        branding::check(wanted)?;
        let here = branding::kept(&*stores.journals).await?;
        let fate = match here.version {
            0 => Fate::New,
            _ if here.branding == *wanted => Fate::Same,
            _ => Fate::Changed,
        };
        self.branding = Some(fate);
        if fate != Fate::Same {
            self.renames = Some(Renaming { branding: wanted.clone(), version: here.version + 1 });
        }
        Ok(())
    }

    async fn client_keys(
        &mut self,
        stores: &Stores,
        vault: &Vault,
        export: &Export,
        sealed: bool,
    ) -> Result<(), AdminError> {
        let here = all::<ClientKey>(stores).await?;
        let same_pepper = export.pepper_fingerprint == vault.pepper_fingerprint();
        self.takes_pepper = !same_pepper && sealed && here.is_empty() && !export.client_keys.is_empty();
        if same_pepper || self.takes_pepper {
            return export
                .client_keys
                .iter()
                .try_for_each(|key| self.weigh(&here, key, &|key| key.name.clone()));
        }
        let why = match sealed {
            true => {
                "it is another relay's, and this one has keys of its own: make it anew with `keys create`"
            }
            false => {
                "it works only with secrets of the relay that it comes from: make it anew with `keys create`"
            }
        };
        let skipped = |key: &ClientKey| PlannedRecord {
            kind: RecordKind::ClientKey,
            id: key.id.uuid(),
            name: key.name.clone(),
            fate: Fate::Skipped,
            why: why.to_owned(),
        };
        self.records.extend(export.client_keys.iter().map(skipped));
        Ok(())
    }
}

/// An account whose secrets are sealed for this store; those that it has already stay as they lie here.
fn with_secrets(
    account: &Account,
    present: Option<&Account>,
    vault: &Vault,
    key: &PassphraseKey,
) -> Result<Account, AdminError> {
    let moved = |place: Place<'_>, there: &Option<Sealed>, here: Option<&Sealed>| {
        let Some(there) = there else { return Ok(None) };
        let secret = key.open(&place, there).map_err(super::passphrase_error)?;
        if let Some(here) = here
            && vault.unseal(&place, here).is_ok_and(|known| known.expose() == secret.expose())
        {
            return Ok(Some(here.clone()));
        }
        Ok::<_, AdminError>(Some(vault.seal(&place, &secret)?))
    };
    let mut account = account.clone();
    let here = present.and_then(|present| present.credential.as_ref());
    account.credential = moved(account_credential_place(account.id), &account.credential, here)?;
    if let Some(proxy) = &mut account.proxy {
        proxy.password = moved(account_proxy_place(account.id), &proxy.password, password(present))?;
    }
    Ok(account)
}

/// An account with the secrets that are here; one that lacks its credential is switched off.
fn without_secrets(account: &Account, present: Option<&Account>, export: &Export) -> Account {
    let left_out =
        |field: &str| export.left_out.iter().any(|left| left.id == account.id.uuid() && left.field == field);
    let mut wanted = account.clone();
    // What somebody wrote into the file was not sealed here.
    wanted.credential =
        present.and_then(|present| present.credential.clone()).filter(|_| left_out(CREDENTIAL));
    if let Some(proxy) = &mut wanted.proxy {
        proxy.password = password(present).cloned().filter(|_| left_out(PROXY));
    }
    let needs_one = !matches!(wanted.auth, AuthForm::None | AuthForm::AwsChain);
    wanted.enabled &= wanted.credential.is_some() || !(needs_one && left_out(CREDENTIAL));
    wanted
}

fn password(account: Option<&Account>) -> Option<&Sealed> {
    account?.proxy.as_ref()?.password.as_ref()
}

async fn all<T: Entity>(stores: &Stores) -> Result<Vec<Versioned<T>>, StorageError> {
    Repository::<T>::new(Arc::clone(&stores.config)).all().await
}

fn json<T: Serialize>(value: &T) -> Result<Value, AdminError> {
    serde_json::to_value(value).map_err(|error| AdminError::Store(StorageError::corrupt("a record", error)))
}

/// The names of fields that are not the same.
fn differences(here: &Value, wanted: &Value) -> Vec<String> {
    let names = |value: &Value| -> BTreeSet<String> {
        value.as_object().map(|fields| fields.keys().cloned().collect()).unwrap_or_default()
    };
    let all = &names(here) | &names(wanted);
    all.into_iter().filter(|name| here.get(name) != wanted.get(name)).collect()
}
