//! What answers say of themselves: the model that they name, and why they stopped.
//!
//! Traces tell it (`gen_ai.response.model`, `gen_ai.response.finish_reasons`). Only where a request is traced is it looked for, so that
//! nobody else pays for it.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use posthaste_core::{AnswerWords, Dialect};
use serde::Deserialize;

use crate::{
    gemini::code_assist,
    lenient::{Lenient, List, Text, object},
};

/// What a whole answer says of itself.
pub fn words_of(dialect: Dialect, body: &[u8]) -> AnswerWords {
    let mut words = AnswerWords::default();
    read(dialect, body, &mut words);
    words
}

/// Listens to the data of a frame.
pub(crate) fn listen(dialect: Dialect, data: &[u8], words: &mut AnswerWords) {
    // Inside texts the quotes would be escaped, so that content is not mistaken for a key.
    let may_name = words.model.is_none() && NAMING.iter().any(|key| key.find(data).is_some());
    // Only Responses tells its end by its status; others may say it of anything.
    let may_end = dialect == Dialect::OpenAiResponses && has_value(data, &STATUS);
    if may_name || may_end || STOPPING.iter().any(|key| has_value(data, key)) {
        read(dialect, data, words);
    }
}

/// Whether a key stands there with another value than `null`, which most chunks have; some put a space before it.
fn has_value(data: &[u8], key: &Finder<'_>) -> bool {
    key.find_iter(data).any(|at| {
        let rest = data[at + key.needle().len()..].trim_ascii_start();
        rest.strip_prefix(b":").is_some_and(|value| !value.trim_ascii_start().starts_with(b"null"))
    })
}

fn read(dialect: Dialect, data: &[u8], words: &mut AnswerWords) {
    let unwrapped = code_assist::unwrap_response(data);
    let Ok(Some(said)) = object::<Said<'_>>(&unwrapped) else { return };
    let inner = [said.message.0, said.response.0].into_iter().flatten();
    let of_inner = inner.fold(Inner::default(), |all, inner| Inner {
        model: all.model.or(inner.model),
        stop_reason: all.stop_reason.or(inner.stop_reason),
        status: all.status.or(inner.status),
        incomplete_details: all.incomplete_details.or(inner.incomplete_details),
    });
    let models = [said.model, said.model_version, of_inner.model];
    if words.model.is_none() {
        words.model = models.into_iter().find_map(word);
    }
    let of_delta = said.delta.0.map(|delta| delta.stop_reason).unwrap_or_default();
    let mut reasons = vec![said.stop_reason, said.stop_reason_of_converse, of_delta, of_inner.stop_reason];
    reasons.extend(said.choices.0.into_iter().flatten().map(|choice| choice.finish_reason));
    reasons.extend(said.candidates.0.into_iter().flatten().map(|candidate| candidate.finish_reason));
    if dialect == Dialect::OpenAiResponses {
        // Why it is not whole says more than that it is not.
        let details = said.incomplete_details.or(of_inner.incomplete_details);
        let reason = details.0.map(|details| details.reason).unwrap_or_default();
        let status = said.status.or(of_inner.status);
        let is_over = |status: &Lenient<Text<'_>>| {
            status
                .0
                .as_ref()
                .is_some_and(|word| matches!(&*word.0, "completed" | "incomplete" | "failed" | "cancelled"))
        };
        reasons.push(if reason.0.is_some() { reason } else { status.filter(is_over) });
    }
    for reason in reasons.into_iter().filter_map(word) {
        if words.finish_reasons.len() < MOST_REASONS && !words.finish_reasons.contains(&reason) {
            words.finish_reasons.push(reason);
        }
    }
}

/// A word that a vendor would say: short, printable, without space.
fn word(text: Lenient<Text<'_>>) -> Option<String> {
    let text = text.0?.into_string();
    (!text.is_empty() && text.len() <= LONGEST && text.bytes().all(|byte| byte.is_ascii_graphic()))
        .then_some(text)
}

impl<'a> Lenient<Text<'a>> {
    fn or(self, other: Self) -> Self {
        if self.0.is_some() { self } else { other }
    }

    fn filter(self, fits: impl FnOnce(&Self) -> bool) -> Self {
        if fits(&self) { self } else { Self(None) }
    }
}

impl Lenient<Details<'_>> {
    fn or(self, other: Self) -> Self {
        if self.0.is_some() { self } else { other }
    }
}

