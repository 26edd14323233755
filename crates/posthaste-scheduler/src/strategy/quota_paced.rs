//! Whoever's quota would be lost soonest, spread over its window.
//!
//! The key is the slack of the account's tightest window ([`QuotaWindow::slack`](crate::QuotaWindow::slack)): the share of the
//! allowance that is left over the share of the time that is left. It rises without bound as a window with something left
//! nears its end, so the quota that expires soonest goes first; it falls below 1 where a window is used faster than time
//! passes, so nobody runs dry early; and since it counts in shares, a big plan takes as many more requests as it is bigger.
//! Requests under way divide it, so that a crowd does not fall on one account before the news of its use has come.

use super::{Contender, Moment, Order, thousandths};
use crate::{Reason, quota::slack_of};

pub(crate) struct QuotaPaced;

impl Order for QuotaPaced {
    fn key(&self, contender: &Contender<'_>, moment: &Moment<'_>) -> u64 {
        let slack = slack_of(contender.candidate.quota, moment.now);
        let pull = slack * contender.candidate.share() / (f64::from(contender.in_flight) + 1.0);
        MOST - thousandths(pull).min(MOST)
    }

    fn reason(key: u64) -> Reason {
        Reason::Slack { milli: MOST - key }
    }
}

/// More than a window's last microsecond of a year gives.
const MOST: u64 = 1 << 60;
