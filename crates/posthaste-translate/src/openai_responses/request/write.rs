//! The neutral form to a body.

use std::borrow::Cow;

use posthaste_core::Dialect;
use serde::Serialize;
use serde_json::Number;

use super::{
    input::input,
    tools::{ChoiceOut, ToolOut, choice_out, tools_out},
};
use crate::{
    Encoded, Target, TranslateError,
    ir::{
        Effort, Json, OutputFormat, OutputSchema, Reasoning, ReasoningDisplay, ReasoningMode, Request,
        ServiceTier,
    },
    json,
    loss::Losses,
    openai_responses::{
        DIALECT,
        item::{ItemOut, Kept},
    },
    schema::{NOT_ENFORCED, SchemaProfile, always_fits, lower, strict_as_it_is, strictable},
};

/// Writes a request.
pub(in crate::openai_responses) fn encode_request(
    request: &Request,
    _: &Target,
) -> Result<Encoded, TranslateError> {
    encode(request, Purpose::Answer)
}

/// What a request is written for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::openai_responses) enum Purpose {
    /// To be answered.
    Answer,
    /// To be counted, where what concerns the answer is refused.
    Count,
}

/// Writes a request or the question what it would cost.
pub(in crate::openai_responses) fn encode(
    request: &Request,
    purpose: Purpose,
) -> Result<Encoded, TranslateError> {
    let mut losses = Losses::default();
    let own = request.dialect == DIALECT;
    if !own {
        losses.foreign("", &request.extra, DIALECT)?;
    }
    let extra: &[_] = if own && purpose == Purpose::Answer { &request.extra } else { &[] };
    // What another dialect's client sends is the whole conversation: nothing is to be kept, and what the model thought
    // comes back with the next turn.
    let stateless = !own && purpose == Purpose::Answer;
    let (instructions, input) = input(request, &mut losses)?;
    let tools = tools_out(request, &mut losses)?;
    let has_tools = !tools.is_empty();
    let wire = RequestOut {
        model: &request.model,
        instructions,
        input,
        tool_choice: choice_out(request, has_tools, &mut losses),
        parallel_tool_calls: parallel_tool_calls(request, has_tools, own, &mut losses),
        tools,
        max_output_tokens: max_output_tokens(request.max_tokens, own, &mut losses),
        temperature: request.sampling.temperature.as_ref(),
        top_p: request.sampling.top_p.as_ref(),
        top_logprobs: request.logprobs.filter(|alternatives| *alternatives > 0),
        reasoning: reasoning(request, Kept::reasoning(extra), &mut losses),
        text: text(request, Kept::text(extra), &mut losses),
        stream: request.stream,
        store: stateless.then_some(false),
        include: if stateless && may_reason(&request.model) { &[ENCRYPTED_REASONING] } else { &[] },
        service_tier: service_tier(request, own, &mut losses),
        safety_identifier: user(request, own, &mut losses),
        prompt_cache_key: request.cache_key.as_deref(),
        extra: Kept::request(extra),
    };
    let mut body = Vec::with_capacity(1_024);
    json::write(&mut body, &wire);
    Ok(Encoded { body: body.into(), losses: losses.into_vec() })
}

const ENCRYPTED_REASONING: &str = "reasoning.encrypted_content";

/// OpenAI answers 400 ("Encrypted content is not supported with this model") for its models from before reasoning.
fn may_reason(model: &str) -> bool {
    let name = model.rsplit('/').next().unwrap_or(model);
    !BEFORE_REASONING.iter().any(|prefix| name.starts_with(prefix))
}

const BEFORE_REASONING: [&str; 3] = ["gpt-3", "gpt-4", "chatgpt-4"];

#[derive(Serialize)]
struct RequestOut<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    input: Vec<ItemOut<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<ToolOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<ChoiceOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_logprobs: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<ReasoningOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<TextOut<'a>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<bool>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    include: &'static [&'static str],
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    safety_identifier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_cache_key: Option<&'a str>,
    #[serde(flatten)]
    extra: Kept<'a>,
}

#[derive(Serialize)]
struct ReasoningOut<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<&'a str>,
    #[serde(flatten)]
    extra: Kept<'a>,
}

#[derive(Serialize)]
struct TextOut<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<FormatOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verbosity: Option<&'a str>,
    #[serde(flatten)]
    extra: Kept<'a>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum FormatOut<'a> {
    JsonObject,
    JsonSchema {
        name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'a str>,
        schema: Cow<'a, Json>,
        #[serde(skip_serializing_if = "Option::is_none")]
        strict: Option<bool>,
    },
}

/// OpenAI refuses the flag where there are no tools.
fn parallel_tool_calls(request: &Request, has_tools: bool, own: bool, losses: &mut Losses) -> Option<bool> {
    let parallel = request.parallel_tool_calls?;
    if has_tools || own {
        return Some(parallel);
    }
    losses.dropped("parallel_tool_calls");
    None
}

/// OpenAI answers 400 to a smaller cap.
const LEAST_OUTPUT: u64 = 16;

