//! A body to the neutral form.

use serde::{Deserialize, de::Error};
use serde_json::{Number, value::RawValue};

use super::{
    input::conversation,
    tools::{tool_choice, tools},
};
use crate::{
    TranslateError,
    ir::{
        Effort, Extra, Json, OutputFormat, OutputSchema, Part, Reasoning, ReasoningDisplay, ReasoningMode,
        Request, Sampling, ServiceTier, Weight,
    },
    json::{self, Rest, Str, TextOr, compact, extras, wire_object},
    openai_responses::DIALECT,
};

/// Reads a request.
pub(in crate::openai_responses) fn decode_request(body: &[u8]) -> Result<Request, TranslateError> {
    let malformed = |source| TranslateError::Malformed { dialect: DIALECT, source };
    json::read::<RequestIn<'_>>(body).and_then(request).map_err(malformed)
}

wire_object! {
    struct RequestIn<'a> {
        model: Str<'a> = "model",
        instructions: Option<Str<'a>> = "instructions",
        input: TextOr<'a, Vec<&'a RawValue>> = "input",
        max_output_tokens: Option<u64> = "max_output_tokens",
        temperature: Option<Number> = "temperature",
        top_p: Option<Number> = "top_p",
        top_logprobs: Option<u64> = "top_logprobs",
        reasoning: Option<ReasoningIn<'a>> = "reasoning",
        text: Option<TextIn<'a>> = "text",
        tools: Option<Vec<&'a RawValue>> = "tools",
        tool_choice: Option<&'a RawValue> = "tool_choice",
        parallel_tool_calls: Option<bool> = "parallel_tool_calls",
        stream: Option<bool> = "stream",
        service_tier: Option<Str<'a>> = "service_tier",
        safety_identifier: Option<Str<'a>> = "safety_identifier",
        user: Option<Str<'a>> = "user",
        prompt_cache_key: Option<Str<'a>> = "prompt_cache_key",
    }
}

wire_object! {
    struct ReasoningIn<'a> {
        effort: Option<Str<'a>> = "effort",
        summary: Option<Str<'a>> = "summary",
    }
}

wire_object! {
    struct TextIn<'a> {
        format: Option<FormatIn<'a>> = "format",
        verbosity: Option<Str<'a>> = "verbosity",
    }
}

#[derive(Debug, Deserialize)]
struct FormatIn<'a> {
    #[serde(borrow, rename = "type")]
    kind: Str<'a>,
    #[serde(borrow)]
    name: Option<Str<'a>>,
    #[serde(borrow)]
    description: Option<Str<'a>>,
    #[serde(borrow)]
    schema: Option<&'a RawValue>,
    strict: Option<bool>,
}

type Read<T> = Result<T, serde_json::Error>;

fn request(wire: RequestIn<'_>) -> Read<Request> {
    let mut extra = extras(wire.rest, weight);
    let text = wire.text.unwrap_or_default();
    extra.extend(nested("text", text.rest));
    let mut system = Vec::new();
    let instructions = wire.instructions.filter(|text| !text.is_empty());
    system.extend(instructions.map(|text| Part::text(text.into_string())));
    let messages = conversation(wire.input, &mut system)?;
    Ok(Request {
        dialect: DIALECT,
        model: wire.model.into_string(),
        system,
        messages,
        tools: tools(wire.tools.unwrap_or_default(), &mut extra)?,
        tool_choice: tool_choice(wire.tool_choice, &mut extra)?,
        parallel_tool_calls: wire.parallel_tool_calls,
        max_tokens: wire.max_output_tokens,
        sampling: Sampling { temperature: wire.temperature, top_p: wire.top_p, ..Sampling::default() },
        stop: Vec::new(),
        candidates: None,
        logprobs: logprobs(wire.top_logprobs, &extra),
        output: text.format.map(output_format).transpose()?.flatten(),
        reasoning: wire.reasoning.map(|wire| reasoning(wire, &mut extra)).transpose()?.flatten(),
        user: wire.safety_identifier.or(wire.user).map(Str::into_string),
        service_tier: wire.service_tier.map(service_tier),
        cache_key: wire.prompt_cache_key.map(Str::into_string),
        verbosity: text.verbosity.map(Str::into_string),
        stream: wire.stream.unwrap_or(false),
        include_usage: true,
        old_functions: false,
        extra,
    })
}

