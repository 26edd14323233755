//! By a score of health, tokens left and freshness, whose constants are [`HybridTuning`](crate::HybridTuning).

use super::{Contender, Moment, Order, thousandths};
use crate::Reason;

pub(crate) struct Hybrid;

impl Order for Hybrid {
    /// The highest score goes first; those that are in poor health or have no token left go behind all others.
    #[inline]
    fn key(&self, contender: &Contender<'_>, moment: &Moment<'_>) -> u64 {
        let tuning = &moment.tuning.hybrid;
        let standing = contender.seen.standing_at(tuning, moment.now);
        let unused = contender.seen.unused_for(moment.now).min(tuning.freshest).as_secs_f64();
        let score = tuning.health_weight * standing.health
            + tuning.token_weight * standing.tokens
            + tuning.freshness_weight * unused;
        let usable = standing.health >= tuning.usable_health && standing.tokens >= 1.0;
        let place = MOST - thousandths(score).min(MOST);
        if usable { place } else { place | POOR }
    }

    fn reason(key: u64) -> Reason {
        Reason::Score { milli: MOST - (key & !POOR) }
    }
}

/// More thousandths than any score has.
const MOST: u64 = (1 << 40) - 1;
const POOR: u64 = 1 << 40;
