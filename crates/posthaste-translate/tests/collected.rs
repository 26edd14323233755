//! A stream that is put together and then translated says what the translated stream says.

#![expect(clippy::unwrap_used, reason = "a test may fail anywhere")]

use std::{fs, path::PathBuf};

use posthaste_core::{Dialect, ModelName, Surface, Timestamp};
use posthaste_translate::{StreamContext, StreamTranslator, translate_response};
use posthaste_wire::{Progress, StreamCollector, StreamTap, read_whole};
use serde_json::{Value, json};
use uuid::Uuid;

/// A whole message of Chat has its text before its calls, wherever it stood in the stream. Gemini's calls come in pieces
/// only to those who ask for a stream of pieces.
const OTHERWISE: [&str; 2] = ["mistral", "arguments-in-pieces"];

const CLIENT: Dialect = Dialect::AnthropicMessages;

/// The streams of a dialect's fixtures that come to their end.
fn streams(dialect: Dialect) -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(dialect.as_str());
    let entries = fs::read_dir(folder.join("stream")).unwrap().map(|entry| entry.unwrap().path());
    let mut streams: Vec<_> = entries
        .filter(|path| path.extension().is_some_and(|extension| extension == "sse"))
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), fs::read(path).unwrap()))
        .filter(|(_, stream)| tapped(dialect, stream).progress() == Progress::Ended)
        .collect();
    streams.sort();
    assert!(streams.len() > 3, "the fixtures are there");
    streams
}

fn tapped(dialect: Dialect, stream: &[u8]) -> StreamTap {
    let mut tap = StreamTap::new(dialect);
    let _ = tap.push(stream).and_then(|_| tap.finish());
    tap
}

fn collected(dialect: Dialect, stream: &[u8]) -> Vec<u8> {
    let mut collector = StreamCollector::new(Surface::plain(dialect)).unwrap();
    for piece in stream.chunks(7) {
        collector.push(piece).unwrap();
    }
    collector.finish().unwrap().to_vec()
}

fn context(dialect: Dialect) -> StreamContext {
    StreamContext::plain(ModelName::parse("m").unwrap(), dialect, Timestamp::EPOCH, Uuid::nil())
}

/// What a client is told: each block's kind and words, and why the answer ended.
fn told(whole: &[u8]) -> Value {
    let whole: Value = serde_json::from_slice(whole).unwrap();
    let mut blocks: Vec<Value> = Vec::new();
    for block in whole["content"].as_array().unwrap() {
        let words = |name: &str| block[name].as_str().unwrap_or_default().to_owned();
        let mut block = match block["type"].as_str().unwrap() {
            // A call that the cap on the answer cut off: a stream has begun it by then, a whole answer leaves it out.
            "tool_use" if whole["stop_reason"] == "max_tokens" && block["input"] == json!({}) => continue,
            "text" => json!({"kind": "text", "words": words("text")}),
            "thinking" => json!({"kind": "thinking", "words": words("thinking")}),
            "tool_use" => json!({"kind": words("name"), "words": block["input"], "id": block["id"]}),
            // What only one dialect knows is shown in whole answers alone.
            _ => continue,
        };
        match blocks.last_mut() {
            Some(last) if last["kind"] == block["kind"] && last["words"].is_string() => {
                block["words"] =
                    [last["words"].as_str().unwrap(), block["words"].as_str().unwrap()].concat().into();
                *last = block;
            }
            _ if block["words"] == json!("") => {}
            _ => blocks.push(block),
        }
    }
    json!({"blocks": blocks, "stop_reason": whole["stop_reason"]})
}

#[test]
fn both_ways_tell_the_same() {
    for dialect in Dialect::ALL.into_iter().filter(|dialect| *dialect != Dialect::BedrockConverse) {
        for (name, stream) in
            streams(dialect).into_iter().filter(|(name, _)| !OTHERWISE.contains(&name.as_str()))
        {
            let mut translator = StreamTranslator::new(dialect, CLIENT, context(dialect));
            let mut translated = Vec::new();
            translator.push(&stream, &mut translated).unwrap();
            translator.finish(&mut translated).unwrap();
            let streamed = told(&collected(CLIENT, &translated));

            let whole = translate_response(dialect, CLIENT, &collected(dialect, &stream), &context(dialect));
            match whole {
                Ok(whole) => assert_eq!(told(&whole.body), streamed, "{dialect} {name}"),
                Err(error) => {
                    assert!(
                        ["failed-inside", "malformed-call"].contains(&name.as_str()),
                        "{dialect} {name}: {error}"
                    );
                }
            }
        }
    }
}

#[test]
fn what_is_put_together_counts_as_the_stream_does() {
    for dialect in Dialect::ALL.into_iter().filter(|dialect| *dialect != Dialect::BedrockConverse) {
        for (name, stream) in streams(dialect) {
            let whole = read_whole(dialect, &collected(dialect, &stream)).unwrap();
            assert_eq!(whole.error.is_some(), name == "malformed-call", "{dialect} {name}");
            let usage = tapped(dialect, &stream).usage();
            assert_eq!(whole.usage.unwrap_or_default(), usage, "{dialect} {name}");
        }
    }
}
