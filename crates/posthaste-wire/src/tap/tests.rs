use posthaste_core::UsageSource::{Estimated, None as Nothing, Reported};
use rstest::rstest;

use super::*;
use crate::{FrameSplitter, FrameTooLong};

const ANTHROPIC: Dialect = Dialect::AnthropicMessages;
const CHAT: Dialect = Dialect::OpenAiChat;
const GEMINI: Dialect = Dialect::GeminiGenerate;

fn tap_of(dialect: Dialect, stream: &str) -> StreamTap {
    let mut tap = StreamTap::new(dialect);
    tap.push(stream.as_bytes()).unwrap();
    tap
}

fn closed(dialect: Dialect, stream: &str) -> StreamTap {
    let mut tap = tap_of(dialect, stream);
    tap.finish().unwrap();
    tap
}

#[test]
fn an_envelope_is_looked_into() {
    let surface = Surface { dialect: GEMINI, packing: Packing::CodeAssist };
    let mut tap = StreamTap::of(surface);
    let frame = |response: &str| format!("data: {{\"response\":{response},\"traceId\":\"t\"}}\r\n\r\n");
    let content = r#"{"candidates":[{"index":0,"content":{"parts":[{"text":"Hi"}]}}]}"#;
    assert_eq!(tap.push(frame(content).as_bytes()).unwrap(), Progress::Content);
    let last = r#"{"candidates":[{"index":0,"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":4}}"#;
    tap.push(frame(last).as_bytes()).unwrap();
    assert_eq!(tap.finish().unwrap(), Progress::Ended);
    assert_eq!((tap.usage().input, tap.usage().output, tap.usage_source()), (3, 4, Reported));
    let mut failing = StreamTap::of(surface);
    let error = b"data: {\"error\":{\"code\":429,\"message\":\"m\",\"status\":\"RESOURCE_EXHAUSTED\"}}\n\n";
    assert_eq!(failing.push(error).unwrap(), Progress::Failed);
}

/// A frame named after its data's `type`.
fn event(data: &str) -> String {
    let kind = data.split('"').nth(3).unwrap();
    format!("event: {kind}\ndata: {data}\n\n")
}

fn block(content_block: &str) -> String {
    event(&format!(r#"{{"type":"content_block_start","index":0,"content_block":{content_block}}}"#))
}

fn chunk(delta: &str) -> String {
    format!(
        "data: {{\"choices\":[{{\"index\":0,\"delta\":{delta},\"finish_reason\":null}}],\"usage\":null}}\n\n"
    )
}

const START: &str = r#"{"type":"message_start","message":{"usage":{"input_tokens":9,"output_tokens":1}}}"#;
const DELTA: &str =
    r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":5}}"#;
const STOP: &str = r#"{"type":"message_stop"}"#;
const FINISH: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
const USAGE: &str = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":5}}\n\n";

#[rstest]
#[case::empty_text(r#"{"type":"text","text":""}"#, Progress::Opening)]
#[case::empty_text_with_citations(r#"{"type":"text","text":"","citations":[]}"#, Progress::Opening)]
#[case::empty_thinking(r#"{"type":"thinking","thinking":"","signature":""}"#, Progress::Opening)]
#[case::text(r#"{"type":"text","text":"Hi"}"#, Progress::Content)]
#[case::thinking(r#"{"type":"thinking","thinking":"Hm"}"#, Progress::Content)]
#[case::signature(r#"{"type":"thinking","thinking":"","signature":"c2ln"}"#, Progress::Content)]
#[case::sealed_thinking(r#"{"type":"redacted_thinking","data":"c2ln"}"#, Progress::Content)]
#[case::tool(r#"{"type":"tool_use","id":"toolu_01","name":"f","input":{}}"#, Progress::Content)]
#[case::server_tool(
    r#"{"type":"server_tool_use","id":"srvtoolu_01","name":"f","input":{}}"#,
    Progress::Content
)]
#[case::result(r#"{"type":"web_search_tool_result","content":[]}"#, Progress::Content)]
#[case::unknown(r#"{"type":"hologram"}"#, Progress::Content)]
fn a_block_start_is_content_unless_it_begins_empty(#[case] content_block: &str, #[case] expected: Progress) {
    assert_eq!(tap_of(ANTHROPIC, &(event(START) + &block(content_block))).progress(), expected);
}

