//! What went wrong at an account, as it is remembered for operators.

use serde::{Deserialize, Serialize};

use crate::{AccountId, CooldownReason, FaultKind, ModelName, RequestId, Timestamp};

/// One failure of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AccountError {
    /// Whose.
    pub account: AccountId,
    /// When.
    pub at: Timestamp,
    /// What kind of failure it was.
    pub kind: FaultKind,
    /// The upstream's status, where its head came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The model that was asked for, as the upstream calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelName>,
    /// What was said, without what looks like a secret; at most [`MOST_MESSAGE`](Self::MOST_MESSAGE) characters.
    pub message: String,
    /// The request that met with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestId>,
    /// The rest that the account was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rest: Option<GivenRest>,
}

impl AccountError {
    /// How many characters of a message are kept.
    pub const MOST_MESSAGE: usize = 500;
}

/// A rest that an account was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GivenRest {
    /// The class of reason.
    pub reason: CooldownReason,
    /// When it ends.
    pub until: Timestamp,
}
