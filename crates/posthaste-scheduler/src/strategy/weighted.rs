//! By lot, with chances in proportion to the weights; the second place among those that are left, and so on.

use super::{Contender, Moment, Order};
use crate::{
    Reason,
    chance::{exponential, of_account},
};

pub(crate) struct Weighted;

impl Order for Weighted {
    #[inline]
    fn key(&self, contender: &Contender<'_>, moment: &Moment<'_>) -> u64 {
        let candidate = contender.candidate;
        let lot = exponential(of_account(candidate.account, moment.seed));
        // Spread over the whole range: the greatest lot is below 38.
        (lot / candidate.share() * SCALE) as u64
    }

    fn reason(_key: u64) -> Reason {
        Reason::Drawn
    }
}

/// 2^58.
const SCALE: f64 = (1_u64 << 58) as f64;
