//! What the relay takes and answers, as far as this client cares. Fields that are not here are passed over.

use serde::{Deserialize, Serialize};

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// How many there are on all pages.
    pub total: u64,
    /// Which page this is, from 1 on.
    pub page: u64,
    /// How many rows a page has.
    pub page_size: u64,
}

/// A client key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// Its identity.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The secret's last four characters.
    pub hint: String,
    /// Whether it opens the door now.
    pub state: KeyState,
    /// Whether it is switched on.
    pub enabled: bool,
    /// When it ends, as far as that is known.
    pub expires_at: Option<String>,
    /// When it was made.
    pub created_at: String,
}

/// Whether a client key opens the door.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyState {
    /// `active`, `disabled`, `revoked`, `expired` or `deleted`.
    pub status: String,
}

/// A client key to be made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewKey {
    /// Its name.
    pub name: String,
    /// What it may use.
    pub limits: Vec<Limit>,
}

/// How much may be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// Names it; unique within its key.
    pub name: String,
    /// `requests`, `tokens`, `cost` or `concurrency`.
    pub unit: String,
    /// The span of time.
    pub window: Window,
    /// What may not be passed; of cost, in billionths of a dollar.
    pub amount: u64,
}

/// The span of time of a limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// `total` for ever, `now` for what is done at the same time.
    pub window: String,
}

/// A client key that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatedKey {
    /// The key.
    #[serde(flatten)]
    pub view: Key,
    /// Its secret, told this once.
    pub key: String,
}

/// What is to change of a client key; the rest stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyChange {
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether it is switched on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

/// What was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// In all.
    pub totals: Totals,
    /// In parts.
    pub rows: Vec<UsageRow>,
}

/// Sums.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Attempts at upstreams.
    pub attempts: u64,
    /// What they cost, in dollars.
    pub cost: String,
}

/// A part of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageRow {
    /// The client key, where parts are told apart by it.
    pub key: Option<Named>,
    /// How much.
    #[serde(flatten)]
    pub totals: Totals,
}

/// A record that may be gone by now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// Its identity.
    pub id: String,
    /// Its name, while it is there.
    pub name: Option<String>,
}

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The class, such as `invalid` or `not_found`.
    pub error: String,
    /// What happened and what to do.
    pub message: String,
    /// Which input, as it was written.
    pub field: Option<String>,
    /// The version that the record has, where the change was for another.
    pub version: Option<u64>,
}
