//! The neutral form to a body.

use posthaste_core::Dialect;
use serde::Serialize;
use serde_json::{Number, value::RawValue};

use super::messages::{MessageOut, messages};
use crate::{
    Encoded, Target, TranslateError,
    ir::{
        Effort, Extra, Json, OutputFormat, OutputSchema, Reasoning, ReasoningMode, Request, ServiceTier,
        Tool, ToolChoice,
    },
    json::{self, Fields},
    loss::Losses,
};

const DIALECT: Dialect = Dialect::OpenAiChat;

/// Writes a request. A streamed one always asks for usage: the relay needs it, whatever the client wants.
pub(in crate::openai_chat) fn encode_request(
    request: &Request,
    _: &Target,
) -> Result<Encoded, TranslateError> {
    let mut losses = Losses::default();
    let own = request.dialect == DIALECT;
    let tools = tools(request, own, &mut losses)?;
    let wire = RequestOut {
        model: &request.model,
        messages: messages(request, &mut losses)?,
        max_completion_tokens: request.max_tokens,
        temperature: request.sampling.temperature.as_ref(),
        top_p: request.sampling.top_p.as_ref(),
        presence_penalty: request.sampling.presence_penalty.as_ref(),
        frequency_penalty: request.sampling.frequency_penalty.as_ref(),
        seed: request.sampling.seed,
        n: request.candidates,
        stop: stop(request, own, &mut losses),
        logprobs: request.logprobs.map(|_| true),
        top_logprobs: request.logprobs.filter(|alternatives| *alternatives > 0),
        reasoning_effort: reasoning_effort(request.reasoning.as_ref(), &mut losses),
        tool_choice: tool_choice(request, !tools.is_empty(), &mut losses),
        parallel_tool_calls: parallel_tool_calls(request, !tools.is_empty(), &mut losses),
        tools,
        response_format: request.output.as_ref().map(response_format),
        stream: request.stream,
        stream_options: request.stream.then_some(StreamOptionsOut { include_usage: true }),
        service_tier: service_tier(request.service_tier.as_ref(), own, &mut losses),
        user: user(request, own, &mut losses),
        prompt_cache_key: request.cache_key.as_deref(),
        verbosity: request.verbosity.as_deref(),
        extra: Fields(extra(request, own, &mut losses)?),
    };
    if wire.messages.is_empty() {
        return Err(TranslateError::invalid("messages", "must hold at least one message with content"));
    }
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
    temperature: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<u64>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    stop: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    logprobs: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_logprobs: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'static str>,
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
#[serde(untagged)]
enum ToolOut<'a> {
    Function {
        #[serde(rename = "type")]
        kind: &'static str,
        function: FunctionOut<'a>,
    },
    Hosted(&'a RawValue),
}

#[derive(Serialize)]
struct FunctionOut<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<&'a Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
    #[serde(flatten)]
    extra: Fields<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum ToolChoiceOut<'a> {
    Word(&'static str),
    Function(NamedOut<'a>),
    Allowed {
        #[serde(rename = "type")]
        kind: &'static str,
        allowed_tools: AllowedOut<'a>,
    },
}

#[derive(Serialize)]
struct NamedOut<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    function: NameOut<'a>,
}

impl<'a> NamedOut<'a> {
    fn new(name: &'a str) -> Self {
        Self { kind: "function", function: NameOut { name } }
    }
}

#[derive(Serialize)]
struct NameOut<'a> {
    name: &'a str,
}

#[derive(Serialize)]
struct AllowedOut<'a> {
    mode: &'static str,
    tools: Vec<NamedOut<'a>>,
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
    schema: &'a Json,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

