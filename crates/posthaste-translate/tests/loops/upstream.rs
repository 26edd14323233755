//! Upstreams: what their models answer, and what they are asked next.

use std::fmt::Write as _;

use posthaste_core::Dialect;
use serde_json::{Value, json};

use crate::{
    A, B, C, G,
    Piece::{self, Call, Sealed, Text, Thought},
    R,
};

/// A model of each dialect that thinks.
pub(crate) fn model(dialect: Dialect) -> &'static str {
    match dialect {
        A => "claude-sonnet-4-5",
        C => "gpt-4.1",
        R => "gpt-5",
        G => "gemini-3-pro-preview",
        B => "anthropic.claude-sonnet-4-5-20250929-v1:0",
    }
}

const TOOL: &str = "look_up";

fn parsed(arguments: &str) -> Value {
    serde_json::from_str(arguments).unwrap()
}

/// An item's name and its proof, which stand in one text here.
fn item(proof: &str) -> (&str, &str) {
    proof.split_once(' ').unwrap()
}

/// Bedrock gives Anthropic's texts as bytes.
fn bytes(proof: &str) -> String {
    base64(proof.as_bytes())
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let group =
            chunk.iter().fold(0_u32, |group, byte| group << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let letter = LETTERS[(group >> (18 - 6 * place) & 63) as usize];
            text.push(if place > chunk.len() { '=' } else { char::from(letter) });
        }
    }
    text
}

/// A whole answer.
pub(crate) fn whole(dialect: Dialect, pieces: &[Piece]) -> Value {
    match dialect {
        A => json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": model(A),
            "content": pieces.iter().map(anthropic).collect::<Vec<_>>(),
            "stop_reason": "tool_use", "stop_sequence": null, "usage": {"input_tokens": 9, "output_tokens": 9},
        }),
        R => json!({
            "id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "model": model(R),
            "output": pieces.iter().map(responses).collect::<Vec<_>>(),
            "usage": {"input_tokens": 9, "output_tokens": 9, "total_tokens": 18},
        }),
        G => gemini_chunk(pieces.iter().map(gemini).collect(), Some("STOP")),
        B => json!({
            "output": {"message": {"role": "assistant", "content": pieces.iter().map(bedrock).collect::<Vec<_>>()}},
            "stopReason": "tool_use", "usage": {"inputTokens": 9, "outputTokens": 9, "totalTokens": 18},
            "metrics": {"latencyMs": 1},
        }),
        C => panic!("Chat's models prove nothing"),
    }
}

fn anthropic(piece: &Piece) -> Value {
    match piece {
        Thought(text, proof) => json!({"type": "thinking", "thinking": text, "signature": proof}),
        Sealed(proof) => json!({"type": "redacted_thinking", "data": proof}),
        Text(text, _) => json!({"type": "text", "text": text}),
        Call { id, arguments, .. } => {
            json!({"type": "tool_use", "id": id, "name": TOOL, "input": parsed(arguments)})
        }
    }
}

fn responses(piece: &Piece) -> Value {
    let reasoning = |proof, summary: Value| {
        let (id, sealed) = item(proof);
        json!({"type": "reasoning", "id": id, "summary": summary, "encrypted_content": sealed})
    };
    match piece {
        Thought(text, proof) => reasoning(proof.unwrap(), json!([{"type": "summary_text", "text": text}])),
        Sealed(proof) => reasoning(proof, json!([])),
        Text(text, _) => json!({
            "type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
            "content": [{"type": "output_text", "text": text, "annotations": []}],
        }),
        Call { id, arguments, .. } => json!({
            "type": "function_call", "id": format!("fc_{id}"), "call_id": id, "name": TOOL,
            "arguments": arguments, "status": "completed",
        }),
    }
}

fn gemini(piece: &Piece) -> Value {
    let mut part = match piece {
        Thought(text, _) => json!({"text": text, "thought": true}),
        Text(text, _) => json!({"text": text}),
        Call { arguments, .. } => json!({"functionCall": {"name": TOOL, "args": parsed(arguments)}}),
        Sealed(_) => panic!("Gemini seals nothing"),
    };
    if let Some(proof) = crate::proof(piece) {
        part["thoughtSignature"] = proof.into();
    }
    part
}

