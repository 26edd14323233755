//! Money in whole nano-dollars.

use std::{
    fmt,
    iter::Sum,
    ops::{Add, AddAssign},
};

use serde::{Deserialize, Serialize};

/// An amount in billionths of a US dollar. Sums saturate instead of wrapping.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NanoUsd(i64);

impl NanoUsd {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// From billionths of a dollar.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Billionths of a dollar.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }
}

impl Add for NanoUsd {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for NanoUsd {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for NanoUsd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

/// Writes dollars with all nine decimals that are not trailing zeros, and at least two: `$0.0105`, `$3.00`.
impl fmt::Display for NanoUsd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let nanos = self.0.unsigned_abs();
        let fraction = format!("{:09}", nanos % 1_000_000_000);
        let shown = fraction.trim_end_matches('0').len().max(2);
        f.pad(&format!("{sign}${}.{}", nanos / 1_000_000_000, &fraction[..shown]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_as_dollars() {
        assert_eq!(NanoUsd::from_nanos(3_000_000_000).to_string(), "$3.00");
        assert_eq!(NanoUsd::from_nanos(10_500_000).to_string(), "$0.0105");
        assert_eq!(NanoUsd::from_nanos(-1).to_string(), "-$0.000000001");
    }

    #[test]
    fn sums_saturate() {
        let most = NanoUsd::from_nanos(i64::MAX);
        assert_eq!(most + NanoUsd::from_nanos(1), most);
    }
}
