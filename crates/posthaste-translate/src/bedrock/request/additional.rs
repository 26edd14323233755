//! `additionalModelRequestFields`: what the models do not share, in each model's own words.

use posthaste_core::Dialect;
use serde::{Deserialize, Serialize};
use serde_json::{Number, value::RawValue};

use super::{read::under, write::Nested};
use crate::{
    anthropic::{Controls, Purpose, ThinkingIn, ThinkingOut, controls, reasoning},
    ir::{Effort, Extra, Reasoning, ReasoningMode, Request, Sampling, Weight},
    json::{Str, wire_object},
    loss::Losses,
    policy::reasoning_field,
};

/// The object's name, and the prefix of its fields among the extras.
const PATH: &str = "additionalModelRequestFields";
pub(super) const PREFIX: &str = "additionalModelRequestFields.";

wire_object! {
    /// The fields, as far as they are known.
    pub(super) struct AdditionalIn<'a> {
        thinking: Option<ThinkingIn<'a>> = "thinking",
        output_config: Option<OutputConfigIn<'a>> = "output_config",
        top_k: Option<u64> = "top_k",
    }
}

wire_object! {
    struct OutputConfigIn<'a> {
        effort: Option<Str<'a>> = "effort",
    }
}

/// What they mean.
pub(super) struct Additional {
    pub(super) reasoning: Option<Reasoning>,
    pub(super) sampling: Sampling,
    pub(super) extra: Vec<Extra>,
}

/// Reads the fields. Claude's words are neutral enough to be taken apart. Those of other models are read as well, but
/// stay as they are beside it, so that the same model gets them again.
pub(super) fn read(wire: AdditionalIn<'_>) -> Result<Additional, serde_json::Error> {
    let config = wire.output_config.unwrap_or_default();
    let mut additional = Additional {
        reasoning: reasoning(wire.thinking, config.effort)?,
        sampling: Sampling { top_k: wire.top_k, ..Sampling::default() },
        extra: under(&format!("{PATH}.output_config"), config.rest, |_| Weight::Unknown),
    };
    for (field, value) in wire.rest {
        let known = additional.understand(&field, value);
        let weight = move |field: &str| match field {
            _ if known => Weight::Trivial,
            "anthropic_beta" => Weight::Hint,
            _ => Weight::Unknown,
        };
        additional.extra.extend(under(PATH, vec![(field, value)], weight));
    }
    Ok(additional)
}

impl Additional {
    /// Takes what a field of another model than Claude means, if that is known.
    fn understand(&mut self, field: &str, value: &RawValue) -> bool {
        match field {
            "reasoning_effort" => self.think(effort_of(value).map(with_effort)),
            "reasoningConfig" => self.think(nova_reasoning(value)),
            "reasoning_config" => self.think(older_reasoning(value)),
            "inferenceConfig" => {
                let top_k = nova_top_k(value);
                self.sampling.top_k = self.sampling.top_k.or(top_k);
                top_k.is_some()
            }
            _ => false,
        }
    }

    fn think(&mut self, reasoning: Option<Reasoning>) -> bool {
        let known = reasoning.is_some();
        if self.reasoning.is_none() {
            self.reasoning = reasoning;
        }
        known
    }
}

fn with_effort(effort: Effort) -> Reasoning {
    Reasoning { effort: Some(effort), ..Reasoning::default() }
}

fn effort_of(value: &RawValue) -> Option<Effort> {
    Effort::parse(&serde_json::from_str::<Str<'_>>(value.get()).ok()?)
}

/// Amazon's Nova 2: `{"type", "maxReasoningEffort"}`
/// (<https://docs.aws.amazon.com/nova/latest/nova2-userguide/extended-thinking.html>).
fn nova_reasoning(value: &RawValue) -> Option<Reasoning> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct NovaIn<'a> {
        #[serde(borrow, rename = "type")]
        kind: Str<'a>,
        #[serde(borrow)]
        max_reasoning_effort: Option<Str<'a>>,
    }
    let wire: NovaIn<'_> = serde_json::from_str(value.get()).ok()?;
    let effort = wire.max_reasoning_effort.and_then(|word| Effort::parse(&word));
    match &*wire.kind {
        "disabled" => Some(Reasoning { mode: Some(ReasoningMode::Off), ..Reasoning::default() }),
        "enabled" => Some(effort.map_or_else(adaptive, with_effort)),
        _ => None,
    }
}

fn adaptive() -> Reasoning {
    Reasoning { mode: Some(ReasoningMode::Adaptive), ..Reasoning::default() }
}

