//! How the model is to answer.

use posthaste_core::Dialect;
use posthaste_translate::ir::{
    Content, Effort, OutputFormat, OutputSchema, Reasoning, ReasoningDisplay, ReasoningMode, Request,
    ServiceTier,
};
use serde_json::Number;

use super::{Question, canonical, content::unsigned_thoughts, first, json, text};

pub(super) const THINKING: &[Question] = &[
    Question::new(
        "effort: low, medium, high",
        |request| think(request, Reasoning { effort: Some(Effort::High), ..Reasoning::default() }),
        effort,
    ),
    Question::new(
        "effort: minimal",
        |request| think(request, Reasoning { effort: Some(Effort::Minimal), ..Reasoning::default() }),
        effort,
    ),
    Question::new(
        "effort: xhigh",
        |request| think(request, Reasoning { effort: Some(Effort::XHigh), ..Reasoning::default() }),
        effort,
    ),
    Question::new(
        "a budget of tokens",
        |request| {
            request.max_tokens = Some(20_000);
            let mode = Some(ReasoningMode::Budget(10_240));
            think(request, Reasoning { mode, ..Reasoning::default() });
        },
        |request| request.reasoning.as_ref()?.mode.as_ref().map(|mode| format!("{mode:?}")),
    ),
    Question::new(
        "as much as the model likes",
        |request| {
            let mode = Some(ReasoningMode::Adaptive);
            think(request, Reasoning { mode, ..Reasoning::default() });
        },
        |request| request.reasoning.as_ref()?.mode.as_ref().map(|mode| format!("{mode:?}")),
    ),
    Question::new(
        "not at all",
        |request| {
            think(request, Reasoning { mode: Some(ReasoningMode::Off), ..Reasoning::default() });
        },
        |request| request.reasoning.as_ref()?.mode.as_ref().map(|mode| format!("{mode:?}")),
    ),
    Question::new(
        "thoughts shown as a summary",
        |request| {
            let (mode, effort) = (Some(ReasoningMode::Adaptive), Some(Effort::High));
            think(request, Reasoning { mode, effort, display: Some(ReasoningDisplay::Summary) });
        },
        |request| request.reasoning.as_ref()?.display.as_ref().map(|display| format!("{display:?}")),
    ),
    Question::new("thoughts without a proof in the history", unsigned_thoughts, |request| {
        first(request, |content| match content {
            Content::Thinking(thinking) => Some(thinking.text.clone()),
            _ => None,
        })
    }),
];

pub(super) const FORM: &[Question] = &[
    Question::new(
        "JSON that fits a schema",
        |request| request.output = Some(OutputFormat::JsonSchema(schema(None))),
        |request| match request.output.as_ref()? {
            OutputFormat::JsonSchema(schema) => Some(canonical(&schema.schema)),
            OutputFormat::JsonObject => Some("some object".to_owned()),
        },
    ),
    Question::new(
        "exactly",
        |request| request.output = Some(OutputFormat::JsonSchema(schema(Some(true)))),
        |request| match request.output.as_ref()? {
            OutputFormat::JsonSchema(schema) => schema.strict.map(|strict| strict.to_string()),
            OutputFormat::JsonObject => None,
        },
    )
    .beside(|request| request.output = Some(OutputFormat::JsonSchema(schema(None)))),
    Question::new(
        "some JSON object",
        |request| request.output = Some(OutputFormat::JsonObject),
        |request| match &request.output {
            Some(format) => Some(format!("{format:?}")),
            None => text(&request.system).filter(|text| text.contains("JSON")),
        },
    ),
    Question::new(
        "most tokens",
        |request| request.max_tokens = Some(1_234),
        |request| request.max_tokens.map(|tokens| tokens.to_string()),
    ),
    Question::new("stop sequences", |request| request.stop = vec!["END".to_owned()], stops),
    Question::new(
        "six stop sequences",
        |request| request.stop = ["a1", "b2", "c3", "d4", "e5", "f6"].map(str::to_owned).to_vec(),
        stops,
    ),
    Question::new(
        "verbosity",
        |request| request.verbosity = Some("low".to_owned()),
        |request| request.verbosity.clone(),
    ),
    Question::new(
        "several answers",
        |request| request.candidates = Some(2),
        |request| request.candidates.map(|candidates| candidates.to_string()),
    ),
    Question::new(
        "probabilities of tokens",
        |request| request.logprobs = Some(2),
        |request| request.logprobs.map(|alternatives| alternatives.to_string()),
    ),
];

