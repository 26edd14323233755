//! Proofs: from their maker to a client that has no such thing, and back with the client's next request.

use std::sync::Arc;

use posthaste_core::{Dialect, Operation};
use posthaste_translate::{
    Recall, Remembered, Target, codec,
    ir::{
        Arguments, Content, Effort, Message, Part, Proof, Reasoning, Request, Response, Role, StopReason,
        Thinking, Tool, ToolCall, ToolResult,
    },
};

use crate::{
    journey::{answer_body_of, ask, at_client, folded, plain_request, plain_response, stream, stream_of},
    outcome::Outcome,
    table::Row,
};

/// One row a kind of proof.
pub(crate) fn rows(client: Dialect, upstreams: &[Dialect]) -> Vec<Row> {
    KINDS
        .iter()
        .map(|kind| Row {
            feature: kind.name,
            cells: upstreams.iter().map(|upstream| outcome(kind, client, *upstream)).collect(),
        })
        .collect()
}

struct Kind {
    name: &'static str,
    /// Whose models give such proofs.
    makers: &'static [Dialect],
    /// Puts a proof of the answer's own dialect into the answer.
    put: fn(&mut Response),
}

const KINDS: &[Kind] = &[
    Kind {
        name: "of readable thoughts before a call",
        makers: &[Dialect::AnthropicMessages, Dialect::OpenAiResponses, Dialect::BedrockConverse],
        put: |response| {
            let proof = Some(proof(response.dialect));
            let thoughts = Content::Thinking(Thinking { text: "Hm.".to_owned(), proof });
            response.parts.push(Part::new(thoughts));
            call(response, None);
        },
    },
    Kind {
        name: "sealed thoughts before a call",
        makers: &[Dialect::AnthropicMessages, Dialect::OpenAiResponses, Dialect::BedrockConverse],
        put: |response| {
            let sealed = Content::RedactedThinking(proof(response.dialect));
            response.parts.push(Part::new(sealed));
            call(response, None);
        },
    },
    Kind {
        name: "of a call",
        makers: &[Dialect::GeminiGenerate],
        put: |response| {
            let proof = proof(response.dialect);
            call(response, Some(proof));
        },
    },
    Kind {
        name: "of a text",
        makers: &[Dialect::GeminiGenerate],
        put: |response| {
            let proof = Some(proof(response.dialect));
            response.parts.push(Part { proof, ..Part::text("Well.") });
        },
    },
];

const DATA: &str = "YSBwcm9vZiBvZiBvbmUgdmVuZG9y";

fn proof(dialect: Dialect) -> Proof {
    Proof::of(dialect, DATA)
}

fn call(response: &mut Response, proof: Option<Proof>) {
    response.stop.reason = StopReason::ToolUse;
    let call = ToolCall::new("call_1", "look", Arguments::new("{}"));
    response.parts.push(Part::new(Content::ToolCall(ToolCall { proof, ..call })));
}

fn outcome(kind: &Kind, client: Dialect, upstream: Dialect) -> Outcome {
    if !kind.makers.contains(&upstream) {
        return Outcome::Absent;
    }
    let mut answer = plain_response(upstream);
    answer.parts.clear();
    (kind.put)(&mut answer);
    let Some(body) = answer_body_of(&answer) else { return Outcome::Absent };
    let sent = codec(upstream).decode_response(&body).unwrap();
    if !tells_proof(&sent.parts) {
        return Outcome::Absent;
    }
    let (whole, translated) = at_client(upstream, client, &body).unwrap();
    let told = !translated.losses.is_empty();
    let whole = next_request(client, upstream, whole, translated.remembered);
    let mut streamed = stream(upstream, client, &stream_of(&answer).unwrap()).unwrap();
    let remembered = streamed.translator.take_remembered();
    let streamed = next_request(client, upstream, folded(client, &streamed.bytes), remembered);
    let wanted = story(&sent.parts);
    match (whole == wanted, streamed == wanted) {
        (true, true) => Outcome::Exact,
        // An answer of Anthropic's does not end with a sealed thought, and the answer says that it is left out.
        _ if told && !whole.contains(DATA) => Outcome::Dropped,
        // The relay remembers by a call's id; there is none.
        _ if client == Dialect::OpenAiChat && !is_called(&sent.parts) && !whole.contains(DATA) => {
            Outcome::Dropped
        }
        // No answer of Anthropic's ends with a sealed thought, and it is told.
        _ if translated.losses.iter().any(|loss| loss.field == "content.redacted_thinking") => {
            Outcome::Dropped
        }
        _ => Outcome::Silent(format!("{wanted} came back as {whole}, streamed as {streamed}")),
    }
}

