//! Limits: how much of what, in which span of time, of which models.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{ModelPattern, Timestamp};

/// One limit of a key, user, team, pool or account. Whose it is, the record that holds it tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// Names it in messages and counters; unique within its record, `[A-Za-z0-9_-]`, at most 64 characters.
    pub name: String,
    /// What is counted.
    pub unit: LimitUnit,
    /// The span of time.
    pub window: LimitWindow,
    /// What may not be passed: requests, tokens, nano-dollars, or requests at the same time.
    pub amount: u64,
    /// Counts only requests for models that fit one of these; all when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<ModelPattern>,
    /// Counts and warns, but never refuses.
    #[serde(default)]
    pub shadow: bool,
    /// What holds while the store that several relays share is away.
    #[serde(default, skip_serializing_if = "OnLoss::is_share")]
    pub on_loss: OnLoss,
}

impl Limit {
    /// Whether a request for `model` counts.
    pub fn covers(&self, model: &str) -> bool {
        self.models.is_empty() || self.models.iter().any(|pattern| pattern.matches(model))
    }
}

/// What a limit does while the shared store, which keeps its counter, cannot be asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OnLoss {
    /// Each relay counts by itself and grants its equal share of what was left.
    #[default]
    Share,
    /// Refuses nobody.
    Open,
    /// Refuses everybody.
    Closed,
}

impl OnLoss {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Share, Self::Open, Self::Closed];

    /// The stable name used in records and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Share => "share",
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }

    // Serde hands over a reference.
    fn is_share(&self) -> bool {
        *self == Self::Share
    }
}

/// Where a caller stands with the tightest of its limits on requests and of those on tokens, for the headers of its dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallerLimits {
    /// When this was so.
    pub at: Timestamp,
    /// Requests.
    pub requests: Option<LimitState>,
    /// Tokens of all classes.
    pub tokens: Option<LimitState>,
}

impl CallerLimits {
    /// Nothing is known yet.
    pub const fn at(at: Timestamp) -> Self {
        Self { at, requests: None, tokens: None }
    }
}

/// Where a limit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitState {
    /// What may not be passed.
    pub limit: u64,
    /// What is neither used nor reserved.
    pub remaining: u64,
    /// When it starts anew, where it does.
    pub resets_at: Option<Timestamp>,
}

impl LimitState {
    /// Whether less of this limit is left than of `other`, in proportion.
    pub fn is_tighter_than(&self, other: &Self) -> bool {
        u128::from(self.remaining) * u128::from(other.limit)
            < u128::from(other.remaining) * u128::from(self.limit)
    }
}

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum LimitUnit {
    /// Requests.
    Requests,
    /// Tokens of all classes.
    Tokens,
    /// Billed cost in nano-dollars.
    Cost,
    /// Requests at the same time.
    Concurrency,
}

impl LimitUnit {
    /// The stable name used in messages and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Tokens => "tokens",
            Self::Cost => "cost",
            Self::Concurrency => "concurrency",
        }
    }
}

impl fmt::Display for LimitUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The span of time that a limit counts in.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "window", rename_all = "snake_case")]
pub enum LimitWindow {
    /// This very moment: for [`LimitUnit::Concurrency`] only.
    Now,
    /// Opens with the first request after the last one has ended, and lasts so many seconds.
    Rolling {
        /// Its length.
        seconds: u64,
    },
    /// A day of the calendar.
    Day(Calendar),
    /// A week of the calendar.
    Week {
        /// The day on which it starts anew, 1 (Monday) to 7 (Sunday).
        starts_on: u8,
        /// Where and at which hour.
        #[serde(flatten)]
        calendar: Calendar,
    },
    /// A month of the calendar.
    Month {
        /// The day on which it starts anew, 1 to 31; in shorter months, their last day.
        starts_on: u8,
        /// Where and at which hour.
        #[serde(flatten)]
        calendar: Calendar,
    },
    /// For ever.
    Total,
}

/// Whose calendar.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Calendar {
    /// The time zone's IANA name, such as `Asia/Shanghai`.
    pub zone: String,
    /// The hour of the day at which the span starts anew, 0 to 23.
    pub hour: u8,
}

impl Default for Calendar {
    fn default() -> Self {
        Self { zone: "UTC".to_owned(), hour: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_reads_back_as_it_was_written() {
        let limit = Limit {
            name: "weekly-opus".to_owned(),
            unit: LimitUnit::Cost,
            window: LimitWindow::Week {
                starts_on: 1,
                calendar: Calendar { zone: "Asia/Shanghai".to_owned(), hour: 5 },
            },
            amount: 5_000_000_000,
            models: vec![ModelPattern::new("claude-opus-*")],
            shadow: false,
            on_loss: Default::default(),
        };
        let text = serde_json::to_string(&limit).unwrap();
        assert_eq!(serde_json::from_str::<Limit>(&text).unwrap(), limit);
        assert!(limit.covers("claude-opus-4-8") && !limit.covers("claude-haiku-4-5"));
        assert!(!text.contains("on_loss"), "what is usual is not written: {text}");
        let closed = Limit { on_loss: OnLoss::Closed, ..limit.clone() };
        let text = serde_json::to_string(&closed).unwrap();
        assert!(text.contains(r#""on_loss":"closed""#), "{text}");
        assert_eq!(serde_json::from_str::<Limit>(&text).unwrap(), closed);
        let of_all = Limit { models: Vec::new(), ..limit };
        assert!(of_all.covers("claude-haiku-4-5"));
    }

    #[test]
    fn the_tighter_limit_has_the_smaller_part_left() {
        let state = |remaining, limit| LimitState { limit, remaining, resets_at: None };
        // A tenth is less than a half, however many that are.
        assert!(state(100, 1_000).is_tighter_than(&state(5, 10)));
        assert!(!state(5, 10).is_tighter_than(&state(100, 1_000)));
        assert!(!state(5, 10).is_tighter_than(&state(500, 1_000)), "neither is, when the parts are equal");
        assert!(state(3, 7).is_tighter_than(&state(1, 2)));
        assert!(state(u64::MAX - 1, u64::MAX).is_tighter_than(&state(u64::MAX, u64::MAX)));
    }

    #[test]
    fn a_unit_is_called_as_it_is_written_in_json() {
        for unit in [LimitUnit::Requests, LimitUnit::Tokens, LimitUnit::Cost, LimitUnit::Concurrency] {
            assert_eq!(serde_json::to_value(unit).unwrap(), unit.as_str());
            assert_eq!(unit.to_string(), unit.as_str());
        }
    }

    #[test]
    fn a_policy_on_loss_is_called_as_it_is_written_in_json() {
        for on_loss in OnLoss::ALL {
            assert_eq!(serde_json::to_value(on_loss).unwrap(), on_loss.as_str());
        }
    }

    #[test]
    fn a_calendar_is_that_of_utc_from_midnight_on_where_none_is_told() {
        let day: LimitWindow = serde_json::from_str(r#"{"window":"day"}"#).unwrap();
        assert_eq!(day, LimitWindow::Day(Calendar { zone: "UTC".to_owned(), hour: 0 }));
    }
}