pub(super) const SAMPLING: &[Question] = &[
    Question::new(
        "temperature",
        |request| request.sampling.temperature = number(0.5),
        |request| told(request.sampling.temperature.as_ref()),
    ),
    Question::new(
        "temperature above 1",
        |request| {
            // The others allow none.
            if !matches!(request.dialect, Dialect::AnthropicMessages | Dialect::BedrockConverse) {
                request.sampling.temperature = number(1.5);
            }
        },
        |request| told(request.sampling.temperature.as_ref()),
    ),
    Question::new(
        "top-p",
        |request| request.sampling.top_p = number(0.5),
        |request| told(request.sampling.top_p.as_ref()),
    ),
    Question::new(
        "top-k",
        |request| request.sampling.top_k = Some(40),
        |request| request.sampling.top_k.map(|top_k| top_k.to_string()),
    ),
    Question::new(
        "seed",
        |request| request.sampling.seed = Some(7),
        |request| request.sampling.seed.map(|seed| seed.to_string()),
    ),
    Question::new(
        "penalty for words used",
        |request| request.sampling.presence_penalty = number(0.5),
        |request| told(request.sampling.presence_penalty.as_ref()),
    ),
    Question::new(
        "penalty for words used often",
        |request| request.sampling.frequency_penalty = number(0.5),
        |request| told(request.sampling.frequency_penalty.as_ref()),
    ),
];

pub(super) const SERVICE: &[Question] = &[
    Question::new(
        "tier: the vendor's choice",
        |request| request.service_tier = Some(ServiceTier::Auto),
        tier,
    ),
    Question::new("tier: ordinary", |request| request.service_tier = Some(ServiceTier::Standard), tier),
    Question::new(
        "tier: `priority`",
        |request| request.service_tier = Some(ServiceTier::Other("priority".to_owned())),
        tier,
    ),
    Question::new(
        "the client's own user",
        |request| request.user = Some("user-1".to_owned()),
        |request| request.user.clone(),
    ),
    Question::new(
        "cache key",
        |request| request.cache_key = Some("team-1".to_owned()),
        |request| request.cache_key.clone(),
    ),
];

fn think(request: &mut Request, reasoning: Reasoning) {
    request.max_tokens = request.max_tokens.max(Some(40_000));
    request.reasoning = Some(reasoning);
}

/// The effort; where a dialect counts tokens, the one whose budget it is.
fn effort(request: &Request) -> Option<String> {
    let reasoning = request.reasoning.as_ref()?;
    let of_budget = match reasoning.mode {
        Some(ReasoningMode::Budget(budget)) => Some(Effort::nearest(budget)),
        _ => None,
    };
    reasoning.effort.or(of_budget).map(|effort| effort.as_str().to_owned())
}

fn schema(strict: Option<bool>) -> OutputSchema {
    let schema = r#"{"type":"object","properties":{"town":{"type":"string"}},"required":["town"],"additionalProperties":false}"#;
    OutputSchema { name: None, description: None, schema: json(schema), strict }
}

fn stops(request: &Request) -> Option<String> {
    (!request.stop.is_empty()).then(|| request.stop.join(", "))
}

fn tier(request: &Request) -> Option<String> {
    request.service_tier.as_ref().map(|tier| format!("{tier:?}"))
}

fn number(value: f64) -> Option<Number> {
    Number::from_f64(value)
}

fn told(number: Option<&Number>) -> Option<String> {
    number.and_then(Number::as_f64).map(|number| number.to_string())
}