/// The places of all dialects, which do not get in each other's way.
#[derive(Deserialize)]
struct Said<'a> {
    #[serde(borrow, default)]
    model: Lenient<Text<'a>>,
    #[serde(borrow, default, rename = "modelVersion")]
    model_version: Lenient<Text<'a>>,
    #[serde(borrow, default)]
    stop_reason: Lenient<Text<'a>>,
    #[serde(borrow, default, rename = "stopReason")]
    stop_reason_of_converse: Lenient<Text<'a>>,
    #[serde(borrow, default)]
    choices: List<Choice<'a>>,
    #[serde(borrow, default)]
    candidates: List<Candidate<'a>>,
    #[serde(borrow, default)]
    message: Lenient<Inner<'a>>,
    #[serde(borrow, default)]
    delta: Lenient<Delta<'a>>,
    #[serde(borrow, default)]
    response: Lenient<Inner<'a>>,
    #[serde(borrow, default)]
    status: Lenient<Text<'a>>,
    #[serde(borrow, default)]
    incomplete_details: Lenient<Details<'a>>,
}

/// An answer within an event: Anthropic's `message`, Responses' `response`.
#[derive(Default, Deserialize)]
struct Inner<'a> {
    #[serde(borrow, default)]
    model: Lenient<Text<'a>>,
    #[serde(borrow, default)]
    stop_reason: Lenient<Text<'a>>,
    #[serde(borrow, default)]
    status: Lenient<Text<'a>>,
    #[serde(borrow, default)]
    incomplete_details: Lenient<Details<'a>>,
}

#[derive(Default, Deserialize)]
struct Delta<'a> {
    #[serde(borrow, default)]
    stop_reason: Lenient<Text<'a>>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow, default)]
    finish_reason: Lenient<Text<'a>>,
}

#[derive(Deserialize)]
struct Candidate<'a> {
    #[serde(borrow, default, rename = "finishReason")]
    finish_reason: Lenient<Text<'a>>,
}

#[derive(Default, Deserialize)]
struct Details<'a> {
    #[serde(borrow, default)]
    reason: Lenient<Text<'a>>,
}

static NAMING: LazyLock<[Finder<'_>; 2]> =
    LazyLock::new(|| [Finder::new("\"model\""), Finder::new("\"modelVersion\"")]);

static STATUS: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new("\"status\""));

static STOPPING: LazyLock<[Finder<'_>; 5]> = LazyLock::new(|| {
    ["\"stop_reason\"", "\"finish_reason\"", "\"finishReason\"", "\"stopReason\"", "\"incomplete_details\""]
        .map(Finder::new)
});

const MOST_REASONS: usize = 8;
const LONGEST: usize = 64;

#[cfg(test)]
mod tests {
    use posthaste_core::Surface;
    use rstest::rstest;

    use super::*;
    use crate::StreamTap;

    fn words(model: &str, reasons: &[&str]) -> AnswerWords {
        let model = (!model.is_empty()).then(|| model.to_owned());
        AnswerWords { model, finish_reasons: reasons.iter().map(|reason| (*reason).to_owned()).collect() }
    }

    #[rstest]
    #[case(Dialect::AnthropicMessages, r#"{"model":"claude-x","content":[{"input":{"model":"other"}}],"stop_reason":"tool_use"}"#, "claude-x", &["tool_use"])]
    #[case(Dialect::OpenAiChat, r#"{"model":"gpt-x","choices":[{"finish_reason":"stop"},{"finish_reason":"length"},{"finish_reason":"stop"}]}"#, "gpt-x", &["stop", "length"])]
    #[case(Dialect::OpenAiResponses, r#"{"model":"gpt-x","status":"completed","output":[{"status":"in_progress"}]}"#, "gpt-x", &["completed"])]
    #[case(Dialect::OpenAiResponses, r#"{"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"}}"#, "", &["max_output_tokens"])]
    #[case(Dialect::GeminiGenerate, r#"{"modelVersion":"gemini-x","candidates":[{"finishReason":"MAX_TOKENS"}]}"#, "gemini-x", &["MAX_TOKENS"])]
    #[case(Dialect::GeminiGenerate, r#"{"response":{"modelVersion":"gemini-x","candidates":[{"finishReason":"STOP"}]}}"#, "gemini-x", &["STOP"])]
    #[case(Dialect::BedrockConverse, r#"{"output":{},"stopReason":"end_turn"}"#, "", &["end_turn"])]
    fn a_whole_answer_is_heard(
        #[case] dialect: Dialect,
        #[case] body: &str,
        #[case] model: &str,
        #[case] reasons: &[&str],
    ) {
        assert_eq!(words_of(dialect, body.as_bytes()), words(model, reasons));
    }

