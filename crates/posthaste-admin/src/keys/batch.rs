//! Many client keys at once: the same work for each of them, on the way on which it is done for one.
//!
//! Each key has its own entry in the audit log, with what it was before and after, and one that fails stops no other.

use std::{collections::HashSet, sync::Arc};

use posthaste_core::ClientKey;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CreatedKey, KeyChange, KeyView, NewKey};
use crate::{Actor, Admin, AdminError, AdminFailure, Command, Replied};

/// Client keys to be made alike.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NewKeys {
    /// What their names begin with; `-1`, `-2`, … follows. Or give `names`.
    pub prefix: Option<String>,
    /// How many, with `prefix`: 1 to 500.
    pub count: usize,
    /// Their names, in place of `prefix` and `count`.
    pub names: Vec<String>,
    /// What they are like. Its name is left empty.
    pub with: NewKey,
}

/// Which client keys are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct KeySelection {
    /// Their ids or names.
    pub keys: Vec<String>,
    /// All that have this tag.
    pub tag: Option<String>,
    /// All that belong to this owner, by name or id.
    pub owner: Option<String>,
}

/// A change of many client keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BatchChange {
    /// Which.
    pub of: KeySelection,
    /// What. Names are one key's own and cannot be given here.
    pub change: KeyChange,
}

/// What is to be done with many client keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyBatch {
    /// They are changed.
    Update(Box<BatchChange>),
    /// They are deleted, and can be restored.
    Delete(KeySelection),
    /// Deleted ones are made what they were, by id.
    Restore(Vec<String>),
    /// Deleted ones are dropped for good, by id.
    Purge(Vec<String>),
}

/// What became of each client key of a batch.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct BatchView {
    /// How many were done.
    pub done: usize,
    /// How many were not.
    pub failed: usize,
    /// Each, in the order of the question.
    pub items: Vec<BatchItem>,
}

/// What became of one.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct BatchItem {
    /// Which, as it was asked for.
    pub key: String,
    /// The key after it, where it was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub now: Option<KeyView>,
    /// Why it was not done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<AdminFailure>,
}

/// Client keys that were made together. The only place where their secrets are told.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct CreatedBatch {
    /// Those that were made.
    pub created: Vec<CreatedKey>,
    /// Those that could not be.
    pub failed: Vec<BatchItem>,
}

impl Admin {
    /// Makes client keys alike.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] for too many or none; what is wrong with one alone is in the answer.
    pub async fn create_keys(&self, actor: &Actor, new: NewKeys) -> Result<CreatedBatch, AdminError> {
        actor.check(Command::CreateKey(NewKey::default()).policy().need)?;
        let mut made = CreatedBatch::default();
        for name in names(&new)? {
            let wanted = NewKey { name: name.clone(), ..new.with.clone() };
            match answer::<CreatedKey>(self, actor, Command::CreateKey(wanted)).await {
                Ok(key) => made.created.push(key),
                Err(error) => made.failed.push(BatchItem::failed(name, &error)),
            }
        }
        Ok(made)
    }

    /// Does the same with many client keys.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] for too many or none; what is wrong with one alone is in the answer.
    pub async fn batch_keys(&self, actor: &Actor, batch: KeyBatch) -> Result<BatchView, AdminError> {
        match batch {
            KeyBatch::Update(batch) if batch.change.name.is_some() => {
                Err(AdminError::invalid("change.name", "is one key's own; leave it out"))
            }
            KeyBatch::Update(batch) => {
                let BatchChange { of, change } = *batch;
                let keys = selected(self, actor, of).await?;
                let work = |key| Command::UpdateKey { key, change: change.clone() };
                Ok(carry_out(self, actor, keys, work).await)
            }
            KeyBatch::Delete(of) => {
                let keys = selected(self, actor, of).await?;
                Ok(carry_out(self, actor, keys, |key| Command::DeleteKey { key }).await)
            }
            KeyBatch::Restore(keys) => {
                let keys = bounded(keys)?;
                Ok(carry_out(self, actor, keys, |key| Command::RestoreKey { key, name: None }).await)
            }
            KeyBatch::Purge(keys) => {
                let keys = bounded(keys)?;
                Ok(carry_out(self, actor, keys, |key| Command::PurgeKey { key }).await)
            }
        }
    }
}

