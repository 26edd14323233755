//! Client keys.

mod batch;
mod bin;
mod export;
mod policy;
mod tags;
mod usage;
mod view;

pub use batch::{BatchChange, BatchItem, BatchView, CreatedBatch, KeyBatch, KeySelection, NewKeys};
pub use export::{export_keys, export_usage};
use policy::CheckedPolicy;
pub(crate) use policy::provider as provider_named;
pub use policy::{BindingInput, CaptureInput, PolicyInput, QueueInput, multiplier_text};
pub use tags::{TagView, rename_tag, tags};
pub use usage::{DayUsage, ModelUsage, UsageView};
pub use view::{CreatedKey, KeyView};

use std::time::Duration;

use posthaste_core::{ClientKey, ClientKeyId, Expiry, HashForm, KeyPolicy, Limit, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Admin, AdminError,
    change::{self, NameLock, by_name, find},
    input::{self, Disclosed},
    place::PlaceInput,
    standings::{self, StandingView},
};

/// A client key to be made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NewKey {
    /// The operator's name for it.
    pub name: String,
    /// When it ends.
    pub expiry: ExpiryInput,
    /// Only models that fit one of these patterns, unless empty.
    pub allow: Vec<String>,
    /// No models that fit one of these patterns.
    pub deny: Vec<String>,
    /// What it may use.
    pub limits: Vec<Limit>,
    /// What else it may do, and how it is billed.
    pub policy: PolicyInput,
}

/// What is to change of a client key. What is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct KeyChange {
    /// The operator's name for it.
    pub name: Option<String>,
    /// Whether it is switched on.
    pub enabled: Option<bool>,
    /// Why it is switched off, for whoever presents it; empty for no reason.
    pub disabled_because: Option<String>,
    /// When it ends.
    pub expiry: Option<ExpiryInput>,
    /// The patterns of models that it may ask for; empty for all.
    pub allow: Option<Vec<String>>,
    /// The patterns of models that it may not ask for.
    pub deny: Option<Vec<String>>,
    /// What it may use, in place of all that was said before.
    pub limits: Option<Vec<Limit>>,
    /// What else it may do, and how it is billed.
    pub policy: PolicyInput,
}

/// When a client key is to end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "mode", rename_all = "snake_case")]
pub enum ExpiryInput {
    /// Never.
    #[default]
    Never,
    /// At a fixed moment.
    At {
        /// The moment.
        at: Timestamp,
    },
    /// Some time from now.
    In {
        /// How many seconds.
        seconds: u64,
    },
    /// Some time after it was first used.
    FromFirstUse {
        /// How many seconds.
        seconds: u64,
    },
    /// So much later than it would end; from now on where it has ended. One that never ends stays so.
    Extend {
        /// How many seconds.
        seconds: u64,
    },
}

/// Client keys.
#[derive(Clone, Copy)]
pub struct KeyService<'a> {
    admin: &'a Admin,
}

impl<'a> KeyService<'a> {
    pub(crate) fn new(admin: &'a Admin) -> Self {
        Self { admin }
    }

    /// Makes a client key. Its secret is in the answer and nowhere else.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] for an input that cannot be taken, [`AdminError::Conflict`] when the name is taken.
    pub async fn create(self, new: NewKey) -> Result<CreatedKey, AdminError> {
        let now = self.now();
        let name = input::name(&new.name)?;
        let expiry = expiry(new.expiry, None, now)?;
        let models = input::model_rules(&new.allow, &new.deny)?;
        let parts = self.admin.parts();
        let made = parts.vault.generate_client_key(&parts.key_prefix)?;
        let mut policy = KeyPolicy { limits: input::limits(&new.limits)?, ..KeyPolicy::default() };
        CheckedPolicy::new(self.admin, &new.policy).await?.apply(&mut policy)?;
        let key = ClientKey {
            id: ClientKeyId::generate(),
            name,
            hash: made.hash,
            hash_form: HashForm::Own,
            hint: made.hint,
            enabled: true,
            disabled_because: None,
            revoked_at: None,
            deleted_at: None,
            expiry,
            first_used_at: None,
            models,
            policy,
            card_steps: Vec::new(),
            created_at: now,
            updated_at: now,
        };
        policy::refuse_contradictions(&key)?;
        let names = NameLock::take(self.admin).await?;
        let created = self.create_named(key).await;
        names.release().await;
        Ok(CreatedKey { view: self.view(created?).await?, key: Disclosed::new(made.secret) })
    }

