//! Rate-limit headers, and waits that only the message tells.
//!
//! `x-ratelimit-{remaining,reset,renewalperiod}-{requests,tokens}`: recorded 2026-11-23 with whole seconds, a reset of `0`
//! and a period of `60`; some deployments tell `-1`, which is nothing.

use std::time::Duration;

use http::HeaderMap;
use posthaste_core::{RateWindow, Timestamp};

use crate::{
    AnswerHead,
    reset::{number, retry_after, text},
};

/// The window with the least left.
pub(super) fn tightest_window(headers: &HeaderMap, now: Timestamp) -> Option<RateWindow> {
    windows(headers, now).min_by_key(|window| (window.remaining.unwrap_or(u64::MAX), window.resets_at))
}

/// When Azure says that a limit ends: in a header, in the message alone, or as the end of the window that is used up.
pub(super) fn told_reset(answer: &AnswerHead<'_>) -> Option<Timestamp> {
    let AnswerHead { headers, now, error, .. } = *answer;
    retry_after(headers, now)
        .or_else(|| error.and_then(|error| told_wait(&error.message)).map(|wait| now.plus(wait)))
        .or_else(|| {
            let used_up = windows(headers, now).filter(|window| window.remaining == Some(0));
            used_up.map(|window| window.resets_at).max()
        })
}

fn windows(headers: &HeaderMap, now: Timestamp) -> impl Iterator<Item = RateWindow> {
    UNITS.iter().filter_map(move |unit| {
        let remaining = number(headers, &format!("x-ratelimit-remaining-{unit}"))?;
        let wait = wait(headers, &format!("x-ratelimit-reset-{unit}"))
            .or_else(|| wait(headers, &format!("x-ratelimit-renewalperiod-{unit}")))?;
        Some(RateWindow { remaining: Some(remaining), resets_at: now.plus(wait) })
    })
}

/// Whole seconds, or a duration as OpenAI writes it (`6m0s`, `20ms`); nothing for zero.
fn wait(headers: &HeaderMap, name: &str) -> Option<Duration> {
    let text = text(headers, name)?;
    let wait = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => Duration::try_from(text.parse::<jiff::SignedDuration>().ok()?).ok()?,
    };
    (!wait.is_zero()).then_some(wait)
}

/// "Please retry after 86400 seconds."
fn told_wait(message: &str) -> Option<Duration> {
    let (_, rest) = message.split_once("retry after ")?;
    let (number, rest) = rest.split_once(' ')?;
    let seconds = number.parse().ok().filter(|seconds| *seconds > 0)?;
    rest.starts_with("second").then(|| Duration::from_secs(seconds))
}

const UNITS: [&str; 2] = ["requests", "tokens"];

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    const NOW: Timestamp = Timestamp::from_secs(1_000);

    #[test]
    fn the_window_with_the_least_left_is_the_tightest() {
        let recorded = headers(&[
            ("x-ratelimit-remaining-requests", "249"),
            ("x-ratelimit-remaining-tokens", "249861"),
            ("x-ratelimit-renewalperiod-requests", "60"),
            ("x-ratelimit-renewalperiod-tokens", "60"),
            ("x-ratelimit-reset-requests", "0"),
            ("x-ratelimit-reset-tokens", "0"),
        ]);
        let window = RateWindow { remaining: Some(249), resets_at: Timestamp::from_secs(1_060) };
        assert_eq!(tightest_window(&recorded, NOW), Some(window));
    }

    #[rstest]
    #[case("12", Some(1_012))]
    #[case("6m0s", Some(1_360))]
    #[case("0", None)]
    #[case("-1", None)]
    #[case("soon", None)]
    fn resets_are_read_in_every_form(#[case] reset: &str, #[case] until: Option<i64>) {
        let headers = headers(&[("x-ratelimit-remaining-tokens", "5"), ("x-ratelimit-reset-tokens", reset)]);
        let window = tightest_window(&headers, NOW);
        assert_eq!(window.map(|window| window.resets_at.as_secs()), until);
    }

    #[test]
    fn a_remainder_that_is_none_tells_nothing() {
        let headers =
            headers(&[("x-ratelimit-remaining-tokens", "-1"), ("x-ratelimit-renewalperiod-tokens", "60")]);
        assert_eq!(tightest_window(&headers, NOW), None);
    }

    #[rstest]
    #[case("pricing tier. Please retry after 86400 seconds. Please contact", Some(86_400))]
    #[case("Please retry after 1 second.", Some(1))]
    #[case("Please retry after 0 seconds.", None)]
    #[case("Please retry after a while.", None)]
    #[case("Please retry after 5 parsecs.", None)]
    #[case("have exceeded rate limit.", None)]
    fn the_message_may_tell_the_wait(#[case] message: &str, #[case] seconds: Option<u64>) {
        assert_eq!(told_wait(message), seconds.map(Duration::from_secs));
    }
}