/// The older name of Claude's `thinking`.
fn older_reasoning(value: &RawValue) -> Option<Reasoning> {
    let thinking: ThinkingIn<'_> = serde_json::from_str(value.get()).ok()?;
    reasoning(Some(thinking), None).ok()?
}

/// `top_k` has a place in the model's own copy of `inferenceConfig` at Nova.
fn nova_top_k(value: &RawValue) -> Option<u64> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct NovaIn {
        top_k: u64,
    }
    serde_json::from_str::<NovaIn>(value.get()).ok().map(|wire| wire.top_k)
}

/// The fields as they are written.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AdditionalOut<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<ThinkingOut<'a>>,
    #[serde(rename = "output_config", skip_serializing_if = "OutputConfigOut::is_empty")]
    output_config: OutputConfigOut<'a>,
    #[serde(rename = "top_k", skip_serializing_if = "Option::is_none")]
    top_k: Option<u64>,
    #[serde(rename = "reasoning_effort", skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_config: Option<NovaReasoningOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inference_config: Option<NovaInferenceOut>,
    #[serde(flatten)]
    extra: Nested<'a>,
}

#[derive(Default, Serialize)]
struct OutputConfigOut<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'static str>,
    #[serde(flatten)]
    extra: Nested<'a>,
}

impl OutputConfigOut<'_> {
    fn is_empty(&self) -> bool {
        self.effort.is_none() && self.extra.is_empty()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NovaReasoningOut {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_reasoning_effort: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NovaInferenceOut {
    top_k: u64,
}

impl AdditionalOut<'_> {
    pub(super) fn is_empty(&self) -> bool {
        let Self {
            thinking,
            output_config,
            top_k,
            reasoning_effort,
            reasoning_config,
            inference_config,
            extra,
        } = self;
        thinking.is_none()
            && output_config.is_empty()
            && top_k.is_none()
            && reasoning_effort.is_none()
            && reasoning_config.is_none()
            && inference_config.is_none()
            && extra.is_empty()
    }
}

/// What hangs together: the additional fields, and the shared ones that thinking restricts.
pub(super) struct Settings<'a> {
    pub(super) additional: AdditionalOut<'a>,
    pub(super) max_tokens: Option<u64>,
    pub(super) temperature: Option<Number>,
    pub(super) top_p: Option<&'a Number>,
}

/// The settings for the model that is asked.
pub(super) fn settings<'a>(request: &'a Request, own: bool, losses: &mut Losses) -> Settings<'a> {
    if own {
        return own_settings(request, losses);
    }
    let family = Family::of(&request.model);
    if family == Family::Claude {
        return claude(request, request.dialect == Dialect::AnthropicMessages, losses);
    }
    let mut additional = AdditionalOut::default();
    let effort = request.reasoning.as_ref().and_then(three_efforts);
    match family {
        Family::OpenAi => additional.reasoning_effort = effort,
        Family::Nova => {
            additional.inference_config = request.sampling.top_k.map(|top_k| NovaInferenceOut { top_k });
            additional.reasoning_config =
                effort.map(|effort| NovaReasoningOut { kind: "enabled", max_reasoning_effort: Some(effort) });
        }
        Family::Claude | Family::Other => {}
    }
    let told = additional.reasoning_effort.is_some() || additional.reasoning_config.is_some();
    if request.reasoning.is_some() && !told {
        losses.degraded(reasoning_field(request.dialect), "left to the model");
    }
    if request.sampling.top_k.is_some() && additional.inference_config.is_none() {
        losses.dropped(top_k_field(request.dialect));
    }
    Settings {
        additional,
        max_tokens: request.max_tokens,
        temperature: clamped(request.sampling.temperature.clone(), losses),
        top_p: request.sampling.top_p.as_ref(),
    }
}

fn own_settings<'a>(request: &'a Request, losses: &mut Losses) -> Settings<'a> {
    let mut settings = claude(request, true, losses);
    let has = |name: &str| request.extra.iter().any(|extra| extra.field.strip_prefix(PREFIX) == Some(name));
    // Those models' own words are still there.
    let elsewhere = request.extra.iter().any(|extra| extra.field == "outputConfig.effort")
        || ["reasoning_effort", "reasoningConfig", "reasoning_config"].into_iter().any(has);
    let additional = &mut settings.additional;
    if elsewhere {
        additional.thinking = None;
        additional.output_config.effort = None;
    }
    if has("inferenceConfig") {
        additional.top_k = None;
    }
    additional.output_config.extra = Nested::new(&request.extra, OUTPUT_CONFIG);
    additional.extra = Nested::new(&request.extra, PREFIX).without(&[OUTPUT_CONFIG]);
    settings
}

