//! Client keys that people make for themselves.
//!
//! A person sees and keeps the keys whose owner has the person's identity; of all others it is as if they did not exist. The limits of
//! that owner, and of its team, hold for them together, and operators alone set those.

use std::sync::Arc;

use posthaste_core::{ClientKey, ClientKeyId, Expiry, KeyStatus, Limit, ModelRules, Timestamp, User};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    Admin, AdminError, Disclosed, ExpiryInput, HeldRedemption, KeyView, KnownPerson, NewKey, PolicyInput,
    StandingView, StatsBy, StatsInput, StatsView,
    audit::{AuditTarget, Noted, Outcome},
    cards::redeem_watched,
    change, standings,
};

/// What people may do with client keys of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnKeyRules {
    /// How many somebody may have at once for whom nothing else is said.
    pub most: u32,
    /// Whether they may remove them.
    pub may_delete: bool,
}

impl Default for OwnKeyRules {
    fn default() -> Self {
        Self { most: 5, may_delete: true }
    }
}

/// A client key that somebody makes for the own use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NewOwnKey {
    /// What it is called; others see the person's name before it.
    pub name: String,
    /// When it ends.
    pub expiry: ExpiryInput,
    /// What it may use, within what the person may.
    pub limits: Vec<Limit>,
}

/// A client key as its person sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OwnKeyView {
    /// Its identity.
    pub id: ClientKeyId,
    /// What it is called.
    pub name: String,
    /// The secret's last four characters.
    pub hint: String,
    /// Whether it opens the door now.
    pub state: KeyStatus,
    /// When it is to end.
    pub expiry: Expiry,
    /// When it ends, as far as that is known.
    pub expires_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Which models it may ask for.
    pub models: ModelRules,
    /// What it may use.
    pub limits: Vec<Limit>,
}

/// A new client key of somebody's own. The only place where its secret is told.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CreatedOwnKey {
    /// The key.
    #[serde(flatten)]
    pub view: OwnKeyView,
    /// The secret that clients present.
    pub key: Disclosed,
}

/// What somebody may have and has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QuotaInfo {
    /// How many client keys the person may have at once.
    pub max_keys: u32,
    /// How many there are.
    pub keys: u32,
    /// Whether the person may remove them.
    pub may_delete_keys: bool,
    /// The team whose limits hold for the person too, by name.
    pub team: Option<String>,
    /// Where the limits of all the person's keys together stand, and the team's.
    pub limits: Vec<StandingView>,
}

/// What somebody's client keys used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OwnUsage {
    /// By client key.
    pub by_key: StatsView,
    /// By the model that clients named.
    pub by_model: StatsView,
    /// By day, UTC.
    pub by_day: StatsView,
}

/// Client keys of one's own.
#[derive(Clone, Copy)]
pub struct OwnKeyService<'a> {
    admin: &'a Admin,
    person: &'a KnownPerson,
}

impl<'a> OwnKeyService<'a> {
    pub(crate) fn new(admin: &'a Admin, person: &'a KnownPerson) -> Self {
        Self { admin, person }
    }

