//! The way of a request and the way back of its answer.

use posthaste_core::{Dialect, ModelName, Operation, Timestamp, Usage};
use posthaste_translate::{
    Ask, Forgetful, Loss, Recall, StreamContext, StreamTranslator, Target, TranslateError, TranslatedAnswer,
    TranslatedRequest, codec,
    ir::{
        Arguments, Block, Content, Delta, Event, Message, Opaque, Part, Request, Response, Role, Start, Stop,
        StopReason, Thinking, ToolCall,
    },
    translate_request, translate_response,
};
use posthaste_wire::{Frame, Framing, Splitter};
use uuid::Uuid;

/// A request of which every dialect has everything.
pub(crate) fn plain_request(dialect: Dialect) -> Request {
    // Elsewhere the path names it.
    let in_body = !matches!(dialect, Dialect::GeminiGenerate | Dialect::BedrockConverse);
    let mut request = Request::new(dialect, if in_body { MODEL } else { "" });
    request.max_tokens = Some(1_000);
    request.messages = vec![Message::new(Role::User, vec![Part::text("Hello.")])];
    request
}

/// An answer of which every dialect has everything.
pub(crate) fn plain_response(dialect: Dialect) -> Response {
    Response {
        dialect,
        id: "answer".to_owned(),
        model: MODEL.to_owned(),
        created: 1_764_000_000,
        parts: vec![Part::text("Hi.")],
        stop: Stop::new(StopReason::EndTurn),
        usage: Usage { input: 10, output: 5, ..Usage::default() },
        service_tier: None,
        extra: Vec::new(),
    }
}

const MODEL: &str = "model";

/// A client's request on its way to an upstream.
pub(crate) fn ask(
    from: Dialect,
    to: Dialect,
    body: &[u8],
    operation: Operation,
    memory: &dyn Recall,
) -> Result<TranslatedRequest, TranslateError> {
    let model = ModelName::parse(MODEL).unwrap();
    translate_request(&Ask {
        from,
        to: &Target::of(to),
        operation,
        body,
        model: &model,
        upstream_model: &model,
        stream: false,
        id: ID,
        now: NOW,
        memory,
    })
}

/// A request as its own dialect's body, if it has everything in it.
pub(crate) fn body_of(request: &Request) -> Option<Vec<u8>> {
    let encoded = codec(request.dialect).encode_request(request, &Target::of(request.dialect)).ok()?;
    encoded.losses.is_empty().then(|| encoded.body.to_vec())
}

/// A body at an upstream, read as the upstream reads it, with what was lost.
pub(crate) fn at_upstream(
    from: Dialect,
    to: Dialect,
    body: &[u8],
) -> Result<(Request, Vec<Loss>), TranslateError> {
    let translated = ask(from, to, body, Operation::Chat, &Forgetful)?;
    let read = codec(to).decode_request(&translated.body);
    Ok((read.expect("what is written for an upstream is a request of its dialect"), translated.losses))
}

/// A whole answer as its own dialect's body, if it has everything in it.
pub(crate) fn answer_body_of(response: &Response) -> Option<Vec<u8>> {
    let context = context(response.dialect);
    let encoded = codec(response.dialect).encode_response(response, &context).ok()?;
    encoded.losses.is_empty().then(|| encoded.body.to_vec())
}

/// A whole answer at a client, as the client reads it.
pub(crate) fn at_client(
    from: Dialect,
    to: Dialect,
    body: &[u8],
) -> Result<(Response, TranslatedAnswer), TranslateError> {
    let translated = translate_response(from, to, body, &context(from))?;
    let read = codec(to).decode_response(&translated.body);
    Ok((read.expect("what is written for a client is an answer of its dialect"), translated))
}

/// A stream of an answer, as its own dialect's upstream sends it; none for one of parts that no neutral stream has.
pub(crate) fn stream_of(response: &Response) -> Option<Vec<u8>> {
    let events = events(response)?;
    let mut encoder = codec(response.dialect).event_encoder(&context(response.dialect));
    let mut out = Vec::new();
    for event in events {
        encoder.push(&event, &mut out);
    }
    encoder.finish(&mut out);
    Some(out)
}

/// What came of an upstream's stream.
pub(crate) struct Streamed {
    /// The client's stream.
    pub(crate) bytes: Vec<u8>,
    pub(crate) losses: Vec<Loss>,
    pub(crate) translator: StreamTranslator,
}

/// A stream on its way to a client.
pub(crate) fn stream(from: Dialect, to: Dialect, upstream: &[u8]) -> Result<Streamed, TranslateError> {
    let mut translator = StreamTranslator::new(from, to, context(from));
    let mut bytes = Vec::new();
    translator.push(upstream, &mut bytes)?;
    translator.finish(&mut bytes)?;
    Ok(Streamed { bytes, losses: translator.losses().to_vec(), translator })
}

