//! Streams as weak vendors and cut connections make them.

#![expect(clippy::unwrap_used, reason = "a test may fail anywhere")]

use std::fmt::Write as _;

use posthaste_core::{Dialect, ModelName, Timestamp};
use posthaste_translate::{Loss, StreamContext, StreamTranslator, TranslateError};
use posthaste_wire::{Framing, Repacker};
use rstest::rstest;
use uuid::Uuid;

const A: Dialect = Dialect::AnthropicMessages;
const C: Dialect = Dialect::OpenAiChat;
const G: Dialect = Dialect::GeminiGenerate;
const B: Dialect = Dialect::BedrockConverse;
const R: Dialect = Dialect::OpenAiResponses;

/// The client's stream in a line an event, and how the translation ended.
struct Told {
    text: String,
    losses: Vec<Loss>,
    end: Result<(), TranslateError>,
}

fn translate(from: Dialect, to: Dialect, frames: &[&str], include_usage: bool) -> Told {
    translate_in(context(from, include_usage), from, to, frames)
}

fn translate_in(context: StreamContext, from: Dialect, to: Dialect, frames: &[&str]) -> Told {
    let mut translator = StreamTranslator::new(from, to, context);
    let mut out = Vec::new();
    let mut stream = String::new();
    for frame in frames {
        write!(stream, "data: {frame}\n\n").unwrap();
    }
    let end = translator.push(stream.as_bytes(), &mut out).and_then(|()| translator.finish(&mut out));
    Told { text: String::from_utf8(out).unwrap(), losses: translator.losses().to_vec(), end }
}

/// What a client gets of Converse's named events.
fn translate_named(to: Dialect, frames: &[(&str, &str)]) -> Told {
    let mut translator = StreamTranslator::new(B, to, context(B, true));
    let mut out = Vec::new();
    let mut stream = String::new();
    for (name, data) in frames {
        write!(stream, "event: {name}\ndata: {data}\n\n").unwrap();
    }
    let end = translator.push(stream.as_bytes(), &mut out).and_then(|()| translator.finish(&mut out));
    Told { text: String::from_utf8(out).unwrap(), losses: translator.losses().to_vec(), end }
}

fn context(from: Dialect, include_usage: bool) -> StreamContext {
    let model = ModelName::parse("asked").unwrap();
    let mut context = StreamContext::plain(model, from, Timestamp::from_secs(1), Uuid::nil());
    context.include_usage = include_usage;
    context
}

/// What an Anthropic client makes of a Chat stream: blocks in their order, then the stop reason.
fn blocks(frames: &[&str]) -> Vec<String> {
    let told = translate(C, A, frames, true);
    told.end.unwrap();
    let mut blocks: Vec<String> = Vec::new();
    let mut open = false;
    for event in told.text.lines().filter_map(|line| line.strip_prefix("data: ")) {
        let event: serde_json::Value = serde_json::from_str(event).unwrap();
        match event["type"].as_str().unwrap() {
            "content_block_start" => {
                assert!(!open, "blocks follow each other");
                assert_eq!(event["index"], blocks.len());
                let block = &event["content_block"];
                blocks.push(match block["type"].as_str().unwrap() {
                    "tool_use" => {
                        format!("{} {} ", block["id"].as_str().unwrap(), block["name"].as_str().unwrap())
                    }
                    kind => format!("{kind} "),
                });
                open = true;
            }
            "content_block_delta" => {
                assert!(open);
                assert_eq!(event["index"], blocks.len() - 1);
                let delta = event["delta"].as_object().unwrap();
                if delta["type"] == "signature_delta" {
                    continue;
                }
                let text =
                    ["text", "thinking", "partial_json"].iter().find_map(|field| delta.get(*field)).unwrap();
                blocks.last_mut().unwrap().push_str(text.as_str().unwrap());
            }
            "content_block_stop" => {
                assert!(open);
                open = false;
            }
            "message_delta" => blocks.push(event["delta"]["stop_reason"].as_str().unwrap().to_owned()),
            _ => {}
        }
    }
    assert!(!open);
    blocks
}