    /// The person's client keys, by name.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list(self) -> Result<Vec<OwnKeyView>, AdminError> {
        self.keys().list().await
    }

    /// Makes a client key for the person.
    ///
    /// # Errors
    /// [`AdminError::Forbidden`] when the person has as many as may be, [`AdminError::Invalid`] for an input that cannot be taken,
    /// [`AdminError::Conflict`] when the person has one of that name.
    pub async fn create(self, new: NewOwnKey) -> Result<CreatedOwnKey, AdminError> {
        let made = self.keys().create(new).await;
        let (outcome, why) = match &made {
            Ok(_) => (Outcome::Done, None),
            Err(AdminError::Forbidden { .. }) => {
                (Outcome::Refused, made.as_ref().err().map(ToString::to_string))
            }
            Err(error) => (Outcome::Failed, Some(error.to_string())),
        };
        let key = made.as_ref().ok().map(|made| (made.view.id, made.view.name.clone()));
        self.note("own_key.create", key, outcome, why).await;
        made
    }

    /// Removes one of the person's client keys, by id or name.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] for one that the person does not have, [`AdminError::Forbidden`] where people may not.
    pub async fn delete(self, key: &str) -> Result<OwnKeyView, AdminError> {
        let keys = self.keys();
        let found = keys.find(key).await?;
        let about = Some((found.id, found.name.clone()));
        if !keys.rules().may_delete {
            let need = "an operator, who removes client keys here".to_owned();
            let refused = AdminError::Forbidden { need };
            self.note("own_key.delete", about, Outcome::Refused, Some(refused.to_string())).await;
            return Err(refused);
        }
        let removed = self.admin.keys().delete(&found.id.to_string()).await?;
        self.note("own_key.delete", about, Outcome::Done, None).await;
        Ok(keys.view(removed))
    }

    /// Redeems a card for one of the person's client keys, by id or name.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] for a key that the person does not have or a code that there is not, [`AdminError::TooMany`] after
    /// too many of those, [`AdminError::Conflict`] for a card that is over, was redeemed before, or does not fit the key.
    pub async fn redeem(self, key: &str, code: &Disclosed) -> Result<HeldRedemption, AdminError> {
        let found = self.keys().find(key).await?;
        let missing = || AdminError::NotFound { what: format!("client key `{}`", key.escape_debug()) };
        let key = self.admin.key_records().client_key(found.id).await?.ok_or_else(missing)?.value;
        let actor = self.person.actor(self.person.session.address);
        redeem_watched(self.admin, &key, code, &actor).await
    }

    /// The cards that were redeemed for the person's client keys, the newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn redemptions(self) -> Result<Vec<HeldRedemption>, AdminError> {
        let own: Vec<ClientKeyId> = self.keys().own().await?.into_iter().map(|key| key.id).collect();
        self.admin.cards().held(&own).await
    }

    /// What the person may have, and how far it is used.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn quota(self) -> Result<QuotaInfo, AdminError> {
        let keys = self.keys();
        Ok(QuotaInfo {
            max_keys: keys.most(),
            keys: u32::try_from(keys.own().await?.len()).unwrap_or(u32::MAX),
            may_delete_keys: keys.rules().may_delete,
            team: self.team().await?,
            limits: standings::of_owner(self.admin, self.person.user.id).await?,
        })
    }

    /// What the person's client keys used.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn usage(self) -> Result<OwnUsage, AdminError> {
        Ok(OwnUsage {
            by_key: self.sums(StatsBy::Key).await?,
            by_model: self.sums(StatsBy::Model).await?,
            by_day: self.sums(StatsBy::Day).await?,
        })
    }

    async fn team(self) -> Result<Option<String>, AdminError> {
        let owner = self.admin.owner_records().get(self.person.user.id.uuid()).await?;
        let Some(team) = owner.and_then(|owner| owner.value.team) else { return Ok(None) };
        Ok(self.admin.team_records().get(team.uuid()).await?.map(|team| team.value.name))
    }

    async fn sums(self, by: StatsBy) -> Result<StatsView, AdminError> {
        let owner = Some(self.person.user.id.to_string());
        self.admin.stats(&StatsInput { by: vec![by], owner, ..StatsInput::default() }).await
    }

    fn keys(self) -> KeysOf<'a> {
        KeysOf { admin: self.admin, user: &self.person.user }
    }

    async fn note(
        self,
        action: &'static str,
        key: Option<(ClientKeyId, String)>,
        outcome: Outcome,
        why: Option<String>,
    ) {
        let after = (outcome == Outcome::Done).then(|| json!({ "owner": self.person.user.id }));
        let target =
            key.map(|(id, name)| AuditTarget { kind: "client_key".to_owned(), id: Some(id.uuid()), name });
        let noted = Noted { action, target, outcome, why, before: None, after };
        self.admin.audit().note(&self.person.actor(self.person.session.address), noted).await;
    }
}

/// The client keys of a person, whoever works on them.
#[derive(Clone, Copy)]
struct KeysOf<'a> {
    admin: &'a Admin,
    user: &'a User,
}

