//! Client keys as operators see them.

use posthaste_core::{ClientKey, ClientKeyId, Expiry, KeyPolicy, KeyStatus, ModelRules, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Disclosed, PlaceInput};

/// A client key as operators see it: neither secret nor hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyView {
    /// Its identity.
    pub id: ClientKeyId,
    /// The operator's name for it.
    pub name: String,
    /// The secret's last four characters.
    pub hint: String,
    /// Whether it opens the door now.
    pub state: KeyStatus,
    /// Whether it is switched on.
    pub enabled: bool,
    /// Why it is switched off, if it is and somebody said so.
    #[serde(default)]
    pub disabled_because: Option<String>,
    /// When it is to end.
    pub expiry: Expiry,
    /// When it ends, as far as that is known.
    pub expires_at: Option<Timestamp>,
    /// When it was first used, as far as `expiry` needs it.
    pub first_used_at: Option<Timestamp>,
    /// When it was revoked, if so.
    pub revoked_at: Option<Timestamp>,
    /// When it was deleted, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
    /// Which models it may ask for.
    pub models: ModelRules,
    /// What else it may do, and how it is billed.
    #[serde(default)]
    pub policy: KeyPolicy,
    /// Whom `policy.binding` means, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound_to: Option<PlaceInput>,
    /// Whom `policy.owner` means, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A new client key. The only place where its secret is told.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CreatedKey {
    /// The key.
    #[serde(flatten)]
    pub view: KeyView,
    /// The secret that clients present.
    pub key: Disclosed,
}

impl KeyView {
    pub(crate) fn new(key: ClientKey, now: Timestamp) -> Self {
        Self {
            state: key.status(now),
            expires_at: key.expires_at(),
            id: key.id,
            name: key.name,
            hint: key.hint,
            enabled: key.enabled,
            disabled_because: key.disabled_because,
            expiry: key.expiry,
            first_used_at: key.first_used_at,
            revoked_at: key.revoked_at,
            deleted_at: key.deleted_at,
            models: key.models,
            policy: key.policy,
            bound_to: None,
            owner: None,
            created_at: key.created_at,
            updated_at: key.updated_at,
        }
    }
}
