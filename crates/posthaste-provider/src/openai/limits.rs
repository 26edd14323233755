//! Rate-limit headers.
//!
//! Sources: <https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers>, where resets are durations
//! (`6m0s`, `120ms`); the `x-codex` family of ChatGPT's plans as <https://github.com/openai/codex> reads it
//! (`codex-rs/codex-api/src/rate_limits.rs`). Checked 2026-11-26.

use std::time::Duration;

use http::HeaderMap;
use posthaste_core::{PlanUse, RateWindow, Timestamp};
use posthaste_wire::read_duration;

use crate::reset::{moment, number, text};

/// The window with the smallest part left.
pub(crate) fn tightest_window(headers: &HeaderMap, now: Timestamp) -> Option<RateWindow> {
    windows(headers, now)
        .filter(|window| window.of.resets_at > now)
        .min_by_key(|window| (window.left_permille, window.of.resets_at))
        .map(|window| window.of)
}

/// The last reset of the windows that have nothing left.
pub(crate) fn exhausted_window_reset(headers: &HeaderMap, now: Timestamp) -> Option<Timestamp> {
    windows(headers, now)
        .filter(|window| window.of.remaining == Some(0) && window.of.resets_at > now)
        .map(|window| window.of.resets_at)
        .max()
}

struct Window {
    of: RateWindow,
    left_permille: u64,
}

fn windows(headers: &HeaderMap, now: Timestamp) -> impl Iterator<Item = Window> {
    let counted = COUNTED.iter().filter_map(move |names| counted(headers, names, now));
    counted.chain(PLAN.iter().filter_map(move |names| plan(headers, names, now)))
}

/// The headers of a window that counts requests or tokens.
struct Counted {
    limit: &'static str,
    remaining: &'static str,
    reset: &'static str,
}

const COUNTED: [Counted; 3] = [
    Counted {
        limit: "x-ratelimit-limit-requests",
        remaining: "x-ratelimit-remaining-requests",
        reset: "x-ratelimit-reset-requests",
    },
    Counted {
        limit: "x-ratelimit-limit-tokens",
        remaining: "x-ratelimit-remaining-tokens",
        reset: "x-ratelimit-reset-tokens",
    },
    Counted {
        limit: "x-ratelimit-limit-input-images",
        remaining: "x-ratelimit-remaining-input-images",
        reset: "x-ratelimit-reset-input-images",
    },
];

fn counted(headers: &HeaderMap, names: &Counted, now: Timestamp) -> Option<Window> {
    let resets_at = now.plus(read_duration(text(headers, names.reset)?)?);
    let remaining = number(headers, names.remaining);
    let limit = number(headers, names.limit).filter(|limit| *limit > 0);
    let left_permille = match (remaining, limit) {
        (Some(remaining), Some(limit)) => remaining.saturating_mul(1_000) / limit,
        (Some(0), None) => 0,
        _ => 1_000,
    };
    Some(Window { of: RateWindow { remaining, resets_at }, left_permille })
}

/// The headers of a plan's window, which tells percents.
struct Plan {
    used: &'static str,
    minutes: &'static str,
    reset_at: &'static str,
    reset_after: &'static str,
}

const PLAN: [Plan; 2] = [
    Plan {
        used: "x-codex-primary-used-percent",
        minutes: "x-codex-primary-window-minutes",
        reset_at: "x-codex-primary-reset-at",
        reset_after: "x-codex-primary-reset-after-seconds",
    },
    Plan {
        used: "x-codex-secondary-used-percent",
        minutes: "x-codex-secondary-window-minutes",
        reset_at: "x-codex-secondary-reset-at",
        reset_after: "x-codex-secondary-reset-after-seconds",
    },
];

/// A window of no minutes is one that the plan does not have.
fn plan(headers: &HeaderMap, names: &Plan, now: Timestamp) -> Option<Window> {
    number(headers, names.minutes).filter(|minutes| *minutes > 0)?;
    // A fraction of the last percent is still something left.
    let used: u64 = text(headers, names.used)?.split('.').next()?.parse().ok()?;
    let left = 100_u64.saturating_sub(used);
    let after = || number(headers, names.reset_after).map(Duration::from_secs);
    let resets_at = moment(headers, names.reset_at).or_else(|| after().map(|after| now.plus(after)))?;
    Some(Window { of: RateWindow { remaining: Some(left), resets_at }, left_permille: left * 10 })
}

