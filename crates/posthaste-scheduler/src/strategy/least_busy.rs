//! Whoever serves the fewest requests for its weight at this moment.

use super::{Contender, Moment, Order, thousandths};
use crate::Reason;

pub(crate) struct LeastBusy;

impl Order for LeastBusy {
    const LASTS: bool = true;

    /// This request counts, so that of two idle accounts the one with more weight goes first.
    #[inline]
    fn key(&self, contender: &Contender<'_>, _moment: &Moment<'_>) -> u64 {
        thousandths((f64::from(contender.in_flight) + 1.0) / contender.candidate.share())
    }

    fn reason(key: u64) -> Reason {
        Reason::LeastBusy { milli: key }
    }
}
