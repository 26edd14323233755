//! Whoever costs least for this request, as far as prices are known.

use posthaste_core::NanoUsd;

use super::{Contender, Moment, Order};
use crate::Reason;

pub(crate) struct LowestCost;

impl Order for LowestCost {
    /// A price that is not known goes behind all that are.
    #[inline]
    fn key(&self, contender: &Contender<'_>, _moment: &Moment<'_>) -> u64 {
        let price = contender.candidate.price.map(|price| price.as_nanos().max(0).unsigned_abs());
        price.unwrap_or(UNKNOWN)
    }

    fn reason(key: u64) -> Reason {
        Reason::Cheapest(i64::try_from(key).ok().map(NanoUsd::from_nanos))
    }
}

/// More than any price.
const UNKNOWN: u64 = u64::MAX;
