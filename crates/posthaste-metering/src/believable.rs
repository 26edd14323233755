//! Counts beyond belief. A slip of the vendor, or a lie, must not become a fortune in the books.

use posthaste_core::Usage;

use crate::{Mode, ModelPrice, charge::take};

/// The counts as far as they can be true, and whether anything had to be cut off.
///
/// What a model holds is no bound by itself: a vendor's own tools and compaction run several rounds in one exchange, and
/// their counts are sums. Beyond [`ROUNDS`] times that, a prompt or an answer is booked as the most that the model holds in
/// one. Embeddings have no window: a call brings many texts.
pub(crate) fn believable(model: Option<&ModelPrice>, usage: &Usage) -> (Usage, bool) {
    let window = model.filter(|model| model.mode != Mode::Embedding).and_then(|model| model.context_window);
    let window = window.unwrap_or(LARGEST_WINDOW);
    let answer = model.and_then(|model| model.max_output).unwrap_or(window);
    let mut cut = *usage;
    if usage.prompt() > window.saturating_mul(ROUNDS) {
        let mut left = window;
        // What was written costs the most, what was read the least.
        cut.cache_write_1h = take(&mut left, usage.cache_write_1h);
        cut.cache_write_5m = take(&mut left, usage.cache_write_5m);
        cut.input = take(&mut left, usage.input);
        cut.cache_read = take(&mut left, usage.cache_read);
    }
    if usage.output > answer.saturating_mul(ROUNDS) {
        cut.output = answer;
    }
    cut.web_searches = usage.web_searches.min(MOST_SEARCHES);
    let is_cut = cut != *usage;
    if is_cut {
        cut.input_audio = usage.input_audio.min(cut.input);
        cut.input_image = usage.input_image.min(cut.input - cut.input_audio);
        cut.cache_read_audio = usage.cache_read_audio.min(cut.cache_read);
        cut.reasoning = usage.reasoning.min(cut.output);
        cut.output_audio = usage.output_audio.min(cut.output);
        cut.output_image = usage.output_image.min(cut.output);
    }
    (cut, is_cut)
}

/// Many times what vendors' own loops run (Anthropic's end a turn after 10 rounds).
const ROUNDS: u64 = 32;

/// The largest on the market, for models of which it is not known.
const LARGEST_WINDOW: u64 = 2_000_000;

/// Vendors let a request cap its searches at a few dozen.
const MOST_SEARCHES: u64 = 10_000;

#[cfg(test)]
mod tests {
    use posthaste_core::ProviderKind;
    use rstest::rstest;

    use super::*;
    use crate::PriceBook;

    /// Of 200,000 tokens, answering with at most 64,000.
    fn cut(usage: Usage) -> (Usage, bool) {
        let book = PriceBook::builtin();
        believable(book.price(ProviderKind::Anthropic, "claude-haiku-4-5"), &usage)
    }

    #[rstest]
    #[case(Usage { input: 6_400_000, ..Usage::NONE })]
    #[case(Usage { output: 2_048_000, reasoning: 2_048_000, ..Usage::NONE })]
    #[case(Usage { input: 1, cache_read: 1_000_000, cache_write_1h: 5_000_000, web_searches: 10_000, ..Usage::NONE })]
    fn what_many_rounds_may_come_to_is_left(#[case] usage: Usage) {
        assert_eq!(cut(usage), (usage, false));
    }

    #[test]
    fn a_prompt_beyond_belief_is_the_window_and_an_answer_the_longest() {
        let usage = Usage {
            input: u64::MAX,
            cache_read: 7,
            cache_write_5m: 1_000,
            output: 2_048_001,
            reasoning: 99_000,
            input_audio: 300_000,
            web_searches: 10_001,
            ..Usage::NONE
        };
        let expected = Usage {
            input: 199_000,
            cache_write_5m: 1_000,
            output: 64_000,
            reasoning: 64_000,
            input_audio: 199_000,
            web_searches: 10_000,
            ..Usage::NONE
        };
        assert_eq!(cut(usage), (expected, true));
    }

    #[test]
    fn sound_and_pictures_are_no_more_than_the_prompt_that_is_left() {
        let usage = Usage { input: u64::MAX, input_audio: 150_000, input_image: 150_000, ..Usage::NONE };
        let (cut, _) = cut(usage);
        assert_eq!((cut.input, cut.input_audio, cut.input_image), (200_000, 150_000, 50_000));
    }

    #[test]
    fn a_model_that_is_not_known_is_taken_for_the_largest() {
        let usage = Usage { output: 100_000_000, ..Usage::NONE };
        assert_eq!(believable(None, &usage), (Usage { output: LARGEST_WINDOW, ..usage }, true));
    }
}
