//! Streams as weak vendors and cut connections make them.

#![expect(clippy::unwrap_used, reason = "a test may fail anywhere")]

use std::fmt::Write as _;

use posthaste_core::{Dialect, ModelName, Timestamp};
use posthaste_translate::{Loss, StreamContext, StreamTranslator, TranslateError};
use rstest::rstest;
use uuid::Uuid;

const A: Dialect = Dialect::AnthropicMessages;
const C: Dialect = Dialect::OpenAiChat;
const R: Dialect = Dialect::OpenAiResponses;

/// The client's stream in a line an event, and how the translation ended.
struct Told {
    text: String,
    losses: Vec<Loss>,
    end: Result<(), TranslateError>,
}

fn translate(from: Dialect, to: Dialect, frames: &[&str], include_usage: bool) -> Told {
    let context = StreamContext {
        model: ModelName::parse("asked").unwrap(),
        include_usage,
        created: Timestamp::from_secs(1),
        id: Uuid::nil(),
    };
    let mut translator = StreamTranslator::new(from, to, context);
    let mut out = Vec::new();
    let mut stream = String::new();
    for frame in frames {
        write!(stream, "data: {frame}\n\n").unwrap();
    }
    let end = translator.push(stream.as_bytes(), &mut out).and_then(|()| translator.finish(&mut out));
    Told { text: String::from_utf8(out).unwrap(), losses: translator.losses().to_vec(), end }
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
    &["call_0 f {}", "call_1 g "]
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
fn no_end_is_made_up(#[case] from: Dialect, #[case] to: Dialect, #[case] frames: &[&str]) {
    let told = translate(from, to, frames, true);
    assert!(matches!(told.end, Err(TranslateError::Truncated)), "{:?}", told.end);
    for end in ["message_delta", "message_stop", "finish_reason\":\"", "[DONE]", "response.completed"] {
        assert!(!told.text.contains(end), "{}", told.text);
    }
}

#[rstest]
#[case(A, C)]
#[case(C, A)]
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
    for from in [A, C, R] {
        let folder = format!("{}/../../fixtures/{from}/stream", env!("CARGO_MANIFEST_DIR"));
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "sse") {
                continue;
            }
            let context = StreamContext {
                model: ModelName::parse("asked").unwrap(),
                include_usage: true,
                created: Timestamp::from_secs(1),
                id: Uuid::nil(),
            };
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
        [r#""thinking":"One\n\nTwo""#, r#""signature":"c2ln""#, r#""text":"Three""#, "message_stop"]
    {
        assert!(told.text.contains(expected), "{expected}: {}", told.text);
    }
}
