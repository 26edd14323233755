//! Readable thoughts, which OpenAI itself does not have and vendors spell in their own ways.
//!
//! `reasoning_content`: DeepSeek, Qwen, GLM, Moonshot, xAI. `reasoning`: Groq, Together, and OpenRouter, which adds
//! `reasoning_details` with the same text and what its own upstreams sealed
//! (<https://openrouter.ai/docs/use-cases/reasoning-tokens>). `reasoning_text`: Copilot.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json::Str;

/// The fields of a message or a delta.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ThoughtsIn<'a> {
    pub(super) reasoning_content: Option<&'a RawValue>,
    pub(super) reasoning: Option<&'a RawValue>,
    pub(super) reasoning_text: Option<&'a RawValue>,
    pub(super) reasoning_details: Option<&'a RawValue>,
}

impl ThoughtsIn<'_> {
    /// The text, once, however many fields repeat it.
    pub(super) fn text(self) -> Option<String> {
        [self.reasoning_content, self.reasoning, self.reasoning_text]
            .into_iter()
            .flatten()
            .filter_map(|raw| serde_json::from_str::<String>(raw.get()).ok())
            .chain(self.reasoning_details.map(detailed_text))
            .find(|text| !text.is_empty())
    }

    /// Whether there is more than text: signatures or sealed thoughts, which only this dialect can carry.
    pub(super) fn is_sealed(self) -> bool {
        let told = |text: Option<Str<'_>>| text.is_some_and(|text| !text.is_empty());
        self.reasoning_details.is_some_and(|raw| {
            details(raw).into_iter().any(|detail| told(detail.data) || told(detail.signature))
        })
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct DetailIn<'a> {
    #[serde(borrow)]
    text: Option<Str<'a>>,
    #[serde(borrow)]
    summary: Option<Str<'a>>,
    #[serde(borrow)]
    data: Option<Str<'a>>,
    #[serde(borrow)]
    signature: Option<Str<'a>>,
}

fn detailed_text(raw: &RawValue) -> String {
    let texts = details(raw).into_iter().filter_map(|detail| detail.text.or(detail.summary));
    texts.map(Str::into_string).collect()
}

fn details(raw: &RawValue) -> Vec<DetailIn<'_>> {
    serde_json::from_str(raw.get()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> Option<&RawValue> {
        Some(serde_json::from_str(json).unwrap())
    }

    #[test]
    fn the_same_thought_under_two_names_is_told_once() {
        let details = raw(r#"[{"type":"reasoning.text","text":"Hm."}]"#);
        let thoughts =
            ThoughtsIn { reasoning: raw(r#""Hm.""#), reasoning_details: details, ..Default::default() };
        assert_eq!(thoughts.text().as_deref(), Some("Hm."));
        assert!(!thoughts.is_sealed());
    }

    #[test]
    fn details_alone_are_read_and_sealed_ones_noticed() {
        let json =
            r#"[{"type":"reasoning.summary","summary":"So"},{"type":"reasoning.encrypted","data":"Eo8"}]"#;
        let thoughts = ThoughtsIn { reasoning_details: raw(json), ..Default::default() };
        assert_eq!(thoughts.text().as_deref(), Some("So"));
        assert!(thoughts.is_sealed());
    }

    #[test]
    fn a_field_of_another_form_is_no_thought() {
        let thoughts = ThoughtsIn {
            reasoning: raw(r#"{"effort":"low"}"#),
            reasoning_content: raw("\"\""),
            ..Default::default()
        };
        assert_eq!(thoughts.text(), None);
    }
}