#[rstest]
#[case(
    r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}"#,
    Progress::Content
)]
#[case(DELTA, Progress::Content)]
#[case(STOP, Progress::Ended)]
#[case(r#"{"type":"ping"}"#, Progress::Opening)]
#[case(r#"{"type":"content_block_stop","index":0}"#, Progress::Opening)]
#[case(r#"{"type":"novelty","index":0}"#, Progress::Opening)]
#[case(r#"{"type":"error","error":{"type":"api_error","message":"m"}}"#, Progress::Failed)]
fn events_are_known_by_their_name_or_by_their_type(#[case] data: &str, #[case] expected: Progress) {
    assert_eq!(tap_of(ANTHROPIC, &event(data)).progress(), expected);
    assert_eq!(tap_of(ANTHROPIC, &format!("data: {data}\n\n")).progress(), expected, "without a name");
}

#[rstest]
#[case(r#"{"role":"assistant","content":"","refusal":null}"#, Progress::Opening)]
#[case(r#"{"role":"assistant","content":null,"tool_calls":[]}"#, Progress::Opening)]
#[case(r#"{"reasoning_content":""}"#, Progress::Opening)]
#[case("{}", Progress::Opening)]
#[case("null", Progress::Opening)]
#[case(r#"{"content":" "}"#, Progress::Content)]
#[case(r#"{"content":[{"type":"text","text":"Hi"}]}"#, Progress::Content)]
#[case(r#"{"refusal":"I"}"#, Progress::Content)]
#[case(r#"{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":""}}]}"#, Progress::Content)]
#[case(r#"{"function_call":{"name":"f","arguments":""}}"#, Progress::Content)]
#[case(r#"{"audio":{"id":"a"}}"#, Progress::Content)]
#[case(r#"{"reasoning_content":"Hm"}"#, Progress::Content)]
#[case(r#"{"reasoning":"Hm"}"#, Progress::Content)]
fn a_chunk_is_content_once_its_delta_says_something(#[case] delta: &str, #[case] expected: Progress) {
    assert_eq!(tap_of(CHAT, &chunk(delta)).progress(), expected);
}

/// A frame of Gemini with one candidate.
fn generated(candidate: &str, more: &str) -> String {
    format!("data: {{\"candidates\":[{candidate}]{more}}}\r\n\r\n")
}

#[rstest]
#[case(r#"{"content":{"role":"model"}}"#, Progress::Opening)]
#[case(r#"{"content":{"parts":[{"text":""}]},"finishReason":""}"#, Progress::Opening)]
#[case(r#"{"content":{"parts":[{"text":"Hm","thought":true}]}}"#, Progress::Content)]
#[case(r#"{"content":{"parts":[{"text":"","thoughtSignature":"c2ln"}]}}"#, Progress::Content)]
#[case(r#"{"content":{"parts":[{"functionCall":{"name":"f"}}]}}"#, Progress::Content)]
#[case(r#"{"content":{"parts":[{"inlineData":{"data":"AA=="}}]}}"#, Progress::Content)]
#[case(r#"{"finishReason":"STOP"}"#, Progress::Content)]
fn a_chunk_of_gemini_is_content_once_a_part_says_something(
    #[case] candidate: &str,
    #[case] expected: Progress,
) {
    assert_eq!(tap_of(GEMINI, &generated(candidate, "")).progress(), expected);
}