fn gemini_chunk(parts: Vec<Value>, finish: Option<&str>) -> Value {
    let mut candidate = json!({"content": {"role": "model", "parts": parts}, "index": 0});
    if let Some(finish) = finish {
        candidate["finishReason"] = finish.into();
    }
    let usage = json!({"promptTokenCount": 9, "candidatesTokenCount": 9, "totalTokenCount": 18});
    json!({"candidates": [candidate], "usageMetadata": usage, "modelVersion": model(G), "responseId": "r1"})
}

fn bedrock(piece: &Piece) -> Value {
    match piece {
        Thought(text, proof) => {
            json!({"reasoningContent": {"reasoningText": {"text": text, "signature": proof}}})
        }
        Sealed(proof) => json!({"reasoningContent": {"redactedContent": bytes(proof)}}),
        Text(text, _) => json!({"text": text}),
        Call { id, arguments, .. } => {
            json!({"toolUse": {"toolUseId": id, "name": TOOL, "input": parsed(arguments)}})
        }
    }
}

/// The same answer as a stream, each text in two pieces.
pub(crate) fn stream(dialect: Dialect, pieces: &[Piece]) -> String {
    let mut events = Vec::new();
    match dialect {
        A => anthropic_events(pieces, &mut events),
        R => responses_events(pieces, &mut events),
        G => gemini_events(pieces, &mut events),
        B => bedrock_events(pieces, &mut events),
        C => panic!("Chat's models prove nothing"),
    }
    let mut stream = String::new();
    for (name, data) in events {
        if !name.is_empty() {
            writeln!(stream, "event: {name}").unwrap();
        }
        writeln!(stream, "data: {data}\n").unwrap();
    }
    stream
}

type Events = Vec<(&'static str, Value)>;

fn halves(text: &str) -> [&str; 2] {
    let middle = (text.len() / 2..).find(|end| text.is_char_boundary(*end)).unwrap();
    let (first, second) = text.split_at(middle);
    [first, second]
}

fn anthropic_events(pieces: &[Piece], events: &mut Events) {
    let mut message = whole(A, &[]);
    message["stop_reason"] = Value::Null;
    events.push(("message_start", json!({"type": "message_start", "message": message})));
    for (index, piece) in pieces.iter().enumerate() {
        let mut block = anthropic(piece);
        let deltas = match piece {
            Thought(text, proof) => {
                block["thinking"] = "".into();
                block["signature"] = "".into();
                let text = halves(text).map(|half| json!({"type": "thinking_delta", "thinking": half}));
                let text = text.into_iter().filter(|delta| delta["thinking"] != "");
                text.chain([json!({"type": "signature_delta", "signature": proof})]).collect()
            }
            Sealed(_) => Vec::new(),
            Text(text, _) => {
                block["text"] = "".into();
                halves(text).map(|half| json!({"type": "text_delta", "text": half})).to_vec()
            }
            Call { arguments, .. } => {
                block["input"] = json!({});
                halves(arguments)
                    .map(|half| json!({"type": "input_json_delta", "partial_json": half}))
                    .to_vec()
            }
        };
        let start = json!({"type": "content_block_start", "index": index, "content_block": block});
        events.push(("content_block_start", start));
        for delta in deltas {
            let delta = json!({"type": "content_block_delta", "index": index, "delta": delta});
            events.push(("content_block_delta", delta));
        }
        events.push(("content_block_stop", json!({"type": "content_block_stop", "index": index})));
    }
    let delta = json!({"stop_reason": "tool_use", "stop_sequence": null});
    let usage = json!({"output_tokens": 9});
    events.push(("message_delta", json!({"type": "message_delta", "delta": delta, "usage": usage})));
    events.push(("message_stop", json!({"type": "message_stop"})));
}

fn responses_events(pieces: &[Piece], events: &mut Events) {
    let mut event = |name: &'static str, mut data: Value| {
        data["type"] = name.into();
        data["sequence_number"] = events.len().into();
        events.push((name, data));
    };
    let mut response = whole(R, &[]);
    response["status"] = "in_progress".into();
    event("response.created", json!({"response": response}));
    event("response.in_progress", json!({"response": response}));
    for (index, piece) in pieces.iter().enumerate() {
        let done = responses(piece);
        let id = &done["id"];
        let mut added = done.clone();
        match piece {
            Thought(..) | Sealed(_) => added["summary"] = json!([]),
            Text(..) => added["content"] = json!([]),
            Call { .. } => added["arguments"] = "".into(),
        }
        event("response.output_item.added", json!({"output_index": index, "item": added}));
        let place = |field: &str| json!({"item_id": id, "output_index": index, field: 0});
        let with = |mut place: Value, field: &str, value: Value| {
            place[field] = value;
            place
        };
        match piece {
            Thought(text, _) => {
                let place = place("summary_index");
                let part = |text: &str| json!({"type": "summary_text", "text": text});
                event("response.reasoning_summary_part.added", with(place.clone(), "part", part("")));
                for half in halves(text) {
                    event("response.reasoning_summary_text.delta", with(place.clone(), "delta", half.into()));
                }
                event("response.reasoning_summary_text.done", with(place.clone(), "text", (*text).into()));
                event("response.reasoning_summary_part.done", with(place, "part", part(text)));
            }
            Sealed(_) => {}
            Text(text, _) => {
                let place = place("content_index");
                let part = |text: &str| json!({"type": "output_text", "text": text, "annotations": []});
                event("response.content_part.added", with(place.clone(), "part", part("")));
                for half in halves(text) {
                    event("response.output_text.delta", with(place.clone(), "delta", half.into()));
                }
                event("response.output_text.done", with(place.clone(), "text", (*text).into()));
                event("response.content_part.done", with(place, "part", part(text)));
            }
            Call { arguments, .. } => {
                let place = json!({"item_id": id, "output_index": index});
                for half in halves(arguments) {
                    event(
                        "response.function_call_arguments.delta",
                        with(place.clone(), "delta", half.into()),
                    );
                }
                let whole = with(place, "arguments", (*arguments).into());
                event("response.function_call_arguments.done", whole);
            }
        }
        event("response.output_item.done", json!({"output_index": index, "item": done}));
    }
    event("response.completed", json!({"response": whole(R, pieces)}));
}

