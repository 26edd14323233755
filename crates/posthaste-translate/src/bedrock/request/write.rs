//! The neutral form to a body.

use std::borrow::Cow;

use posthaste_core::Dialect;
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::Number;

use super::{
    additional::{self, AdditionalOut, Settings, settings},
    tools::{self, ToolConfigOut, tool_config},
    turns::{TurnOut, turns},
};
use crate::{
    Encoded, Target, TranslateError,
    bedrock::{
        DIALECT,
        block::{BlockOut, BlockWriter, Origin},
    },
    ir::{Extra, OutputFormat, OutputSchema, Request, Sampling, ServiceTier},
    json::{self, compact},
    loss::Losses,
};

/// Writes a request.
pub(in crate::bedrock) fn encode_request(request: &Request, _: &Target) -> Result<Encoded, TranslateError> {
    let mut losses = Losses::default();
    let own = request.dialect == DIALECT;
    let Settings { additional, max_tokens, temperature, top_p } = settings(request, own, &mut losses);
    let inference = InferenceOut {
        max_tokens,
        temperature,
        top_p,
        stop_sequences: stop_sequences(request, own, &mut losses),
        extra: nested(request, INFERENCE),
    };
    let asks_for_sequence = !own && !inference.stop_sequences.is_empty();
    let Prompt { system, messages, tool_config } = prompt(request, &mut losses)?;
    if !own {
        losses.foreign("", &request.extra, DIALECT)?;
    }
    let wire = RequestOut {
        messages,
        system,
        inference_config: Some(inference).filter(|inference| !inference.is_empty()),
        tool_config,
        output_config: output_config(request, own, &mut losses),
        additional_model_request_fields: Some(additional).filter(|additional| !additional.is_empty()),
        additional_model_response_field_paths: if asks_for_sequence { &["/stop_sequence"] } else { &[] },
        service_tier: service_tier(request.service_tier.as_ref(), own, &mut losses),
        extra: nested(request, "").without(&PREFIXES),
    };
    let mut body = Vec::with_capacity(1_024);
    json::write(&mut body, &wire);
    Ok(Encoded { body: body.into(), losses: losses.into_vec() })
}

/// Writes what costs tokens, without what only an answer needs.
pub(in crate::bedrock) fn question(request: &Request) -> Result<Encoded, TranslateError> {
    let mut losses = Losses::default();
    let own = request.dialect == DIALECT;
    let mut request = Request { max_tokens: None, ..request.clone() };
    if !own {
        request.sampling = Sampling::default();
    }
    let request = &request;
    let Settings { additional, .. } = settings(request, own, &mut losses);
    let Prompt { system, messages, tool_config } = prompt(request, &mut losses)?;
    let wire = QuestionOut {
        messages,
        system,
        tool_config,
        additional_model_request_fields: Some(additional).filter(|additional| !additional.is_empty()),
    };
    let mut body = Vec::with_capacity(1_024);
    body.extend_from_slice(br#"{"input":{"converse":"#);
    json::write(&mut body, &wire);
    body.extend_from_slice(b"}}");
    Ok(Encoded { body: body.into(), losses: losses.into_vec() })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RequestOut<'a> {
    messages: Vec<TurnOut<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    system: Vec<BlockOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inference_config: Option<InferenceOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_config: Option<ToolConfigOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<OutputConfigOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_model_request_fields: Option<AdditionalOut<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    additional_model_response_field_paths: &'static [&'static str],
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<TierOut<'a>>,
    #[serde(flatten)]
    extra: Nested<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct QuestionOut<'a> {
    messages: Vec<TurnOut<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    system: Vec<BlockOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_config: Option<ToolConfigOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_model_request_fields: Option<AdditionalOut<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InferenceOut<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<&'a Number>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop_sequences: Vec<&'a str>,
    #[serde(flatten)]
    extra: Nested<'a>,
}

impl InferenceOut<'_> {
    fn is_empty(&self) -> bool {
        let Self { max_tokens, temperature, top_p, stop_sequences, extra } = self;
        max_tokens.is_none()
            && temperature.is_none()
            && top_p.is_none()
            && stop_sequences.is_empty()
            && extra.is_empty()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OutputConfigOut<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    text_format: Option<TextFormatOut<'a>>,
    #[serde(flatten)]
    extra: Nested<'a>,
}

#[derive(Serialize)]
struct TextFormatOut<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    structure: StructureOut<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StructureOut<'a> {
    json_schema: JsonSchemaOut<'a>,
}

#[derive(Serialize)]
struct JsonSchemaOut<'a> {
    /// As a text.
    schema: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
}

/// `{"type"}`, in requests and answers.
#[derive(Serialize)]
pub(in crate::bedrock) struct TierOut<'a> {
    #[serde(rename = "type")]
    pub(in crate::bedrock) kind: &'a str,
}

/// What the model reads.
struct Prompt<'a> {
    system: Vec<BlockOut<'a>>,
    messages: Vec<TurnOut<'a>>,
    tool_config: Option<ToolConfigOut<'a>>,
}