fn delta(delta: &str) -> String {
    format!(r#"{{"choices":[{{"index":0,"delta":{delta}}}]}}"#)
}

fn call(call: &str) -> String {
    delta(&format!(r#"{{"tool_calls":[{call}]}}"#))
}

const STOP: &str = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
const DONE: &str = "[DONE]";

#[test]
fn interleaved_calls_are_held_back_until_the_open_one_ends() {
    let frames = [
        call(r#"{"index":0,"id":"a","function":{"name":"f","arguments":""}}"#),
        call(r#"{"index":1,"id":"b","function":{"name":"g","arguments":""}}"#),
        call(r#"{"index":0,"function":{"arguments":"{\"x\""}}"#),
        call(r#"{"index":1,"function":{"arguments":"{\"y\":"}}"#),
        call(r#"{"index":2,"id":"c","function":{"name":"h","arguments":"{}"}}"#),
        call(r#"{"index":0,"function":{"arguments":":1}"}}"#),
        call(r#"{"index":1,"function":{"arguments":"2}"}}"#),
        delta(r#"{"content":"after"}"#),
    ];
    let mut frames: Vec<&str> = frames.iter().map(String::as_str).collect();
    frames.extend([STOP, DONE]);
    assert_eq!(blocks(&frames), [r#"a f {"x":1}"#, r#"b g {"y":2}"#, "c h {}", "text after", "tool_use"]);
}

#[rstest]
#[case::without_index(
    &[r#"{"id":"a","function":{"name":"f","arguments":"{}"}}"#, r#"{"id":"b","function":{"name":"g","arguments":"{\"x\":"}}"#, r#"{"function":{"arguments":"1}"}}"#],
    &["a f {}", r#"b g {"x":1}"#]
)]
#[case::all_with_index_zero(
    &[r#"{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}"#, r#"{"index":0,"id":"b","function":{"name":"g","arguments":"{}"}}"#],
    &["a f {}", "b g {}"]
)]
#[case::id_and_name_repeated(
    &[r#"{"index":0,"id":"a","function":{"name":"f","arguments":"{"}}"#, r#"{"index":0,"id":"a","function":{"name":"f","arguments":"}"}}"#],
    &["a f {}"]
)]
#[case::without_id(
    &[r#"{"index":0,"id":"","function":{"name":"f","arguments":"{}"}}"#, r#"{"index":1,"function":{"name":"g"}}"#],
    &["call_000000000000000000000 f {}", "call_000000000000000000001 g "]
)]
#[case::arguments_as_an_object(&[r#"{"index":0,"id":"a","function":{"name":"f","arguments":{"x":1.0}}}"#], &[r#"a f {"x":1.0}"#])]
fn calls_are_told_apart(#[case] calls: &[&str], #[case] expected: &[&str]) {
    let frames: Vec<String> = calls.iter().map(|json| call(json)).collect();
    let mut frames: Vec<&str> = frames.iter().map(String::as_str).collect();
    frames.extend([STOP, DONE]);
    let mut expected = expected.to_vec();
    expected.push("tool_use");
    assert_eq!(blocks(&frames), expected);
}

#[test]
fn thoughts_text_and_calls_take_turns() {
    let frames = [
        delta(r#"{"role":"assistant","content":null,"reasoning":"Hm."}"#),
        delta(r#"{"content":[{"type":"text","text":"One"}]}"#),
        delta(r#"{"content":" two"}"#),
        call(r#"{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}"#),
        delta(r#"{"reasoning_content":"More."}"#),
    ];
    let mut frames: Vec<&str> = frames.iter().map(String::as_str).collect();
    frames.extend([STOP, DONE]);
    assert_eq!(blocks(&frames), ["thinking Hm.", "text One two", "a f {}", "thinking More.", "tool_use"]);
}

#[rstest]
#[case::nothing(C, A, &[])]
#[case::no_reason(C, A, &[r#"{"choices":[{"index":0,"delta":{"content":"Hal"}}]}"#])]
#[case::terminator_without_reason(C, A, &[r#"{"choices":[{"index":0,"delta":{"content":"Hal"}}]}"#, DONE])]
#[case::no_reason_from_anthropic(
    A, C,
    &[r#"{"type":"message_start","message":{}}"#, r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"Hal"}}"#, r#"{"type":"content_block_stop","index":0}"#]
)]
#[case::no_last_event_from_responses(
    R, A,
    &[r#"{"type":"response.created","response":{}}"#, r#"{"type":"response.output_text.delta","delta":"Hal"}"#]
)]
#[case::chats_terminator_from_responses(R, C, &[r#"{"type":"response.output_text.delta","delta":"Hal"}"#, DONE])]
#[case::to_responses(C, R, &[r#"{"choices":[{"index":0,"delta":{"content":"Hal"}}]}"#])]
#[case::message_stop_without_reason(A, C, &[r#"{"type":"message_start","message":{}}"#, r#"{"type":"message_stop"}"#])]
#[case::no_reason_from_gemini(G, A, &[r#"{"candidates":[{"content":{"parts":[{"text":"Hal"}]}}]}"#])]
#[case::no_reason_for_gemini(C, G, &[r#"{"choices":[{"index":0,"delta":{"content":"Hal"}}]}"#, DONE])]
#[case::half_a_call_from_gemini(
    G, A,
    &[r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","willContinue":true}}]}}]}"#]
)]
fn no_end_is_made_up(#[case] from: Dialect, #[case] to: Dialect, #[case] frames: &[&str]) {
    let told = translate(from, to, frames, true);
    assert!(matches!(told.end, Err(TranslateError::Truncated)), "{:?}", told.end);
    for end in [
        "message_delta",
        "message_stop",
        "finish_reason\":\"",
        "finishReason",
        "[DONE]",
        "response.completed",
    ] {
        assert!(!told.text.contains(end), "{}", told.text);
    }
}

#[rstest]
#[case(A, C)]
#[case(C, A)]
#[case(G, A)]
#[case(B, A)]
#[case(C, B)]
#[case(R, A)]
fn what_is_not_json_fails_the_stream(#[case] from: Dialect, #[case] to: Dialect) {
    let told = translate(from, to, &["<html>"], true);
    assert!(matches!(told.end, Err(TranslateError::UnreadableAnswer { dialect, .. }) if dialect == from));
    assert_eq!(told.text, "");
}

#[test]
fn nothing_follows_an_error() {
    let frames = [
        r#"{"type":"message_start","message":{}}"#,
        r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"}}"#,
        r#"{"type":"message_stop"}"#,
    ];
    let told = translate(A, C, &frames, true);
    told.end.unwrap();
    assert!(told.text.ends_with("\"code\":\"server_is_overloaded\"}}\n\n"), "{}", told.text);
}

#[test]
fn usage_is_told_only_to_those_who_asked() {
    let frames = [
        r#"{"type":"message_start","message":{"usage":{"input_tokens":3,"cache_read_input_tokens":4}}}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":5}}"#,
        r#"{"type":"message_stop"}"#,
    ];
    assert!(!translate(A, C, &frames, false).text.contains("usage"));
    let told = translate(A, C, &frames, true).text;
    assert!(
        told.contains(r#""choices":[],"usage":{"prompt_tokens":7,"completion_tokens":5,"total_tokens":12"#),
        "{told}"
    );
}

#[test]
fn a_call_without_arguments_has_an_empty_object() {
    let start = |input: &str| {
        format!(
            r#"{{"type":"content_block_start","index":0,"content_block":{{"type":"tool_use","id":"a","name":"f","input":{input}}}}}"#
        )
    };
    for (input, expected) in
        [("{}", r#""arguments":"{}""#), (r#"{"x": 1.0}"#, r#""arguments":"{\"x\":1.0}""#)]
    {
        let start = start(input);
        let frames = [
            r#"{"type":"message_start","message":{}}"#,
            &start,
            r#"{"type":"content_block_stop","index":0}"#,
            r#"{"type":"message_delta","delta":{"stop_reason":"tool_use"}}"#,
        ];
        let told = translate(A, C, &frames, false);
        told.end.unwrap();
        assert!(told.text.contains(expected), "{}", told.text);
    }
}

#[test]
fn unknown_things_are_named_and_passed_over() {
    let frames = [
        r#"{"type":"message_start","message":{}}"#,
        r#"{"type":"weather","index":9}"#,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"sculpture","stone":"marble"}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"chisel_delta"}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{}"}}"#,
        r#"{"type":"content_block_stop","index":0}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"bored"}}"#,
        r#"{"type":"message_stop"}"#,
    ];
    let told = translate(A, C, &frames, false);
    told.end.unwrap();
    let fields: Vec<_> = told.losses.iter().map(|loss| loss.field.as_str()).collect();
    assert_eq!(
        fields,
        ["event.weather", "content.sculpture", "event.content_block_delta.chisel_delta", "stop_reason"]
    );
    assert!(told.text.contains(r#""finish_reason":"stop""#));
}

/// The parts and the last candidate that a Gemini client gets.
fn generated(from: Dialect, frames: &[&str], include_thoughts: bool) -> (Vec<String>, serde_json::Value) {
    let mut context = context(from, true);
    context.include_thoughts = include_thoughts;
    let told = translate_in(context, from, G, frames);
    told.end.unwrap();
    let mut parts = Vec::new();
    let mut last = serde_json::Value::Null;
    for chunk in told.text.lines().filter_map(|line| line.strip_prefix("data: ")) {
        last = serde_json::from_str(chunk).unwrap();
        assert_eq!(last["modelVersion"], "asked");
        let candidate = &last["candidates"][0];
        parts.extend(candidate["content"]["parts"].as_array().unwrap().iter().map(ToString::to_string));
    }
    (parts, last)
}

#[test]
fn a_gemini_client_gets_calls_whole_and_the_end_in_the_last_chunk() {
    let frames = [
        call(r#"{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\""}}"#),
        call(r#"{"index":1,"id":"b","function":{"name":"g","arguments":""}}"#),
        call(r#"{"index":0,"function":{"arguments":":1.50}"}}"#),
    ];
    let mut frames: Vec<&str> = frames.iter().map(String::as_str).collect();
    frames.extend([STOP, r#"{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":5}}"#, DONE]);
    let (parts, last) = generated(C, &frames, true);
    assert_eq!(
        parts,
        [
            r#"{"functionCall":{"args":{"x":1.5},"id":"a","name":"f"}}"#,
            r#"{"functionCall":{"args":{},"id":"b","name":"g"}}"#,
            r#"{"text":""}"#,
        ]
    );
    assert_eq!(last["candidates"][0]["finishReason"], "STOP");
    assert_eq!(last["usageMetadata"]["totalTokenCount"], 14);
}

#[test]
fn thoughts_are_for_those_who_asked_and_their_signatures_for_all() {
    let frames = [
        r#"{"type":"message_start","message":{}}"#,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Hm."}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"c2ln"}}"#,
        r#"{"type":"content_block_stop","index":0}"#,
        r#"{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}"#,
        r#"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"So"}}"#,
        r#"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"."}}"#,
        r#"{"type":"content_block_stop","index":1}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"}}"#,
        r#"{"type":"message_stop"}"#,
    ];
    let hidden = generated(A, &frames, false).0;
    assert_eq!(hidden[..2], [r#"{"text":"So"}"#, r#"{"text":"."}"#]);
    assert!(hidden[2].starts_with(r#"{"text":"","thoughtSignature":""#), "{hidden:?}");
    let shown = generated(A, &frames, true).0;
    assert_eq!(shown[0], r#"{"text":"Hm.","thought":true}"#);
    assert_eq!(shown[1..], hidden);
}

/// Claude Code takes the last block for what was said.
#[test]
fn no_answer_of_anthropic_ends_with_a_sealed_thought() {
    let frames = [
        r#"{"candidates":[{"content":{"parts":[{"text":"Done."}]}}]}"#,
        r#"{"candidates":[{"content":{"parts":[{"text":"","thoughtSignature":"c2ln"}]},"finishReason":"STOP"}]}"#,
    ];
    let told = translate(G, A, &frames, true);
    assert!(!told.text.contains("redacted_thinking"), "{}", told.text);
    assert!(told.losses.iter().any(|loss| loss.field == "content.redacted_thinking"), "{:?}", told.losses);
}

#[test]
fn a_signed_text_of_gemini_is_a_block_of_its_own() {
    let frames = [
        r#"{"candidates":[{"content":{"parts":[{"text":"One","thoughtSignature":"c2ln"},{"text":"Two"}]}}]}"#,
        r#"{"candidates":[{"content":{"parts":[{"text":" three"}]},"finishReason":"STOP"}]}"#,
    ];
    let told = translate(G, A, &frames, true);
    told.end.unwrap();
    // The signature travels in a block between them.
    assert_eq!(told.text.matches("content_block_start\ndata").count(), 3, "{}", told.text);
    assert!(!told.text.contains("signature_delta"), "{}", told.text);
    let (parts, _) = generated(G, &frames, true);
    assert_eq!(
        parts,
        [
            r#"{"text":"One"}"#,
            r#"{"text":"","thoughtSignature":"c2ln"}"#,
            r#"{"text":"Two"}"#,
            r#"{"text":" three"}"#,
            r#"{"text":""}"#,
        ]
    );
}

#[test]
fn places_of_citations_are_counted_in_bytes_of_all_text() {
    let frames = [
        r#"{"candidates":[{"content":{"parts":[{"text":"Zürich"}]}}]}"#.to_owned(),
        r#"{"candidates":[{"content":{"parts":[{"text":" 日."}]},"finishReason":"STOP","groundingMetadata":{
            "groundingChunks":[{"web":{"uri":"https://a.test","title":"A"}}],
            "groundingSupports":[{"segment":{"startIndex":8,"endIndex":12},"groundingChunkIndices":[0]}]}}]}"#
            .replace('\n', ""),
    ];
    let (_, last) = generated(G, &frames.iter().map(AsRef::as_ref).collect::<Vec<_>>(), true);
    let segment = &last["candidates"][0]["groundingMetadata"]["groundingSupports"][0]["segment"];
    assert_eq!((&segment["startIndex"], &segment["endIndex"]), (&8.into(), &12.into()));
}

/// The same events in another framing, cut anywhere or cut off behind the last of them.
#[test]
fn the_framing_of_the_upstream_makes_no_difference() {
    let frames = [
        r#"{"type":"message_start","message":{"usage":{"input_tokens":7}}}"#,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hi"}}"#,
        r#"{"type":"content_block_stop","index":0}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":3}}"#,
        r#"{"type":"message_stop"}"#,
    ];
    let expected = translate(A, C, &frames, true).text;
    assert!(expected.contains("hi") && expected.ends_with("data: [DONE]\n\n"), "{expected}");
    let sse: String = frames.iter().map(|frame| format!("data: {frame}\n\n")).collect();
    for framing in [Framing::EventStream, Framing::InvokeChunks, Framing::JsonArray] {
        let mut upstream = Vec::new();
        // Without its end, so an array lacks its bracket.
        Repacker::new(Framing::Sse, framing).push(sse.as_bytes(), &mut upstream).unwrap();
        for size in [1, 50, upstream.len()] {
            let mut translator = StreamTranslator::with_framing(A, framing, C, context(A, true));
            let mut out = Vec::new();
            for chunk in upstream.chunks(size) {
                translator.push(chunk, &mut out).unwrap();
            }
            translator.finish(&mut out).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), expected, "{framing:?} in pieces of {size}");
        }
        let mut translator = StreamTranslator::with_framing(A, framing, C, context(A, true));
        let half = &upstream[..upstream.len() / 2];
        translator.push(half, &mut Vec::new()).unwrap();
        assert!(matches!(translator.finish(&mut Vec::new()), Err(TranslateError::Truncated)), "{framing:?}");
    }
}

const START: (&str, &str) = ("messageStart", r#"{"role":"assistant","p":"abc"}"#);

#[test]
fn blocks_without_a_start_begin_with_their_first_delta() {
    let told = translate_named(
        C,
        &[
            START,
            ("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"Hm."}}}"#),
            ("contentBlockDelta", r#"{"contentBlockIndex":1,"delta":{"text":""}}"#),
            ("contentBlockDelta", r#"{"contentBlockIndex":1,"delta":{"text":"One"}}"#),
            ("contentBlockStop", r#"{"contentBlockIndex":1}"#),
            ("messageStop", r#"{"stopReason":"end_turn"}"#),
        ],
    );
    told.end.unwrap();
    assert_eq!(told.losses, []);
    assert!(told.text.contains(r#""reasoning_content":"Hm.""#), "{}", told.text);
    assert!(told.text.contains(r#""content":"One""#), "{}", told.text);
    assert!(told.text.ends_with("data: [DONE]\n\n"), "{}", told.text);
}

#[test]
fn an_exception_ends_a_stream_as_the_client_knows_it() {
    let stop = ("messageStop", r#"{"stopReason":"end_turn"}"#);
    for (name, expected) in [
        ("throttlingException", "rate_limit_error"),
        ("serviceUnavailableException", "overloaded_error"),
        ("internalServerException", "api_error"),
        ("newException", "api_error"),
    ] {
        let told = translate_named(A, &[START, (name, r#"{"message":"No."}"#), stop]);
        told.end.unwrap();
        assert!(told.text.contains(&format!(r#""type":"{expected}""#)), "{name}: {}", told.text);
        assert!(!told.text.contains("message_stop"), "{}", told.text);
    }
}

#[rstest]
#[case::nothing(&[])]
#[case::no_reason(&[START, ("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"text":"Hal"}}"#)])]
#[case::counts_without_a_reason(&[START, ("metadata", r#"{"usage":{"inputTokens":1,"outputTokens":1}}"#)])]
#[case::an_empty_reason(&[START, ("messageStop", "{}")])]
fn converse_gets_no_end_made_up(#[case] frames: &[(&str, &str)]) {
    let told = translate_named(A, frames);
    assert!(matches!(told.end, Err(TranslateError::Truncated)), "{:?}", told.end);
    assert!(!told.text.contains("message_stop"), "{}", told.text);
}

#[test]
fn a_piece_of_a_call_that_did_not_begin_is_named() {
    let told = translate_named(
        A,
        &[
            START,
            ("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"toolUse":{"input":"{}"}}}"#),
            ("messageStop", r#"{"stopReason":"tool_use"}"#),
        ],
    );
    told.end.unwrap();
    assert_eq!(told.losses, [Loss::unknown("event.contentBlockDelta.toolUse")]);
    assert!(told.text.contains(r#""stop_reason":"end_turn""#), "{}", told.text);
}

#[test]
fn converse_sees_calls_one_after_another() {
    let frames = [
        call(r#"{"index":0,"id":"a","function":{"name":"f","arguments":""}}"#),
        call(r#"{"index":1,"id":"b","function":{"name":"g","arguments":"{}"}}"#),
        call(r#"{"index":0,"function":{"arguments":"{\"x\":1}"}}"#),
    ];
    let mut frames: Vec<&str> = frames.iter().map(String::as_str).collect();
    frames.extend([STOP, DONE]);
    let told = translate(C, B, &frames, true);
    told.end.unwrap();
    let events: Vec<&str> = told.text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    assert_eq!(
        events[1..7],
        [
            r#"{"start":{"toolUse":{"toolUseId":"a","name":"f"}},"contentBlockIndex":0}"#,
            r#"{"delta":{"toolUse":{"input":"{\"x\":1}"}},"contentBlockIndex":0}"#,
            r#"{"contentBlockIndex":0}"#,
            r#"{"start":{"toolUse":{"toolUseId":"b","name":"g"}},"contentBlockIndex":1}"#,
            r#"{"delta":{"toolUse":{"input":"{}"}},"contentBlockIndex":1}"#,
            r#"{"contentBlockIndex":1}"#,
        ]
    );
    assert_eq!(events[7], r#"{"stopReason":"tool_use"}"#);
}

#[test]
fn the_second_finish_changes_nothing_but_the_usage() {
    let usage = r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":5}}"#;
    let told = translate(C, A, &[&delta(r#"{"content":"Hi"}"#), STOP, usage, DONE], true);
    told.end.unwrap();
    assert_eq!(told.text.matches("event: message_delta").count(), 1, "{}", told.text);
    assert!(told.text.contains(r#""output_tokens":5"#), "{}", told.text);
}

#[rstest]
#[case::inside_an_object(r#"{"error":{"message":"No","type":"server_error"}}"#)]
#[case::a_number_as_code(r#"{"error":{"message":"No","code":502}}"#)]
#[case::a_text(r#"{"error":"No"}"#)]
#[case::at_the_top(r#"{"code":"InternalError","message":"No"}"#)]
#[case::of_old_servers(r#"{"object":"error","message":"No","code":500}"#)]
#[case::beside_choices(
    r#"{"choices":[{"index":0,"delta":{},"finish_reason":"error"}],"error":{"message":"No"}}"#
)]
fn errors_in_the_middle_are_seen_in_every_form(#[case] error: &str) {
    let told = translate(C, A, &[&delta(r#"{"content":"Hi"}"#), error, STOP, DONE], true);
    told.end.unwrap();
    assert!(told.text.ends_with("\"message\":\"No\"}}\n\n"), "{}", told.text);
}

#[test]
fn a_reason_that_is_a_failure_does_not_look_like_an_end() {
    let failed = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"insufficient_system_resource"}]}"#;
    let told = translate(C, A, &[&delta(r#"{"content":"Hi"}"#), failed, DONE], true);
    told.end.unwrap();
    assert!(told.text.contains("event: error"), "{}", told.text);
    assert!(!told.text.contains("message_stop"), "{}", told.text);
}

#[test]
fn places_of_sources_count_the_characters_of_the_whole_text() {
    let text = |index: usize, text: &str| {
        [
            format!(
                r#"{{"type":"content_block_start","index":{index},"content_block":{{"type":"text","text":""}}}}"#
            ),
            format!(
                r#"{{"type":"content_block_delta","index":{index},"delta":{{"type":"citations_delta","citation":{{"type":"web_search_result_location","url":"https://a.test/{index}","encrypted_index":"x"}}}}}}"#
            ),
            format!(
                r#"{{"type":"content_block_delta","index":{index},"delta":{{"type":"text_delta","text":"{text}"}}}}"#
            ),
            format!(r#"{{"type":"content_block_stop","index":{index}}}"#),
        ]
    };
    let start = r#"{"type":"message_start","message":{}}"#.to_owned();
    let stop = r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"}}"#.to_owned();
    let frames: Vec<String> =
        [start].into_iter().chain(text(0, "日本")).chain(text(1, "🐎!")).chain([stop]).collect();
    let frames: Vec<&str> = frames.iter().map(String::as_str).collect();
    let told = translate(A, C, &frames, false);
    told.end.unwrap();
    assert!(
        told.text.contains(r#""start_index":0,"end_index":2,"title":"","url":"https://a.test/0""#),
        "{}",
        told.text
    );
    assert!(
        told.text.contains(r#""start_index":2,"end_index":4,"title":"","url":"https://a.test/1""#),
        "{}",
        told.text
    );
}

#[test]
fn a_free_text_call_is_not_ended_by_what_looks_like_json() {
    let frames = [
        call(r#"{"index":0,"id":"a","type":"custom","custom":{"name":"f","input":"{}"}}"#),
        call(r#"{"index":1,"id":"b","type":"custom","custom":{"name":"g","input":"x"}}"#),
        call(r#"{"index":0,"custom":{"input":" more"}}"#),
    ];
    let mut frames: Vec<&str> = frames.iter().map(String::as_str).collect();
    frames.extend([STOP, DONE]);
    assert_eq!(blocks(&frames), [r#"a f {"_raw":"{} more"}"#, r#"b g {"_raw":"x"}"#, "tool_use"]);
}

/// What a Responses client makes of a stream: its items in their order, then the status. The order of the events is checked
/// as strictly as the SDKs do.
fn items(told: &str) -> Vec<String> {
    use serde_json::{Value, json};
    let mut items: Vec<(Value, Option<Value>, String)> = Vec::new();
    let mut status = String::new();
    let events = told.lines().filter_map(|line| line.strip_prefix("data: "));
    for (number, event) in events.map(|event| serde_json::from_str::<Value>(event).unwrap()).enumerate() {
        assert_eq!(event["sequence_number"], number, "numbers rise");
        assert_eq!(status, "", "nothing follows the last event");
        let kind = event["type"].as_str().unwrap();
        let place = event["output_index"].as_u64().map(|place| usize::try_from(place).unwrap());
        if kind == "response.output_item.added" {
            assert_eq!(place, Some(items.len()), "items are counted");
            items.push((event["item"]["id"].clone(), None, String::new()));
            continue;
        }
        let Some(place) = place else {
            if let Some(end) =
                kind.strip_prefix("response.").filter(|kind| *kind != "created" && *kind != "in_progress")
            {
                end.clone_into(&mut status);
                let done: Vec<_> = items.iter().filter_map(|(_, done, _)| done.clone()).collect();
                assert_eq!(event["response"]["output"], json!(done), "the last event repeats every item");
                assert_eq!(event["response"]["status"], end);
            }
            continue;
        };
        let (id, done, text) = &mut items[place];
        assert_eq!(*done, None, "nothing follows an item's end");
        if kind == "response.output_item.done" {
            assert_eq!(event["item"]["id"], *id);
            *done = Some(event["item"].clone());
            continue;
        }
        assert_eq!(event["item_id"], *id);
        if kind.ends_with(".delta") {
            text.push_str(event["delta"].as_str().unwrap());
        } else if let Some(whole) =
            ["text", "refusal", "arguments", "input"].iter().find_map(|field| event.get(*field))
        {
            assert!(text.ends_with(whole.as_str().unwrap()), "what is done repeats the pieces");
        }
    }
    let mut told: Vec<_> = items
        .into_iter()
        .map(|(_, done, text)| {
            let item = done.expect("every item ends");
            let name = item["name"].as_str().unwrap_or_default();
            format!("{} {name} {text}", item["type"].as_str().unwrap())
        })
        .collect();
    told.push(status);
    told
}

#[test]
fn interleaved_calls_are_items_side_by_side() {
    let frames = [
        delta(r#"{"reasoning_content":"Hm."}"#),
        delta(r#"{"content":"Let me "}"#),
        delta(r#"{"content":"look."}"#),
        call(r#"{"index":0,"id":"a","function":{"name":"f","arguments":"{"}}"#),
        call(r#"{"index":1,"id":"b","function":{"name":"g","arguments":""}}"#),
        call(r#"{"index":0,"function":{"arguments":"}"}}"#),
    ];
    let mut frames: Vec<&str> = frames.iter().map(String::as_str).collect();
    frames.extend([STOP, DONE]);
    let told = translate(C, R, &frames, false);
    told.end.unwrap();
    assert_eq!(
        items(&told.text),
        ["reasoning  Hm.", "message  Let me look.", "function_call f {}", "function_call g {}", "completed"]
    );
}

/// Every fixture of every dialect.
#[test]
fn streams_for_responses_clients_are_in_order() {
    let mut count = 0;
    for from in Dialect::ALL {
        let folder = format!("{}/../../fixtures/{from}/stream", env!("CARGO_MANIFEST_DIR"));
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "sse") {
                continue;
            }
            let context = context(from, true);
            let mut translator = StreamTranslator::new(from, R, context);
            let mut out = Vec::new();
            let stream = std::fs::read(&path).unwrap();
            let end = translator.push(&stream, &mut out).and_then(|()| translator.finish(&mut out));
            let told = String::from_utf8(out).unwrap();
            if end.is_ok() && !told.contains("response.failed") {
                items(&told);
                count += 1;
            }
        }
    }
    assert!(count > 30, "the fixtures are there");
}

#[test]
fn a_responses_client_is_told_of_an_error_in_both_ways() {
    let frames = [
        r#"{"type":"message_start","message":{}}"#,
        r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
        r#"{"type":"message_stop"}"#,
    ];
    let told = translate(A, R, &frames, true).text;
    let names: Vec<_> = told.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    assert_eq!(names, ["response.created", "response.in_progress", "error", "response.failed"]);
    assert!(told.contains(r#""error":{"code":"server_is_overloaded","message":"Overloaded"}"#), "{told}");
}

/// A namespace that a request brought into another dialect stands in the name there.
#[test]
fn calls_come_back_into_their_namespace() {
    let frames = [call(r#"{"index":0,"id":"a","function":{"name":"fs::read","arguments":"{}"}}"#)];
    let told = translate(C, R, &[&frames[0], STOP, DONE], false).text;
    assert!(told.contains(r#""call_id":"a","name":"read","namespace":"fs","arguments":"{}""#), "{told}");
}

#[test]
fn what_deltas_leave_out_is_taken_from_what_is_done() {
    let frames = [
        r#"{"type":"response.output_item.done","output_index":0,"item":{"type":"reasoning","id":"rs_1","summary":[{"text":"One"},{"text":"Two"}],"encrypted_content":"c2ln"}}"#,
        r#"{"type":"response.output_item.added","output_index":1,"item":{"type":"message","role":"assistant","content":[]}}"#,
        r#"{"type":"response.output_text.done","output_index":1,"content_index":0,"text":"Three"}"#,
        r#"{"type":"response.completed","response":{"status":"completed","output":[]}}"#,
    ];
    let told = translate(R, A, &frames, true);
    told.end.unwrap();
    for expected in
        [r#""thinking":"One\n\nTwo""#, r#""signature":"cG9zdGhhc3Rl"#, r#""text":"Three""#, "message_stop"]
    {
        assert!(told.text.contains(expected), "{expected}: {}", told.text);
    }
}

/// Nobody could run it, and only the end of the stream tells why it broke off.
#[test]
fn a_call_that_the_cap_cut_is_left_out_where_calls_are_whole() {
    let call = r#"{"id":"fc_0","type":"function_call","status":"incomplete","arguments":"{\"x\":48","call_id":"call_1","name":"add"}"#;
    let frames = [
        r#"{"type":"response.created","response":{"id":"resp_01","status":"in_progress","model":"m","output":[]}}"#,
        r#"{"type":"response.output_item.added","output_index":0,"item":{"id":"fc_0","type":"function_call","arguments":"","call_id":"call_1","name":"add"}}"#,
        r#"{"type":"response.function_call_arguments.delta","output_index":0,"delta":"{\"x\":48"}"#,
        &format!(r#"{{"type":"response.output_item.done","output_index":0,"item":{call}}}"#),
        &format!(
            r#"{{"type":"response.incomplete","response":{{"id":"resp_01","status":"incomplete","model":"m","output":[{call}],"incomplete_details":{{"reason":"max_output_tokens"}}}}}}"#
        ),
    ];
    let told = translate(R, G, &frames, true);
    told.end.unwrap();
    assert!(!told.text.contains("functionCall"), "{}", told.text);
    assert!(told.text.contains("MAX_TOKENS"), "{}", told.text);
    assert!(told.losses.iter().any(|loss| loss.to_string().contains("the cap cut")), "{:?}", told.losses);
}