fn max_output_tokens(cap: Option<u64>, own: bool, losses: &mut Losses) -> Option<u64> {
    let cap = cap?;
    if own || cap >= LEAST_OUTPUT {
        return Some(cap);
    }
    losses.degraded("max_tokens", "raised to 16, the least that the upstream takes");
    Some(LEAST_OUTPUT)
}

fn reasoning<'a>(request: &'a Request, extra: Kept<'a>, losses: &mut Losses) -> Option<ReasoningOut<'a>> {
    let own = request.dialect == DIALECT;
    let (effort, summary) = match &request.reasoning {
        None => (None, None),
        Some(reasoning) => (effort(reasoning, losses), summary(reasoning, request.dialect, losses)),
    };
    let told = effort.is_some() || summary.is_some() || (own && !extra.is_empty());
    told.then_some(ReasoningOut { effort, summary, extra })
}

fn effort(reasoning: &Reasoning, losses: &mut Losses) -> Option<&'static str> {
    match (&reasoning.mode, reasoning.effort) {
        (Some(ReasoningMode::Off), _) => Some("none"),
        (_, Some(effort)) => Some(effort.as_str()),
        (Some(ReasoningMode::Budget(budget)), None) => {
            losses.degraded("thinking.budget_tokens", "carried as the nearest effort");
            Some(Effort::nearest(*budget).as_str())
        }
        (Some(ReasoningMode::Other(_)), None) => {
            losses.dropped("thinking");
            None
        }
        // The model decides, which is what saying nothing means.
        (Some(ReasoningMode::Adaptive) | None, None) => None,
    }
}

/// Where thinking is a mode of its own, it is shown unless it is said otherwise; here it must be asked for.
fn summary<'a>(reasoning: &'a Reasoning, from: Dialect, losses: &mut Losses) -> Option<&'a str> {
    match (&reasoning.display, &reasoning.mode) {
        (Some(ReasoningDisplay::Summary), _) => Some("auto"),
        (Some(ReasoningDisplay::Omitted), _) => None,
        (Some(ReasoningDisplay::Other(word)), _) if from == DIALECT => Some(word),
        (Some(ReasoningDisplay::Other(_)), _) => {
            losses.dropped("thinking.display");
            None
        }
        (None, Some(ReasoningMode::Adaptive | ReasoningMode::Budget(_))) => Some("auto"),
        (None, _) => None,
    }
}

fn text<'a>(request: &'a Request, extra: Kept<'a>, losses: &mut Losses) -> Option<TextOut<'a>> {
    let format = request.output.as_ref().map(|output| match output {
        OutputFormat::JsonObject => FormatOut::JsonObject,
        OutputFormat::JsonSchema(schema) => schema_out(schema, request.dialect, losses),
    });
    let verbosity = request.verbosity.as_deref();
    let told = format.is_some() || verbosity.is_some() || !extra.is_empty();
    told.then_some(TextOut { format, verbosity, extra })
}

fn schema_out<'a>(output: &'a OutputSchema, client: Dialect, losses: &mut Losses) -> FormatOut<'a> {
    let OutputSchema { name, description, schema, strict } = output;
    let (schema, strict) = match strict {
        None if always_fits(client) => strict_as_it_is(schema).map_or_else(
            || {
                losses.degraded("text.format", NOT_ENFORCED);
                (Cow::Borrowed(schema), None)
            },
            |strictly| (strictly, Some(true)),
        ),
        Some(true) if client == DIALECT => (Cow::Borrowed(schema), *strict),
        Some(true) if strictable(schema) => {
            (lower(schema, SchemaProfile::OpenAiStrict, "text.format.schema", losses), *strict)
        }
        Some(true) => {
            losses.degraded("text.format.strict", "off, since the schema says what strict mode refuses");
            (Cow::Borrowed(schema), Some(false))
        }
        strict => (Cow::Borrowed(schema), *strict),
    };
    FormatOut::JsonSchema {
        name: name.as_deref().unwrap_or("response"),
        description: description.as_deref(),
        schema,
        strict,
    }
}

fn service_tier<'a>(request: &'a Request, own: bool, losses: &mut Losses) -> Option<&'a str> {
    match request.service_tier.as_ref()? {
        ServiceTier::Auto => Some("auto"),
        ServiceTier::Standard => Some("default"),
        ServiceTier::Other(name) if own || request.dialect == Dialect::OpenAiChat => Some(name),
        ServiceTier::Other(_) => {
            losses.dropped("service_tier");
            None
        }
    }
}

/// OpenAI refuses longer ids, and those of Anthropic's clients are.
fn user<'a>(request: &'a Request, own: bool, losses: &mut Losses) -> Option<&'a str> {
    let user = request.user.as_deref()?;
    if own || user.len() <= LONGEST_USER {
        return Some(user);
    }
    losses.dropped("metadata.user_id");
    None
}

const LONGEST_USER: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_from_before_reasoning_are_not_asked_for_it() {
        for model in ["gpt-4o", "gpt-4.1-mini", "openai/gpt-4-turbo", "gpt-3.5-turbo"] {
            assert!(!may_reason(model), "{model}");
        }
        for model in ["gpt-5", "o3", "o4-mini", "codex-mini-latest", "deepseek-chat", "our-own"] {
            assert!(may_reason(model), "{model}");
        }
    }
}
