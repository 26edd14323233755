//! A caller's limits in the headers of its dialect. They speak of the client key, never of an upstream account.

use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use posthaste_core::{CallerLimits, Dialect, LimitState, Timestamp};

/// Writes when a window starts anew, given the present moment.
type ShowReset = fn(Timestamp, Timestamp) -> String;

/// Adds what the dialect has headers for: Anthropic's (<https://platform.claude.com/docs/en/api/rate-limits>, moments in RFC
/// 3339) and OpenAI's (<https://platform.openai.com/docs/guides/rate-limits>, lengths of time as `6m0s`). Gemini and Bedrock
/// have none.
pub fn write_limits(dialect: Dialect, limits: &CallerLimits, headers: &mut HeaderMap) {
    let (names, reset): (&[Names; 2], ShowReset) = match dialect {
        Dialect::AnthropicMessages => (&ANTHROPIC, |resets_at, _| moment(resets_at)),
        Dialect::OpenAiChat | Dialect::OpenAiResponses => {
            (&OPENAI, |resets_at, now| length(resets_at.since(now)))
        }
        Dialect::GeminiGenerate | Dialect::BedrockConverse => return,
    };
    for (state, names) in [limits.requests, limits.tokens].into_iter().zip(names) {
        let Some(LimitState { limit, remaining, resets_at }) = state else { continue };
        headers.insert(names.limit, HeaderValue::from(limit));
        headers.insert(names.remaining, HeaderValue::from(remaining));
        let resets = resets_at.map(|resets_at| HeaderValue::try_from(reset(resets_at, limits.at)));
        if let Some(Ok(resets)) = resets {
            headers.insert(names.reset, resets);
        }
    }
}

struct Names {
    limit: &'static str,
    remaining: &'static str,
    reset: &'static str,
}

/// The first whole second at which it has started anew.
fn moment(resets_at: Timestamp) -> String {
    let micros = resets_at.as_micros();
    let up = i64::from(micros.rem_euclid(1_000_000) > 0);
    Timestamp::from_secs(micros.div_euclid(1_000_000) + up).to_string()
}

/// As Go writes it: `250ms`, `7s`, `6m0s`, `1h2m3s`; rounded up.
fn length(time: Duration) -> String {
    if time < Duration::from_secs(1) {
        return format!("{}ms", time.as_micros().div_ceil(1_000));
    }
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds}s"),
        (0, _) => format!("{minutes}m{seconds}s"),
        _ => format!("{hours}h{minutes}m{seconds}s"),
    }
}

const ANTHROPIC: [Names; 2] = [
    Names {
        limit: "anthropic-ratelimit-requests-limit",
        remaining: "anthropic-ratelimit-requests-remaining",
        reset: "anthropic-ratelimit-requests-reset",
    },
    Names {
        limit: "anthropic-ratelimit-tokens-limit",
        remaining: "anthropic-ratelimit-tokens-remaining",
        reset: "anthropic-ratelimit-tokens-reset",
    },
];

const OPENAI: [Names; 2] = [
    Names {
        limit: "x-ratelimit-limit-requests",
        remaining: "x-ratelimit-remaining-requests",
        reset: "x-ratelimit-reset-requests",
    },
    Names {
        limit: "x-ratelimit-limit-tokens",
        remaining: "x-ratelimit-remaining-tokens",
        reset: "x-ratelimit-reset-tokens",
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read_duration;

    fn written(dialect: Dialect) -> Vec<String> {
        let state = |limit, remaining, resets_at| Some(LimitState { limit, remaining, resets_at });
        let limits = CallerLimits {
            at: Timestamp::from_secs(1_790_000_000),
            requests: state(100, 7, Some(Timestamp::from_millis(1_790_003_722_500))),
            tokens: state(2_000_000, 0, None),
        };
        let mut headers = HeaderMap::new();
        write_limits(dialect, &limits, &mut headers);
        let mut lines: Vec<_> =
            headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        lines.sort_unstable();
        lines
    }

    #[test]
    fn each_dialect_has_its_own_form() {
        assert_eq!(
            written(Dialect::AnthropicMessages),
            [
                "anthropic-ratelimit-requests-limit: 100",
                "anthropic-ratelimit-requests-remaining: 7",
                "anthropic-ratelimit-requests-reset: 2026-09-21T15:15:23Z",
                "anthropic-ratelimit-tokens-limit: 2000000",
                "anthropic-ratelimit-tokens-remaining: 0",
            ]
        );
        let openai = [
            "x-ratelimit-limit-requests: 100",
            "x-ratelimit-limit-tokens: 2000000",
            "x-ratelimit-remaining-requests: 7",
            "x-ratelimit-remaining-tokens: 0",
            "x-ratelimit-reset-requests: 1h2m3s",
        ];
        assert_eq!(written(Dialect::OpenAiChat), openai);
        assert_eq!(written(Dialect::OpenAiResponses), openai);
        assert!(written(Dialect::GeminiGenerate).is_empty() && written(Dialect::BedrockConverse).is_empty());
    }

    #[test]
    fn lengths_are_never_too_short_and_read_back() {
        for (millis, text) in [
            (0, "0ms"),
            (250, "250ms"),
            (1_000, "1s"),
            (59_001, "1m0s"),
            (360_000, "6m0s"),
            (7_200_000, "2h0m0s"),
        ] {
            let time = Duration::from_millis(millis);
            assert_eq!(length(time), text);
            assert!(read_duration(text).unwrap() >= time);
        }
    }
}
