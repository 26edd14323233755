//! Why an account stands where it stands in a plan.

use std::{fmt, time::Duration};

use posthaste_core::NanoUsd;

/// Why an account stands where it stands among those of its priority. Small and free of text, since each account of each
/// plan has one; [`Display`](fmt::Display) makes the text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reason {
    /// It was never used.
    NeverUsed,
    /// It was used longer ago than those behind it.
    LongestUnused,
    /// Its turn comes after the account that was used last.
    NextInTurn,
    /// It stands first in the fixed order.
    FirstInLine,
    /// It was drawn by lot, with a chance in proportion to its weight.
    Drawn,
    /// It serves so many requests per unit of weight, counting this one.
    LeastBusy {
        /// Thousandths of a request.
        milli: u64,
    },
    /// Of two drawn by lot it is expected to begin its answer sooner, counting the requests before this one.
    Fastest {
        /// When the first token is expected.
        expected: Duration,
    },
    /// The request costs so much there; `None` when the price is not known.
    Cheapest(Option<NanoUsd>),
    /// Its score of health, tokens and freshness.
    Score {
        /// Thousandths of a point.
        milli: u64,
    },
    /// How far the use of its quota lags behind the time, over the requests that it serves.
    Slack {
        /// Thousandths: above 1,000 a part of the quota would be lost.
        milli: u64,
    },
    /// It holds the conversation's prompt cache, which is worth more than what speaks for the others.
    WarmCache {
        /// What is saved by asking it.
        worth: NanoUsd,
    },
    /// It made opaque items that the request carries.
    Home,
    /// It serves as many requests as it may, and is asked when all others of its priority failed.
    Full,
    /// It rests by the relay's own guess, and is tried before its time since nobody else is left.
    LastResort,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NeverUsed => f.write_str("never used"),
            Self::LongestUnused => f.write_str("longest unused"),
            Self::NextInTurn => f.write_str("next in turn"),
            Self::FirstInLine => f.write_str("first in line"),
            Self::Drawn => f.write_str("drawn by weight"),
            Self::LeastBusy { milli } => write!(f, "{} requests per weight", Thousandths(*milli)),
            Self::Fastest { expected } => write!(f, "first token expected in {} ms", expected.as_millis()),
            Self::Cheapest(Some(price)) => write!(f, "costs {} nano-dollars", price.as_nanos()),
            Self::Cheapest(None) => f.write_str("price not known"),
            Self::Score { milli } => write!(f, "score {}", Thousandths(*milli)),
            Self::Slack { milli } => write!(f, "quota slack {}", Thousandths(*milli)),
            Self::WarmCache { worth } => write!(f, "warm cache worth {} nano-dollars", worth.as_nanos()),
            Self::Home => f.write_str("made the request's opaque items"),
            Self::Full => f.write_str("serves as many as it may"),
            Self::LastResort => f.write_str("rests, and nobody else is left"),
        }
    }
}

struct Thousandths(u64);

impl fmt::Display for Thousandths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1_000, self.0 % 1_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_small_and_reads_alone() {
        assert!(size_of::<Reason>() <= 24);
        assert_eq!(Reason::Slack { milli: 1_250 }.to_string(), "quota slack 1.250");
        let expected = Duration::from_micros(812_345);
        assert_eq!(Reason::Fastest { expected }.to_string(), "first token expected in 812 ms");
        assert_eq!(Reason::Cheapest(None).to_string(), "price not known");
    }
}