fn gemini_events(pieces: &[Piece], events: &mut Events) {
    for piece in pieces {
        let part = gemini(piece);
        match piece {
            Thought(text, _) | Text(text, _) => {
                let [first, second] = halves(text);
                let mut early = part.clone();
                early["text"] = first.into();
                early.as_object_mut().unwrap().remove("thoughtSignature");
                let mut late = part;
                late["text"] = second.into();
                events.push(("", gemini_chunk(vec![early], None)));
                events.push(("", gemini_chunk(vec![late], None)));
            }
            _ => events.push(("", gemini_chunk(vec![part], None))),
        }
    }
    events.push(("", gemini_chunk(vec![json!({"text": ""})], Some("STOP"))));
}

fn bedrock_events(pieces: &[Piece], events: &mut Events) {
    events.push(("messageStart", json!({"role": "assistant"})));
    for (index, piece) in pieces.iter().enumerate() {
        let deltas = match piece {
            Thought(text, proof) => {
                let text = halves(text).into_iter().filter(|half| !half.is_empty());
                let text = text.map(|half| json!({"reasoningContent": {"text": half}}));
                text.chain([json!({"reasoningContent": {"signature": proof}})]).collect()
            }
            Sealed(proof) => vec![json!({"reasoningContent": {"redactedContent": bytes(proof)}})],
            Text(text, _) => halves(text).map(|half| json!({"text": half})).to_vec(),
            Call { id, arguments, .. } => {
                let start = json!({"toolUse": {"toolUseId": id, "name": TOOL}});
                events.push(("contentBlockStart", json!({"contentBlockIndex": index, "start": start})));
                halves(arguments).map(|half| json!({"toolUse": {"input": half}})).to_vec()
            }
        };
        for delta in deltas {
            events.push(("contentBlockDelta", json!({"contentBlockIndex": index, "delta": delta})));
        }
        events.push(("contentBlockStop", json!({"contentBlockIndex": index})));
    }
    events.push(("messageStop", json!({"stopReason": "tool_use"})));
    let usage = json!({"inputTokens": 9, "outputTokens": 9, "totalTokens": 18});
    events.push(("metadata", json!({"usage": usage, "metrics": {"latencyMs": 1}})));
}

