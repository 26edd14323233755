//! Who could have served, in what order, and why not the others.

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use super::OrderReason;
use crate::{AccountId, CooldownReason, ModelName, PoolId, Strategy, Timestamp};

/// A plan: one leg for each target of the request's model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RequestPlan {
    /// 1 for the first plan of the request.
    pub round: u32,
    /// Its legs, in the order in which they are asked.
    pub legs: Vec<PlannedLeg>,
}

/// The accounts for one model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PlannedLeg {
    /// What they are asked for.
    pub model: ModelName,
    /// The pool whose rules hold; `None` where the relay's own do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<PoolId>,
    /// The order within equal priority.
    pub strategy: Strategy,
    /// Those to be asked, best first.
    pub asked: Vec<AskedAccount>,
    /// How many more of those there were than are kept.
    #[serde(default)]
    pub asked_more: u32,
    /// Those that were not, the ones that rest first.
    pub passed_over: Vec<PassedOver>,
    /// How many more of those there were than are kept, by what stood against them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub passed_over_more: BTreeMap<Barrier, u32>,
}

/// An account's place in a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AskedAccount {
    /// Which.
    pub account: AccountId,
    /// Why it stands where it stands.
    pub why: String,
}

impl AskedAccount {
    /// Why it stands there, for those who do not only show it; `None` where another release worded it.
    pub fn reason(&self) -> Option<OrderReason> {
        self.why.parse().ok()
    }
}

/// An account that was not to be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PassedOver {
    /// Which.
    pub account: AccountId,
    /// What stood against it.
    pub barrier: Barrier,
    /// How it rested, if that was it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rest: Option<Rest>,
}

/// What stands between a request and an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Barrier {
    /// It rests, is tried by another request, or a window of its quota is used up.
    Rests,
    /// It is switched off, or its subscription has ended.
    Disabled,
    /// It does not serve the model.
    ModelNotServed,
    /// The client key's policy keeps it away.
    NotForThisKey,
    /// It is not in the pool, or not the account, that was to be asked.
    NotInThePlace,
    /// It has no endpoint for what was asked.
    OperationNotServed,
    /// The path named another vendor.
    PinnedElsewhere,
    /// The request goes on from an answer that lies at another account.
    NotTheHome,
}

impl Barrier {
    /// What stands against an account, for people.
    pub const fn as_text(self) -> &'static str {
        match self {
            Self::Rests => "rests",
            Self::Disabled => "switched off",
            Self::ModelNotServed => "does not serve the model",
            Self::NotForThisKey => "not for this client key",
            Self::NotInThePlace => "not in the pool that is asked",
            Self::OperationNotServed => "has no endpoint for this",
            Self::PinnedElsewhere => "the path names another vendor",
            Self::NotTheHome => "the answer to go on from lies elsewhere",
        }
    }
}

impl fmt::Display for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_text())
    }
}

/// An account's rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Rest {
    /// The class of reason.
    pub reason: CooldownReason,
    /// When it ends.
    pub until: Timestamp,
    /// What the upstream said.
    pub why: Arc<str>,
}
