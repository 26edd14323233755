//! An account that was turned to.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{CheckedLimit, Rest};
use crate::AccountId;

/// One turn to one account. Times are microseconds since the request came in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Stop {
    /// Which account.
    pub account: AccountId,
    /// The leg of the plan, counted from 0.
    pub leg: u16,
    /// The number of its attempt in the books; `None` where nothing was sent.
    pub attempt: Option<u16>,
    /// When it was turned to.
    pub began_us: u64,
    /// When its credential was there and the request was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_us: Option<u64>,
    /// When the request was handed over to be sent, its own limits checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_us: Option<u64>,
    /// When the upstream's head was there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head_us: Option<u64>,
    /// When content was there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_us: Option<u64>,
    /// When it was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_us: Option<u64>,
    /// What came of it.
    pub end: StopEnd,
    /// The rest that the account was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rest: Option<Rest>,
    /// The limits of the account and its pools that were checked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<CheckedLimit>,
}

/// What came of a turn to an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum StopEnd {
    /// The client left, or the relay stopped, before it was known.
    #[default]
    Abandoned,
    /// Its answer went to the client. How that ended is in the books.
    Delivered,
    /// The request itself was at fault, so that nobody else was asked.
    Final,
    /// It has not what was asked for.
    NotServed,
    /// The next account's turn.
    Next,
    /// The same account was to be asked once more.
    Again,
    /// Its credential was refused: another was fetched.
    Renew,
    /// It, or a pool of its, was at a limit of its own.
    AtItsLimit,
    /// Its limits could not be checked.
    LimitsUnknown,
    /// It had begun to rest since the plan was made.
    JustParked,
    /// It could not be asked as it is set up.
    Unusable,
}

impl StopEnd {
    /// Every member, in the order of their declaration.
    pub const ALL: [Self; 11] = [
        Self::Abandoned,
        Self::Delivered,
        Self::Final,
        Self::NotServed,
        Self::Next,
        Self::Again,
        Self::Renew,
        Self::AtItsLimit,
        Self::LimitsUnknown,
        Self::JustParked,
        Self::Unusable,
    ];

    /// The stable name used in metrics, traces and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Abandoned => "abandoned",
            Self::Delivered => "delivered",
            Self::Final => "final",
            Self::NotServed => "not_served",
            Self::Next => "next",
            Self::Again => "again",
            Self::Renew => "renew",
            Self::AtItsLimit => "at_its_limit",
            Self::LimitsUnknown => "limits_unknown",
            Self::JustParked => "just_parked",
            Self::Unusable => "unusable",
        }
    }

    /// What came of it, for people.
    pub const fn as_text(self) -> &'static str {
        match self {
            Self::Abandoned => "given up: the client left",
            Self::Delivered => "answered",
            Self::Final => "refused for good",
            Self::NotServed => "has not what was asked for",
            Self::Next => "failed",
            Self::Again => "failed, to be asked again",
            Self::Renew => "credential refused",
            Self::AtItsLimit => "at a limit of its own",
            Self::LimitsUnknown => "its limits could not be checked",
            Self::JustParked => "began to rest meanwhile",
            Self::Unusable => "could not be asked",
        }
    }
}

impl fmt::Display for StopEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_json() {
        for end in StopEnd::ALL {
            assert_eq!(serde_json::to_value(end).unwrap(), end.as_str());
        }
    }
}
