//! No input makes a reader panic, and what a reader takes every writer takes or refuses in words.

#![expect(clippy::unwrap_used, reason = "a test may fail anywhere")]

use std::{fs, sync::LazyLock};

use posthaste_core::{ChatVariant, Dialect, ModelName, Timestamp};
use posthaste_translate::{StreamContext, StreamTranslator, Target, codec};
use proptest::prelude::*;
use uuid::Uuid;

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes(body in prop::collection::vec(any::<u8>(), 0..200)) {
        read_everything(&body);
    }

    #[test]
    fn arbitrary_json(body in json()) {
        read_everything(body.as_bytes());
    }

    #[test]
    fn mutated_fixtures(body in any::<prop::sample::Index>(), changes in prop::collection::vec(change(), 1..6)) {
        let mut body = body.get(&FIXTURES).clone();
        for change in changes {
            change.apply(&mut body, &FIXTURES);
        }
        read_everything(&body);
    }
}

/// Reads the bytes as all that they could be, and writes on what could be read.
fn read_everything(body: &[u8]) {
    for from in Dialect::ALL {
        let request = codec(from).decode_request(body);
        let response = codec(from).decode_response(body);
        for to in Dialect::ALL {
            let mut written = Vec::new();
            if let Ok(request) = &request {
                let encode = |target| codec(to).encode_request(request, &target);
                written
                    .extend(targets(to).filter_map(|target| encode(target).ok()).map(|encoded| encoded.body));
            }
            if let Ok(response) = &response {
                written
                    .extend(codec(to).encode_response(response, &context(from)).map(|encoded| encoded.body));
            }
            for body in written {
                serde_json::from_slice::<serde::de::IgnoredAny>(&body).expect("what is written is JSON");
            }
            stream(from, to, body);
        }
    }
}

/// An upstream of the dialect, or one of every vendor that bends it.
fn targets(to: Dialect) -> impl Iterator<Item = Target> {
    let variants: &[ChatVariant] = match to {
        Dialect::OpenAiChat => &[
            ChatVariant::OpenAi,
            ChatVariant::Compatible,
            ChatVariant::Qwen,
            ChatVariant::Glm,
            ChatVariant::DeepSeek,
            ChatVariant::Moonshot,
            ChatVariant::OpenRouter,
        ],
        _ => &[ChatVariant::OpenAi],
    };
    variants.iter().map(move |variant| Target { variant: *variant, ..Target::of(to) })
}

fn context(from: Dialect) -> StreamContext {
    let model = ModelName::parse("asked").unwrap();
    StreamContext::plain(model, from, Timestamp::EPOCH, Uuid::nil())
}

fn stream(from: Dialect, to: Dialect, body: &[u8]) {
    let context = context(from);
    let mut out = Vec::new();
    let mut translator = StreamTranslator::new(from, to, context.clone());
    let _ = translator.push(body, &mut out).and_then(|()| translator.finish(&mut out));
    // As the data of frames too, which arbitrary bytes hardly ever are.
    let mut translator = StreamTranslator::new(from, to, context);
    for line in body.split(|byte| *byte == b'\n') {
        let _ = translator.push(&[b"data: ", line, b"\n\n"].concat(), &mut out);
    }
    let _ = translator.finish(&mut out);
    if from == Dialect::BedrockConverse {
        named_frames(body, to, &mut out);
    }
    String::from_utf8(out).expect("what is written is UTF-8");
}

/// As the data of events whose names tell what they are.
fn named_frames(body: &[u8], to: Dialect, out: &mut Vec<u8>) {
    let from = Dialect::BedrockConverse;
    let mut translator = StreamTranslator::new(from, to, context(from));
    for line in body.split(|byte| *byte == b'\n') {
        for name in ["contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata"]
        {
            let _ = translator.push(&[b"event: ", name.as_bytes(), b"\ndata: ", line, b"\n\n"].concat(), out);
        }
    }
    let _ = translator.finish(out);
}

