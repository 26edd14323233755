//! The neutral form to a body.

use std::borrow::Cow;

use posthaste_core::Dialect;
use serde::Serialize;
use serde_json::Number;

use super::{
    control::{ControlsOut, controls, own_controls},
    messages::{Manner, MessageOut, messages},
    tools::{NOT_STRICT, ToolChoiceOut, ToolOut, tool_choice, tools},
};
use crate::{
    Encoded, Loss, Target, TranslateError,
    ir::{Content, Extra, Json, OutputFormat, OutputSchema, ReasoningMode, Request, ServiceTier},
    json::{self, Fields},
    loss::Losses,
    openai_chat::{
        part::Reach,
        variant::{Cap, Parallel, Temperature, Variant},
    },
    policy::name_of,
    schema::{NOT_ENFORCED, SchemaProfile, always_fits, lower, strict_as_it_is, strictable},
};

const DIALECT: Dialect = Dialect::OpenAiChat;

/// Writes a request. A streamed one always asks for usage: the relay needs it, whatever the client wants.
pub(in crate::openai_chat) fn encode_request(
    request: &Request,
    target: &Target,
) -> Result<Encoded, TranslateError> {
    let mut losses = Losses::default();
    let own = request.dialect == DIALECT;
    let variant = Variant::of(target.variant);
    let (response_format, instruction) = response_format(request, variant, &mut losses);
    let manner = Manner {
        reach: Reach {
            own,
            marks: own || variant.cache_marks && takes_marks(&request.model),
            media: variant.media,
        },
        thoughts: variant.thoughts,
        prefill: variant.prefill,
        instruction,
    };
    let messages = messages(request, manner, &mut losses)?;
    if messages.is_empty() {
        return Err(TranslateError::invalid("messages", "must hold at least one message with content"));
    }
    let tools = tools(request, variant, &mut losses)?;
    let has_tools = !tools.is_empty();
    let cap = |cap: Cap| request.max_tokens.filter(|_| variant.cap == cap);
    let wire = RequestOut {
        model: &request.model,
        messages,
        max_completion_tokens: cap(Cap::MaxCompletionTokens),
        max_tokens: cap(Cap::MaxTokens),
        sampling: sampling(request, variant, &mut losses),
        n: request.candidates,
        stop: stop(request, variant, &mut losses),
        logprobs: request.logprobs.map(|_| true),
        top_logprobs: request.logprobs.filter(|alternatives| *alternatives > 0),
        controls: if own { own_controls(request) } else { controls(request, variant, &mut losses) },
        tool_choice: tool_choice(request, variant, has_tools, &mut losses),
        parallel_tool_calls: parallel_tool_calls(request, variant, has_tools, &mut losses),
        tools,
        response_format,
        stream: request.stream,
        stream_options: request.stream.then_some(StreamOptionsOut { include_usage: true }),
        service_tier: service_tier(request, variant, &mut losses),
        user: user(request, variant, &mut losses),
        prompt_cache_key: known(request, variant.cache_key, "prompt_cache_key", &mut losses, |request| {
            request.cache_key.as_deref()
        }),
        verbosity: known(request, variant.verbosity, "verbosity", &mut losses, |request| {
            request.verbosity.as_deref()
        }),
        extra: Fields(extra(request, own, &mut losses)?),
    };
    let mut body = Vec::with_capacity(1_024);
    json::write(&mut body, &wire);
    Ok(Encoded { body: body.into(), losses: losses.into_vec() })
}

#[derive(Serialize)]
struct RequestOut<'a> {
    model: &'a str,
    messages: Vec<MessageOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u64>,
    #[serde(flatten)]
    sampling: SamplingOut<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<u64>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    stop: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    logprobs: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_logprobs: Option<u64>,
    #[serde(flatten)]
    controls: ControlsOut,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<ToolOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<ToolChoiceOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<FormatOut<'a>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptionsOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_cache_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verbosity: Option<&'a str>,
    #[serde(flatten)]
    extra: Fields<'a>,
}

#[derive(Serialize)]
struct StreamOptionsOut {
    include_usage: bool,
}

