//! Token counts when the upstream tells none. They are marked as estimates wherever they go.

use posthaste_core::{Usage, UsageSource};

/// Fills what the upstream left out, from the sizes of what went up and what came down.
///
/// `prompt_bytes` is the request body, `answer_bytes` what was delivered, wrapped as a stream's events or not.
pub(crate) fn fill(
    mut usage: Usage,
    source: UsageSource,
    prompt_bytes: usize,
    answer_bytes: usize,
    streamed: bool,
) -> Usage {
    if source == UsageSource::Estimated {
        if usage.prompt() == 0 {
            usage.input = tokens(prompt_bytes, BYTES_PER_TOKEN);
        }
        if usage.output == 0 {
            usage.output =
                tokens(answer_bytes, if streamed { EVENT_BYTES_PER_TOKEN } else { BYTES_PER_TOKEN });
        }
    }
    usage
}

/// The tokens of a prompt of this many bytes.
pub(crate) fn prompt_tokens(bytes: usize) -> u64 {
    tokens(bytes, BYTES_PER_TOKEN)
}

/// The size of a prompt of this many tokens, where that is what is known.
pub(crate) fn prompt_bytes(tokens: u64) -> usize {
    usize::try_from(tokens).unwrap_or(usize::MAX).saturating_mul(BYTES_PER_TOKEN)
}

fn tokens(bytes: usize, bytes_per_token: usize) -> u64 {
    bytes.div_ceil(bytes_per_token) as u64
}

/// English text and JSON alike come to about four bytes a token.
const BYTES_PER_TOKEN: usize = 4;

/// An event wraps a few tokens of text in some 120 bytes of JSON.
const EVENT_BYTES_PER_TOKEN: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_missing_is_estimated() {
        let told = Usage { input: 7, output: 9, ..Usage::default() };
        assert_eq!(fill(told, UsageSource::Estimated, 400, 400, true), told);
        assert_eq!(fill(told, UsageSource::Reported, 400, 400, true), told);
        let half = Usage { input: 7, ..Usage::default() };
        assert_eq!(
            fill(half, UsageSource::Estimated, 400, 320, true),
            Usage { input: 7, output: 10, ..half }
        );
        let none = Usage::default();
        let both = Usage { input: 100, output: 5, ..none };
        assert_eq!(fill(none, UsageSource::Estimated, 400, 20, false), both);
        assert_eq!(fill(none, UsageSource::None, 400, 400, false), none);
    }
}