    /// All client keys that are not deleted, by name.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list(self) -> Result<Vec<KeyView>, AdminError> {
        self.list_where(|key| key.deleted_at.is_none()).await
    }

    async fn list_where(self, wanted: impl Fn(&ClientKey) -> bool) -> Result<Vec<KeyView>, AdminError> {
        let records = self.admin.key_records().all().await?;
        let mut views = Vec::new();
        for record in records.into_iter().filter(|record| wanted(&record.value)) {
            views.push(self.view(record.value).await?);
        }
        views.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(views)
    }

    /// One client key, by id or name.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] when there is none; so it is with the other services.
    pub async fn show(self, key: &str) -> Result<KeyView, AdminError> {
        let found = find(&self.admin.key_records(), key).await?;
        self.view(found.value).await
    }

    /// Where all limits stand that a client key's requests count in: its own, its owner's and the team's.
    ///
    /// # Errors
    /// As [`show`](Self::show).
    pub async fn standings(self, key: &str) -> Result<Vec<StandingView>, AdminError> {
        let found = find(&self.admin.key_records(), key).await?;
        standings::of_key(self.admin, &found.value).await
    }

    /// Changes a client key.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] for an input that cannot be taken, [`AdminError::Conflict`] when the name is taken.
    pub async fn update(self, key: &str, change: KeyChange) -> Result<KeyView, AdminError> {
        if change.name.is_none() {
            return self.apply(key, &change).await;
        }
        let names = NameLock::take(self.admin).await?;
        let changed = self.apply(key, &change).await;
        names.release().await;
        changed
    }

    /// Closes a client key for good and keeps its record. Closing it again changes nothing.
    ///
    /// # Errors
    /// As [`show`](Self::show).
    pub async fn revoke(self, key: &str) -> Result<KeyView, AdminError> {
        let now = self.now();
        let records = self.admin.key_records();
        let id = find(&records, key).await?.value.id;
        let revoked = change::apply(&records, id.uuid(), |key: &mut ClientKey| {
            key.updated_at = now;
            key.revoked_at.get_or_insert(now);
            Ok(())
        });
        self.view(revoked.await?).await
    }

    /// What a client key used, from the roll-ups. By id also that of a key that was removed.
    ///
    /// # Errors
    /// As [`show`](Self::show).
    pub async fn usage(self, key: &str) -> Result<UsageView, AdminError> {
        usage::usage(self.admin, key).await
    }

    /// The key with the names of whom it is bound to and whose it is.
    pub(crate) async fn view(self, key: ClientKey) -> Result<KeyView, AdminError> {
        let bound_to = match key.policy.binding {
            Some(binding) => Some(PlaceInput::of(self.admin, binding.to).await?),
            None => None,
        };
        let owner = match key.policy.owner {
            Some(owner) => self.admin.owners().name_of(owner).await?,
            None => None,
        };
        Ok(KeyView { bound_to, owner, ..KeyView::new(key, self.now()) })
    }

    async fn create_named(self, key: ClientKey) -> Result<ClientKey, AdminError> {
        let records = self.admin.key_records();
        self.refuse_taken(&key.name, key.id).await?;
        Ok(records.create(key).await?.value)
    }

    async fn apply(self, key: &str, change: &KeyChange) -> Result<KeyView, AdminError> {
        let now = self.now();
        let records = self.admin.key_records();
        let id = find(&records, key).await?.value.id;
        if let Some(name) = &change.name {
            self.refuse_taken(name, id).await?;
        }
        let policy = CheckedPolicy::new(self.admin, &change.policy).await?;
        let changed =
            change::apply(&records, id.uuid(), |key| apply_change(key, change, &policy, now)).await?;
        self.view(changed).await
    }

    async fn refuse_taken(self, name: &str, own: ClientKeyId) -> Result<(), AdminError> {
        match by_name(&self.admin.key_records(), name).await? {
            Some(other) if other.value.id != own => Err(change::taken("client key", name)),
            _ => Ok(()),
        }
    }

    fn now(self) -> Timestamp {
        self.admin.parts().clock.now()
    }
}