fn prompt<'a>(request: &'a Request, losses: &mut Losses) -> Result<Prompt<'a>, TranslateError> {
    let mut messages = turns(request, losses)?;
    let mut system = system(request, losses)?;
    if messages.is_empty() {
        messages = vec![only_system(std::mem::take(&mut system), losses)?];
    }
    Ok(Prompt { system, messages, tool_config: tool_config(request, losses)? })
}

fn system<'a>(request: &'a Request, losses: &mut Losses) -> Result<Vec<BlockOut<'a>>, TranslateError> {
    let mut writer = BlockWriter::new(Origin { dialect: request.dialect, path: "system", in_answer: false });
    let mut blocks = Vec::with_capacity(request.system.len());
    for part in &request.system {
        writer.push(part, None, &mut blocks, losses)?;
    }
    if matches!(request.output, Some(OutputFormat::JsonObject)) {
        losses.degraded("response_format", "carried as an instruction");
        blocks.push(BlockOut::text(ONLY_JSON));
    }
    Ok(blocks)
}

const ONLY_JSON: &str = "Answer with a single JSON object and nothing else.";

/// A request of instructions alone, which Chat takes and this API does not: they become the user's turn.
fn only_system<'a>(system: Vec<BlockOut<'a>>, losses: &mut Losses) -> Result<TurnOut<'a>, TranslateError> {
    if system.is_empty() {
        return Err(TranslateError::invalid("messages", "must hold at least one message with content"));
    }
    losses.degraded("messages.system", "carried as the user's turn, since there is no other");
    Ok(TurnOut::user(system))
}

/// The API refuses empty sequences, Claude those of white space alone.
fn stop_sequences<'a>(request: &'a Request, own: bool, losses: &mut Losses) -> Vec<&'a str> {
    let blank = |stop: &&str| !own && stop.trim().is_empty();
    let (refused, taken): (Vec<_>, Vec<_>) = request.stop.iter().map(String::as_str).partition(blank);
    if !refused.is_empty() {
        losses.degraded("stop", "less its sequences of white space alone, which the upstream refuses");
    }
    taken
}

fn output_config<'a>(request: &'a Request, own: bool, losses: &mut Losses) -> Option<OutputConfigOut<'a>> {
    let text_format = match &request.output {
        Some(OutputFormat::JsonSchema(OutputSchema { name, description, schema, strict })) => {
            if *strict == Some(false) {
                losses.degraded("response_format.json_schema.strict", "always strict");
            }
            let (name, description) = (name.as_deref(), description.as_deref());
            let text = schema.as_str();
            let schema = if own { Cow::Borrowed(text) } else { compact(text) };
            let json_schema = JsonSchemaOut { schema, name, description };
            Some(TextFormatOut { kind: "json_schema", structure: StructureOut { json_schema } })
        }
        Some(OutputFormat::JsonObject) | None => None,
    };
    let extra = nested(request, OUTPUT);
    (text_format.is_some() || !extra.is_empty()).then_some(OutputConfigOut { text_format, extra })
}

fn service_tier<'a>(tier: Option<&'a ServiceTier>, own: bool, losses: &mut Losses) -> Option<TierOut<'a>> {
    match tier? {
        ServiceTier::Standard => Some(TierOut { kind: "default" }),
        ServiceTier::Other(kind) if own || is_tier(kind) => Some(TierOut { kind }),
        // The same as not saying anything.
        ServiceTier::Auto => None,
        ServiceTier::Other(_) => {
            losses.dropped("service_tier");
            None
        }
    }
}

/// Whether the API knows a tier beside the ordinary one (`ServiceTierType`).
pub(in crate::bedrock) fn is_tier(kind: &str) -> bool {
    matches!(kind, "priority" | "flex" | "reserved")
}

/// Our own extras below a path.
fn nested<'a>(request: &'a Request, prefix: &'static str) -> Nested<'a> {
    if request.dialect == Dialect::BedrockConverse {
        Nested::new(&request.extra, prefix)
    } else {
        Nested::default()
    }
}

const INFERENCE: &str = "inferenceConfig.";
const OUTPUT: &str = "outputConfig.";

/// What does not stand at the top.
const PREFIXES: [&str; 4] = [INFERENCE, OUTPUT, tools::PREFIX, additional::PREFIX];

/// Those of the extras whose names begin with a prefix, written without it as fields of the object around them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Nested<'a> {
    extras: &'a [Extra],
    prefix: &'static str,
    except: &'static [&'static str],
}

impl<'a> Nested<'a> {
    pub(super) fn new(extras: &'a [Extra], prefix: &'static str) -> Self {
        Self { extras, prefix, except: &[] }
    }

    /// Less those below other prefixes.
    pub(super) fn without(self, except: &'static [&'static str]) -> Self {
        Self { except, ..self }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    fn iter(&self) -> impl Iterator<Item = (&'a str, &'a Extra)> {
        let Self { extras, prefix, except } = *self;
        let below = extras.iter().filter_map(move |extra| Some((extra.field.strip_prefix(prefix)?, extra)));
        below.filter(move |(_, extra)| !except.iter().any(|prefix| extra.field.starts_with(prefix)))
    }
}

impl Serialize for Nested<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, extra) in self.iter() {
            map.serialize_entry(name, &extra.value)?;
        }
        map.end()
    }
}
