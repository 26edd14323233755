//! The better of two drawn by lot, by the time to the first token.
//!
//! Asking the best of all makes a crowd: each relay and each request sees the same best one until the news of its load comes
//! round. Of two drawn by lot the better one is nearly as good, and nobody agrees on it (Mitzenmacher, "The power of two
//! choices in randomized load balancing", 2001).

use std::{hint::select_unpredictable, time::Duration};

use super::{Contender, Moment, Order};
use crate::{Reason, chance::Chance, ranking::Rank};

pub(crate) struct PeakEwma;

impl Order for PeakEwma {
    /// The expected time in microseconds, times the requests under way with this one, over the weight.
    #[inline]
    fn key(&self, contender: &Contender<'_>, moment: &Moment<'_>) -> u64 {
        let expected = contender.seen.first_token.expected(&moment.tuning.latency, moment.now);
        (expected * (f64::from(contender.in_flight) + 1.0) / contender.candidate.share()) as u64
    }

    fn reason(key: u64) -> Reason {
        Reason::Fastest { expected: Duration::from_micros(key) }
    }

    const ARRANGES: bool = true;

    /// Each place goes to the better of two of those that are left.
    fn arrange(&self, equals: &mut [usize], ranks: &[Rank], moment: &Moment<'_>) {
        let mut chance = Chance::new(moment.seed);
        let mut rest = equals;
        while rest.len() > 1 {
            let count = u32::try_from(rest.len()).unwrap_or(u32::MAX);
            let (first, second) = chance.two_below(count);
            let (first, second) = (first as usize, second as usize);
            let is_second = ranks[rest[second]].key < ranks[rest[first]].key;
            // Nobody can guess which: no branch is to be taken on it.
            rest.swap(0, select_unpredictable(is_second, second, first));
            rest = &mut rest[1..];
        }
    }
}