#[derive(Serialize)]
struct SamplingOut<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<Cow<'a, Number>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum FormatOut<'a> {
    JsonObject,
    JsonSchema { json_schema: SchemaOut<'a> },
}

#[derive(Serialize)]
struct SchemaOut<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    schema: Cow<'a, Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

/// Breakpoints came with GPT-5.6 (<https://platform.openai.com/docs/guides/prompt-caching>); older models answer 400 to the
/// unknown field. A deployment under a name of its own does not tell.
fn takes_marks(model: &str) -> bool {
    gpt_version(model).is_some_and(|version| version >= (5, 6))
}

/// The version of a GPT model, as in `gpt-5.6-mini`.
fn gpt_version(model: &str) -> Option<(u32, u32)> {
    let version = model.strip_prefix("gpt-")?.split(['-', ':']).next()?;
    let (major, minor) = version.split_once('.').unwrap_or((version, "0"));
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// A field that some vendors do not know.
fn known<'a, T>(
    request: &'a Request,
    is_known: bool,
    field: &'static str,
    losses: &mut Losses,
    value: impl FnOnce(&'a Request) -> Option<T>,
) -> Option<T> {
    let value = value(request)?;
    if is_known || request.dialect == DIALECT {
        return Some(value);
    }
    losses.add(Loss::dropped(name_of(field, request.dialect)));
    None
}

fn sampling<'a>(request: &'a Request, variant: &Variant, losses: &mut Losses) -> SamplingOut<'a> {
    let reasons = variant.temperature == Temperature::UsualWhileReasoning && reasons(request);
    let fixed = reasons
        || matches!(variant.temperature, Temperature::FixedFor(models) if request.model.starts_with(models));
    let penalties = variant.penalties && !reasons;
    SamplingOut {
        temperature: known(request, !fixed, "temperature", losses, |request| {
            request.sampling.temperature.as_ref()
        })
        .map(|temperature| clamped(temperature, request, variant, losses)),
        top_p: known(request, !fixed, "top_p", losses, |request| request.sampling.top_p.as_ref()),
        presence_penalty: known(request, penalties, "presence_penalty", losses, |request| {
            request.sampling.presence_penalty.as_ref()
        }),
        frequency_penalty: known(request, penalties, "frequency_penalty", losses, |request| {
            request.sampling.frequency_penalty.as_ref()
        }),
        seed: known(request, variant.seed, "seed", losses, |request| request.sampling.seed),
    }
}

fn clamped<'a>(
    temperature: &'a Number,
    request: &Request,
    variant: &Variant,
    losses: &mut Losses,
) -> Cow<'a, Number> {
    let clamps = variant.temperature == Temperature::UpToOne && request.dialect != DIALECT;
    if !clamps || temperature.as_f64().is_none_or(|temperature| temperature <= 1.0) {
        return Cow::Borrowed(temperature);
    }
    losses.degraded("temperature", "clamped to 1");
    Cow::Owned(Number::from(1))
}

/// Whether one of OpenAI's models will reason, which makes it answer 400 to sampling: the `o…` models and GPT-5 always do,
/// its successors where they are asked to (<https://platform.openai.com/docs/guides/latest-model>).
fn reasons(request: &Request) -> bool {
    let model = request.model.as_str();
    let is_o_series =
        model.strip_prefix('o').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let asked = request.reasoning.as_ref().is_some_and(|reasoning| {
        reasoning.mode != Some(ReasoningMode::Off)
            && (reasoning.effort.is_some() || matches!(reasoning.mode, Some(ReasoningMode::Budget(_))))
    });
    is_o_series
        || match gpt_version(model) {
            _ if model.contains("chat") => false,
            Some((5, 0)) => true,
            Some(version) => version > (5, 0) && asked,
            None => false,
        }
}

fn stop<'a>(request: &'a Request, variant: &Variant, losses: &mut Losses) -> &'a [String] {
    let most = variant.most_stops;
    if request.dialect == DIALECT || request.stop.len() <= most {
        return &request.stop;
    }
    losses.add(Loss::degraded(
        name_of("stop", request.dialect),
        "only as many are carried as the vendor takes",
    ));
    &request.stop[..most]
}

fn parallel_tool_calls(
    request: &Request,
    variant: &Variant,
    has_tools: bool,
    losses: &mut Losses,
) -> Option<bool> {
    if !has_tools {
        losses.dropped_if(request.parallel_tool_calls.is_some(), "parallel_tool_calls");
        return None;
    }
    match (variant.parallel, request.parallel_tool_calls) {
        (_, said) if request.dialect == DIALECT => said,
        (Parallel::OffByDefault, None) => Some(true),
        (Parallel::Unknown, Some(false)) => {
            losses.dropped("parallel_tool_calls");
            None
        }
        (Parallel::Unknown, _) => None,
        (Parallel::Known | Parallel::OffByDefault, said) => said,
    }
}

/// The form of the answer, and what the model must be told where the vendor cannot make sure of it.
fn response_format<'a>(
    request: &'a Request,
    variant: &Variant,
    losses: &mut Losses,
) -> (Option<FormatOut<'a>>, Option<String>) {
    let own = request.dialect == DIALECT;
    match &request.output {
        None => (None, None),
        // The API refuses an object where the conversation does not ask for JSON in words.
        Some(OutputFormat::JsonObject) => {
            let silent = !own && !speaks_of_json(request);
            (Some(FormatOut::JsonObject), silent.then(|| ONLY_JSON.to_owned()))
        }
        Some(OutputFormat::JsonSchema(OutputSchema { schema, .. })) if !own && !variant.json_schema => {
            losses.degraded("output_config.format", "an object, and the schema as an instruction");
            let schema = json::compact(schema.as_str());
            (
                Some(FormatOut::JsonObject),
                Some(format!("{ONLY_JSON} It must fit this JSON schema:\n{schema}")),
            )
        }
        Some(OutputFormat::JsonSchema(OutputSchema { name, description, schema, strict })) => {
            let (schema, strict) = fitted_output(schema, *strict, request.dialect, variant, losses);
            let name = name.as_deref().unwrap_or("response");
            let json_schema = SchemaOut { name, description: description.as_deref(), schema, strict };
            (Some(FormatOut::JsonSchema { json_schema }), None)
        }
    }
}