#[derive(Clone, Debug)]
enum Change {
    Replace(prop::sample::Index, u8),
    Remove(prop::sample::Index, usize),
    Cut(prop::sample::Index),
    Double(prop::sample::Index, usize),
    Value(prop::sample::Index, &'static str),
    Splice(prop::sample::Index, prop::sample::Index, prop::sample::Index),
}

impl Change {
    fn apply(&self, body: &mut Vec<u8>, fixtures: &[Vec<u8>]) {
        if body.is_empty() {
            return;
        }
        match self {
            Self::Replace(at, byte) => {
                let at = at.index(body.len());
                body[at] = *byte;
            }
            Self::Remove(at, length) => {
                let at = at.index(body.len());
                let end = (at + length).min(body.len());
                body.drain(at..end);
            }
            Self::Cut(at) => body.truncate(at.index(body.len())),
            Self::Double(at, length) => {
                let at = at.index(body.len());
                let piece = body[at..(at + length).min(body.len())].to_vec();
                body.splice(at..at, piece);
            }
            Self::Value(at, value) => replace_value(body, *at, value),
            Self::Splice(at, other, from) => {
                let at = at.index(body.len());
                let other = other.get(fixtures);
                let from = from.index(other.len());
                body.splice(at.., other[from..].iter().copied());
            }
        }
    }
}

/// Puts another value behind one of the colons, so that the body mostly stays JSON.
fn replace_value(body: &mut Vec<u8>, at: prop::sample::Index, value: &str) {
    let colons: Vec<usize> = (0..body.len()).filter(|at| body[*at] == b':').collect();
    if colons.is_empty() {
        return;
    }
    let start = at.get(&colons) + 1;
    let mut values =
        serde_json::Deserializer::from_slice(&body[start..]).into_iter::<serde::de::IgnoredAny>();
    if matches!(values.next(), Some(Ok(_))) {
        let end = start + values.byte_offset();
        body.splice(start..end, value.bytes());
    }
}

fn change() -> impl Strategy<Value = Change> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        1 => (index(), any::<u8>()).prop_map(|(at, byte)| Change::Replace(at, byte)),
        1 => (index(), 1..20_usize).prop_map(|(at, length)| Change::Remove(at, length)),
        1 => index().prop_map(Change::Cut),
        1 => (index(), 1..60_usize).prop_map(|(at, length)| Change::Double(at, length)),
        6 => (index(), prop::sample::select(VALUES)).prop_map(|(at, value)| Change::Value(at, value)),
        1 => (index(), index(), index()).prop_map(|(at, other, from)| Change::Splice(at, other, from)),
    ]
}

const VALUES: &[&str] = &[
    "null",
    "true",
    "0",
    "-1",
    "1e999",
    "99999999999999999999",
    "1.5",
    "\"\"",
    "\" \"",
    "\"text\"",
    "\"tool_use\"",
    "\"\\ud83d\\ude00\"",
    "\"\\ud83d\"",
    "[]",
    "[null]",
    "[[]]",
    "{}",
    "{\"type\":null}",
    "{\"type\":\"text\"}",
    "[{\"type\":\"text\",\"text\":\"\"}]",
    "[{\"id\":\"a\",\"function\":{\"name\":\"f\"}}]",
    "{\"type\":\"reasoning\",\"summary\":[{\"text\":\"a\"}]}",
    "{\"type\":\"function_call\",\"call_id\":\"a\",\"name\":\"n::f\",\"arguments\":\"{}\"}",
    "[{\"type\":\"namespace\",\"name\":\"n\",\"tools\":[{\"type\":\"custom\",\"name\":\"f\"}]}]",
    "\"response.output_text.delta\"",
    "\"response.output_item.done\"",
    "\"response.completed\"",
    "\"completed\"",
    "\"assistant\"",
    "\"tool\"",
    "{\"parts\":[{\"text\":\"a\"}]}",
    "[{\"functionCall\":{\"name\":\"f\",\"willContinue\":true}}]",
    "\"STOP\"",
    "\"MALFORMED_FUNCTION_CALL\"",
    "\"$.a[0]\"",
];

fn json() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(VALUES).prop_map(str::to_owned);
    leaf.prop_recursive(5, 40, 5, |inner| {
        let field = (prop::sample::select(FIELDS), inner.clone());
        prop_oneof![
            1 => prop::collection::vec(inner, 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            4 => prop::collection::vec(field, 0..6).prop_map(|fields| {
                let fields: Vec<_> = fields.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
                format!("{{{}}}", fields.join(","))
            }),
        ]
    })
}

const FIELDS: &[&str] = &[
    "model",
    "messages",
    "role",
    "content",
    "type",
    "text",
    "tool_calls",
    "function",
    "arguments",
    "name",
    "id",
    "input",
    "tool_use_id",
    "tool_call_id",
    "index",
    "delta",
    "choices",
    "usage",
    "finish_reason",
    "stop_reason",
    "content_block",
    "message",
    "error",
    "custom",
    "annotations",
    "citations",
    "reasoning_details",
    "function_call",
    "functions",
    "tools",
    "tool_choice",
    "system",
    "thinking",
    "source",
    "contents",
    "parts",
    "functionCall",
    "function_response",
    "partialArgs",
    "inlineData",
    "mimeType",
    "thought",
    "thoughtSignature",
    "systemInstruction",
    "generationConfig",
    "responseSchema",
    "functionDeclarations",
    "candidates",
    "finishReason",
    "usageMetadata",
    "groundingMetadata",
    "promptFeedback",
    "toolUse",
    "toolResult",
    "toolUseId",
    "reasoningContent",
    "cachePoint",
    "toolConfig",
    "additionalModelRequestFields",
    "contentBlockIndex",
    "stopReason",
    "output",
    "output",
    "item",
    "summary",
    "encrypted_content",
    "output_index",
    "content_index",
    "response",
    "status",
    "x",
];

static FIXTURES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(fixtures);

fn fixtures() -> Vec<Vec<u8>> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures");
    let mut fixtures = Vec::new();
    for dialect in Dialect::ALL {
        for kind in ["request", "response", "stream", "error"] {
            let folder = fs::read_dir(format!("{root}/{dialect}/{kind}")).unwrap();
            let mut paths: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
            paths.retain(|path| path.extension().is_some_and(|extension| extension != "md"));
            paths.sort();
            fixtures.extend(paths.iter().map(|path| fs::read(path).unwrap()));
        }
    }
    assert!(fixtures.len() > 80);
    fixtures
}
