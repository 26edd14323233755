//! Whoever's quota would be lost soonest, spread over its window.
//!
//! The key is made of each window's slack ([`QuotaWindow::slack`](crate::QuotaWindow::slack)): the share of the allowance that
//! is left over the share of the time that is left. It rises as a window with something left nears its end, so the quota that
//! expires soonest goes first; it falls below 1 where a window is used faster than time passes, so nobody runs dry early; and
//! since it counts in shares, a big plan takes as many more requests as it is bigger.
//!
//! The longest window has the main say, since what is lost there is lost for long. The shorter ones multiply it: one that is
//! running and would be lost pulls, up to twice; one that has not been opened yet, and so loses nothing by waiting, does not;
//! one that runs dry pushes away. The least of all slacks would not do: an unopened window is on pace by definition, and would
//! hide how the week stands.
//!
//! Requests under way divide the key, so that a crowd does not fall on one account before the news of its use has come. An
//! account that has room for a few more requests counts for less: a conversation that begins there has to move soon, and its
//! prompt cache with it. Weights do not count, since shares do. Without any windows this is the fewest requests under way, then
//! the least recently used.

use std::ops::RangeInclusive;

use posthaste_core::Timestamp;

use super::{Contender, Moment, Order, thousandths};
use crate::{Reason, quota::pull_of};

pub(crate) struct QuotaPaced;

impl Order for QuotaPaced {
    const LASTS: bool = true;

    #[inline]
    fn key(&self, contender: &Contender<'_>, moment: &Moment<'_>) -> u64 {
        MOST - thousandths(pull(contender, moment.now)).min(MOST)
    }

    /// What is left of a window pulls more with each moment.
    fn moves(&self, contender: &Contender<'_>) -> bool {
        !contender.candidate.quota.is_empty()
    }

    /// The pull rises until a window starts anew, and knows no bound just before that.
    fn least_key(&self, contender: &Contender<'_>, _: &Moment<'_>, span: &RangeInclusive<Timestamp>) -> u64 {
        // One that has started anew by now has not at earlier moments of the span, to which the clock may be set back.
        if contender.candidate.quota.iter().any(|window| span.contains(&window.resets_at)) {
            return 0;
        }
        // A little more, for what is lost in rounding.
        let most = thousandths(pull(contender, *span.end()) * (1.0 + 1e-9)).saturating_add(1);
        MOST - most.min(MOST)
    }

    fn reason(key: u64) -> Reason {
        Reason::Slack { milli: MOST - key }
    }
}

fn pull(contender: &Contender<'_>, now: Timestamp) -> f64 {
    let crowd = f64::from(contender.in_flight) + 1.0;
    pull_of(contender.candidate.quota, FEW, crowd, now)
}

/// With room for so many requests like this one, an account counts half.
const FEW: f64 = 4.0;

/// More than a window's last microsecond of a year gives.
const MOST: u64 = 1 << 60;
