use posthaste_core::{Dialect, Usage, UsageSource};
use rstest::rstest;

use super::*;
use crate::{Frame, FrameKind, Progress, StreamTap, event_stream};

const FRAMINGS: [Framing; 4] =
    [Framing::Sse, Framing::EventStream, Framing::InvokeChunks, Framing::JsonArray];

const STREAM: &str = "\
event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":7}}}\n\n\
: a comment\n\n\
event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"text\":\"hi\"}}\n\n\
event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":3}}\n\n\
event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

type Owned = (FrameKind, Option<String>, Vec<u8>);

fn frames(framing: Framing, stream: &[u8]) -> Vec<Owned> {
    let mut frames = Vec::new();
    let mut keep =
        |frame: Frame<'_>| frames.push((frame.kind, frame.event.map(str::to_owned), frame.data.to_vec()));
    let mut splitter = Splitter::new(framing);
    splitter.push(stream, &mut keep).unwrap();
    splitter.finish(&mut keep).unwrap();
    frames
}

fn repack(from: Framing, to: Framing, stream: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut repacker = Repacker::new(from, to);
    repacker.push(stream, &mut out).unwrap();
    repacker.finish(&mut out).unwrap();
    out
}

#[test]
fn content_types_lead_back_to_the_framing() {
    for framing in [Framing::Sse, Framing::EventStream, Framing::JsonArray] {
        assert_eq!(Framing::of_content_type(framing.content_type()), Some(framing));
    }
    assert_eq!(Framing::of_content_type("Text/Event-Stream ; charset=utf-8"), Some(Framing::Sse));
    assert_eq!(Framing::of_content_type("application/jsonl"), None);
    assert_eq!(Framing::of_content_type(""), None);
}

#[test]
fn the_events_survive_every_pair_of_framings() {
    let written = frames(Framing::Sse, STREAM.as_bytes());
    for from in FRAMINGS {
        let source = repack(Framing::Sse, from, STREAM.as_bytes());
        for to in FRAMINGS {
            let target = frames(to, &repack(from, to, &source));
            let data = |frames: &[Owned]| frames.iter().map(|frame| frame.2.clone()).collect::<Vec<_>>();
            assert_eq!(data(&target), data(&written), "{from:?} to {to:?}");
            if from != Framing::JsonArray && to != Framing::JsonArray {
                assert_eq!(target, written, "{from:?} to {to:?}");
            }
        }
    }
}

#[test]
fn chunks_of_the_input_make_no_difference() {
    for from in FRAMINGS {
        let source = repack(Framing::Sse, from, STREAM.as_bytes());
        for to in FRAMINGS {
            let whole = repack(from, to, &source);
            let mut out = Vec::new();
            let mut repacker = Repacker::new(from, to);
            for byte in &source {
                repacker.push(std::slice::from_ref(byte), &mut out).unwrap();
            }
            repacker.finish(&mut out).unwrap();
            assert_eq!(out, whole, "{from:?} to {to:?}");
        }
    }
}

#[test]
fn exceptions_are_told_by_their_name() {
    let sse = b"event: throttlingException\ndata: {\"message\":\"slow\"}\n\ndata: {}\n\n";
    let out = repack(Framing::Sse, Framing::EventStream, sse);
    assert_eq!(
        frames(Framing::EventStream, &out),
        [
            (
                FrameKind::Exception,
                Some("throttlingException".to_owned()),
                b"{\"message\":\"slow\"}".to_vec()
            ),
            (FrameKind::Event, Some("message".to_owned()), b"{}".to_vec()),
        ]
    );
    let back = repack(Framing::EventStream, Framing::Sse, &out);
    assert!(back.starts_with(b"event: throttlingException\ndata: {\"message\":\"slow\"}\n\n"));
}

#[rstest]
#[case::named("event: error\n")]
#[case::unnamed("")]
fn an_error_event_becomes_an_exception_of_the_invoke_stream(#[case] name: &str) {
    let sse = format!(
        "{name}data: {{\"type\":\"error\",\"error\":{{\"type\":\"overloaded_error\",\"message\":\"busy\"}}}}\n\n"
    );
    let out = repack(Framing::Sse, Framing::InvokeChunks, sse.as_bytes());
    assert_eq!(
        frames(Framing::EventStream, &out),
        [(
            FrameKind::Exception,
            Some("modelStreamErrorException".to_owned()),
            b"{\"message\":\"busy\"}".to_vec()
        )]
    );
}

