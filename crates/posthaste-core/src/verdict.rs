//! What an upstream's answer means for the request and for the account.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// The whole decision over one attempt. The attempt loop acts on it and the account's health learns from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Give the answer to the client.
    Deliver,
    /// The client's own fault: give the upstream's error to the client; no other account would do better, and the
    /// account is not to blame.
    ClientFault,
    /// The account does not have what was asked for, and is not to blame: ask the next candidate. If none of those that
    /// are asked has it, the client is given the upstream's error.
    NotServed,
    /// Ask the same account again after a pause.
    Retry {
        /// How long to pause.
        after: Duration,
    },
    /// Ask the next candidate.
    NextCandidate {
        /// What the account must rest from; `None` when it is not to blame.
        cooldown: Option<Cooldown>,
    },
    /// The credential was refused: renew it once and ask again, otherwise go on to the next candidate.
    Reauthenticate,
}

/// A rest that an account has earned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Cooldown {
    /// The class of reason.
    pub reason: CooldownReason,
    /// What of the account rests.
    pub scope: CooldownScope,
    /// When the upstream said that it ends; `None` leaves the length to the scheduler's back-off.
    pub until: Option<Timestamp>,
    /// What the upstream said, for the operator; holds no secrets.
    pub why: String,
}

impl Cooldown {
    /// A rest of the whole account.
    pub fn of_account(reason: CooldownReason, until: Option<Timestamp>, why: impl Into<String>) -> Self {
        Self { reason, scope: CooldownScope::Account, until, why: why.into() }
    }
}

/// What of an account rests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CooldownScope {
    /// All of it.
    #[default]
    Account,
    /// The models whose names begin with this, which the vendor meters on their own.
    Models(String),
    /// One model, by the upstream's name.
    Model(String),
}

impl CooldownScope {
    /// Whether a model rests, by the upstream's name.
    pub fn covers(&self, model: &str) -> bool {
        match self {
            Self::Account => true,
            Self::Models(beginning) => model.starts_with(beginning.as_str()),
            Self::Model(name) => model == name,
        }
    }
}

impl fmt::Display for CooldownScope {
    /// Writes the pattern of the models that rest.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account => f.write_str("*"),
            Self::Models(beginning) => write!(f, "{beginning}*"),
            Self::Model(name) => f.write_str(name),
        }
    }
}

/// Why an account rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CooldownReason {
    /// Too many requests for a short window.
    RateLimited,
    /// The upstream as a whole has too much to do.
    Overloaded,
    /// A plan's window or a balance is used up.
    QuotaExhausted,
    /// The credential is not accepted.
    Unauthorised,
    /// The account is blocked or may not do this.
    Forbidden,
    /// It cannot be reached, breaks off or answers nonsense.
    Failing,
}

impl CooldownReason {
    /// Every reason, in the order of their declaration.
    pub const ALL: [Self; 6] = [
        Self::RateLimited,
        Self::Overloaded,
        Self::QuotaExhausted,
        Self::Unauthorised,
        Self::Forbidden,
        Self::Failing,
    ];

    /// Its place in [`ALL`](Self::ALL), for tables.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The stable name used in metrics and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RateLimited => "rate_limited",
            Self::Overloaded => "overloaded",
            Self::QuotaExhausted => "quota_exhausted",
            Self::Unauthorised => "unauthorised",
            Self::Forbidden => "forbidden",
            Self::Failing => "failing",
        }
    }
}

impl fmt::Display for CooldownReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the rate-limit headers of an answer say about the tightest window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RateWindow {
    /// Requests or tokens left, in the unit of the header it came from.
    pub remaining: Option<u64>,
    /// When the window starts anew.
    pub resets_at: Timestamp,
}

/// How much of a window of its plan an account has used, as the vendor tells with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PlanUse {
    /// Hundredths of a percent, 10,000 at most.
    pub used: u16,
    /// When the window began.
    pub starts_at: Timestamp,
    /// When it starts anew.
    pub resets_at: Timestamp,
}

impl PlanUse {
    /// All of a window.
    pub const WHOLE: u16 = 10_000;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_covers_what_it_names() {
        let (account, one) = (CooldownScope::Account, CooldownScope::Model("gpt-5".to_owned()));
        let family = CooldownScope::Models("claude-opus".to_owned());
        assert!(account.covers("gpt-5") && one.covers("gpt-5") && family.covers("claude-opus-4-8"));
        assert!(!one.covers("gpt-5-mini") && !family.covers("claude-haiku-4-5"));
        assert_eq!([account, family, one].map(|scope| scope.to_string()), ["*", "claude-opus*", "gpt-5"]);
    }
}
