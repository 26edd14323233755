//! Rate-limit headers.
//!
//! Source: <https://docs.anthropic.com/en/api/rate-limits#response-headers>; the `unified` family is sent to
//! subscription accounts (observed, 2026-11-23).

use std::time::Duration;

use http::HeaderMap;
use posthaste_core::{PlanUse, RateWindow, Timestamp};

use crate::reset::{moment, number, text};

/// Whether a plan's window (hours or days) is used up, rather than a short throttle.
pub(super) fn plan_window_used_up(headers: &HeaderMap) -> bool {
    text(headers, "anthropic-ratelimit-unified-status") == Some("rejected")
}

/// The models that a used-up window of a plan counts alone; `None` where it counts all of them.
///
/// Beside the plan's windows of 5 hours and 7 days there may be others that are named for a family
/// (`anthropic-ratelimit-unified-7d_opus-status`, observed, 2026-11-23). A family's window can be full while the plan's own
/// are not.
pub(super) fn used_up_family(headers: &HeaderMap) -> Option<UsedUpFamily> {
    let rejected = |window: &str| text(headers, &status_of(window)) == Some("rejected");
    if PLAN_WINDOWS.into_iter().any(rejected) {
        return None;
    }
    let claim = text(headers, "anthropic-ratelimit-unified-representative-claim");
    FAMILIES.into_iter().find_map(|(family, begins)| {
        let window = PLAN_WINDOWS
            .into_iter()
            .map(|window| [window, "_", family].concat())
            .find(|window| rejected(window));
        let claimed = claim.is_some_and(|claim| claim.split('_').next_back() == Some(family));
        if window.is_none() && !claimed {
            return None;
        }
        let reset = window.and_then(|window| moment(headers, &reset_of(&window)));
        Some(UsedUpFamily { begins, resets_at: reset.or_else(|| plan_window_reset(headers)) })
    })
}

/// A family of models whose window of a plan is used up.
pub(super) struct UsedUpFamily {
    /// What the models' names begin with.
    pub(super) begins: &'static str,
    /// When the window starts anew.
    pub(super) resets_at: Option<Timestamp>,
}

fn status_of(window: &str) -> String {
    ["anthropic-ratelimit-unified-", window, "-status"].concat()
}

fn reset_of(window: &str) -> String {
    ["anthropic-ratelimit-unified-", window, "-reset"].concat()
}

/// When the plan's window starts anew.
pub(super) fn plan_window_reset(headers: &HeaderMap) -> Option<Timestamp> {
    moment(headers, "anthropic-ratelimit-unified-reset")
}

/// The reset of the first window that has nothing left.
pub(super) fn exhausted_window_reset(headers: &HeaderMap, now: Timestamp) -> Option<Timestamp> {
    windows(headers)
        .filter(|window| window.remaining == Some(0) && window.resets_at > now)
        .map(|window| window.resets_at)
        .max()
}

/// The window with the least left.
pub(super) fn tightest_window(headers: &HeaderMap, now: Timestamp) -> Option<RateWindow> {
    windows(headers)
        .filter(|window| window.resets_at > now)
        .min_by_key(|window| (window.remaining.unwrap_or(u64::MAX), window.resets_at))
}

fn windows(headers: &HeaderMap) -> impl Iterator<Item = RateWindow> {
    KINDS.iter().filter_map(|(remaining, reset)| {
        Some(RateWindow { remaining: number(headers, remaining), resets_at: moment(headers, reset)? })
    })
}

const KINDS: [(&str, &str); 4] = [
    ("anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset"),
    ("anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset"),
    ("anthropic-ratelimit-input-tokens-remaining", "anthropic-ratelimit-input-tokens-reset"),
    ("anthropic-ratelimit-output-tokens-remaining", "anthropic-ratelimit-output-tokens-reset"),
];

/// The windows of a subscription's plan. What is spent is told as a fraction from 0 to 1.
pub(super) fn plan_use(headers: &HeaderMap, now: Timestamp) -> Vec<PlanUse> {
    let read = |(window, length): (&str, Duration)| {
        let name = |what: &str| ["anthropic-ratelimit-unified-", window, what].concat();
        let spent: f64 = text(headers, &name("-utilization"))?.parse().ok()?;
        let resets_at = moment(headers, &name("-reset")).filter(|reset| *reset > now)?;
        let used = (spent.clamp(0.0, 1.0) * f64::from(PlanUse::WHOLE)).round() as u16;
        Some(PlanUse { used, starts_at: resets_at.minus(length), resets_at })
    };
    PLAN_WINDOWS.into_iter().zip(PLAN_LENGTHS).filter_map(read).collect()
}

const PLAN_LENGTHS: [Duration; 2] = [Duration::from_secs(5 * 3_600), Duration::from_secs(7 * 86_400)];

const PLAN_WINDOWS: [&str; 2] = ["5h", "7d"];

/// How the windows call the families, and what their models' names begin with.
const FAMILIES: [(&str, &str); 3] =
    [("opus", "claude-opus"), ("sonnet", "claude-sonnet"), ("haiku", "claude-haiku")];

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn the_window_with_the_least_left_is_the_tightest() {
        let headers = headers(&[
            ("anthropic-ratelimit-requests-remaining", "3"),
            ("anthropic-ratelimit-requests-reset", "1970-01-01T00:01:00Z"),
            ("anthropic-ratelimit-tokens-remaining", "5000"),
            ("anthropic-ratelimit-tokens-reset", "1970-01-01T00:02:00Z"),
        ]);
        let window = tightest_window(&headers, Timestamp::EPOCH).unwrap();
        assert_eq!(window, RateWindow { remaining: Some(3), resets_at: Timestamp::from_secs(60) });
        assert_eq!(tightest_window(&headers, Timestamp::from_secs(600)), None);
        assert_eq!(exhausted_window_reset(&headers, Timestamp::EPOCH), None);
    }

    #[test]
    fn a_subscription_tells_how_much_of_each_window_is_spent() {
        let mut headers = HeaderMap::new();
        let mut put = |name: &'static str, value: &'static str| headers.insert(name, value.parse().unwrap());
        put("anthropic-ratelimit-unified-5h-utilization", "0.25");
        put("anthropic-ratelimit-unified-5h-reset", "19000");
        put("anthropic-ratelimit-unified-7d-utilization", "1.2");
        put("anthropic-ratelimit-unified-7d-reset", "500");
        let told = plan_use(&headers, Timestamp::from_secs(1_000));
        let starts_at = Timestamp::from_secs(1_000);
        let resets_at = Timestamp::from_secs(19_000);
        assert_eq!(
            told,
            [PlanUse { used: 2_500, starts_at, resets_at }],
            "a window that is over tells nothing"
        );
    }
}