#[test]
fn a_cut_stream_gets_no_end() {
    let mut out = Vec::new();
    let mut repacker = Repacker::new(Framing::JsonArray, Framing::JsonArray);
    repacker.push(b"[{},{", &mut out).unwrap();
    assert_eq!(repacker.finish(&mut out), Err(FramingError::Truncated));
    assert_eq!(out, b"[{}");
}

#[test]
fn a_resumed_repacker_follows_what_was_passed_on() {
    let mut out = b"[{}".to_vec();
    let mut repacker = Repacker::resumed(Framing::Sse, Framing::JsonArray);
    repacker.push(b"data: {\"error\":{}}\n\n", &mut out).unwrap();
    repacker.finish(&mut out).unwrap();
    assert_eq!(out, b"[{},\r\n{\"error\":{}}]");
}

fn pushed(dialect: Dialect, framing: Framing, chunks: &[&[u8]]) -> StreamTap {
    let mut tap = StreamTap::with_framing(dialect, framing);
    for chunk in chunks {
        tap.push(chunk).unwrap();
    }
    tap
}

#[test]
fn a_tap_sees_the_same_in_chunks_as_in_sse() {
    let source = repack(Framing::Sse, Framing::InvokeChunks, STREAM.as_bytes());
    for cut in 0..source.len() {
        let (head, tail) = source.split_at(cut);
        let tap = pushed(Dialect::AnthropicMessages, Framing::InvokeChunks, &[head, tail]);
        assert_eq!(tap.progress(), Progress::Ended);
        assert_eq!(tap.terminated_at(), Some(tail.len()));
        assert_eq!(tap.last_boundary(), Some(tail.len()));
        assert_eq!(tap.usage(), Usage { input: 7, output: 3, ..Usage::default() });
        assert_eq!(tap.usage_source(), UsageSource::Reported);
    }
}

#[test]
fn a_tap_sees_an_exception_of_the_invoke_stream_as_an_error() {
    let mut stream = Vec::new();
    event_stream::write_exception(&mut stream, "throttlingException", b"{\"message\":\"slow\"}").unwrap();
    let tap = pushed(Dialect::AnthropicMessages, Framing::InvokeChunks, &[&stream]);
    assert_eq!(tap.progress(), Progress::Failed);
    let error = tap.error().unwrap();
    assert_eq!((&*error.kind, &*error.message), ("rate_limit_error", "slow"));
}

#[test]
fn a_terminator_that_never_came_is_given_in_the_streams_framing() {
    let (begun, terminator) = STREAM.split_at(STREAM.find("event: message_stop").unwrap());
    let begun = repack(Framing::Sse, Framing::InvokeChunks, begun.as_bytes());
    let terminator = repack(Framing::Sse, Framing::InvokeChunks, terminator.as_bytes());
    let mut tap = pushed(Dialect::AnthropicMessages, Framing::InvokeChunks, &[&begun]);
    tap.finish().unwrap();
    assert_eq!(tap.closing().unwrap(), terminator);
    let mut tap = pushed(Dialect::AnthropicMessages, Framing::InvokeChunks, &[&begun, &terminator[..9]]);
    tap.finish().unwrap();
    assert_eq!(tap.closing(), None, "nothing can follow half a message");
}

const CHUNK: &[u8] = b"{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}";
const LAST_CHUNK: &[u8] = b"{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}";

#[test]
fn an_array_ends_a_stream_that_told_why_it_stopped() {
    let array = [b"[", CHUNK, b",\r\n", LAST_CHUNK].concat();
    let mut tap = pushed(Dialect::OpenAiChat, Framing::JsonArray, &[&array]);
    assert_eq!(tap.progress(), Progress::Content);
    assert_eq!(tap.push(b"\r\n]\n").unwrap(), Progress::Ended);
    assert_eq!(tap.terminated_at(), Some(3));
    tap.finish().unwrap();
    assert_eq!(tap.closing(), None);
}

#[test]
fn an_array_whose_end_is_missing_is_closed_after_its_stop_only() {
    let closing = |array: &[&[u8]]| {
        let mut tap = pushed(Dialect::OpenAiChat, Framing::JsonArray, &[&array.concat()]);
        tap.finish().unwrap();
        tap.closing()
    };
    assert_eq!(closing(&[b"[", CHUNK, b",", LAST_CHUNK]).as_deref(), Some(&b"]"[..]));
    assert_eq!(closing(&[b"[", CHUNK]), None);
    assert_eq!(closing(&[b"[", LAST_CHUNK, b","]), None);
    assert_eq!(closing(&[b"[", CHUNK, b"]"]), None);
}