/// A stream as its client reads it, put together to an answer.
pub(crate) fn folded(dialect: Dialect, stream: &[u8]) -> Response {
    let mut decoder = codec(dialect).event_decoder();
    let mut events = Vec::new();
    let mut splitter = Splitter::new(Framing::Sse);
    let mut read = |frame: Frame<'_>| {
        decoder.push(frame, &mut events).expect("what is written for a client is a stream of its dialect");
    };
    splitter.push(stream, &mut read).unwrap();
    splitter.finish(&mut read).unwrap();
    decoder.finish(&mut events).unwrap();
    fold(dialect, events)
}

fn context(from: Dialect) -> StreamContext {
    StreamContext::plain(ModelName::parse(MODEL).unwrap(), from, NOW, ID)
}

const NOW: Timestamp = Timestamp::from_secs(1_764_000_000);
const ID: Uuid = Uuid::from_u128(7);

fn events(response: &Response) -> Option<Vec<Event>> {
    let start = Start {
        id: response.id.clone(),
        model: response.model.clone(),
        usage: Some(Usage { output: 0, reasoning: 0, web_searches: 0, ..response.usage }),
    };
    let mut events = vec![Event::Start(start)];
    for (index, part) in response.parts.iter().enumerate() {
        let (block, deltas) = block(part)?;
        events.push(Event::BlockStart { index, block });
        events.extend(deltas.into_iter().map(|delta| Event::Delta { index, delta }));
        events.push(Event::BlockEnd { index });
    }
    events.extend([Event::Finish(response.stop.clone()), Event::Usage(response.usage), Event::Done]);
    Some(events)
}

fn block(part: &Part) -> Option<(Block, Vec<Delta>)> {
    let mut deltas = Vec::new();
    let block = match &part.content {
        Content::Text(text) => {
            deltas.push(Delta::Text(text.clone()));
            deltas.extend(part.citations.iter().cloned().map(Delta::Citation));
            deltas.extend(part.proof.clone().map(Delta::Proof));
            Block::Text
        }
        Content::Thinking(thinking) => {
            deltas.push(Delta::Thinking(thinking.text.clone()));
            deltas.extend(thinking.proof.clone().map(Delta::Proof));
            Block::Thinking
        }
        Content::RedactedThinking(proof) => Block::RedactedThinking(proof.clone()),
        Content::Refusal(text) => {
            deltas.push(Delta::Refusal(text.clone()));
            Block::Refusal
        }
        Content::ToolCall(call) => {
            deltas.push(Delta::Arguments(call.arguments.as_str().to_owned()));
            let (id, name, proof) = (call.id.clone(), call.name.clone(), call.proof.clone());
            Block::ToolCall { id, name, free_text: call.free_text, proof }
        }
        Content::Opaque(opaque) => Block::Opaque { kind: opaque.kind.clone(), value: opaque.value.clone() },
        _ => return None,
    };
    Some((block, deltas))
}

fn fold(dialect: Dialect, events: Vec<Event>) -> Response {
    let mut response = Response { parts: Vec::new(), ..plain_response(dialect) };
    let mut numbers = Vec::new();
    for event in events {
        match event {
            Event::Start(start) => response.usage = start.usage.unwrap_or_default(),
            Event::BlockStart { index, block } => {
                numbers.push(index);
                response.parts.push(Part::new(opened(block)));
            }
            Event::Delta { index, delta } => {
                let position = numbers.iter().rposition(|number| *number == index).unwrap();
                add(&mut response.parts[position], delta);
            }
            Event::Usage(usage) => response.usage = usage,
            Event::Finish(stop) => response.stop = stop,
            Event::BlockEnd { .. } | Event::Ping | Event::Lost(_) | Event::Done => {}
            Event::Error(error) => panic!("{error:?}"),
        }
    }
    response
}

fn opened(block: Block) -> Content {
    match block {
        Block::Text => Content::Text(String::new()),
        Block::Thinking => Content::Thinking(Thinking::new("")),
        Block::RedactedThinking(proof) => Content::RedactedThinking(proof),
        Block::Refusal => Content::Refusal(String::new()),
        Block::ToolCall { id, name, free_text, proof } => {
            let call = ToolCall::new(id, name, Arguments::default());
            Content::ToolCall(ToolCall { free_text, proof, ..call })
        }
        Block::Opaque { kind, value } => Content::Opaque(Opaque { kind, value, text: None }),
    }
}

fn add(part: &mut Part, delta: Delta) {
    match (&mut part.content, delta) {
        (Content::Text(text), Delta::Text(more)) | (Content::Refusal(text), Delta::Refusal(more)) => {
            text.push_str(&more);
        }
        (Content::Text(_), Delta::Citation(citation)) => part.citations.push(citation),
        (Content::Text(_), Delta::Proof(proof)) => part.proof = Some(proof),
        (Content::Thinking(thinking), Delta::Thinking(more)) => thinking.text.push_str(&more),
        (Content::Thinking(thinking), Delta::Proof(proof)) => thinking.proof = Some(proof),
        (Content::ToolCall(call), Delta::Arguments(more)) => {
            let text = format!("{}{more}", call.arguments.as_str());
            call.arguments = Arguments::new(text);
        }
        (content, delta) => panic!("{delta:?} in {content:?}"),
    }
}
