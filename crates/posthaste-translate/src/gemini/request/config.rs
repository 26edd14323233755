//! `generationConfig`: how the answer is drawn and its form.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Number, value::RawValue};

use super::thinking::{ThinkingIn, ThinkingOut, reasoning, thinking};
use crate::{
    gemini::{
        extras::{At, extras, kept},
        schema,
        spelling::Whole,
    },
    ir::{Extra, Json, OutputFormat, OutputSchema, Reasoning, Request, Sampling, Weight},
    json::{Str, at, compact, wire_object},
    loss::Losses,
};

wire_object! {
    pub(super) struct ConfigIn<'a> {
        temperature: Option<Number> = "temperature",
        top_p: Option<Number> = "topP" | "top_p",
        top_k: Option<Whole> = "topK" | "top_k",
        candidate_count: Option<Whole> = "candidateCount" | "candidate_count",
        max_output_tokens: Option<Whole> = "maxOutputTokens" | "max_output_tokens",
        stop_sequences: Option<Vec<Str<'a>>> = "stopSequences" | "stop_sequences",
        presence_penalty: Option<Number> = "presencePenalty" | "presence_penalty",
        frequency_penalty: Option<Number> = "frequencyPenalty" | "frequency_penalty",
        seed: Option<Whole> = "seed",
        response_logprobs: Option<bool> = "responseLogprobs" | "response_logprobs",
        logprobs: Option<Whole> = "logprobs",
        response_mime_type: Option<Str<'a>> = "responseMimeType" | "response_mime_type",
        response_schema: Option<&'a RawValue> = "responseSchema" | "response_schema",
        response_json_schema: Option<&'a RawValue> = "responseJsonSchema" | "response_json_schema" | "_responseJsonSchema",
        thinking_config: Option<ThinkingIn<'a>> = "thinkingConfig" | "thinking_config",
    }
}

/// What the configuration says in neutral words.
#[derive(Default)]
pub(super) struct Config {
    pub(super) output: Option<OutputFormat>,
    pub(super) sampling: Sampling,
    pub(super) max_tokens: Option<u64>,
    pub(super) stop: Vec<String>,
    pub(super) candidates: Option<u64>,
    pub(super) logprobs: Option<u64>,
    pub(super) reasoning: Option<Reasoning>,
    pub(super) extra: Vec<Extra>,
}

type Read<T> = Result<T, serde_json::Error>;

/// Reads the configuration.
pub(super) fn config(wire: ConfigIn<'_>) -> Read<Config> {
    let mut extra = extras("generationConfig.", wire.rest, weight);
    let output = output(wire.response_mime_type, wire.response_schema, wire.response_json_schema, &mut extra);
    let unsigned = |field: &str, number: Option<Whole>| {
        let negative = || at(field, serde::de::Error::custom("must not be negative"));
        number.map(|number| number.unsigned().ok_or_else(negative)).transpose()
    };
    let logprobs = unsigned("logprobs", wire.logprobs)?;
    Ok(Config {
        output,
        sampling: Sampling {
            temperature: wire.temperature,
            top_p: wire.top_p,
            top_k: unsigned("topK", wire.top_k)?,
            seed: wire.seed.map(Whole::signed),
            presence_penalty: wire.presence_penalty,
            frequency_penalty: wire.frequency_penalty,
        },
        max_tokens: unsigned("maxOutputTokens", wire.max_output_tokens)?,
        stop: wire.stop_sequences.unwrap_or_default().into_iter().map(Str::into_string).collect(),
        candidates: unsigned("candidateCount", wire.candidate_count)?.filter(|count| *count != 1),
        logprobs: wire.response_logprobs.unwrap_or(false).then(|| logprobs.unwrap_or(0)),
        reasoning: wire.thinking_config.map(|thinking| reasoning(thinking, &mut extra)),
        extra,
    })
}