const OUTPUT_CONFIG: &str = "additionalModelRequestFields.output_config.";

/// Claude thinks under the same rules here as at Anthropic, but needs no cap.
fn claude<'a>(request: &'a Request, own: bool, losses: &mut Losses) -> Settings<'a> {
    let purpose = if request.max_tokens.is_some() { Purpose::Answer } else { Purpose::Count };
    let Controls { thinking, effort, max_tokens, temperature, top_p, top_k } =
        controls(request, own, purpose, losses);
    let output_config = OutputConfigOut { effort, extra: Nested::default() };
    let additional = AdditionalOut { thinking, output_config, top_k, ..AdditionalOut::default() };
    Settings { additional, max_tokens, temperature, top_p }
}

/// The API takes 0 to 1 for every model (`InferenceConfiguration`).
fn clamped(temperature: Option<Number>, losses: &mut Losses) -> Option<Number> {
    let above = |temperature: &Number| temperature.as_f64().is_some_and(|temperature| temperature > 1.0);
    if temperature.as_ref().is_some_and(above) {
        losses.degraded("temperature", "clamped to 1");
        return Some(Number::from(1));
    }
    temperature
}

/// The effort where a model knows three of them; none where it is not to think or decides for itself.
fn three_efforts(reasoning: &Reasoning) -> Option<&'static str> {
    let effort = match (reasoning.effort, &reasoning.mode) {
        (_, Some(ReasoningMode::Off)) => None,
        (Some(effort), _) => Some(effort),
        (None, Some(ReasoningMode::Budget(budget))) => Some(Effort::nearest(*budget)),
        (None, _) => None,
    };
    effort.map(|effort| effort.clamp(Effort::Low, Effort::High).as_str())
}

/// Whose words a model understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Claude,
    Nova,
    OpenAi,
    Other,
}

impl Family {
    /// By the vendor in the model's id. An alias or a profile's ARN may not have it; Claude is what most of them mean.
    fn of(model: &str) -> Self {
        let has = |word: &&str| model.contains(word);
        if ["anthropic", "claude"].iter().any(has) {
            Self::Claude
        } else if has(&"amazon.nova") {
            Self::Nova
        } else if has(&"openai.") {
            Self::OpenAi
        } else if OTHERS.iter().any(has) {
            Self::Other
        } else {
            Self::Claude
        }
    }
}

const OTHERS: [&str; 10] =
    ["ai21.", "amazon.", "cohere.", "deepseek.", "meta.", "mistral.", "moonshot", "qwen.", "writer.", "zai."];

/// The field that limits the choice of tokens, in the words of the client.
const fn top_k_field(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::GeminiGenerate => "generationConfig.topK",
        _ => "top_k",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(request: &Request) -> (String, Vec<String>) {
        let mut losses = Losses::default();
        let settings = settings(request, false, &mut losses);
        let losses = losses.as_slice().iter().map(ToString::to_string).collect();
        (serde_json::to_string(&settings.additional).unwrap(), losses)
    }

    fn request(model: &str) -> Request {
        let mut request = Request::new(Dialect::OpenAiChat, model);
        request.reasoning = Some(with_effort(Effort::XHigh));
        request.sampling.top_k = Some(5);
        request
    }

    #[test]
    fn each_family_gets_its_own_words() {
        let (additional, losses) = written(&request("us.amazon.nova-2-lite-v1:0"));
        assert_eq!(
            additional,
            r#"{"reasoningConfig":{"type":"enabled","maxReasoningEffort":"high"},"inferenceConfig":{"topK":5}}"#
        );
        assert_eq!(losses, [""; 0]);
        let (additional, losses) = written(&request("openai.gpt-oss-120b-1:0"));
        assert_eq!(additional, r#"{"reasoning_effort":"high"}"#);
        assert_eq!(losses, ["top_k: dropped, no counterpart"]);
        let (additional, losses) = written(&request("meta.llama3-1-70b-instruct-v1:0"));
        assert_eq!(additional, "{}");
        assert_eq!(losses, ["reasoning_effort: left to the model", "top_k: dropped, no counterpart"]);
        let (additional, _) = written(&request("eu.anthropic.claude-sonnet-4-6"));
        assert_eq!(additional, r#"{"thinking":{"type":"enabled","budget_tokens":27904}}"#);
    }

    #[test]
    fn ids_without_a_vendor_are_claude() {
        let profile = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc";
        assert_eq!(Family::of(profile), Family::Claude);
        assert_eq!(Family::of("amazon.titan-text-lite-v1"), Family::Other);
    }
}
