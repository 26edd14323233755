//! What relays that share their accounts tell each other of an account's health.

use serde::{Deserialize, Serialize};

use crate::{AccountId, CooldownReason, CooldownScope, Timestamp};

/// News of an account, or of some of its models.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HealthNews {
    /// Which account.
    pub account: AccountId,
    /// What of it. A release is always of the whole account.
    pub scope: CooldownScope,
    /// What happened.
    pub told: Told,
}

/// What happened to an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// It was sent to rest.
    Rests(ToldRest),
    /// It serves again.
    Serves {
        /// When the request began that showed it: a rest that began later is not over.
        asked_at: Timestamp,
        /// Whether nobody was well before, so that the others whose rests are guesses may be tried soon as well.
        hope: bool,
    },
    /// An operator ended all of its rests, or put right what they came from.
    Released {
        /// When. A rest that began later stays.
        at: Timestamp,
    },
}

/// A rest, with all that another relay needs to keep it as if it had met with the trouble itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ToldRest {
    /// The class of reason.
    pub reason: CooldownReason,
    /// When it ends; never before the end that the upstream named.
    pub until: Timestamp,
    /// From when the account may be asked although it rests, where nobody else can serve.
    pub early: Timestamp,
    /// What the upstream said, for the operator; holds no secrets.
    pub why: String,
    /// How many strikes in a row there were, this one included.
    pub strikes: u32,
    /// When the trouble was met.
    pub since: Timestamp,
}
