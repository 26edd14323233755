//! Times, sizes and counts as people read them, and why somebody was not asked.

use posthaste_core::{LimitUnit, NanoUsd, PassedOver, Rest};

/// A time in microseconds.
pub(super) fn took(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..10_000_000 => format!("{}.{} ms", us / 1_000, us % 1_000 / 100),
        _ => format!("{}.{} s", us / 1_000_000, us % 1_000_000 / 100_000),
    }
}

/// A size in bytes.
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        _ => format!("{} KB", bytes / 1_000),
    }
}

/// An amount of what a limit counts.
pub(in crate::cli) fn amount(unit: LimitUnit, amount: i64) -> String {
    match unit {
        LimitUnit::Cost => NanoUsd::from_nanos(amount).to_string(),
        LimitUnit::Requests | LimitUnit::Tokens | LimitUnit::Concurrency => amount.to_string(),
    }
}

/// What stood against an account; of one that rests, until when and why.
pub(in crate::cli) fn barrier(passed: &PassedOver) -> String {
    passed.rest.as_ref().map_or_else(|| passed.barrier.to_string(), rest)
}

/// An account's rest.
pub(super) fn rest(rest: &Rest) -> String {
    format!("rests until {}, {}: {}", rest.until, rest.reason, rest.why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_a_unit_that_fits() {
        let told = [0, 999, 1_000, 312_456, 9_999_999, 61_250_000].map(took);
        assert_eq!(told, ["0 µs", "999 µs", "1.0 ms", "312.4 ms", "9999.9 ms", "61.2 s"]);
    }

    #[test]
    fn amounts_are_told_in_their_unit() {
        assert_eq!(amount(LimitUnit::Cost, 1_500_000_000), "$1.50");
        assert_eq!(amount(LimitUnit::Tokens, 4_100), "4100");
    }
}
