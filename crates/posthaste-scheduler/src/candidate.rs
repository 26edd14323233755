//! What a plan is made of.

use posthaste_core::{AccountId, NanoUsd};

use crate::{Parked, QuotaWindow, Warmth};

/// An account that might serve a request. What is not known is left as [`Candidate::new`] has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate<'a> {
    /// Which account.
    pub account: AccountId,
    /// The model as this account's upstream calls it.
    pub model: &'a str,
    /// Lower goes first.
    pub priority: u16,
    /// What the caller already knows to stand against it.
    pub exclusion: Option<Exclusion>,
    /// Its share where the strategy goes by weight; 0 counts as 1.
    pub weight: u16,
    /// What the request is expected to cost there with nothing cached; `None` when the price is not known.
    pub price: Option<NanoUsd>,
    /// How many requests it may serve at the same time; `None` without such a limit.
    pub most_in_flight: Option<u32>,
    /// How many it serves at this moment, where the caller counts for several relays; otherwise the scheduler's own count
    /// is taken.
    pub in_flight: Option<u32>,
    /// The windows of its quota that the request counts in.
    pub quota: &'a [QuotaWindow],
    /// What it holds of the conversation in its prompt cache.
    pub warmth: Option<Warmth>,
    /// It made opaque items that the request carries (signatures, sealed thoughts), which nobody else can read.
    pub home: bool,
}

impl<'a> Candidate<'a> {
    /// An account of middling priority and weight 1, of which nothing else is known.
    pub const fn new(account: AccountId, model: &'a str) -> Self {
        Self {
            account,
            model,
            priority: 50,
            exclusion: None,
            weight: 1,
            price: None,
            most_in_flight: None,
            in_flight: None,
            quota: &[],
            warmth: None,
            home: false,
        }
    }

    pub(crate) fn share(&self) -> f64 {
        f64::from(self.weight.max(1))
    }
}

/// Why an account is not asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exclusion {
    /// It is switched off.
    Disabled,
    /// It does not serve the model.
    ModelNotServed,
    /// The client key's policy keeps it away.
    NotForThisKey,
    /// It is not in the pool, or not the account, that is to be asked.
    NotInThePlace,
    /// It has no endpoint for what is asked.
    OperationNotServed,
    /// The request names another vendor.
    PinnedElsewhere,
    /// The request goes on from an answer that lies at another account.
    NotTheHome,
    /// It rests, another request is trying whether it has recovered, or a window of its quota is used up.
    Parked(Parked),
}