    #[rstest]
    #[case(Dialect::AnthropicMessages, "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"claude-x\",\"stop_reason\":null}}\n\n\
        event: content_block_delta\ndata: {\"delta\":{\"partial_json\":\"{\\\"model\\\":\\\"no\\\",\\\"stop_reason\\\":\\\"no\\\"}\"}}\n\n\
        event: message_delta\ndata: {\"delta\":{\"stop_reason\":\"end_turn\"}}\n\nevent: message_stop\ndata: {}\n\n", "claude-x", &["end_turn"])]
    #[case(Dialect::OpenAiChat, "data: {\"model\":\"gpt-x\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},\"finish_reason\":null}]}\n\n\
        data: {\"model\":\"gpt-y\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\ndata: [DONE]\n\n", "gpt-x", &["tool_calls"])]
    #[case(Dialect::OpenAiResponses, "event: response.created\ndata: {\"response\":{\"id\":\"r\",\"model\":\"gpt-x\",\"status\":\"in_progress\",\"incomplete_details\":null}}\n\n\
        event: response.incomplete\ndata: {\"response\":{\"status\":\"incomplete\",\"incomplete_details\":{\"reason\":\"content_filter\"}}}\n\n", "gpt-x", &["content_filter"])]
    #[case(Dialect::OpenAiResponses, "event: response.completed\ndata: {\"response\":{\"model\":\"gpt-x\",\"status\":\"completed\",\"incomplete_details\":null}}\n\n", "gpt-x", &["completed"])]
    #[case(Dialect::GeminiGenerate, "data: {\"modelVersion\":\"gemini-x\",\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]}}]}\n\n\
        data: {\"modelVersion\":\"gemini-x\",\"candidates\":[{\"finishReason\":\"STOP\"}]}\n\n", "gemini-x", &["STOP"])]
    fn a_stream_is_heard_however_it_is_cut(
        #[case] dialect: Dialect,
        #[case] stream: &str,
        #[case] model: &str,
        #[case] reasons: &[&str],
    ) {
        for size in [1, 7, stream.len()] {
            let mut tap = StreamTap::of(Surface::plain(dialect)).listening(true);
            for chunk in stream.as_bytes().chunks(size) {
                tap.push(chunk).unwrap();
            }
            tap.finish().unwrap();
            assert_eq!(tap.take_words(), Some(words(model, reasons)), "in pieces of {size}");
            assert_eq!(tap.take_words(), None);
        }
    }

    #[test]
    fn nobody_pays_who_does_not_listen_and_nonsense_is_no_word() {
        let mut tap = StreamTap::new(Dialect::OpenAiChat);
        tap.push(b"data: {\"model\":\"gpt-x\",\"choices\":[]}\n\n").unwrap();
        assert_eq!(tap.take_words(), None);
        let long = "x".repeat(65);
        for odd in ["", "two words", "umlaut-\u{e4}", &long] {
            let body = format!(r#"{{"model":"{odd}","stop_reason":"{odd}"}}"#);
            assert_eq!(
                words_of(Dialect::AnthropicMessages, body.as_bytes()),
                AnswerWords::default(),
                "{odd}"
            );
        }
        let many: Vec<_> = (0..20).map(|at| format!(r#"{{"finish_reason":"r{at}"}}"#)).collect();
        let body = format!(r#"{{"choices":[{}]}}"#, many.join(","));
        assert_eq!(words_of(Dialect::OpenAiChat, body.as_bytes()).finish_reasons.len(), MOST_REASONS);
    }

    #[rstest]
    #[case::tight_chat(Dialect::OpenAiChat, "data: {\"model\":\"gpt-x\",\"choices\":[]}\n\ndata: {\"choices\":[{\"finish_reason\":\"stop\"}]}\n\n", "gpt-x", &["stop"])]
    #[case::spaced_chat(Dialect::OpenAiChat, "data: {\"model\": \"gpt-x\", \"choices\": []}\n\ndata: {\"choices\": [{\"finish_reason\": \"stop\"}]}\n\n", "gpt-x", &["stop"])]
    #[case::spaced_anthropic(Dialect::AnthropicMessages, "event: message_start\ndata: {\"message\": {\"model\": \"claude-x\"}}\n\nevent: message_delta\ndata: {\"delta\": {\"stop_reason\": \"end_turn\"}}\n\n", "claude-x", &["end_turn"])]
    #[case::spaced_gemini(Dialect::GeminiGenerate, "data: {\"modelVersion\": \"gemini-x\", \"candidates\": []}\n\ndata: {\"candidates\": [{\"finishReason\": \"STOP\"}]}\n\n", "gemini-x", &["STOP"])]
    #[case::responses_without_details(Dialect::OpenAiResponses, "event: response.created\ndata: {\"response\":{\"model\":\"gpt-x\",\"status\":\"in_progress\"}}\n\nevent: response.completed\ndata: {\"response\":{\"model\":\"gpt-x\",\"status\":\"completed\"}}\n\n", "gpt-x", &["completed"])]
    fn a_stream_is_heard_whatever_its_spaces(
        #[case] dialect: Dialect,
        #[case] stream: &str,
        #[case] model: &str,
        #[case] reasons: &[&str],
    ) {
        let mut tap = StreamTap::of(Surface::plain(dialect)).listening(true);
        tap.push(stream.as_bytes()).unwrap();
        tap.finish().unwrap();
        assert_eq!(tap.take_words(), Some(words(model, reasons)));
    }
}