/// The turn that waits for its tools, as a request holds it.
#[derive(Debug)]
pub(crate) struct Turn {
    /// What the model said; ids that an upstream did not give are left out.
    pub(crate) pieces: Vec<Piece>,
    /// The ids of its calls.
    calls: Vec<String>,
    /// The ids of the results that follow.
    results: Vec<String>,
    /// Whether the request asks for no thoughts, or for such as need none before.
    pub(crate) is_without_thinking: bool,
}

impl Turn {
    /// Reads the last turn of the model, and the results behind it.
    pub(crate) fn of(dialect: Dialect, body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap();
        let mut turn =
            Self { pieces: Vec::new(), calls: Vec::new(), results: Vec::new(), is_without_thinking: true };
        match dialect {
            A => turn.read_anthropic(&body),
            C => turn.read_chat(&body),
            R => turn.read_responses(&body),
            G => turn.read_gemini(&body),
            B => turn.read_bedrock(&body),
        }
        turn
    }

    /// Each call has its result; the order is that of the calls, if the client's own did not stand.
    pub(crate) fn assert_answered(&self, is_own: bool) {
        assert_eq!(self.calls.len(), 2, "{self:?}");
        assert_ne!(self.calls[0], self.calls[1]);
        let mut results = self.results.clone();
        if is_own {
            results.sort_unstable();
        }
        assert_eq!(self.calls, results);
    }

