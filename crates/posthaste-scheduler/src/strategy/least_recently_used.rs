//! Whoever was used the longest time ago: spreads requests evenly and needs to know nothing.

use super::{Contender, Moment, Order};
use crate::{Reason, observed::NEVER};

pub(crate) struct LeastRecentlyUsed;

impl Order for LeastRecentlyUsed {
    const LASTS: bool = true;

    #[inline]
    fn key(&self, contender: &Contender<'_>, _moment: &Moment<'_>) -> u64 {
        contender.seen.last_use
    }

    fn reason(key: u64) -> Reason {
        if key == NEVER { Reason::NeverUsed } else { Reason::LongestUnused }
    }
}
