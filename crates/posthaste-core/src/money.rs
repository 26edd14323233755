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

/// What an amount is billed as, in millionths: 1,000,000 bills it as it is. Written as a number in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Multiplier(u32);

impl Multiplier {
    /// As it is.
    pub const ONE: Self = Self(1_000_000);

    /// From millionths.
    pub const fn from_millionths(millionths: u32) -> Self {
        Self(millionths)
    }

    /// Millionths.
    pub const fn as_millionths(self) -> u32 {
        self.0
    }

    /// The billed amount, rounded half away from zero; saturates.
    pub fn of(self, amount: NanoUsd) -> NanoUsd {
        let product = i128::from(amount.as_nanos()) * i128::from(self.0);
        let half = if product < 0 { -500_000 } else { 500_000 };
        let nanos = (product + half) / 1_000_000;
        NanoUsd(i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX }))
    }
}

impl Default for Multiplier {
    fn default() -> Self {
        Self::ONE
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
    fn a_multiplier_rounds_half_away_from_zero_and_saturates() {
        let half = Multiplier::from_millionths(500_000);
        assert_eq!(half.of(NanoUsd::from_nanos(3)), NanoUsd::from_nanos(2));
        assert_eq!(half.of(NanoUsd::from_nanos(-3)), NanoUsd::from_nanos(-2));
        assert_eq!(Multiplier::ONE.of(NanoUsd::from_nanos(7)), NanoUsd::from_nanos(7));
        let twice = Multiplier::from_millionths(2_000_000);
        assert_eq!(twice.of(NanoUsd::from_nanos(i64::MAX)), NanoUsd::from_nanos(i64::MAX));
    }

    #[test]
    fn sums_saturate() {
        let most = NanoUsd::from_nanos(i64::MAX);
        assert_eq!(most + NanoUsd::from_nanos(1), most);
    }
}