fn fitted_output<'a>(
    schema: &'a Json,
    strict: Option<bool>,
    client: Dialect,
    variant: &Variant,
    losses: &mut Losses,
) -> (Cow<'a, Json>, Option<bool>) {
    const FIELD: &str = "output_config.format.schema";
    match strict {
        _ if client == DIALECT => (Cow::Borrowed(schema), strict),
        None if variant.strict && always_fits(client) => {
            if let Some(strictly) = strict_as_it_is(schema) {
                return (strictly, Some(true));
            }
            losses.degraded("output_config.format", NOT_ENFORCED);
            (lower(schema, variant.schema, FIELD, losses), None)
        }
        Some(true) if variant.strict && strictable(schema) => {
            (lower(schema, SchemaProfile::OpenAiStrict, FIELD, losses), strict)
        }
        _ => {
            if strict == Some(true) {
                losses.degraded("output_config.format.strict", NOT_STRICT);
            }
            (lower(schema, variant.schema, FIELD, losses), strict.filter(|_| variant.strict).map(|_| false))
        }
    }
}

const ONLY_JSON: &str = "Answer with a single JSON object and nothing else.";

fn speaks_of_json(request: &Request) -> bool {
    let parts = request.system.iter().chain(request.messages.iter().flat_map(|message| &message.parts));
    let texts = parts.filter_map(|part| match &part.content {
        Content::Text(text) => Some(text),
        _ => None,
    });
    let mut windows = texts.flat_map(|text| text.as_bytes().windows(4));
    windows.any(|window| window.eq_ignore_ascii_case(b"json"))
}

fn service_tier<'a>(request: &'a Request, variant: &Variant, losses: &mut Losses) -> Option<&'a str> {
    let own = request.dialect == DIALECT;
    match request.service_tier.as_ref()? {
        ServiceTier::Auto if own || variant.tier => Some("auto"),
        ServiceTier::Standard if own || variant.tier => Some("default"),
        ServiceTier::Other(name) if own || (variant.tier && request.dialect == Dialect::OpenAiResponses) => {
            Some(name)
        }
        // What a vendor without tiers does anyway.
        ServiceTier::Auto => None,
        ServiceTier::Standard | ServiceTier::Other(_) => {
            losses.dropped("service_tier");
            None
        }
    }
}

/// OpenAI refuses longer ids, and those of Anthropic's clients are.
fn user<'a>(request: &'a Request, variant: &Variant, losses: &mut Losses) -> Option<&'a str> {
    let fits = request.user.as_ref().is_none_or(|user| user.len() <= LONGEST_USER);
    known(request, variant.user && fits, "user", losses, |request| request.user.as_deref())
}

const LONGEST_USER: usize = 64;

fn extra<'a>(request: &'a Request, own: bool, losses: &mut Losses) -> Result<&'a [Extra], TranslateError> {
    if own {
        return Ok(&request.extra);
    }
    losses.foreign("", &request.extra, DIALECT)?;
    Ok(&[])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Effort, Reasoning};

    #[test]
    fn marks_are_for_models_that_know_them() {
        for model in ["gpt-5.6", "gpt-5.10-mini", "gpt-6", "gpt-5.6-2026-09-01"] {
            assert!(takes_marks(model), "{model}");
        }
        for model in ["gpt-5.4-mini", "gpt-5", "gpt-4o", "gpt-oss-120b", "o4-mini", "my-deployment"] {
            assert!(!takes_marks(model), "{model}");
        }
    }

    #[test]
    fn models_that_reason_are_told_by_name_and_wish() {
        let request = |model: &str, effort: Option<Effort>| Request {
            reasoning: effort.map(|effort| Reasoning { effort: Some(effort), ..Reasoning::default() }),
            ..Request::new(Dialect::AnthropicMessages, model)
        };
        for model in ["o3", "o4-mini", "gpt-5", "gpt-5-nano-2025-08-07"] {
            assert!(reasons(&request(model, None)), "{model}");
        }
        assert!(reasons(&request("gpt-5.2", Some(Effort::Low))));
        for model in ["gpt-4o", "gpt-5-chat-latest", "gpt-5.2", "gpt-oss-120b", "omni", "my-deployment"] {
            assert!(!reasons(&request(model, None)), "{model}");
        }
    }
}
