//! What is translated: written once as Chat Completions, put into the other dialects by the translation itself.

use std::collections::BTreeMap;

use posthaste_core::{Dialect, ModelName, Operation, Timestamp};
use posthaste_translate::{
    Ask, Forgetful, StreamContext, StreamTranslator, Target, translate_request, translate_response,
};
use posthaste_wire::{Frame, Framing, Repacker, Splitter, write_frame};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::Result;

/// Pieces of text in a stream.
pub(crate) const EVENTS: usize = 50;

/// No turn of a tool: a question of 1 KB.
pub(crate) const NONE: usize = 0;

/// Turns of a tool that make 200, 400 and 800 KB.
pub(crate) const LARGE: [usize; 3] = [45, 99, 207];

/// Bodies and a stream for one pair of dialects.
pub(crate) struct Samples {
    requests: BTreeMap<usize, Vec<u8>>,
    /// The upstream's whole answer.
    pub(crate) answer: Vec<u8>,
    /// The upstream's stream, frame by frame.
    pub(crate) stream: Vec<Vec<u8>>,
}

impl Samples {
    pub(crate) fn new(client: Dialect, upstream: Dialect) -> Result<Self> {
        let mut requests = BTreeMap::new();
        for turns in [NONE].into_iter().chain(LARGE) {
            requests.insert(turns, request(client, turns)?);
        }
        Ok(Self { requests, answer: answer(upstream)?, stream: stream(upstream)? })
    }

    /// The client's request with so many turns of a tool.
    pub(crate) fn request(&self, turns: usize) -> &[u8] {
        &self.requests[&turns]
    }
}

/// The model that is asked for.
pub(crate) fn model() -> ModelName {
    ModelName::parse("bench-model").expect("the literal is a model's name")
}

/// How an upstream of the dialect frames its stream.
pub(crate) fn framing(upstream: Dialect) -> Framing {
    if upstream == Dialect::BedrockConverse { Framing::EventStream } else { Framing::Sse }
}

fn request(client: Dialect, turns: usize) -> Result<Vec<u8>> {
    let body = serde_json::to_vec(&chat_request(turns))?;
    if client == Dialect::OpenAiChat {
        return Ok(body);
    }
    let ask = Ask {
        from: Dialect::OpenAiChat,
        to: &Target::of(client),
        operation: Operation::Chat,
        body: &body,
        model: &model(),
        upstream_model: &model(),
        stream: true,
        id: Uuid::nil(),
        now: Timestamp::EPOCH,
        memory: &Forgetful,
    };
    Ok(translate_request(&ask)?.body.to_vec())
}

fn answer(upstream: Dialect) -> Result<Vec<u8>> {
    let text = TEXT.repeat(12);
    let message = json!({ "role": "assistant", "content": text, "refusal": null });
    let choice = json!({ "index": 0, "message": message, "logprobs": null, "finish_reason": "stop" });
    let answer = json!({
        "id": "chatcmpl-bench", "object": "chat.completion", "created": 1_750_000_000, "model": "bench-model",
        "choices": [choice],
        "usage": usage(),
    });
    let body = serde_json::to_vec(&answer)?;
    if upstream == Dialect::OpenAiChat {
        return Ok(body);
    }
    Ok(translate_response(Dialect::OpenAiChat, upstream, &body, &context())?.body.to_vec())
}

