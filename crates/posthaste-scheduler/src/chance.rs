//! Numbers that look random and follow from a seed alone, the same on every machine.

use posthaste_core::AccountId;

/// A stream of such numbers.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        finish(self.0)
    }

    /// Two different numbers below `count`, which is 2 at least. The bias of the multiplication is below `count` / 2^32
    /// (Lemire, "Fast random integer generation in an interval", 2019).
    pub(crate) const fn two_below(&mut self, count: u32) -> (u32, u32) {
        let bits = self.next();
        let first = scaled((bits >> 32) as u32, count);
        let other = scaled(bits as u32, count - 1);
        (first, if other < first { other } else { other + 1 })
    }
}

/// A number of 32 bits, brought below `count`.
const fn scaled(bits: u32, count: u32) -> u32 {
    ((bits as u64 * count as u64) >> 32) as u32
}

/// One number for a seed.
pub(crate) const fn mix(seed: u64) -> u64 {
    finish(seed.wrapping_add(STEP))
}

/// One number for an account and a seed.
pub(crate) const fn of_account(account: AccountId, seed: u64) -> u64 {
    let (high, low) = account.uuid().as_u64_pair();
    mix(low ^ mix(high ^ seed))
}

/// An exponentially distributed number of mean 1, out of the bits of a uniform one.
///
/// Of several such numbers, each divided by a weight, the least belongs to each with a chance in proportion to its weight,
/// and so do the second and all others among those that are left: ordering by them is drawing without putting back
/// (Efraimidis and Spirakis, "Weighted random sampling with a reservoir", 2006).
pub(crate) fn exponential(bits: u64) -> f64 {
    // 52 bits, and half of the last one, so that the number lies strictly between 0 and 1.
    let uniform = ((bits >> 12) as f64 + 0.5) / (1_u64 << 52) as f64;
    -ln(uniform)
}

/// The natural logarithm of a normal number above 0, from arithmetic that every machine rounds alike, which it does not do
/// for `f64::ln`. The error is below 10^-8.
fn ln(value: f64) -> f64 {
    let bits = value.to_bits();
    let exponent = ((bits >> 52) & 0x7ff) as f64 - 1_023.0;
    let mantissa = f64::from_bits((bits & ((1 << 52) - 1)) | (1_023 << 52));
    // ln m = 2 artanh((m − 1) / (m + 1)); the argument is at most a third.
    let part = (mantissa - 1.0) / (mantissa + 1.0);
    let square = part * part;
    let series = square.times_plus(1.0 / 15.0, 1.0 / 13.0);
    let series = square.times_plus(series, 1.0 / 11.0);
    let series = square.times_plus(series, 1.0 / 9.0);
    let series = square.times_plus(series, 1.0 / 7.0);
    let series = square.times_plus(series, 1.0 / 5.0);
    let series = square.times_plus(series, 1.0 / 3.0);
    let series = square.times_plus(series, 1.0);
    exponent * std::f64::consts::LN_2 + 2.0 * part * series
}

/// A step of Horner's scheme that rounds twice, as machines without a fused operation do.
trait Horner {
    fn times_plus(self, factor: f64, term: f64) -> f64;
}

impl Horner for f64 {
    fn times_plus(self, factor: f64, term: f64) -> f64 {
        self * factor + term
    }
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
const fn finish(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logarithm_is_one() {
        for value in [f64::MIN_POSITIVE, 1e-9, 0.1, 0.5, 0.999_999, 1.0, 1.5, 2.0, 1e12] {
            assert!((ln(value) - value.ln()).abs() < 1e-8, "{value}: {} {}", ln(value), value.ln());
        }
    }

    #[test]
    fn exponential_numbers_have_mean_one_and_the_ends_are_finite() {
        let mut chance = Chance::new(7);
        let mean = (0..100_000).map(|_| exponential(chance.next())).sum::<f64>() / 100_000.0;
        assert!((mean - 1.0).abs() < 0.02, "{mean}");
        assert!(exponential(0).is_finite() && exponential(u64::MAX) > 0.0);
    }

    #[test]
    fn pairs_are_spread_evenly_and_never_twice_the_same() {
        let mut chance = Chance::new(1);
        let mut seen = [[0_u32; 4]; 4];
        for _ in 0..120_000 {
            let (first, second) = chance.two_below(4);
            seen[first as usize][second as usize] += 1;
        }
        for (first, row) in seen.iter().enumerate() {
            for (second, &times) in row.iter().enumerate() {
                let wanted = if first == second { 0..1 } else { 9_500..10_500 };
                assert!(wanted.contains(&times), "{seen:?}");
            }
        }
    }
}
