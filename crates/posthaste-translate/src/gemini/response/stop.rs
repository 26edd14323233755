//! Why an answer ended (<https://ai.google.dev/api/generate-content#FinishReason>).

use crate::{
    ir::{Stop, StopReason},
    loss::Losses,
};

/// The reason that a word stands for. `STOP` also stands for calls and stop sequences.
pub(in crate::gemini) fn stop(word: &str, message: Option<String>) -> Stop {
    let reason = match word {
        "STOP" | "FINISH_REASON_UNSPECIFIED" => StopReason::EndTurn,
        "MAX_TOKENS" => StopReason::MaxTokens,
        "CONTINUATION" => StopReason::Paused,
        word if is_refusal(word) => {
            let category = Some(word.to_owned());
            return Stop { category, explanation: message, ..Stop::new(StopReason::Refusal) };
        }
        other => StopReason::Other(other.to_owned()),
    };
    Stop::new(reason)
}

/// Whether the vendor's policy cut the answer, or refused the prompt.
fn is_refusal(word: &str) -> bool {
    matches!(
        word,
        "SAFETY"
            | "RECITATION"
            | "LANGUAGE"
            | "BLOCKLIST"
            | "PROHIBITED_CONTENT"
            | "SPII"
            | "MODEL_ARMOR"
            | "ESCALATION"
            | "JAILBREAK"
    ) || word.starts_with("IMAGE_")
}

/// The word for a reason; `refuses`: the model itself declined, which other dialects call an ordinary end.
pub(in crate::gemini) fn finish_reason<'a>(stop: &'a Stop, refuses: bool, losses: &mut Losses) -> &'a str {
    match &stop.reason {
        StopReason::EndTurn if refuses => "SAFETY",
        StopReason::EndTurn | StopReason::StopSequence | StopReason::ToolUse => "STOP",
        StopReason::MaxTokens | StopReason::ContextFull => "MAX_TOKENS",
        StopReason::Refusal => {
            stop.category.as_deref().filter(|category| is_refusal(category)).unwrap_or("SAFETY")
        }
        StopReason::Paused => "CONTINUATION",
        StopReason::Other(word) if is_own_word(word) => word,
        StopReason::Other(_) => {
            losses.degraded("stop_reason", "carried as `OTHER`");
            "OTHER"
        }
    }
}

/// Google's words are in capitals, all others' are not.
fn is_own_word(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_the_neutral_form() {
        for word in
            ["STOP", "MAX_TOKENS", "SAFETY", "SPII", "IMAGE_SAFETY", "OTHER", "CONTINUATION", "NO_IMAGE"]
        {
            assert_eq!(finish_reason(&stop(word, None), false, &mut Losses::default()), word);
        }
        let mut losses = Losses::default();
        let bored = Stop::new(StopReason::Other("bored".to_owned()));
        assert_eq!(finish_reason(&bored, false, &mut losses), "OTHER");
        assert_eq!(losses.as_slice().len(), 1);
    }

    #[test]
    fn a_refusal_of_another_vendor_is_one_of_safety() {
        let foreign = Stop { category: Some("cyber".to_owned()), ..Stop::new(StopReason::Refusal) };
        assert_eq!(finish_reason(&foreign, false, &mut Losses::default()), "SAFETY");
        assert_eq!(finish_reason(&Stop::new(StopReason::EndTurn), true, &mut Losses::default()), "SAFETY");
    }
}