fn stream(upstream: Dialect) -> Result<Vec<Vec<u8>>> {
    let delta = |delta: Value, finish: Value| {
        json!({
            "id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": 1_750_000_000,
            "model": "bench-model", "system_fingerprint": "fp_bench",
            "choices": [{ "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish }],
        })
    };
    let mut events = vec![delta(json!({ "role": "assistant", "content": "", "refusal": null }), Value::Null)];
    events.extend((0..EVENTS).map(|_| delta(json!({ "content": TEXT }), Value::Null)));
    events.push(delta(json!({}), json!("stop")));
    events.push(json!({
        "id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": 1_750_000_000,
        "model": "bench-model", "choices": [], "usage": usage(),
    }));
    let mut body = Vec::new();
    for event in &events {
        write_frame(&mut body, None, &serde_json::to_vec(event)?);
    }
    write_frame(&mut body, None, b"[DONE]");
    if upstream == Dialect::OpenAiChat {
        return frames(&body, Framing::Sse);
    }
    let mut translator = StreamTranslator::new(Dialect::OpenAiChat, upstream, context());
    let mut out = Vec::new();
    translator.push(&body, &mut out)?;
    translator.finish(&mut out)?;
    frames(&out, framing(upstream))
}

/// Server-sent events, one by one in another framing.
fn frames(events: &[u8], framing: Framing) -> Result<Vec<Vec<u8>>> {
    let mut frames = Vec::new();
    let take = |frame: Frame<'_>| {
        let mut one = Vec::new();
        write_frame(&mut one, frame.event, frame.data);
        frames.push(one);
    };
    Splitter::new(Framing::Sse).push(events, take)?;
    if framing == Framing::Sse {
        return Ok(frames);
    }
    let mut repacker = Repacker::new(Framing::Sse, framing);
    frames
        .iter()
        .map(|frame| {
            let mut out = Vec::new();
            repacker.push(frame, &mut out)?;
            Ok(out)
        })
        .collect()
}

fn context() -> StreamContext {
    StreamContext::plain(model(), Dialect::OpenAiChat, Timestamp::EPOCH, Uuid::nil())
}

fn usage() -> Value {
    json!({
        "prompt_tokens": 1234, "completion_tokens": 567, "total_tokens": 1801,
        "prompt_tokens_details": { "cached_tokens": 0 },
    })
}

/// A request of a coding agent: instructions, and where there are turns, tools and what they gave.
fn chat_request(turns: usize) -> Value {
    let rules = "Follow the project's conventions and answer briefly. ";
    let system = format!("You are a coding agent. {}", rules.repeat(if turns == NONE { 6 } else { 200 }));
    let mut messages = vec![json!({ "role": "system", "content": system })];
    for turn in 0..turns {
        let id = format!("toolu_{turn:024}");
        let arguments = json!({ "arg_0": format!("src/step_{turn}.rs") }).to_string();
        let call =
            json!({ "id": id, "type": "function", "function": { "name": "tool_0", "arguments": arguments } });
        let look =
            json!({ "role": "assistant", "content": "I will look at the file first.", "tool_calls": [call] });
        messages.extend([
            json!({ "role": "user", "content": format!("Please go on with step {turn}.") }),
            look,
            json!({ "role": "tool", "tool_call_id": id, "content": code(3000) }),
            json!({ "role": "assistant", "content": "Done, the file looks right." }),
        ]);
    }
    let question = format!("Explain what this function does and how it could fail. {}", code(350));
    messages.push(json!({ "role": "user", "content": question }));
    let mut request = json!({
        "model": "bench-model", "max_tokens": 1024, "stream": true,
        "stream_options": { "include_usage": true }, "messages": messages,
    });
    if turns != NONE {
        request["tools"] = (0..16).map(tool).collect();
    }
    request
}

fn tool(number: usize) -> Value {
    let about = json!({ "type": "string", "description": "What the tool is given, as text. ".repeat(3) });
    let properties: serde_json::Map<_, _> =
        (0..6).map(|argument| (format!("arg_{argument}"), about.clone())).collect();
    let schema = json!({ "type": "object", "properties": properties, "required": ["arg_0"] });
    let description = "Runs a step of the work and returns what it printed. ".repeat(8);
    let name = format!("tool_{number}");
    json!({ "type": "function", "function": { "name": name, "description": description, "parameters": schema } })
}

fn code(bytes: usize) -> String {
    let mut code = String::new();
    for step in 0.. {
        if code.len() >= bytes {
            break;
        }
        code += &format!(
            "fn step_{step}(state: &mut State, key: &str) -> Result<(), Error> {{\n\
             \tstate.map.insert(key.to_string(), \"v{step}\");\n\tOk(())\n}}\n"
        );
    }
    code.truncate(bytes);
    code
}

const TEXT: &str = "lorem ipsum dolor sit amet, consectetur ";
