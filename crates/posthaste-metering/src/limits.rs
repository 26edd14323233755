//! Limits, checked when they are set.

use std::collections::HashSet;

use posthaste_core::{Limit, LimitUnit, LimitWindow, Timestamp};

use crate::{WindowError, span};

/// Why limits cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// A name that counters cannot be called by.
    #[error("`{0}` is no name of a limit: give 1 to 64 of A-Z, a-z, 0-9, `_` and `-`")]
    Name(String),
    /// Two limits of one record have one name.
    #[error("two limits are called `{0}`: give each a name of its own")]
    Twice(String),
    /// The window makes no sense.
    #[error("limit `{name}`: {cause}")]
    Window {
        /// The limit.
        name: String,
        /// What is wrong.
        cause: WindowError,
    },
    /// Concurrency has no window, and nothing else has none.
    #[error("limit `{0}`: requests at the same time are counted now, and everything else in a window")]
    Momentary(String),
    /// More than can be counted.
    #[error("limit `{0}`: the amount is more than can be counted")]
    Amount(String),
}

/// Checks the limits of one record.
///
/// # Errors
/// The first limit that cannot be counted.
pub fn check_limits(limits: &[Limit]) -> Result<(), LimitError> {
    let mut names = HashSet::new();
    for limit in limits {
        let name = || limit.name.clone();
        let valid = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if !(1..=64).contains(&limit.name.len()) || !limit.name.bytes().all(valid) {
            return Err(LimitError::Name(name()));
        }
        if !names.insert(&limit.name) {
            return Err(LimitError::Twice(name()));
        }
        if (limit.unit == LimitUnit::Concurrency) != (limit.window == LimitWindow::Now) {
            return Err(LimitError::Momentary(name()));
        }
        if i64::try_from(limit.amount).is_err() {
            return Err(LimitError::Amount(name()));
        }
        span(&limit.window, Timestamp::EPOCH).map_err(|cause| LimitError::Window { name: name(), cause })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use posthaste_core::Calendar;

    use super::*;

    fn limit(name: &str, unit: LimitUnit, window: LimitWindow) -> Limit {
        Limit {
            name: name.to_owned(),
            unit,
            window,
            amount: 1,
            models: Vec::new(),
            shadow: false,
            on_loss: Default::default(),
        }
    }

    #[test]
    fn what_cannot_be_counted_is_refused() {
        let requests = |name| limit(name, LimitUnit::Requests, LimitWindow::Total);
        assert_eq!(
            check_limits(&[requests("a"), limit("b", LimitUnit::Concurrency, LimitWindow::Now)]),
            Ok(())
        );
        let longest = "x".repeat(64);
        for name in ["weekly_opus", "weekly-opus", &longest] {
            assert_eq!(check_limits(&[requests(name)]), Ok(()));
        }
        let long = "x".repeat(65);
        for name in ["", "a b", "ä", &long] {
            assert_eq!(check_limits(&[requests(name)]), Err(LimitError::Name(name.to_owned())));
        }
        assert_eq!(check_limits(&[requests("a"), requests("a")]), Err(LimitError::Twice("a".into())));
        let now = limit("a", LimitUnit::Tokens, LimitWindow::Now);
        assert_eq!(check_limits(&[now]), Err(LimitError::Momentary("a".into())));
        let day = limit("a", LimitUnit::Concurrency, LimitWindow::Day(Calendar::default()));
        assert_eq!(check_limits(&[day]), Err(LimitError::Momentary("a".into())));
        let rolling = limit("a", LimitUnit::Cost, LimitWindow::Rolling { seconds: 0 });
        assert!(matches!(check_limits(&[rolling]), Err(LimitError::Window { .. })));
        let much = Limit { amount: u64::MAX, ..requests("a") };
        assert_eq!(check_limits(&[much]), Err(LimitError::Amount("a".into())));
    }
}
