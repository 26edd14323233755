//! Money in whole nano-dollars.

use std::{
    fmt,
    iter::Sum,
    ops::{Add, AddAssign},
};

use serde::{Deserialize, Serialize};

/// An amount in billionths of a US dollar. Sums saturate instead of wrapping.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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

    /// Reads a factor from 0 to 1,000 with up to six decimals, such as `1.25`.
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(fraction) || fraction.len() > 6 {
            return None;
        }
        let fraction: u32 = format!("{fraction:0<6}").parse().ok()?;
        let millionths = whole.parse::<u32>().ok()?.checked_mul(1_000_000)?.checked_add(fraction)?;
        (millionths <= Self::MOST.0).then_some(Self(millionths))
    }

    /// The largest that [`parse`](Self::parse) reads.
    pub const MOST: Self = Self(1_000_000_000);

    /// The billed amount, rounded half away from zero; saturates.
    pub fn of(self, amount: NanoUsd) -> NanoUsd {
        self.and(Self::ONE, amount)
    }

    /// The amount billed by two multipliers, one upon the other, rounded once; saturates.
    pub fn and(self, other: Self, amount: NanoUsd) -> NanoUsd {
        // At most 127 bits: 63 of the amount and twice 32. Only the half may pass the top.
        let product = i128::from(amount.as_nanos()) * i128::from(self.0) * i128::from(other.0);
        let nanos = product.saturating_add(product.signum() * HALF) / (2 * HALF);
        NanoUsd(nanos.clamp(i64::MIN.into(), i64::MAX.into()) as i64)
    }
}

/// Half of what a nano-dollar counts after two multipliers in millionths.
const HALF: i128 = 500_000_000_000;

/// Writes the factor with the decimals that it has: `1.25`, `0`, `3`.
impl fmt::Display for Multiplier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000);
        f.pad(text.trim_end_matches('0').trim_end_matches('.'))
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
        assert_eq!(NanoUsd::ZERO.to_string(), "$0.00");
        assert_eq!(NanoUsd::from_nanos(12_345_678_901).to_string(), "$12.345678901");
    }

    #[test]
    fn a_multiplier_reads_what_it_writes() {
        for (text, millionths) in [
            ("0", 0),
            ("1", 1_000_000),
            ("1.25", 1_250_000),
            ("0.000001", 1),
            ("10.5", 10_500_000),
            ("1000", 1_000_000_000),
        ] {
            let multiplier = Multiplier::from_millionths(millionths);
            assert_eq!(Multiplier::parse(text), Some(multiplier));
            assert_eq!(multiplier.to_string(), text);
            assert_eq!(multiplier.as_millionths(), millionths);
        }
        assert_eq!(Multiplier::parse(" 2.50 "), Some(Multiplier::from_millionths(2_500_000)));
        assert_eq!(Multiplier::default(), Multiplier::ONE);
    }

    #[test]
    fn what_is_no_multiplier_is_not_read() {
        for text in
            ["", ".", "1.", ".5", "-1", "+1", "1,5", "1e3", "0.0000001", "1000.000001", "4295", "x", "1.x"]
        {
            assert_eq!(Multiplier::parse(text), None, "{text}");
        }
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
    fn two_multipliers_are_rounded_once() {
        let [half, third] = [500_000, 333_333].map(Multiplier::from_millionths);
        let amount = NanoUsd::from_nanos;
        // 7 × 0.5 × 0.333333 = 1.1666655; rounded twice it would be 4 × 0.333333 = 1.333332.
        assert_eq!(half.and(third, amount(7)), amount(1));
        // 9 × 0.5 × 0.333333 = 1.4999985, and 5 × 0.333333 = 1.666665 when rounded twice.
        assert_eq!(half.and(third, amount(9)), amount(1));
        assert_eq!(third.of(half.of(amount(9))), amount(2));
        let most = Multiplier::from_millionths(u32::MAX);
        assert_eq!(most.and(most, amount(i64::MAX)), amount(i64::MAX));
        assert_eq!(most.and(most, amount(i64::MIN)), amount(i64::MIN));
        assert_eq!(most.and(Multiplier::from_millionths(0), amount(5)), NanoUsd::ZERO);
    }

    #[test]
    fn sums_saturate() {
        let most = NanoUsd::from_nanos(i64::MAX);
        assert_eq!(most + NanoUsd::from_nanos(1), most);
        let [one, two] = [1, 2].map(NanoUsd::from_nanos);
        assert_eq!([one, two, most].into_iter().sum::<NanoUsd>(), most);
        assert_eq!([one, two].into_iter().sum::<NanoUsd>(), NanoUsd::from_nanos(3));
        let mut grown = two;
        grown += one;
        assert_eq!(grown.as_nanos(), 3);
    }
}