fn apply_change(
    key: &mut ClientKey,
    change: &KeyChange,
    policy: &CheckedPolicy<'_>,
    now: Timestamp,
) -> Result<(), AdminError> {
    if key.deleted_at.is_some() {
        let message = format!("client key `{}` is deleted; restore it first", key.name);
        return Err(AdminError::invalid("key", message));
    }
    if let Some(name) = &change.name {
        key.name = input::name(name)?;
    }
    if let Some(enabled) = change.enabled {
        if enabled && key.revoked_at.is_some() {
            let message =
                format!("client key `{}` is revoked, and that is for good; make a new one", key.name);
            return Err(AdminError::invalid("enabled", message));
        }
        key.enabled = enabled;
        if enabled {
            key.disabled_because = None;
        }
    }
    if let Some(reason) = &change.disabled_because {
        key.disabled_because = disabled_because(key, reason.trim())?;
    }
    if let Some(input) = change.expiry {
        key.expiry = expiry(input, Some(key), now)?;
    }
    if let Some(allow) = &change.allow {
        key.models.allow = input::patterns("allow", allow)?;
    }
    if let Some(deny) = &change.deny {
        key.models.deny = input::patterns("deny", deny)?;
    }
    if let Some(limits) = &change.limits {
        key.policy.limits = input::limits(limits)?;
    }
    policy.apply(&mut key.policy)?;
    policy::refuse_contradictions(key)?;
    key.updated_at = now;
    Ok(())
}

/// When a key is to end; `key` as it is, where it is there already.
fn expiry(input: ExpiryInput, key: Option<&ClientKey>, now: Timestamp) -> Result<Expiry, AdminError> {
    match input {
        ExpiryInput::Never => Ok(Expiry::Never),
        ExpiryInput::At { at } if at <= now => {
            Err(AdminError::invalid("expiry", format!("{at} has passed already; give a later moment")))
        }
        ExpiryInput::At { at } => Ok(Expiry::At { at }),
        ExpiryInput::In { seconds } => lasting(seconds).map(|time| Expiry::At { at: now.plus(time) }),
        ExpiryInput::FromFirstUse { seconds } => {
            lasting(seconds).map(|time| Expiry::AfterFirstUse { seconds: time.as_secs() })
        }
        ExpiryInput::Extend { seconds } => extended(lasting(seconds)?, key, now),
    }
}

fn extended(time: Duration, key: Option<&ClientKey>, now: Timestamp) -> Result<Expiry, AdminError> {
    let Some(key) = key else {
        let message = "cannot be extended before the key is there; say when it ends";
        return Err(AdminError::invalid("expiry", message));
    };
    match (key.expiry, key.expires_at()) {
        (Expiry::Never, _) => Ok(Expiry::Never),
        // It has not begun to run.
        (Expiry::AfterFirstUse { seconds }, None) => {
            let all = lasting(seconds.saturating_add(time.as_secs()))?;
            Ok(Expiry::AfterFirstUse { seconds: all.as_secs() })
        }
        (_, ends) => Ok(Expiry::At { at: ends.map_or(now, |ends| ends.max(now)).plus(time) }),
    }
}

/// A lifetime that is one, and whose end a calendar can name.
fn lasting(seconds: u64) -> Result<Duration, AdminError> {
    if !(1..=MOST_SECONDS).contains(&seconds) {
        let message = "is no lifetime; give one from a second to a hundred years, such as 30d";
        return Err(AdminError::invalid("expiry", message));
    }
    Ok(Duration::from_secs(seconds))
}

fn disabled_because(key: &ClientKey, reason: &str) -> Result<Option<String>, AdminError> {
    let refuse = |message: String| Err(AdminError::invalid("disabled_because", message));
    if reason.is_empty() {
        return Ok(None);
    }
    if key.enabled {
        return refuse(format!("client key `{}` is switched on; switch it off to give a reason", key.name));
    }
    if reason.chars().count() > MOST_REASON || reason.chars().any(char::is_control) {
        return refuse(format!("is no single line of at most {MOST_REASON} characters; write one"));
    }
    Ok(Some(reason.to_owned()))
}

const MOST_SECONDS: u64 = 100 * 366 * 86_400;
const MOST_REASON: usize = 200;
