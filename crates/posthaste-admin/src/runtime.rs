//! What only a running relay knows.

use posthaste_core::{AccountId, CooldownReason, Timestamp};
use serde::{Deserialize, Serialize};

/// A running relay, as far as operators' work needs it. Implemented where the relay is wired together.
pub trait Runtime: Send + Sync + 'static {
    /// Why and how long an account rests, if it does.
    fn parked(&self, account: AccountId) -> Option<ParkedView>;

    /// The models that an account does not serve for now, though it serves others.
    fn parked_models(&self, account: AccountId) -> Vec<ParkedModels>;

    /// Ends an account's rest, since what it rested from was put right.
    fn release(&self, account: AccountId);

    /// When the relay started.
    fn started_at(&self) -> Timestamp;

    /// How many requests are in flight.
    fn in_flight(&self) -> u64;
}

/// An account's rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParkedView {
    /// The class of reason.
    pub reason: CooldownReason,
    /// When it ends.
    pub until: Timestamp,
    /// What the upstream said.
    pub why: String,
}

/// A rest of some of an account's models, which the vendor meters on their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParkedModels {
    /// Which models, as the upstream calls them: a name, or what names begin with and a `*`.
    pub models: String,
    /// Why and how long.
    #[serde(flatten)]
    pub parked: ParkedView,
}