/// What the upstream finds in the next request of a client that sends back what it got.
fn next_request(client: Dialect, upstream: Dialect, answer: Response, remembered: Vec<Remembered>) -> String {
    let mut request: Request = plain_request(client);
    request.tools = vec![Tool::function("look", None)];
    request.max_tokens = Some(40_000);
    request.reasoning = Some(Reasoning { effort: Some(Effort::High), ..Reasoning::default() });
    let calls: Vec<String> = answer.parts.iter().filter_map(call_id).map(str::to_owned).collect();
    let kept = answer.parts.into_iter().filter(|part| sends_back(client, part)).collect();
    request.messages.push(Message::new(Role::Assistant, kept));
    if calls.is_empty() {
        request.messages.push(Message::new(Role::User, vec![Part::text("Go on.")]));
    }
    for call_id in calls {
        let result = ToolResult { call_id, parts: vec![Part::text("Sunny.")], is_error: false };
        request.messages.push(Message::new(Role::User, vec![Part::new(Content::ToolResult(result))]));
    }
    let body = codec(client)
        .encode_request(&request, &Target::of(client))
        .expect("a client can send back what it got")
        .body;
    let memory = Memory(remembered.into_iter().map(Arc::new).collect());
    let translated = ask(client, upstream, &body, Operation::Chat, &memory).unwrap();
    let read = codec(upstream).decode_request(&translated.body).unwrap();
    let parts: Vec<Part> = read
        .messages
        .into_iter()
        .filter(|message| message.role == Role::Assistant)
        .flat_map(|message| message.parts)
        .collect();
    story(&parts)
}

/// Chat's clients send no thoughts back, and Gemini's only what has a signature.
fn sends_back(client: Dialect, part: &Part) -> bool {
    match client {
        Dialect::OpenAiChat | Dialect::GeminiGenerate => !matches!(part.content, Content::Thinking(_)),
        _ => true,
    }
}

struct Memory(Vec<Arc<Remembered>>);

impl Recall for Memory {
    fn recall(&self, call_id: &str) -> Option<Arc<Remembered>> {
        self.0.iter().find(|known| known.call_id == call_id).cloned()
    }
}

fn call_id(part: &Part) -> Option<&str> {
    match &part.content {
        Content::ToolCall(call) => Some(&call.id),
        _ => None,
    }
}

fn is_called(parts: &[Part]) -> bool {
    parts.iter().any(|part| call_id(part).is_some())
}

fn tells_proof(parts: &[Part]) -> bool {
    story(parts).contains(DATA)
}

/// What was thought, said and called, in its order, with the proofs.
fn story(parts: &[Part]) -> String {
    let data = |proof: Option<&Proof>| proof.map_or(String::new(), |proof| format!(" [{}]", proof.data));
    let told = parts.iter().map(|part| match &part.content {
        Content::Thinking(thinking) => format!("thoughts {}{}", thinking.text, data(thinking.proof.as_ref())),
        Content::RedactedThinking(proof) => format!("sealed{}", data(Some(proof))),
        Content::ToolCall(call) => format!("call {}{}", call.name, data(call.proof.as_ref())),
        Content::Text(text) => format!("text {text}{}", data(part.proof.as_ref())),
        other => format!("{other:?}"),
    });
    told.collect::<Vec<_>>().join(", ")
}
