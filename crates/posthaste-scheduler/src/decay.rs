//! What fades with time.

use std::time::Duration;

/// Which share is left after `elapsed` of what is halved each `half_life`: 1 at first, then towards 0.
///
/// From arithmetic that every machine rounds alike; the error is below 10^-4.
pub(crate) fn left_after(elapsed: Duration, half_life: Duration) -> f64 {
    if half_life.is_zero() {
        return if elapsed.is_zero() { 1.0 } else { 0.0 };
    }
    let halvings = elapsed.as_secs_f64() / half_life.as_secs_f64();
    if halvings >= MOST_HALVINGS {
        return 0.0;
    }
    let whole = halvings as u64;
    let x = (halvings - whole as f64) * std::f64::consts::LN_2;
    let grown = 1.0 + x * (1.0 + x / 2.0 * (1.0 + x / 3.0 * (1.0 + x / 4.0 * (1.0 + x / 5.0))));
    f64::from_bits((1_023 - whole) << 52) / grown
}

/// What is left then does not matter to anybody.
const MOST_HALVINGS: f64 = 60.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_is_left_after_each_half_life() {
        let left = |secs| left_after(Duration::from_secs_f64(secs), Duration::from_secs(10));
        for (secs, wanted) in [
            (0.0, 1.0),
            (5.0, std::f64::consts::FRAC_1_SQRT_2),
            (10.0, 0.5),
            (25.0, 0.176_777),
            (100.0, 1.0 / 1_024.0),
        ] {
            assert!((left(secs) - wanted).abs() < 1e-4, "{secs}: {}", left(secs));
        }
        assert_eq!(left(1e9), 0.0);
        assert!((0..1_000).map(|tenth| left(f64::from(tenth) / 10.0)).is_sorted_by(|a, b| a >= b));
    }

    #[test]
    fn what_has_no_half_life_is_gone_at_once() {
        assert_eq!(left_after(Duration::ZERO, Duration::ZERO), 1.0);
        assert_eq!(left_after(Duration::from_micros(1), Duration::ZERO), 0.0);
    }
}
