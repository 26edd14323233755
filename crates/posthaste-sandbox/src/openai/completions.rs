//! Legacy completions: `POST /v1/completions` (<https://platform.openai.com/docs/api-reference/completions>).

use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;

use super::{CREATED, error, place::Place, usage::Usage};
use crate::{
    answer::{Answer, Asked, Stream},
    brain::{self, Block, Conversation, Part, Pieces, Prompt, Reply, Role, Stop, Thinking, ToolChoice},
    error::ApiError,
    reading::Kind,
    sse,
};

/// Answers a request: the sandbox talks about the prompt, as it does in a conversation.
pub(crate) fn answer(body: &Value, deployment: Option<&str>, asked: &Asked<'_>) -> Result<Answer, ApiError> {
    let root = Place::root(body);
    let model = match deployment {
        Some(deployment) => deployment,
        None => root.required("model")?.text()?,
    };
    root.only(FIELDS)?;
    let streamed = root.optional("stream", Place::boolean)?.unwrap_or(false);
    let include_usage = root
        .optional("stream_options", |options| options.optional("include_usage", Place::boolean))?
        .flatten()
        .unwrap_or(false);
    let mut said = Conversation::default();
    said.join(Role::User, Block::text(read_prompt(&root)?));
    let pieces = Pieces::unmarked(model, asked.scope, [], &said);
    let prompt = Prompt {
        id: pieces.id().to_owned(),
        call_prefix: "",
        messages: said.messages,
        tools: Vec::new(),
        choice: ToolChoice::default(),
        format: None,
        thinking: Thinking::Never,
        stops: read_stops(&root)?,
        max_tokens: root.optional("max_tokens", |cap| cap.integer(0))?.unwrap_or(DEFAULT_CAP),
    };
    let reply = brain::reply(&prompt);
    let usage = Usage::of(asked.state.cache.use_for(&pieces), &reply, 1);
    let writer = Writer { id: format!("cmpl-{}", pieces.id()), model, reply };
    if !streamed {
        let choice = Choice::new(writer.text(), Some(writer.finish_reason()));
        let usage = asked.tell_usage.then(|| UsageFields::of(&usage));
        return Ok(Answer::Whole(writer.json(&[choice], usage).into()));
    }
    let mut stream = Stream::new(sse::CONTENT_TYPE, error_event, GARBAGE);
    for piece in brain::words(writer.text()) {
        stream.push(sse::unnamed(&writer.json(&[Choice::new(piece, None)], None)), true);
    }
    let end = Choice::new("", Some(writer.finish_reason()));
    stream.push(sse::unnamed(&writer.json(&[end], None)), false);
    if include_usage && asked.tell_usage {
        stream.push(sse::unnamed(&writer.json(&[], Some(UsageFields::of(&usage)))), false);
    }
    stream.push(sse::unnamed("[DONE]"), false);
    Ok(Answer::Stream(stream))
}

/// One text, or the first of several: the sandbox answers one.
fn read_prompt<'a>(root: &Place<'a>) -> Result<&'a str, ApiError> {
    let prompt = root.required("prompt")?;
    match prompt.value() {
        Value::String(text) => Ok(text),
        Value::Array(_) => prompt.list()?.first().map_or(Ok(""), Place::text),
        _ => Err(prompt.mistyped(Kind::TextOrList)),
    }
}

fn read_stops<'a>(root: &Place<'a>) -> Result<Vec<&'a str>, ApiError> {
    match root.key("stop") {
        None => Ok(Vec::new()),
        Some(stop) if stop.value().is_string() => Ok(vec![stop.text()?]),
        Some(stops) => stops.list()?.iter().map(Place::text).collect(),
    }
}

struct Writer<'a> {
    id: String,
    model: &'a str,
    reply: Reply,
}

impl Writer<'_> {
    fn text(&self) -> &str {
        self.reply
            .parts
            .iter()
            .find_map(|part| if let Part::Text(text) = part { Some(text.as_str()) } else { None })
            .unwrap_or_default()
    }

    const fn finish_reason(&self) -> &'static str {
        match self.reply.stop {
            Stop::MaxTokens => "length",
            Stop::Refusal => "content_filter",
            Stop::EndTurn | Stop::Sequence(_) | Stop::ToolUse => "stop",
        }
    }

    fn json(&self, choices: &[Choice<'_>], usage: Option<UsageFields>) -> String {
        let completion = Completion {
            id: &self.id,
            object: "text_completion",
            created: CREATED,
            model: self.model,
            choices,
            usage,
        };
        serde_json::to_string(&completion).expect("an answer becomes JSON")
    }
}

#[derive(Serialize)]
struct Completion<'a> {
    id: &'a str,
    object: &'static str,
    created: u64,
    model: &'a str,
    choices: &'a [Choice<'a>],
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<UsageFields>,
}

#[derive(Serialize)]
struct Choice<'a> {
    text: &'a str,
    index: u32,
    logprobs: (),
    finish_reason: Option<&'static str>,
}

impl<'a> Choice<'a> {
    const fn new(text: &'a str, finish_reason: Option<&'static str>) -> Self {
        Self { text, index: 0, logprobs: (), finish_reason }
    }
}

#[derive(Serialize)]
struct UsageFields {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
}

impl UsageFields {
    const fn of(usage: &Usage) -> Self {
        Self { prompt_tokens: usage.input, completion_tokens: usage.output, total_tokens: usage.total() }
    }
}

fn error_event(error: &ApiError, _: &str, _: usize) -> Bytes {
    sse::unnamed(&error::body(error))
}

/// The vendor's.
const DEFAULT_CAP: u64 = 16;
const GARBAGE: &[u8] = b"data: {\"id\":\"cmpl-x\",\"choices\":[{\"te\n\n\0\xff\xfe<html>\r: \ndata: [[[";
const FIELDS: &[&str] = &[
    "best_of",
    "echo",
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "max_tokens",
    "model",
    "n",
    "presence_penalty",
    "prompt",
    "seed",
    "stop",
    "stream",
    "stream_options",
    "suffix",
    "temperature",
    "top_p",
    "user",
];
