//! Answers that the model spoiled: a call that nobody can read, told as the reason why the answer ended.

use posthaste_core::Dialect;

use crate::UpstreamError;

/// The failure that a stop reason stands for; `None` for one that ends an answer.
///
/// There is nothing in such an answer to use, and asking again may help. Sources:
/// <https://ai.google.dev/api/generate-content#FinishReason> and
/// <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html>.
pub fn spoiled(dialect: Dialect, stop_reason: &str) -> Option<UpstreamError> {
    let words: &[&str] = match dialect {
        Dialect::GeminiGenerate => &[
            "MALFORMED_FUNCTION_CALL",
            "UNEXPECTED_TOOL_CALL",
            "TOO_MANY_TOOL_CALLS",
            "MALFORMED_RESPONSE",
            "MISSING_THOUGHT_SIGNATURE",
        ],
        Dialect::BedrockConverse => &["malformed_tool_use", "malformed_model_output"],
        Dialect::AnthropicMessages | Dialect::OpenAiChat | Dialect::OpenAiResponses => &[],
    };
    words.contains(&stop_reason).then(|| {
        UpstreamError::new(stop_reason, None, format!("the model spoiled its answer ({stop_reason})"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Framing, Progress, StreamTap, read_whole};

    #[test]
    fn a_spoiled_answer_is_a_failure_while_nothing_is_promised() {
        let gemini = br#"{"candidates":[{"content":{},"finishReason":"MALFORMED_FUNCTION_CALL"}]}"#;
        let whole = read_whole(Dialect::GeminiGenerate, gemini).unwrap();
        assert_eq!(whole.error.unwrap().kind, "MALFORMED_FUNCTION_CALL");
        let converse = br#"{"output":{"message":{"role":"assistant","content":[]}},"stopReason":"malformed_tool_use","usage":{"inputTokens":3,"outputTokens":1,"totalTokens":4}}"#;
        let whole = read_whole(Dialect::BedrockConverse, converse).unwrap();
        assert!(whole.error.is_some() && whole.usage.is_some());

        let progress = |dialect, stream: &str| {
            let mut tap = StreamTap::with_framing(dialect, Framing::Sse);
            tap.push(stream.as_bytes()).unwrap();
            tap.progress()
        };
        let end = r#"data: {"candidates":[{"finishReason":"UNEXPECTED_TOOL_CALL"}]}"#;
        let text = r#"data: {"candidates":[{"content":{"parts":[{"text":"a"}]}}]}"#;
        assert_eq!(progress(Dialect::GeminiGenerate, &format!("{end}\n\n")), Progress::Failed);
        // A client that has seen content gets the reason, and knows it.
        assert_eq!(progress(Dialect::GeminiGenerate, &format!("{text}\n\n{end}\n\n")), Progress::Content);
        let end = "event: messageStop\ndata: {\"stopReason\":\"malformed_tool_use\"}\n\n";
        assert_eq!(progress(Dialect::BedrockConverse, end), Progress::Failed);
    }

    #[test]
    fn other_words_end_an_answer() {
        for (dialect, word) in [
            (Dialect::GeminiGenerate, "STOP"),
            (Dialect::GeminiGenerate, "malformed_tool_use"),
            (Dialect::BedrockConverse, "end_turn"),
            (Dialect::OpenAiChat, "stop"),
        ] {
            assert_eq!(spoiled(dialect, word), None);
        }
    }
}