impl KeysOf<'_> {
    async fn list(self) -> Result<Vec<OwnKeyView>, AdminError> {
        Ok(self.own().await?.into_iter().map(|key| self.view(key)).collect())
    }

    /// By id or by the name that the person knows it by.
    async fn find(self, key: &str) -> Result<KeyView, AdminError> {
        let named = |view: &KeyView| view.id.to_string() == key || self.short(&view.name) == key;
        let found = self.own().await?.into_iter().find(named);
        found.ok_or_else(|| AdminError::NotFound { what: format!("client key `{}`", key.escape_debug()) })
    }

    async fn create(self, new: NewOwnKey) -> Result<CreatedOwnKey, AdminError> {
        let full = || AdminError::Forbidden {
            need: format!("room for another client key: `{}` may have {}", self.user.name, self.most()),
        };
        let most = usize::try_from(self.most()).unwrap_or(usize::MAX);
        if self.own().await?.len() >= most {
            return Err(full());
        }
        let short = new.name.trim();
        if short.is_empty() || short.contains('/') {
            let message = "is empty or holds a slash; give a name without one";
            return Err(AdminError::invalid("name", message));
        }
        let name = format!("{}{short}", self.prefix());
        let owner = Some(self.user.id.to_string());
        let policy = PolicyInput { owner, ..PolicyInput::default() };
        let NewOwnKey { expiry, limits, .. } = new;
        let made =
            self.admin.keys().create(NewKey { name, expiry, limits, policy, ..NewKey::default() }).await?;
        // Whoever makes several at once, here or at other relays, has no more than may be.
        if self.own().await?.len() > most {
            self.admin.keys().delete(&made.view.id.to_string()).await?;
            return Err(full());
        }
        Ok(CreatedOwnKey { view: self.view(made.view), key: made.key })
    }

    /// By name. Found in memory, since the relay may have very many of others.
    async fn own(self) -> Result<Vec<KeyView>, AdminError> {
        let (known, now) = (self.admin.directory().await?, self.admin.now());
        let own = |key: &&Arc<ClientKey>| key.deleted_at.is_none() && key.policy.owner == Some(self.user.id);
        let own = known.keys.values().filter(own);
        let mut views: Vec<_> = own.map(|key| KeyView::new(ClientKey::clone(key), now)).collect();
        views.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(views)
    }

    fn view(self, key: KeyView) -> OwnKeyView {
        OwnKeyView {
            name: self.short(&key.name).to_owned(),
            id: key.id,
            hint: key.hint,
            state: key.state,
            expiry: key.expiry,
            expires_at: key.expires_at,
            created_at: key.created_at,
            models: key.models,
            limits: key.policy.limits,
        }
    }

    /// Names of client keys are the relay's; with the person's before them, nobody learns of others' by trying.
    fn prefix(self) -> String {
        format!("{}/", self.user.name)
    }

    fn short(self, name: &str) -> &str {
        name.strip_prefix(&self.prefix()).unwrap_or(name)
    }

    fn most(self) -> u32 {
        self.user.max_keys.unwrap_or(self.rules().most)
    }

    fn rules(self) -> OwnKeyRules {
        self.admin.parts().own_keys
    }
}

/// The client keys of a person, by name.
///
/// # Errors
/// [`AdminError::NotFound`] when there is no such person.
pub(crate) async fn list_of(admin: &Admin, user: &str) -> Result<Vec<OwnKeyView>, AdminError> {
    let user = change::find(&admin.user_records(), user).await?.value;
    KeysOf { admin, user: &user }.list().await
}

/// Makes a client key for a person, as the person could.
///
/// # Errors
/// As [`OwnKeyService::create`], and [`AdminError::NotFound`] when there is no such person.
pub(crate) async fn create_of(
    admin: &Admin,
    user: &str,
    new: NewOwnKey,
) -> Result<CreatedOwnKey, AdminError> {
    let user = change::find(&admin.user_records(), user).await?.value;
    KeysOf { admin, user: &user }.create(new).await
}

/// Closes one of a person's client keys for good and keeps its record.
///
/// # Errors
/// [`AdminError::NotFound`] when there is no such person, or the person has no such key.
pub(crate) async fn revoke_of(admin: &Admin, user: &str, key: &str) -> Result<OwnKeyView, AdminError> {
    let user = change::find(&admin.user_records(), user).await?.value;
    let keys = KeysOf { admin, user: &user };
    let found = keys.find(key).await?;
    Ok(keys.view(admin.keys().revoke(&found.id.to_string()).await?))
}