/// The windows of a ChatGPT plan.
pub(crate) fn plan_use(headers: &HeaderMap, now: Timestamp) -> Vec<PlanUse> {
    let read = |names: &Plan| {
        let minutes = number(headers, names.minutes).filter(|minutes| *minutes > 0)?;
        let used: f64 = text(headers, names.used)?.parse().ok()?;
        let resets_at = plan(headers, names, now)?.of.resets_at;
        let used = (used.clamp(0.0, 100.0) * 100.0).round() as u16;
        let length = Duration::from_secs(minutes.saturating_mul(60));
        Some(PlanUse { used, starts_at: resets_at.minus(length), resets_at }).filter(|_| resets_at > now)
    };
    PLAN.iter().filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_000);

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn the_window_with_the_smallest_part_left_is_the_tightest() {
        let headers = headers(&[
            ("x-ratelimit-limit-requests", "100"),
            ("x-ratelimit-remaining-requests", "60"),
            ("x-ratelimit-reset-requests", "6m0s"),
            ("x-ratelimit-limit-tokens", "10000"),
            ("x-ratelimit-remaining-tokens", "500"),
            ("x-ratelimit-reset-tokens", "120ms"),
        ]);
        let tightest = tightest_window(&headers, NOW).unwrap();
        let resets_at = Timestamp::from_millis(1_000_120);
        assert_eq!(tightest, RateWindow { remaining: Some(500), resets_at });
        assert_eq!(exhausted_window_reset(&headers, NOW), None);
    }

    #[test]
    fn the_last_used_up_window_counts() {
        let headers = headers(&[
            ("x-ratelimit-remaining-requests", "0"),
            ("x-ratelimit-reset-requests", "1s"),
            ("x-ratelimit-remaining-tokens", "0"),
            ("x-ratelimit-reset-tokens", "1h2m3s"),
        ]);
        assert_eq!(exhausted_window_reset(&headers, NOW), Some(Timestamp::from_secs(1_000 + 3_723)));
    }

    /// As quoted in public issues, with both ways to tell the reset.
    #[test]
    fn plans_tell_percents() {
        let plan = |used, reset_at| {
            headers(&[
                ("x-codex-primary-used-percent", used),
                ("x-codex-primary-window-minutes", "300"),
                ("x-codex-primary-reset-after-seconds", "13873"),
                ("x-codex-primary-reset-at", reset_at),
                ("x-codex-secondary-used-percent", "0"),
                ("x-codex-secondary-window-minutes", "0"),
                ("x-codex-secondary-reset-after-seconds", "0"),
                ("x-codex-secondary-reset-at", ""),
            ])
        };
        let tightest = tightest_window(&plan("99.6", "2000"), NOW).unwrap();
        assert_eq!(tightest, RateWindow { remaining: Some(1), resets_at: Timestamp::from_secs(2_000) });
        assert_eq!(exhausted_window_reset(&plan("99.6", "2000"), NOW), None);
        assert_eq!(exhausted_window_reset(&plan("100", "2000"), NOW), Some(Timestamp::from_secs(2_000)));
        assert_eq!(exhausted_window_reset(&plan("100", ""), NOW), Some(Timestamp::from_secs(14_873)));
    }

    #[test]
    fn other_headers_tell_nothing() {
        assert_eq!(tightest_window(&headers(&[("x-ratelimit-reset-requests", "soon")]), NOW), None);
        assert_eq!(tightest_window(&HeaderMap::new(), NOW), None);
    }

    #[test]
    fn a_plan_tells_how_much_of_each_window_is_used() {
        let headers = headers(&[
            ("x-codex-primary-used-percent", "12.5"),
            ("x-codex-primary-window-minutes", "300"),
            ("x-codex-primary-reset-at", "19000"),
            ("x-codex-secondary-used-percent", "250"),
            ("x-codex-secondary-window-minutes", "10080"),
            ("x-codex-secondary-reset-after-seconds", "60"),
        ]);
        let [primary, secondary] = plan_use(&headers, NOW)[..] else { panic!("there are two windows") };
        assert_eq!((primary.used, primary.starts_at), (1_250, NOW));
        assert_eq!((secondary.used, secondary.resets_at), (10_000, Timestamp::from_secs(1_060)));
        assert!(plan_use(&headers, Timestamp::from_secs(2_000_000)).len() < 2, "what is over is not told");
    }
}