fn weight(field: &str, value: &str) -> Weight {
    match field {
        "responseModalities" if compact(value).eq_ignore_ascii_case(r#"["text"]"#) => Weight::Trivial,
        "audioTimestamp" | "enableEnhancedCivicAnswers" if value == "false" => Weight::Trivial,
        // Another kind of answer than text.
        "imageConfig" | "responseModalities" | "speechConfig" => Weight::Essential,
        "audioTimestamp"
        | "enableAffectiveDialog"
        | "enableEnhancedCivicAnswers"
        | "mediaResolution"
        | "modelSelectionConfig"
        | "routingConfig" => Weight::Hint,
        _ => Weight::Unknown,
    }
}

/// The form of the answer. Google's own schema is kept beside its JSON Schema.
fn output(
    mime_type: Option<Str<'_>>,
    own: Option<&RawValue>,
    json_schema: Option<&RawValue>,
    extra: &mut Vec<Extra>,
) -> Option<OutputFormat> {
    let word = mime_type.as_deref().unwrap_or_default().to_ascii_lowercase();
    if !matches!(word.as_str(), "" | "text/plain" | "application/json") {
        // An enum's name as plain text, and what may come.
        let value = Json::parse(&serde_json::Value::from(word).to_string()).expect("a text is JSON");
        let field = "generationConfig.responseMimeType".to_owned();
        extra.push(Extra { field, value, weight: Weight::Essential });
        extra.extend(own.map(|schema| kept("generationConfig.responseSchema", Json::from(schema))));
        extra.extend(
            json_schema.map(|schema| kept("generationConfig.responseJsonSchema", Json::from(schema))),
        );
        return None;
    }
    let schema = match (json_schema, own) {
        (Some(schema), _) => Json::from(schema),
        (None, Some(own)) => {
            extra.push(kept("generationConfig.responseSchema", Json::from(own)));
            schema::json_schema(own)
        }
        (None, None) => return (word == "application/json").then_some(OutputFormat::JsonObject),
    };
    Some(OutputFormat::JsonSchema(OutputSchema { name: None, description: None, schema, strict: None }))
}

/// The configuration as it is written.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConfigOut<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    candidate_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    stop_sequences: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_logprobs: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logprobs: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_mime_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_json_schema: Option<Cow<'a, Json>>,
    #[serde(skip_serializing_if = "ThinkingOut::is_empty")]
    thinking_config: ThinkingOut<'a>,
    #[serde(flatten)]
    extra: At<'a>,
}

/// The configuration for a request; `None` when it says nothing.
pub(super) fn config_out<'a>(request: &'a Request, own: bool, losses: &mut Losses) -> Option<ConfigOut<'a>> {
    let extras: &[Extra] = if own { &request.extra } else { &[] };
    let extra = At { home: "generationConfig.", extras };
    let (response_mime_type, response_json_schema) = output_out(request, own, extra, losses);
    let config = ConfigOut {
        temperature: request.sampling.temperature.as_ref(),
        top_p: request.sampling.top_p.as_ref(),
        top_k: request.sampling.top_k,
        candidate_count: request.candidates,
        max_output_tokens: request.max_tokens,
        stop_sequences: stop_sequences(request, own, losses),
        presence_penalty: request.sampling.presence_penalty.as_ref(),
        frequency_penalty: request.sampling.frequency_penalty.as_ref(),
        seed: seed(request, own, losses),
        response_logprobs: request.logprobs.map(|_| true),
        logprobs: request.logprobs.filter(|alternatives| *alternatives > 0),
        response_mime_type,
        response_json_schema,
        thinking_config: thinking(request, own, extras, losses),
        extra,
    };
    Some(config).filter(|config| serde_json::to_string(config).is_ok_and(|json| json != "{}"))
}

fn output_out<'a>(
    request: &'a Request,
    own: bool,
    extra: At<'_>,
    losses: &mut Losses,
) -> (Option<&'static str>, Option<Cow<'a, Json>>) {
    const JSON: Option<&str> = Some("application/json");
    match &request.output {
        None => (None, None),
        Some(OutputFormat::JsonObject) => (JSON, None),
        Some(OutputFormat::JsonSchema(_)) if extra.has("responseSchema") => (JSON, None),
        Some(OutputFormat::JsonSchema(OutputSchema { name, description, schema, strict })) => {
            losses.dropped_if(name.is_some(), "response_format.json_schema.name");
            losses.dropped_if(description.is_some(), "response_format.json_schema.description");
            if *strict == Some(false) {
                losses.degraded("response_format.json_schema.strict", "always strict");
            }
            (JSON, Some(schema::lowered(schema, own, "response_format.json_schema.schema", losses)))
        }
    }
}

fn stop_sequences<'a>(request: &'a Request, own: bool, losses: &mut Losses) -> &'a [String] {
    if own || request.stop.len() <= MOST_STOPS {
        return &request.stop;
    }
    losses.degraded("stop", "only the first five are carried");
    &request.stop[..MOST_STOPS]
}

/// Google takes no more stop sequences.
const MOST_STOPS: usize = 5;

/// Google's is a number of 32 bits.
fn seed(request: &Request, own: bool, losses: &mut Losses) -> Option<i64> {
    let seed = request.sampling.seed?;
    if own || i32::try_from(seed).is_ok() {
        return Some(seed);
    }
    losses.degraded("seed", "cut to 32 bits");
    Some(seed.rem_euclid(1 << 31))
}

#[cfg(test)]
mod tests {
    use posthaste_core::Dialect;

    use super::*;

    #[test]
    fn a_configuration_that_says_nothing_is_left_out() {
        let request = Request::new(Dialect::OpenAiChat, "m");
        assert!(config_out(&request, false, &mut Losses::default()).is_none());
    }
}
