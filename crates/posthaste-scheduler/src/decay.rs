//! What fades with time.

use std::time::Duration;

use posthaste_core::Timestamp;

/// Which share is left `now` of what is halved each `half_life` since `then`: 1 at first, then towards 0.
///
/// From arithmetic that every machine rounds alike; the error is below 10^-4.
pub(crate) fn left_since(then: Timestamp, now: Timestamp, half_life: Duration) -> f64 {
    let elapsed = now.as_micros().saturating_sub(then.as_micros());
    if elapsed <= 0 {
        return 1.0;
    }
    // A half-life of nothing makes infinitely many halvings.
    let halvings = elapsed as f64 / (half_life.as_secs_f64() * 1e6);
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
        let since = |secs| Timestamp::EPOCH.plus(Duration::from_secs_f64(secs));
        let left = |secs| left_since(Timestamp::EPOCH, since(secs), Duration::from_secs(10));
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
        let left = |micros| left_since(Timestamp::EPOCH, Timestamp::from_micros(micros), Duration::ZERO);
        assert_eq!((left(-5), left(0), left(1)), (1.0, 1.0, 0.0));
    }
}
