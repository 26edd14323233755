//! Why an account stands where it stands in a plan.

use std::{fmt, str::FromStr, time::Duration};

use crate::NanoUsd;

/// Why an account stands where it stands among those of its priority. Small and free of text, since each account of each
/// plan has one; [`Display`](fmt::Display) makes the text that records keep, and [`FromStr`] takes it apart again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OrderReason {
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

impl OrderReason {
    /// The whole text of those that are told without a figure.
    const fn as_plain(self) -> Option<&'static str> {
        Some(match self {
            Self::NeverUsed => "never used",
            Self::LongestUnused => "longest unused",
            Self::NextInTurn => "next in turn",
            Self::FirstInLine => "first in line",
            Self::Drawn => "drawn by weight",
            Self::Cheapest(None) => "price not known",
            Self::Home => "made the request's opaque items",
            Self::Full => "serves as many as it may",
            Self::LastResort => "rests, and nobody else is left",
            Self::LeastBusy { .. }
            | Self::Fastest { .. }
            | Self::Cheapest(Some(_))
            | Self::Score { .. }
            | Self::Slack { .. }
            | Self::WarmCache { .. } => return None,
        })
    }
}

impl fmt::Display for OrderReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LeastBusy { milli } => write!(f, "{} requests per weight", Thousandths(*milli)),
            Self::Fastest { expected } => write!(f, "first token expected in {} ms", expected.as_millis()),
            Self::Cheapest(Some(price)) => write!(f, "costs {} nano-dollars", price.as_nanos()),
            Self::Score { milli } => write!(f, "score {}", Thousandths(*milli)),
            Self::Slack { milli } => write!(f, "quota slack {}", Thousandths(*milli)),
            Self::WarmCache { worth } => write!(f, "warm cache worth {} nano-dollars", worth.as_nanos()),
            plain => f.write_str(plain.as_plain().unwrap_or_default()),
        }
    }
}

/// A text that says no reason as this release words it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no reason for a place in a plan")]
pub struct OrderReasonError;

impl FromStr for OrderReason {
    type Err = OrderReasonError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = PLAIN.into_iter().find(|reason| reason.as_plain() == Some(text));
        plain.or_else(|| with_figure(text)).ok_or(OrderReasonError)
    }
}

/// Those that are told without a figure.
const PLAIN: [OrderReason; 9] = [
    OrderReason::NeverUsed,
    OrderReason::LongestUnused,
    OrderReason::NextInTurn,
    OrderReason::FirstInLine,
    OrderReason::Drawn,
    OrderReason::Cheapest(None),
    OrderReason::Home,
    OrderReason::Full,
    OrderReason::LastResort,
];

fn with_figure(text: &str) -> Option<OrderReason> {
    let between = |before: &str, after: &str| text.strip_prefix(before)?.strip_suffix(after);
    let nanos = |before: &str| Some(NanoUsd::from_nanos(between(before, " nano-dollars")?.parse().ok()?));
    if let Some(milli) = between("", " requests per weight") {
        return Some(OrderReason::LeastBusy { milli: thousandths(milli)? });
    }
    if let Some(millis) = between("first token expected in ", " ms") {
        return Some(OrderReason::Fastest { expected: Duration::from_millis(millis.parse().ok()?) });
    }
    if let Some(milli) = between("score ", "") {
        return Some(OrderReason::Score { milli: thousandths(milli)? });
    }
    if let Some(milli) = between("quota slack ", "") {
        return Some(OrderReason::Slack { milli: thousandths(milli)? });
    }
    let price = nanos("costs ").map(|price| OrderReason::Cheapest(Some(price)));
    price.or_else(|| nanos("warm cache worth ").map(|worth| OrderReason::WarmCache { worth }))
}

/// A number with three decimal places, as [`Thousandths`] writes it.
fn thousandths(text: &str) -> Option<u64> {
    let (whole, part) = text.split_once('.')?;
    let whole: u64 = whole.parse().ok()?;
    let part: u64 = if part.len() == 3 { part.parse().ok()? } else { return None };
    whole.checked_mul(1_000)?.checked_add(part)
}

struct Thousandths(u64);

impl fmt::Display for Thousandths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1_000, self.0 % 1_000)
    }
}

#[cfg(test)]
mod tests {
    use OrderReason::{Cheapest, Fastest, LeastBusy, Score, Slack, WarmCache};

    use super::*;

    #[test]
    fn a_reason_is_small_and_reads_alone() {
        assert!(size_of::<OrderReason>() <= 24);
        assert_eq!(Slack { milli: 1_250 }.to_string(), "quota slack 1.250");
        let expected = Duration::from_micros(812_345);
        assert_eq!(Fastest { expected }.to_string(), "first token expected in 812 ms");
        assert_eq!(Cheapest(None).to_string(), "price not known");
    }

    #[test]
    fn what_is_kept_as_a_text_is_read_again() {
        let with_figures = [0_i64, 7, 1_250, 98_765_432].into_iter().flat_map(|figure| {
            let (milli, money) = (figure.unsigned_abs(), NanoUsd::from_nanos(figure));
            let expected = Duration::from_millis(milli);
            [
                LeastBusy { milli },
                Fastest { expected },
                Cheapest(Some(money)),
                Score { milli },
                Slack { milli },
                WarmCache { worth: money },
                WarmCache { worth: NanoUsd::from_nanos(-figure) },
            ]
        });
        for reason in PLAIN.into_iter().chain(with_figures) {
            let text = reason.to_string();
            assert!(!text.is_empty(), "{reason:?}");
            assert_eq!(text.parse(), Ok(reason), "{text}");
        }
    }

    #[test]
    fn another_text_is_no_reason() {
        for text in ["", "quicker", "score", "score 1", "score 1.25", "costs  nano-dollars", "never used."] {
            assert_eq!(text.parse::<OrderReason>(), Err(OrderReasonError), "{text}");
        }
    }
}