    /// Ids are compared by their order, since some upstreams give none.
    fn call(&mut self, id: &Value, name: &Value, arguments: &Value, proof: &Value) {
        assert_eq!(name, TOOL);
        self.calls.push(id.as_str().unwrap().to_owned());
        let parsed = |text: &'static str| (text, serde_json::from_str::<Value>(text).unwrap());
        let known = [parsed(r#"{"city":"Århus","n":1.5}"#), parsed("{}")];
        let (arguments, _) = known.into_iter().find(|(_, known)| known == arguments).unwrap();
        let id = if self.calls.len() == 1 { "call_1" } else { "call_2" };
        self.pieces.push(Call { id, arguments, proof: text(proof) });
    }

    fn result(&mut self, id: &Value) {
        self.results.push(id.as_str().unwrap().to_owned());
    }

    fn read_anthropic(&mut self, body: &Value) {
        let (turn, results) = last_two(&body["messages"], "assistant");
        for block in turn["content"].as_array().unwrap() {
            match block["type"].as_str().unwrap() {
                "thinking" => self.thought(&block["thinking"], &block["signature"]),
                "redacted_thinking" => self.pieces.push(Sealed(text(&block["data"]).unwrap())),
                "text" => self.pieces.push(Text(text(&block["text"]).unwrap(), None)),
                "tool_use" => self.call(&block["id"], &block["name"], &block["input"], &Value::Null),
                other => panic!("{other}"),
            }
        }
        for block in results["content"].as_array().unwrap() {
            self.result(&block["tool_use_id"]);
        }
        self.is_without_thinking = matches!(body["thinking"]["type"].as_str(), None | Some("disabled"));
    }

    fn read_chat(&mut self, body: &Value) {
        let messages = body["messages"].as_array().unwrap();
        for message in messages.iter().skip_while(|message| message["role"] != "assistant") {
            if message["role"] == "tool" {
                self.result(&message["tool_call_id"]);
                continue;
            }
            if let Some(text) = text(&message["content"]) {
                self.pieces.push(Text(text, None));
            }
            for call in message["tool_calls"].as_array().unwrap() {
                let function = &call["function"];
                let arguments = serde_json::from_str(function["arguments"].as_str().unwrap()).unwrap();
                self.call(&call["id"], &function["name"], &arguments, &Value::Null);
            }
        }
    }

    fn read_responses(&mut self, body: &Value) {
        for item in body["input"].as_array().unwrap() {
            match item["type"].as_str().unwrap_or("message") {
                "message" if item["role"] != "assistant" => {}
                "message" => {
                    let content = &item["content"];
                    let said = text(content).or_else(|| text(&content[0]["text"])).unwrap();
                    self.pieces.push(Text(said, None));
                }
                "reasoning" => {
                    let proof = format!(
                        "{} {}",
                        item["id"].as_str().unwrap(),
                        item["encrypted_content"].as_str().unwrap()
                    );
                    match item["summary"].as_array().unwrap().as_slice() {
                        [] => self.pieces.push(Sealed(proof.leak())),
                        [summary] => self.thought(&summary["text"], &proof.into()),
                        more => panic!("{more:?}"),
                    }
                }
                "function_call" => {
                    let arguments = serde_json::from_str(item["arguments"].as_str().unwrap()).unwrap();
                    self.call(&item["call_id"], &item["name"], &arguments, &Value::Null);
                }
                "function_call_output" => self.result(&item["call_id"]),
                other => panic!("{other}"),
            }
        }
    }

    fn read_gemini(&mut self, body: &Value) {
        let (turn, results) = last_two(&body["contents"], "model");
        for part in turn["parts"].as_array().unwrap() {
            let proof = &part["thoughtSignature"];
            if part["thought"] == true {
                self.thought(&part["text"], proof);
            } else if let Some(said) = text(&part["text"]) {
                self.text(said, text(proof));
            } else {
                let call = &part["functionCall"];
                let empty = serde_json::json!({});
                let id = call.get("id").cloned().unwrap_or_else(|| self.calls.len().to_string().into());
                self.call(&id, &call["name"], call.get("args").unwrap_or(&empty), proof);
            }
        }
        for part in results["parts"].as_array().unwrap() {
            let response = &part["functionResponse"];
            assert_eq!(response["name"], TOOL);
            let id = response.get("id").cloned().unwrap_or_else(|| self.results.len().to_string().into());
            self.result(&id);
        }
    }

    /// A stream's text comes back in its pieces, the last of which is proved.
    fn text(&mut self, said: &'static str, proof: Option<&'static str>) {
        match self.pieces.last_mut() {
            Some(Text(before, known @ None)) => {
                *before = [*before, said].concat().leak();
                *known = proof;
            }
            _ => self.pieces.push(Text(said, proof)),
        }
    }

    fn read_bedrock(&mut self, body: &Value) {
        let (turn, results) = last_two(&body["messages"], "assistant");
        for block in turn["content"].as_array().unwrap() {
            let call = &block["toolUse"];
            let reasoning = &block["reasoningContent"];
            if call.is_object() {
                self.call(&call["toolUseId"], &call["name"], &call["input"], &Value::Null);
            } else if let Some(sealed) = text(&reasoning["redactedContent"]) {
                let known = ["RXU4FCig"].into_iter().find(|known| bytes(known) == sealed);
                self.pieces.push(Sealed(known.unwrap_or(sealed)));
            } else if reasoning.is_object() {
                self.thought(&reasoning["reasoningText"]["text"], &reasoning["reasoningText"]["signature"]);
            } else {
                self.pieces.push(Text(text(&block["text"]).unwrap(), None));
            }
        }
        for block in results["content"].as_array().unwrap() {
            self.result(&block["toolResult"]["toolUseId"]);
        }
        let thinking = &body["additionalModelRequestFields"]["thinking"]["type"];
        self.is_without_thinking = matches!(thinking.as_str(), None | Some("disabled"));
    }

    fn thought(&mut self, said: &Value, proof: &Value) {
        self.pieces.push(Thought(text(said).unwrap(), text(proof)));
    }
}

/// The last turn of the model and the one behind it.
fn last_two<'a>(turns: &'a Value, role: &str) -> (&'a Value, &'a Value) {
    let turns = turns.as_array().unwrap();
    let place = turns.iter().rposition(|turn| turn["role"] == role).unwrap();
    assert_eq!(turns.len(), place + 2, "the results stand last");
    (&turns[place], &turns[place + 1])
}

/// Pieces hold texts of the program; a test may leak.
fn text(value: &Value) -> Option<&'static str> {
    value.as_str().map(|text| &*text.to_owned().leak())
}