fn tools<'a>(
    request: &'a Request,
    own: bool,
    losses: &mut Losses,
) -> Result<Vec<ToolOut<'a>>, TranslateError> {
    let mut tools = Vec::with_capacity(request.tools.len());
    for tool in &request.tools {
        let (name, description, schema, strict, cache, extra) = match tool {
            Tool::Hosted { value, .. } if own => {
                tools.push(ToolOut::Hosted(value.as_raw()));
                continue;
            }
            Tool::Custom { name, .. } => {
                return Err(TranslateError::inexpressible(format!("tools.{name}"), DIALECT));
            }
            Tool::Hosted { kind, .. } => {
                return Err(TranslateError::inexpressible(format!("tools.{kind}"), DIALECT));
            }
            Tool::Function { name, description, schema, strict, cache, extra } => {
                (name, description, schema, strict, cache, extra)
            }
        };
        losses.dropped_if(cache.is_some(), "tools.cache_control");
        if !own {
            losses.foreign("tools", extra, DIALECT)?;
        }
        let function = FunctionOut {
            name,
            description: description.as_deref(),
            parameters: schema.as_ref(),
            strict: *strict,
            extra: if own { Fields(extra) } else { Fields::default() },
        };
        tools.push(ToolOut::Function { kind: "function", function });
    }
    Ok(tools)
}

/// OpenAI refuses a choice where there are no tools.
fn tool_choice<'a>(request: &'a Request, has_tools: bool, losses: &mut Losses) -> Option<ToolChoiceOut<'a>> {
    let choice = request.tool_choice.as_ref()?;
    if !has_tools {
        losses.dropped("tool_choice");
        return None;
    }
    Some(match choice {
        ToolChoice::Auto => ToolChoiceOut::Word("auto"),
        ToolChoice::Any => ToolChoiceOut::Word("required"),
        ToolChoice::None => ToolChoiceOut::Word("none"),
        ToolChoice::Tool(name) => ToolChoiceOut::Function(NamedOut::new(name)),
        ToolChoice::Allowed { required, names } => ToolChoiceOut::Allowed {
            kind: "allowed_tools",
            allowed_tools: AllowedOut {
                mode: if *required { "required" } else { "auto" },
                tools: names.iter().map(|name| NamedOut::new(name)).collect(),
            },
        },
    })
}

fn parallel_tool_calls(request: &Request, has_tools: bool, losses: &mut Losses) -> Option<bool> {
    if !has_tools {
        losses.dropped_if(request.parallel_tool_calls.is_some(), "parallel_tool_calls");
        return None;
    }
    request.parallel_tool_calls
}

fn stop<'a>(request: &'a Request, own: bool, losses: &mut Losses) -> &'a [String] {
    if own || request.stop.len() <= MOST_STOPS {
        return &request.stop;
    }
    losses.degraded("stop_sequences", "only the first four are carried");
    &request.stop[..MOST_STOPS]
}

/// OpenAI takes no more stop sequences.
const MOST_STOPS: usize = 4;

fn reasoning_effort(reasoning: Option<&Reasoning>, losses: &mut Losses) -> Option<&'static str> {
    let reasoning = reasoning?;
    losses.dropped_if(reasoning.display.is_some(), "thinking.display");
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

fn response_format(output: &OutputFormat) -> FormatOut<'_> {
    match output {
        OutputFormat::JsonObject => FormatOut::JsonObject,
        OutputFormat::JsonSchema(OutputSchema { name, description, schema, strict }) => {
            FormatOut::JsonSchema {
                json_schema: SchemaOut {
                    name: name.as_deref().unwrap_or("response"),
                    description: description.as_deref(),
                    schema,
                    strict: *strict,
                },
            }
        }
    }
}

fn service_tier<'a>(tier: Option<&'a ServiceTier>, own: bool, losses: &mut Losses) -> Option<&'a str> {
    match tier? {
        ServiceTier::Auto => Some("auto"),
        ServiceTier::Standard => Some("default"),
        ServiceTier::Other(name) if own => Some(name),
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

fn extra<'a>(request: &'a Request, own: bool, losses: &mut Losses) -> Result<&'a [Extra], TranslateError> {
    losses.dropped_if(request.sampling.top_k.is_some(), "top_k");
    if own {
        return Ok(&request.extra);
    }
    losses.foreign("", &request.extra, DIALECT)?;
    Ok(&[])
}
