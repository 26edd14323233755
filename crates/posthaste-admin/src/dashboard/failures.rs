//! What came of today's attempts that were not answered to the end.

use std::{cmp::Reverse, collections::BTreeMap};

use posthaste_core::{AttemptOutcome, AttemptRow};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Today's attempts that were not answered to the end, by what came of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FailuresView {
    /// How many attempts of today were looked at, the latest ones; others than these are not in `kinds`.
    pub looked_at: u64,
    /// Whether these are all of today.
    pub complete: bool,
    /// What came of them, the most frequent first; answers to the end are left out.
    pub kinds: Vec<FailureCount>,
}

/// How often something came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FailureCount {
    /// `client_fault`, `cut` or `cancelled`, or the kind of failure, such as `rate_limited`, `timeout` or `upstream_failed`.
    pub kind: String,
    /// How many attempts.
    pub attempts: u64,
}

/// Counts what came of rows, of which there may be `today` in all.
pub(super) fn failures<'a>(rows: impl Iterator<Item = &'a AttemptRow>, today: u64) -> FailuresView {
    let (mut looked_at, mut counts) = (0, BTreeMap::<&str, u64>::new());
    for row in rows {
        looked_at += 1;
        if row.outcome != AttemptOutcome::Complete {
            let kind = row.outcome.fault().map_or(row.outcome.as_str(), |fault| fault.as_str());
            *counts.entry(kind).or_default() += 1;
        }
    }
    let mut kinds: Vec<_> =
        counts.into_iter().map(|(kind, attempts)| FailureCount { kind: kind.to_owned(), attempts }).collect();
    kinds.sort_by_key(|count| Reverse(count.attempts));
    FailuresView { looked_at, complete: looked_at >= today, kinds }
}
