//! The order of accounts of equal priority, one module a strategy.
//!
//! A strategy gives each account a key, of which the least goes first; equal keys go by the last use, then by identity. Two
//! need more than keys and arrange the accounts of one priority themselves.

pub(crate) mod hybrid;
pub(crate) mod least_busy;
pub(crate) mod least_recently_used;
pub(crate) mod lowest_cost;
pub(crate) mod peak_ewma;
pub(crate) mod quota_paced;
pub(crate) mod round_robin;
pub(crate) mod sequential;
pub(crate) mod weighted;

use std::ops::RangeInclusive;

use posthaste_core::Timestamp;

use crate::{Candidate, Reason, Tuning, observed::Observed, ranking::Rank};

/// One strategy.
pub(crate) trait Order {
    /// The account's place: the least goes first.
    fn key(&self, contender: &Contender<'_>, moment: &Moment<'_>) -> u64;

    /// What a key says, in the terms of a plan.
    fn reason(key: u64) -> Reason;

    /// Whether accounts go by identity alone, and not by key and last use before it.
    const BY_IDENTITY: bool = false;

    /// Whether a key stays as it is while nothing happens to the account, but for those that [`moves`](Self::moves) names.
    const LASTS: bool = false;

    /// Whether the account's key falls with time, of a strategy whose keys last otherwise.
    fn moves(&self, _contender: &Contender<'_>) -> bool {
        false
    }

    /// No more than any key that the account has at any moment of a span, in which `moment` lies, while nothing happens to it.
    fn least_key(
        &self,
        contender: &Contender<'_>,
        moment: &Moment<'_>,
        _span: &RangeInclusive<Timestamp>,
    ) -> u64 {
        self.key(contender, moment)
    }

    /// Whether [`arrange`](Self::arrange) does anything.
    const ARRANGES: bool = false;

    /// Orders the accounts of one priority, given as places of ranks, which come sorted.
    fn arrange(&self, _equals: &mut [usize], _ranks: &[Rank], _moment: &Moment<'_>) {}
}

/// An account as strategies see it.
pub(crate) struct Contender<'a> {
    pub(crate) candidate: &'a Candidate<'a>,
    pub(crate) seen: &'a Observed,
    pub(crate) in_flight: u32,
}

/// What is the same for all accounts of a plan.
pub(crate) struct Moment<'a> {
    pub(crate) now: Timestamp,
    pub(crate) seed: u64,
    pub(crate) tuning: &'a Tuning,
}

/// A number that is not negative as a key, in thousandths.
pub(crate) fn thousandths(number: f64) -> u64 {
    // Saturates. Numbers with a sign are what processors convert in one step.
    ((number * 1_000.0) as i64).unsigned_abs()
}