#[test]
fn without_a_terminator_the_close_after_the_reason_is_the_end() {
    let open =
        generated(r#"{"content":{"parts":[{"text":"Hi"}]}}"#, r#","usageMetadata":{"promptTokenCount":9}"#);
    let tap = closed(GEMINI, &open);
    assert_eq!((tap.progress(), tap.closing(), tap.usage_source()), (Progress::Content, None, Estimated));
    let counts = r#","usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":5}"#;
    let whole = open + &generated(r#"{"finishReason":"STOP"}"#, counts);
    let mut tap = tap_of(GEMINI, &whole);
    assert_eq!(tap.progress(), Progress::Content, "counts may follow");
    assert_eq!(tap.finish().unwrap(), Progress::Ended);
    assert_eq!((tap.closing(), tap.usage_source(), tap.usage().output), (None, Reported, 5));
    let tap = closed(GEMINI, whole.trim_end());
    assert_eq!((tap.progress(), &tap.closing().unwrap()[..]), (Progress::Ended, &b"\n\n"[..]));
    let tap = closed(GEMINI, &(whole.clone() + "data: {\"cand"));
    assert_eq!(
        (tap.progress(), tap.closing()),
        (Progress::Content, None),
        "half an event cannot be taken back"
    );
    let failed = closed(GEMINI, &(whole + "data: {\"error\":{\"status\":\"INTERNAL\"}}\n\n"));
    assert_eq!((failed.progress(), failed.closing()), (Progress::Failed, None));
}

#[test]
fn a_prompt_that_is_blocked_is_a_whole_answer() {
    let tap = closed(GEMINI, "data: {\"promptFeedback\":{\"blockReason\":\"SAFETY\"}}\n\n");
    assert_eq!(tap.progress(), Progress::Ended);
    let tap = closed(GEMINI, "data: {\"promptFeedback\":{}}\n\n");
    assert_eq!(tap.progress(), Progress::Opening);
}

/// Recorded of Azure: a chunk without choices and names comes first, one with nothing but the filter's offsets after the
/// text, and the last one counts more than tokens.
#[test]
fn what_azures_filter_says_is_neither_content_nor_an_error() {
    let first = r#"data: {"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[{"prompt_index":0,"content_filter_results":{"hate":{"filtered":false,"severity":"safe"}}}]}"#;
    let offsets = r#"data: {"choices":[{"content_filter_offsets":{"check_offset":9,"start_offset":9,"end_offset":30},"content_filter_results":{"error":{"code":"content_filter_error","message":"x"}},"finish_reason":null,"index":0}],"created":0,"id":"","model":"","object":""}"#;
    let usage = r#"data: {"choices":[],"id":"c","usage":{"completion_tokens":5,"prompt_tokens":9,"total_tokens":14,"latency_checkpoint":{"engine_ttft_ms":9}}}"#;
    let mut tap = StreamTap::new(CHAT);
    assert_eq!(tap.push(format!("{first}\n\n").as_bytes()), Ok(Progress::Opening));
    assert_eq!(tap.push(format!("{offsets}\n\n").as_bytes()), Ok(Progress::Opening));
    assert_eq!(tap.push(chunk(r#"{"content":"Hi"}"#).as_bytes()), Ok(Progress::Content));
    assert_eq!(tap.push(format!("{offsets}\n\n").as_bytes()), Ok(Progress::Content));
    let rest = format!("{FINISH}{usage}\n\ndata: [DONE]\n\n");
    assert_eq!(tap.push(rest.as_bytes()), Ok(Progress::Ended));
    assert_eq!((tap.usage().input, tap.usage().output, tap.error()), (9, 5, None));
}

#[test]
fn a_finish_reason_is_content_and_the_terminator_is_the_end() {
    let mut tap = tap_of(CHAT, FINISH);
    assert_eq!(tap.progress(), Progress::Content);
    assert_eq!(tap.push(b"data: [DONE]\n\n").unwrap(), Progress::Ended);
}

#[rstest]
#[case(r#"data: {"error":{"message":"m","type":"server_error"}}"#, "server_error", "m")]
#[case(
    r#"data: {"choices":[{"index":0,"finish_reason":"error"}],"error":{"message":"m","code":502}}"#,
    "error",
    "m"
)]
#[case("event: error\ndata: {\"object\":\"error\",\"message\":\"m\",\"type\":\"Busy\"}", "Busy", "m")]
#[case("event: error\ndata: gone", "error", "")]
fn errors_of_chat_streams_are_recognised_before_and_after_content(
    #[case] frame: &str,
    #[case] kind: &str,
    #[case] message: &str,
) {
    for before in [String::new(), chunk(r#"{"content":"Hi"}"#)] {
        let tap = tap_of(CHAT, &format!("{before}{frame}\n\n"));
        assert_eq!(tap.progress(), Progress::Failed);
        let error = tap.error().unwrap();
        assert_eq!((error.kind.as_str(), error.message.as_str()), (kind, message));
    }
}

#[test]
fn content_that_talks_of_errors_and_usage_is_content() {
    let talk =
        r#"{"content":"{\"error\": {}, \"usage\": {\"prompt_tokens\": 7}, \"finish_reason\": \"stop\"}"}"#;
    let tap = closed(CHAT, &(chunk(talk) + &chunk(talk)));
    assert_eq!((tap.progress(), tap.usage_source(), tap.closing()), (Progress::Content, Estimated, None));
    assert_eq!(tap.usage(), Usage::default());
}

#[test]
fn a_failure_stays_a_failure_and_the_first_error_is_kept() {
    let first = r#"data: {"error":{"message":"first"}}"#;
    let second = r#"data: {"error":{"message":"second"}}"#;
    let tap = closed(CHAT, &format!("{first}\n\n{second}\n\n{USAGE}data: [DONE]\n\n"));
    assert_eq!(tap.progress(), Progress::Failed);
    assert_eq!(tap.error().unwrap().message, "first");
    assert_eq!((tap.usage_source(), tap.closing()), (Reported, None));
}

#[test]
fn usage_is_reported_once_the_last_word_came() {
    let mut tap = StreamTap::new(ANTHROPIC);
    assert_eq!(tap.usage_source(), Nothing);
    tap.push(event(START).as_bytes()).unwrap();
    assert_eq!((tap.usage_source(), tap.usage().input, tap.usage().output), (Estimated, 9, 0));
    tap.push(event(DELTA).as_bytes()).unwrap();
    assert_eq!((tap.usage_source(), tap.usage().input, tap.usage().output), (Reported, 9, 5));
}

/// The opening count is a placeholder, whatever its height: it must not pass for the length of an answer that breaks off.
#[test]
fn the_opening_count_of_the_answer_is_not_believed() {
    let start = r#"{"type":"message_start","message":{"usage":{"input_tokens":9,"cache_read_input_tokens":4,
        "output_tokens":3,"output_tokens_details":{"thinking_tokens":2}}}}"#
        .replace('\n', "");
    let delta = |usage: &str| event(&format!(r#"{{"type":"message_delta","delta":{{}},"usage":{usage}}}"#));
    let mut tap = tap_of(ANTHROPIC, &(event(&start) + &block(r#"{"type":"text","text":"Hi"}"#)));
    tap.push(delta(r#"{"input_tokens":8}"#).as_bytes()).unwrap();
    let expected = Usage { input: 8, cache_read: 4, ..Usage::default() };
    assert_eq!((tap.usage_source(), tap.usage()), (Estimated, expected));
    tap.push(delta(r#"{"output_tokens":1}"#).as_bytes()).unwrap();
    assert_eq!((tap.usage_source(), tap.usage()), (Reported, Usage { output: 1, ..expected }));
}

#[test]
fn content_without_any_usage_is_to_be_estimated() {
    assert_eq!(tap_of(CHAT, &chunk(r#"{"content":"Hi"}"#)).usage_source(), Estimated);
    assert_eq!(tap_of(CHAT, &chunk(r#"{"content":""}"#)).usage_source(), Nothing);
    assert_eq!(tap_of(ANTHROPIC, &block(r#"{"type":"tool_use"}"#)).usage_source(), Estimated);
}

#[test]
fn content_bytes_are_the_data_of_content_alone() {
    let text = r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}"#;
    let tool = r#"{"type":"content_block_start","content_block":{"type":"tool_use","name":"f"}}"#;
    let ping = event(r#"{"type":"ping"}"#);
    let mut tap = tap_of(ANTHROPIC, &(event(START) + &ping + &block(r#"{"type":"text","text":""}"#)));
    assert_eq!(tap.content_bytes(), 0);
    tap.push((event(text) + ": quiet\n\n" + &ping + &event(text)).as_bytes()).unwrap();
    assert_eq!(tap.content_bytes(), 2 * text.len());
    tap.push((event(tool) + &event(DELTA) + &event(STOP) + &event(text)).as_bytes()).unwrap();
    assert_eq!(tap.content_bytes(), 2 * text.len() + tool.len());

    let first = chunk(r#"{"content":"Hi"}"#);
    let data_len = |chunk: &str| chunk.trim_end().len() - "data: ".len();
    let tap = tap_of(
        CHAT,
        &(chunk(r#"{"role":"assistant"}"#) + &first + ": quiet\n\n" + &first + "data: [DONE]\n\n"),
    );
    assert_eq!(tap.content_bytes(), 2 * data_len(&first));
}

#[test]
fn counts_that_run_along_are_final_with_the_stop_only() {
    let along = |output: u64, finish: &str| {
        format!(
            "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"a\"}},\"finish_reason\":{finish}}}],\
             \"usage\":{{\"prompt_tokens\":9,\"completion_tokens\":{output}}}}}\n\n"
        )
    };
    let mut tap = tap_of(CHAT, &(along(1, "null") + &along(2, "null")));
    assert_eq!((tap.usage_source(), tap.usage().output), (Estimated, 2));
    tap.push(along(3, "\"stop\"").as_bytes()).unwrap();
    assert_eq!((tap.usage_source(), tap.usage().output), (Reported, 3));
}

#[test]
fn what_comes_after_the_last_word_without_numbers_does_not_wipe_it_out() {
    let mut tap = tap_of(CHAT, &(chunk(r#"{"content":"Hi"}"#) + FINISH + USAGE));
    for odd in [r#"{"choices":[],"usage":{}}"#, r#"{"choices":[],"usage":{"prompt_tokens":-1}}"#] {
        tap.push(format!("data: {odd}\n\n").as_bytes()).unwrap();
        assert_eq!((tap.usage_source(), tap.usage().input, tap.usage().output), (Reported, 9, 5));
    }
}

#[rstest]
#[case::moonshot(r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop","usage":{"prompt_tokens":9,"completion_tokens":5}}]}"#)]
#[case::groq(r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"x_groq":{"usage":{"prompt_tokens":9,"completion_tokens":5}}}"#)]
#[case::spaced(r#"{"choices": [], "usage" : {"prompt_tokens": 9, "completion_tokens": 5}}"#)]
fn usage_is_found_where_vendors_put_it(#[case] data: &str) {
    let tap = tap_of(CHAT, &format!("{}data: {data}\n\n", chunk(r#"{"content":"Hi"}"#)));
    assert_eq!((tap.usage_source(), tap.usage().input, tap.usage().output), (Reported, 9, 5));
}

#[rstest]
#[case(ANTHROPIC, r#"{"type":"message_delta","delta":{},"usage":{"output_tokens":-5}}"#)]
#[case(ANTHROPIC, r#"{"type":"message_delta","delta":{},"usage":{"output_tokens":NaN}}"#)]
#[case(ANTHROPIC, r#"{"type":"message_delta","delta":{},"usage":"5"}"#)]
#[case(ANTHROPIC, r#"{"type":"message_delta"#)]
#[case(CHAT, r#"{"choices":[],"usage":{"prompt_tokens":-9,"completion_tokens":"5"}}"#)]
#[case(CHAT, r#"{"choices":[],"usage":[9,5]}"#)]
#[case(CHAT, r#"{"choices":{},"usage":{"completion_tokens":1e999}}"#)]
#[case(GEMINI, r#"{"candidates":[],"usageMetadata":{"candidatesTokenCount":-5}}"#)]
#[case(GEMINI, r#"{"candidates":[],"usageMetadata":[9,5]}"#)]
fn absurd_usage_is_not_the_last_word(#[case] dialect: Dialect, #[case] data: &str) {
    let content = match dialect {
        ANTHROPIC => event(r#"{"type":"content_block_delta"}"#),
        GEMINI => generated(r#"{"content":{"parts":[{"text":"Hi"}]}}"#, ""),
        _ => chunk(r#"{"content":"Hi"}"#),
    };
    let name = if dialect == ANTHROPIC { "event: message_delta\n" } else { "" };
    let tap = tap_of(dialect, &format!("{content}{name}data: {data}\n\n"));
    assert_eq!((tap.usage_source(), tap.usage()), (Estimated, Usage::default()));
}

#[test]
fn the_terminal_frame_is_found_in_its_chunk_and_what_follows_counts_for_nothing() {
    for (dialect, terminal, later) in
        [(ANTHROPIC, event(STOP), event(DELTA)), (CHAT, "data: [DONE]\n\n".to_owned(), USAGE.to_owned())]
    {
        for terminal in [terminal.clone(), terminal.replace('\n', "\r\n")] {
            let opening = ": hello\n\n";
            let mut tap = StreamTap::new(dialect);
            tap.push(opening.as_bytes()).unwrap();
            assert_eq!(tap.terminated_at(), None);
            tap.push(format!("{opening}{terminal}{later}").as_bytes()).unwrap();
            assert_eq!(tap.terminated_at(), Some(opening.len() + terminal.len()));
            assert_eq!((tap.progress(), tap.usage()), (Progress::Ended, Usage::default()));
            tap.push(later.as_bytes()).unwrap();
            assert_eq!((tap.terminated_at(), tap.usage()), (None, Usage::default()));
        }
    }
}

#[test]
fn a_terminal_frame_over_two_chunks_ends_in_the_second() {
    let mut tap = tap_of(CHAT, "data: [DO");
    assert_eq!(tap.terminated_at(), None);
    tap.push(b"NE]\n\n: late\n\n").unwrap();
    assert_eq!(tap.terminated_at(), Some(5));
}

#[rstest]
#[case::anthropic(ANTHROPIC, event(DELTA), event(STOP))]
#[case::chat(CHAT, FINISH.to_owned(), "data: [DONE]\n\n".to_owned())]
fn a_missing_terminator_is_made_up_for_after_a_stop_reason(
    #[case] dialect: Dialect,
    #[case] stop_reason: String,
    #[case] terminator: String,
) {
    let tap = tap_of(dialect, &stop_reason);
    assert_eq!(tap.closing(), None, "the upstream may still send it");

    let tap = closed(dialect, &stop_reason);
    assert_eq!(tap.closing().unwrap(), terminator);
    let tap = closed(dialect, &format!("{stop_reason}: half a com"));
    assert_eq!(tap.closing().unwrap(), format!("\n\n{terminator}"));
    let tap = closed(dialect, stop_reason.trim_end());
    assert_eq!(tap.closing().unwrap(), format!("\n\n{terminator}"), "the last event lacks its blank line");
    let tap = closed(dialect, (stop_reason.clone() + &terminator).trim_end());
    assert_eq!((tap.progress(), &tap.closing().unwrap()[..]), (Progress::Ended, &b"\n\n"[..]));

    assert_eq!(closed(dialect, &(stop_reason.clone() + &terminator)).closing(), None, "nothing is missing");
    let inside_data = format!("{stop_reason}data: {{\"type\":\"mess");
    let tap = closed(dialect, &inside_data);
    assert_eq!((tap.closing(), tap.at_boundary()), (None, false), "half an event cannot be taken back");
    assert_eq!(closed(dialect, ": hello\n\n").closing(), None, "no stop reason came");
}

#[test]
fn a_choice_that_did_not_stop_keeps_the_answer_open() {
    let second = |delta: &str, finish: &str| {
        format!("data: {{\"choices\":[{{\"index\":1,\"delta\":{delta},\"finish_reason\":{finish}}}]}}\n\n")
    };
    let open = format!("{}{}{FINISH}", chunk(r#"{"content":"One"}"#), second(r#"{"content":"Two"}"#, "null"));
    assert_eq!(closed(CHAT, &open).closing(), None);
    let whole = open + &second("{}", "\"stop\"");
    assert!(closed(CHAT, &whole).closing().is_some());
}

#[test]
fn a_frame_that_is_too_long_keeps_what_was_seen() {
    let mut tap = tap_of(ANTHROPIC, &event(START));
    let long = vec![b'x'; FrameSplitter::MAX_FRAME + 1];
    assert_eq!(tap.push(&long), Err(FrameTooLong.into()));
    assert_eq!(tap.finish(), Err(FrameTooLong.into()));
    assert_eq!((tap.progress(), tap.usage().input), (Progress::Opening, 9));
    assert!(!tap.at_boundary(), "the client has half a frame: nothing may be inserted");
}

#[rstest]
#[case::at_the_top(r#"{"code":"Throttling","message":"Slow down","request_id":"r"}"#)]
#[case::of_old_servers(r#"{"object":"error","message":"Slow down","code":500}"#)]
#[case::a_text(r#"{"error":"Slow down"}"#)]
fn errors_without_the_usual_object_are_seen_after_content(#[case] data: &str) {
    let tap = tap_of(CHAT, &format!("{}data: {data}\n\n", chunk(r#"{"content":"Hi"}"#)));
    assert_eq!(tap.progress(), Progress::Failed);
    assert_eq!(tap.error().unwrap().message, "Slow down");
}

#[test]
fn an_array_ended_even_when_something_stands_behind_it() {
    let array = r#"[{"candidates":[{"content":{"parts":[{"text":"Hi"}]},"finishReason":"STOP"}]}],1"#;
    for cut in 0..array.len() {
        let mut tap = StreamTap::with_framing(GEMINI, Framing::JsonArray);
        let pieces = [&array[..cut], &array[cut..]];
        let result = pieces.into_iter().try_for_each(|piece| tap.push(piece.as_bytes()).map(drop));
        assert_eq!(result, Err(FramingError::NotAnArray), "cut at {cut}");
        assert_eq!(tap.progress(), Progress::Ended, "cut at {cut}");
    }
}
