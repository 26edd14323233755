//! How hard to think: OpenAI's word for it, and the fields that vendors have beside it.
//!
//! `reasoning`: OpenRouter (<https://openrouter.ai/docs/use-cases/reasoning-tokens>). `thinking`: GLM, DeepSeek, Moonshot
//! (<https://docs.z.ai/guides/capabilities/thinking-mode>, <https://api-docs.deepseek.com/guides/thinking_mode>).
//! `enable_thinking`, `thinking_budget`: Qwen (<https://www.alibabacloud.com/help/en/model-studio/deep-thinking>).
//! They stay among the extras for their own dialect, and count as said for any other.

use serde::{Deserialize, de::Error};

use crate::{
    ir::{Effort, Extra, Reasoning, ReasoningDisplay, ReasoningMode, Weight},
    json::Str,
};

/// Vendors' own fields.
pub(super) const VENDOR_FIELDS: [&str; 4] = ["reasoning", "thinking", "enable_thinking", "thinking_budget"];

/// The wish of a request, of whatever field it came in. A vendor's field of another form stays unknown.
pub(super) fn reasoning(
    word: Option<Str<'_>>,
    extra: &mut [Extra],
) -> Result<Option<Reasoning>, serde_json::Error> {
    let mut wish = Reasoning::default();
    for extra in extra.iter_mut().filter(|extra| VENDOR_FIELDS.contains(&extra.field.as_str())) {
        if vendor_field(&extra.field, extra.value.as_str(), &mut wish).is_some() {
            extra.weight = Weight::Trivial;
        }
    }
    match word.as_deref() {
        None => {}
        Some("none") => wish.mode = Some(ReasoningMode::Off),
        Some(word) => match Effort::parse(word) {
            Some(effort) => wish.effort = Some(effort),
            None => return Err(Error::custom(format_args!("reasoning_effort: unknown effort `{word}`"))),
        },
    }
    Ok((wish != Reasoning::default()).then_some(wish))
}

fn vendor_field(field: &str, json: &str, wish: &mut Reasoning) -> Option<()> {
    match field {
        "enable_thinking" => match serde_json::from_str(json).ok()? {
            true => drop(wish.mode.get_or_insert(ReasoningMode::Adaptive)),
            false => wish.mode = Some(ReasoningMode::Off),
        },
        "thinking_budget" => {
            let budget = serde_json::from_str(json).ok()?;
            if wish.mode != Some(ReasoningMode::Off) {
                wish.mode = Some(ReasoningMode::Budget(budget));
            }
        }
        "thinking" => wish.mode = Some(thinking(json)?),
        _ => openrouter(json, wish)?,
    }
    Some(())
}

fn thinking(json: &str) -> Option<ReasoningMode> {
    #[derive(Deserialize)]
    struct ThinkingIn<'a> {
        #[serde(borrow, rename = "type")]
        kind: Str<'a>,
        budget_tokens: Option<u64>,
    }
    let wire: ThinkingIn<'_> = serde_json::from_str(json).ok()?;
    match (&*wire.kind, wire.budget_tokens) {
        ("disabled", _) => Some(ReasoningMode::Off),
        ("enabled", Some(budget)) => Some(ReasoningMode::Budget(budget)),
        ("enabled" | "adaptive" | "auto", _) => Some(ReasoningMode::Adaptive),
        _ => None,
    }
}

fn openrouter(json: &str, wish: &mut Reasoning) -> Option<()> {
    #[derive(Deserialize)]
    struct ReasoningIn<'a> {
        #[serde(borrow)]
        effort: Option<Str<'a>>,
        max_tokens: Option<u64>,
        enabled: Option<bool>,
        exclude: Option<bool>,
    }
    let wire: ReasoningIn<'_> = serde_json::from_str(json).ok()?;
    let off = wire.enabled == Some(false) || wire.effort.as_deref() == Some("none");
    let mode = match wire.max_tokens {
        _ if off => Some(ReasoningMode::Off),
        Some(budget) => Some(ReasoningMode::Budget(budget)),
        None => wire.enabled.map(|_| ReasoningMode::Adaptive),
    };
    wish.mode = mode.or(wish.mode.take());
    wish.effort = wire.effort.as_deref().and_then(Effort::parse);
    wish.display = (wire.exclude == Some(true)).then_some(ReasoningDisplay::Omitted);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::Json;

    fn read(fields: &[(&str, &str)]) -> (Option<Reasoning>, Vec<Weight>) {
        let extra = |(field, json): &(&str, &str)| Extra {
            field: (*field).to_owned(),
            value: Json::parse(json).unwrap(),
            weight: Weight::Unknown,
        };
        let mut extras: Vec<_> = fields.iter().map(extra).collect();
        let wish = reasoning(None, &mut extras).unwrap();
        (wish, extras.iter().map(|extra| extra.weight).collect())
    }

    fn mode(fields: &[(&str, &str)]) -> Option<ReasoningMode> {
        read(fields).0.and_then(|wish| wish.mode)
    }

    #[test]
    fn vendors_fields_are_understood() {
        let budget = Some(ReasoningMode::Budget(2_000));
        assert_eq!(mode(&[("enable_thinking", "true"), ("thinking_budget", "2000")]), budget);
        assert_eq!(mode(&[("thinking_budget", "2000"), ("enable_thinking", "true")]), budget);
        assert_eq!(
            mode(&[("enable_thinking", "false"), ("thinking_budget", "2000")]),
            Some(ReasoningMode::Off)
        );
        assert_eq!(mode(&[("thinking", r#"{"type":"enabled"}"#)]), Some(ReasoningMode::Adaptive));
        assert_eq!(mode(&[("thinking", r#"{"type":"disabled"}"#)]), Some(ReasoningMode::Off));
        assert_eq!(mode(&[("reasoning", r#"{"max_tokens":2000,"exclude":true}"#)]), budget);
        assert_eq!(mode(&[("reasoning", r#"{"effort":"none"}"#)]), Some(ReasoningMode::Off));
        let effort = read(&[("reasoning", r#"{"effort":"low"}"#)]).0.and_then(|wish| wish.effort);
        assert_eq!(effort, Some(Effort::Low));
    }

    #[test]
    fn a_field_of_another_form_stays_unknown() {
        let (wish, weights) = read(&[("thinking", "7"), ("enable_thinking", "true")]);
        assert!(wish.is_some());
        assert_eq!(weights, [Weight::Unknown, Weight::Trivial]);
    }
}