impl BatchItem {
    fn failed(key: String, error: &AdminError) -> Self {
        Self { key, now: None, failure: Some(AdminFailure::from(error)) }
    }
}

/// Does a piece of work for each key.
pub(super) async fn carry_out(
    admin: &Admin,
    actor: &Actor,
    keys: Vec<String>,
    work: impl Fn(String) -> Command,
) -> BatchView {
    let mut view = BatchView::default();
    for key in keys {
        let item = match answer::<KeyView>(admin, actor, work(key.clone())).await {
            Ok(now) => BatchItem { key, now: Some(now), failure: None },
            Err(error) => BatchItem::failed(key, &error),
        };
        if item.failure.is_some() {
            view.failed += 1
        } else {
            view.done += 1
        }
        view.items.push(item);
    }
    view
}

/// The client keys that are not deleted, for whoever may see them.
pub(super) async fn known(admin: &Admin, actor: &Actor) -> Result<Vec<Arc<ClientKey>>, AdminError> {
    actor.check(Command::ListKeys.policy().need)?;
    let known = admin.directory().await?;
    Ok(known.keys.values().filter(|key| key.deleted_at.is_none()).cloned().collect())
}

/// The same as operators see them, by name.
pub(super) async fn listed(admin: &Admin, actor: &Actor) -> Result<Vec<KeyView>, AdminError> {
    answer(admin, actor, Command::ListKeys).await
}

pub(super) async fn answer<T: Replied>(
    admin: &Admin,
    actor: &Actor,
    command: Command,
) -> Result<T, AdminError> {
    let reply = admin.act(actor, command).await?;
    T::from_reply(reply)
        .ok_or_else(|| AdminError::internal("a reply", "it is of another kind than the command asks for"))
}

async fn selected(admin: &Admin, actor: &Actor, of: KeySelection) -> Result<Vec<String>, AdminError> {
    let KeySelection { keys, tag, owner } = of;
    if tag.is_none() && owner.is_none() {
        return bounded(keys);
    }
    if !keys.is_empty() {
        let message = "goes without `tag` and `owner`: name the keys, or what they have in common";
        return Err(AdminError::invalid("of.keys", message));
    }
    let owner = match owner {
        Some(owner) => Some(admin.owners().known(&owner).await?),
        None => None,
    };
    let fits = |key: &Arc<ClientKey>| {
        tag.as_ref().is_none_or(|tag| key.policy.tags.contains(tag))
            && owner.is_none_or(|owner| key.policy.owner == Some(owner))
    };
    let mut fitting = known(admin, actor).await?;
    fitting.retain(fits);
    bounded(fitting.iter().map(|key| key.id.to_string()).collect())
}

fn bounded(mut keys: Vec<String>) -> Result<Vec<String>, AdminError> {
    let mut seen = HashSet::new();
    keys.retain(|key| seen.insert(key.clone()));
    if keys.is_empty() {
        return Err(AdminError::invalid("keys", "names no client key; name one at least"));
    }
    if keys.len() > MOST_KEYS {
        let message = format!("are {}, and a batch takes {MOST_KEYS}; send several batches", keys.len());
        return Err(AdminError::invalid("keys", message));
    }
    Ok(keys)
}

fn names(new: &NewKeys) -> Result<Vec<String>, AdminError> {
    if !new.with.name.is_empty() {
        return Err(AdminError::invalid("with.name", "stays empty here: `prefix` or `names` give the names"));
    }
    match (&new.prefix, new.names.is_empty()) {
        (Some(prefix), true) if (1..=MOST_KEYS).contains(&new.count) => {
            Ok((1..=new.count).map(|number| format!("{prefix}-{number}")).collect())
        }
        (Some(_), true) => {
            let message = format!("is {}; make 1 to {MOST_KEYS} keys at once", new.count);
            Err(AdminError::invalid("count", message))
        }
        (None, false) => bounded(new.names.clone()),
        (Some(_), false) => Err(AdminError::invalid("names", "goes without `prefix`; give one of the two")),
        (None, true) => {
            Err(AdminError::invalid("prefix", "is missing; give it with `count`, or give `names`"))
        }
    }
}

/// Keys in one batch.
const MOST_KEYS: usize = 500;