/// Fields of an object that the IR takes apart, by their dotted path.
fn nested(path: &str, rest: Rest<'_>) -> Vec<Extra> {
    let mut extra = extras(rest, |_, _| Weight::Hint);
    extra.iter_mut().for_each(|extra| extra.field.insert_str(0, &format!("{path}.")));
    extra
}

fn weight(field: &str, value: &RawValue) -> Weight {
    match field {
        "store" | "background" if value.get() == "false" => Weight::Trivial,
        "truncation" if value.get() == "\"disabled\"" => Weight::Trivial,
        // Proofs are carried whether they are asked for or not.
        "include" if compact(value.get()) == r#"["reasoning.encrypted_content"]"# => Weight::Trivial,
        "stream_options" => Weight::Trivial,
        // What the vendor keeps, which no other vendor has.
        "background" | "conversation" | "previous_response_id" | "prompt" => Weight::Essential,
        "client_metadata"
        | "context_management"
        | "include"
        | "max_tool_calls"
        | "metadata"
        | "moderation"
        | "prompt_cache_options"
        | "prompt_cache_retention"
        | "store"
        | "truncation" => Weight::Hint,
        _ => Weight::Unknown,
    }
}

/// Probabilities are asked for by a number of alternatives, or among what is to be included.
fn logprobs(alternatives: Option<u64>, extra: &[Extra]) -> Option<u64> {
    let includes = |extra: &Extra| {
        extra.field == "include" && extra.value.as_str().contains("\"message.output_text.logprobs\"")
    };
    let is_included = extra.iter().any(includes);
    alternatives.filter(|alternatives| *alternatives > 0).or(is_included.then_some(0))
}

fn output_format(wire: FormatIn<'_>) -> Read<Option<OutputFormat>> {
    match (&*wire.kind, wire.schema) {
        ("text", _) => Ok(None),
        ("json_object", _) => Ok(Some(OutputFormat::JsonObject)),
        ("json_schema", Some(schema)) => Ok(Some(OutputFormat::JsonSchema(OutputSchema {
            name: wire.name.map(Str::into_string),
            description: wire.description.map(Str::into_string),
            schema: Json::from(schema),
            strict: wire.strict,
        }))),
        ("json_schema", None) => Err(Error::custom("text: format: schema: missing")),
        (other, _) => Err(Error::custom(format_args!("text: format: unknown type `{other}`"))),
    }
}

fn reasoning(wire: ReasoningIn<'_>, extra: &mut Vec<Extra>) -> Read<Option<Reasoning>> {
    extra.extend(nested("reasoning", wire.rest));
    let (mode, effort) = match wire.effort.as_deref() {
        None => (None, None),
        Some("none") => (Some(ReasoningMode::Off), None),
        Some(word) => match Effort::parse(word) {
            Some(effort) => (None, Some(effort)),
            None => return Err(Error::custom(format_args!("reasoning: effort: unknown effort `{word}`"))),
        },
    };
    let display = wire.summary.map(|word| match &*word {
        "auto" => ReasoningDisplay::Summary,
        _ => ReasoningDisplay::Other(word.into_string()),
    });
    let told = mode.is_some() || effort.is_some() || display.is_some();
    Ok(told.then_some(Reasoning { mode, effort, display }))
}

fn service_tier(tier: Str<'_>) -> ServiceTier {
    match &*tier {
        "auto" => ServiceTier::Auto,
        "default" => ServiceTier::Standard,
        other => ServiceTier::Other(other.to_owned()),
    }
}
