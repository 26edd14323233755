use proptest::{collection::vec, prelude::*};
use rstest::rstest;

use super::*;
use crate::{Frame, FrameKind, FramingError};

type Owned = (FrameKind, Option<String>, String);

fn own(frame: Frame<'_>) -> Owned {
    (frame.kind, frame.event.map(str::to_owned), String::from_utf8(frame.data.to_vec()).unwrap())
}

fn event(name: &str, data: &str) -> Owned {
    (FrameKind::Event, Some(name.to_owned()), data.to_owned())
}

fn exception(name: &str, data: &str) -> Owned {
    (FrameKind::Exception, Some(name.to_owned()), data.to_owned())
}

fn split<'a>(
    mut splitter: EventStreamSplitter,
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<Owned>, Result<(), FramingError>) {
    let mut frames = Vec::new();
    for chunk in chunks {
        if let Err(error) = splitter.push(chunk, |frame| frames.push(own(frame))) {
            return (frames, Err(error));
        }
    }
    let result = splitter.finish(|frame| frames.push(own(frame)));
    (frames, result)
}

fn all(splitter: EventStreamSplitter, stream: &[u8]) -> Vec<Owned> {
    let (frames, result) = split(splitter, [stream]);
    result.unwrap();
    frames
}

fn message(headers: &[(&str, &str)], payload: &[u8]) -> Vec<u8> {
    let headers = headers.iter().map(|&(name, value)| Header { name, value: HeaderValue::String(value) });
    let mut out = Vec::new();
    Message { headers: headers.collect(), payload }.encode(&mut out).unwrap();
    out
}

/// The vectors that botocore tests itself with (`tests/unit/test_eventstream.py`).
#[rstest]
#[case::empty(Message::default(), "000000100000000005c248eb7d98c8ff")]
#[case::payload_only(
    Message { headers: vec![], payload: b"{'foo':'bar'}" },
    "0000001d00000000fd528c5a7b27666f6f273a27626172277dc3653936"
)]
#[case::header_and_payload(
    Message {
        headers: vec![Header { name: "content-type", value: HeaderValue::String("application/json") }],
        payload: b"{'foo':'bar'}",
    },
    "0000003d0000002007fd83960c636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e7b27666f6f273a27626172277d8d9c08b1"
)]
#[case::int8(Message { headers: vec![Header { name: "byte", value: HeaderValue::Byte(-1) }], payload: b"" }, "000000170000000729860158046279746502ffc2f869dc")]
#[case::int16(Message { headers: vec![Header { name: "short", value: HeaderValue::Short(-1) }], payload: b"" }, "0000001900000009710e923e0573686f727403ffffb27cb6cc")]
#[case::int32(Message { headers: vec![Header { name: "integer", value: HeaderValue::Int(-1) }], payload: b"" }, "0000001d0000000d83e3f0e707696e746567657204ffffffff8b8e12eb")]
#[case::int64(Message { headers: vec![Header { name: "long", value: HeaderValue::Long(-1) }], payload: b"" }, "0000001e0000000e5d4adb8d046c6f6e6705ffffffffffffffff4bc232da")]
#[case::every_type(
    every_type(),
    "000000620000005203b5cb9c0130000131010132020201330300030134040000000401350500000000000000050136060005627974657301370700047574663801380800000000000000080139093031323334353637383961626364656663353671"
)]
#[case::error(
    Message {
        headers: vec![
            Header { name: ":message-type", value: HeaderValue::String("error") },
            Header { name: ":error-code", value: HeaderValue::String("code") },
            Header { name: ":error-message", value: HeaderValue::String("message") },
        ],
        payload: b"",
    },
    "0000005200000042bf23637e0d3a6d6573736167652d747970650700056572726f720b3a6572726f722d636f6465070004636f64650e3a6572726f722d6d6573736167650700076d6573736167656b6cea3d"
)]
fn published_vectors_hold_both_ways(#[case] message: Message<'static>, #[case] hex: &str) {
    let bytes = unhex(hex);
    let mut out = Vec::new();
    message.encode(&mut out).unwrap();
    assert_eq!(out, bytes);
    assert_eq!(Message::decode(&bytes), Ok(Some((message, bytes.len()))));
}

/// Those that must not be read, of the same file.
#[rstest]
#[case::length("0100001d00000000fd528c5a7b27666f6f273a27626172277dc3653936")]
#[case::payload("0000001d00000000fd528c5a7b27666f6f273a27626172278dc3653936")]
#[case::headers(
    "0000003d0000002007fd83960c636f6e74656e742b747970650700106170706c69636174696f6e2f6a736f6e7b27666f6f273a27626172277d8d9c08b1"
)]
#[case::header_length(
    "0000003dff00010207fd83960c636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e7b27666f6f273a27626172277d8d9c08b1"
)]
fn published_corruptions_are_noticed(#[case] hex: &str) {
    assert!(Message::decode(&unhex(hex)).is_err());
}

fn every_type() -> Message<'static> {
    let values = [
        ("0", HeaderValue::Bool(true)),
        ("1", HeaderValue::Bool(false)),
        ("2", HeaderValue::Byte(2)),
        ("3", HeaderValue::Short(3)),
        ("4", HeaderValue::Int(4)),
        ("5", HeaderValue::Long(5)),
        ("6", HeaderValue::Bytes(b"bytes")),
        ("7", HeaderValue::String("utf8")),
        ("8", HeaderValue::Timestamp(8)),
        ("9", HeaderValue::Uuid(*b"0123456789abcdef")),
    ];
    Message { headers: values.map(|(name, value)| Header { name, value }).into(), payload: b"" }
}

fn unhex(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn headers_of_every_type_read_back() {
    let values = [
        HeaderValue::Bool(true),
        HeaderValue::Bool(false),
        HeaderValue::Byte(-1),
        HeaderValue::Short(-2),
        HeaderValue::Int(-3),
        HeaderValue::Long(i64::MIN),
        HeaderValue::Bytes(b"\xff\x00"),
        HeaderValue::String("größe"),
        HeaderValue::Timestamp(1_700_000_000_123),
        HeaderValue::Uuid([7; 16]),
    ];
    let headers: Vec<_> = values.into_iter().map(|value| Header { name: "n", value }).collect();
    let message = Message { headers, payload: b"p" };
    let mut out = Vec::new();
    message.encode(&mut out).unwrap();
    assert_eq!(Message::decode(&out), Ok(Some((message, out.len()))));
    // The type bytes stand where they should: name length, name, type.
    assert_eq!((out[12..16].to_vec(), out[16]), (vec![1, b'n', 0, 1], b'n'));
}

/// A prelude with its checksum, whatever the lengths.
fn prelude(total: u32, headers: u32) -> Vec<u8> {
    let mut out = [total.to_be_bytes(), headers.to_be_bytes()].concat();
    out.extend_from_slice(&crc32fast::hash(&out).to_be_bytes());
    out
}

#[rstest]
#[case::shorter_than_its_frame(15, 0, MessageError::ContradictoryLengths)]
#[case::headers_longer_than_all(100, 85, MessageError::ContradictoryLengths)]
#[case::headers(u32::MAX, MAX_HEADERS as u32 + 1, MessageError::HeadersTooLong)]
#[case::payload(MAX_PAYLOAD as u32 + 17, 0, MessageError::PayloadTooLong)]
fn lengths_out_of_bounds_are_refused_before_the_message_is_there(
    #[case] total: u32,
    #[case] headers: u32,
    #[case] error: MessageError,
) {
    assert_eq!(Message::decode(&prelude(total, headers)), Err(error));
}

#[test]
fn the_longest_payload_passes_and_one_byte_more_does_not() {
    assert_eq!(Message::decode(&prelude(MAX_PAYLOAD as u32 + 16, 0)), Ok(None));
    let mut out = b"before".to_vec();
    let payload = vec![b' '; MAX_PAYLOAD + 1];
    assert_eq!(write_event(&mut out, "e", &payload), Err(MessageError::PayloadTooLong));
    assert_eq!(write_event(&mut out, &"e".repeat(1 << 16), b""), Err(MessageError::HeaderTooLong));
    let many = vec![Header { name: "n", value: HeaderValue::Uuid([0; 16]) }; 10_000];
    assert_eq!(Message { headers: many, payload: b"" }.encode(&mut out), Err(MessageError::HeadersTooLong));
    assert_eq!(out, b"before", "what cannot be written whole is not begun");
}

#[rstest]
#[case::cut_value(b"\x01n\x07\x00\x05abc")]
#[case::unknown_type(b"\x01n\x0a")]
#[case::no_name(b"\x00\x00")]
#[case::name_without_value(b"\x01n")]
#[case::text_that_is_no_utf8(b"\x01n\x07\x00\x01\xff")]
fn malformed_headers_are_named(#[case] headers: &[u8]) {
    let mut bytes = prelude(16 + headers.len() as u32, headers.len() as u32);
    bytes.extend_from_slice(headers);
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_be_bytes());
    assert_eq!(Message::decode(&bytes), Err(MessageError::MalformedHeaders));
}

#[test]
fn events_exceptions_and_errors_are_told_apart() {
    let mut stream = Vec::new();
    write_event(&mut stream, "messageStart", br#"{"role":"assistant"}"#).unwrap();
    write_exception(&mut stream, "throttlingException", br#"{"message":"slow down"}"#).unwrap();
    stream.extend(message(
        &[(":message-type", "error"), (":error-code", "InternalError"), (":error-message", "a \"quote\"")],
        b"",
    ));
    stream.extend(message(&[(":message-type", "error"), (":error-code", "Gone")], br#"{"a":1}"#));
    assert_eq!(
        all(EventStreamSplitter::new(), &stream),
        [
            event("messageStart", r#"{"role":"assistant"}"#),
            exception("throttlingException", r#"{"message":"slow down"}"#),
            exception("InternalError", r#"{"message":"a \"quote\""}"#),
            exception("Gone", r#"{"a":1}"#),
        ]
    );
}

#[test]
fn a_name_of_several_lines_is_none() {
    let stream = message(&[(":message-type", "event"), (":event-type", "a\ndata: b")], b"{}");
    assert_eq!(all(EventStreamSplitter::new(), &stream), [(FrameKind::Event, None, "{}".to_owned())]);
}

#[rstest]
#[case::missing(&[(":event-type", "chunk")])]
#[case::unknown(&[(":message-type", "party"), (":event-type", "chunk")])]
fn a_message_of_no_known_type_ends_the_reading(#[case] headers: &[(&str, &str)]) {
    let mut splitter = EventStreamSplitter::new();
    assert_eq!(splitter.push(&message(headers, b"{}"), |_| ()), Err(FramingError::UnknownMessage));
    assert!(!splitter.at_boundary());
    assert_eq!(splitter.push(b"", |_| ()), Err(FramingError::UnknownMessage));
    assert_eq!(splitter.finish(|_| ()), Err(FramingError::UnknownMessage));
}

#[test]
fn a_message_within_one_chunk_is_not_copied() {
    let mut stream = Vec::new();
    write_event(&mut stream, "a", b"first").unwrap();
    write_event(&mut stream, "b", b"second").unwrap();
    let range = stream.as_ptr_range();
    let mut inside = 0;
    let count = |frame: Frame<'_>| inside += usize::from(range.contains(&frame.data.as_ptr()));
    EventStreamSplitter::new().push(&stream, count).unwrap();
    assert_eq!(inside, 2);
}

#[test]
fn boundaries_lie_after_whole_messages() {
    let mut one = Vec::new();
    write_event(&mut one, "a", b"{}").unwrap();
    let stream = one.repeat(2);
    for cut in 0..stream.len() {
        let mut splitter = EventStreamSplitter::new();
        splitter.push(&stream[..cut], |_| ()).unwrap();
        assert_eq!(splitter.at_boundary(), cut.is_multiple_of(one.len()));
        assert_eq!(splitter.last_boundary(), (cut >= one.len()).then_some(one.len()));
        splitter.push(&stream[cut..], |_| ()).unwrap();
        assert_eq!(splitter.last_boundary(), Some(stream.len() - cut));
        assert!(splitter.at_boundary());
    }
}

#[test]
fn a_message_that_is_cut_off_is_noticed() {
    let mut stream = Vec::new();
    write_event(&mut stream, "a", b"{}").unwrap();
    for end in 1..stream.len() {
        let (frames, result) = split(EventStreamSplitter::new(), [&stream[..end]]);
        assert_eq!((frames, result), (vec![], Err(FramingError::Truncated)));
    }
}

#[test]
fn chunks_become_the_events_within() {
    let mut stream = Vec::new();
    write_invoke_chunk(&mut stream, br#"{"type":"message_start","message":{}}"#).unwrap();
    write_event(&mut stream, "chunk", br#"{"p":"abc","bytes":"eyJ0eXBlIjoicGluZyJ9"}"#).unwrap();
    write_invoke_chunk(&mut stream, br#"{"outputText":"a"}"#).unwrap();
    write_event(&mut stream, "later", b"{}").unwrap();
    write_exception(&mut stream, "throttlingException", br#"{"message":"slow down"}"#).unwrap();
    write_exception(&mut stream, "internalServerException", b"").unwrap();
    assert_eq!(
        all(EventStreamSplitter::of_invoke_chunks(), &stream),
        [
            event("message_start", r#"{"type":"message_start","message":{}}"#),
            event("ping", r#"{"type":"ping"}"#),
            (FrameKind::Event, None, r#"{"outputText":"a"}"#.to_owned()),
            event("later", "{}"),
            exception(
                "error",
                r#"{"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}"#
            ),
            exception(
                "error",
                r#"{"type":"error","error":{"type":"api_error","message":"internalServerException"}}"#
            ),
        ]
    );
}

#[rstest]
#[case::no_bytes(r#"{"p":"abc"}"#)]
#[case::no_base64(r#"{"bytes":"%"}"#)]
#[case::no_text(r#"{"bytes":7}"#)]
#[case::no_object(r#"["eyJ9"]"#)]
#[case::no_json("{")]
fn a_chunk_without_an_event_ends_the_reading(#[case] payload: &str) {
    let mut stream = Vec::new();
    write_event(&mut stream, "chunk", payload.as_bytes()).unwrap();
    let (frames, result) = split(EventStreamSplitter::of_invoke_chunks(), [&stream[..]]);
    assert_eq!((frames, result), (vec![], Err(FramingError::UnreadableChunk)));
}

#[rstest]
#[case::last(
    r#"{"type":"message_stop","amazon-bedrock-invocationMetrics":{"a":[1,"}"]}}"#,
    r#"{"type":"message_stop"}"#
)]
#[case::first(r#"{ "amazon-bedrock-invocationMetrics" : {} , "type":"x" }"#, r#"{  "type":"x" }"#)]
#[case::middle(r#"{"a":1 , "amazon-bedrock-invocationMetrics":null, "b":2}"#, r#"{"a":1 , "b":2}"#)]
#[case::alone(r#"{"amazon-bedrock-invocationMetrics":{}}"#, "{}")]
#[case::twice(
    r#"{"amazon-bedrock-invocationMetrics":1,"amazon-bedrock-invocationMetrics":2,"a":3}"#,
    r#"{"a":3}"#
)]
#[case::deeper(
    r#"{"a":{"amazon-bedrock-invocationMetrics":1}}"#,
    r#"{"a":{"amazon-bedrock-invocationMetrics":1}}"#
)]
#[case::as_a_text(
    r#"{"a":"amazon-bedrock-invocationMetrics"}"#,
    r#"{"a":"amazon-bedrock-invocationMetrics"}"#
)]
#[case::not_there(r#"{"type":"message_stop"}"#, r#"{"type":"message_stop"}"#)]
#[case::no_json(r#"{"amazon-bedrock-invocationMetrics":"#, r#"{"amazon-bedrock-invocationMetrics":"#)]
fn invocation_metrics_are_cut_out(#[case] data: &str, #[case] expected: &str) {
    assert_eq!(
        String::from_utf8(without_invocation_metrics(data.as_bytes()).into_owned()).unwrap(),
        expected
    );
}

fn streams() -> impl Strategy<Value = Vec<u8>> {
    vec((0..4_u8, "[a-zA-Z]{1,12}", "[ -~]{0,40}"), 0..6).prop_map(|messages| {
        let mut stream = Vec::new();
        for (kind, name, text) in messages {
            let payload = format!("{{\"type\":{name:?},\"text\":{text:?}}}");
            match kind {
                0 => write_event(&mut stream, &name, payload.as_bytes()).unwrap(),
                1 => write_exception(&mut stream, &name, payload.as_bytes()).unwrap(),
                2 => write_invoke_chunk(&mut stream, payload.as_bytes()).unwrap(),
                _ => {
                    let headers =
                        [(":message-type", "error"), (":error-code", &name), (":error-message", &text)];
                    stream.extend(message(&headers, b""));
                }
            }
        }
        stream
    })
}

proptest! {
    #[test]
    fn the_chunks_make_no_difference(
        stream in streams(),
        cuts in vec(any::<prop::sample::Index>(), 0..6),
        unwrap in any::<bool>(),
    ) {
        let splitter =
            || if unwrap { EventStreamSplitter::of_invoke_chunks() } else { EventStreamSplitter::new() };
        let whole = all(splitter(), &stream);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.sort_unstable();
        cuts.push(stream.len());
        let mut from = 0;
        let chunks = cuts.iter().map(|&cut| &stream[std::mem::replace(&mut from, cut)..cut]);
        prop_assert_eq!(split(splitter(), chunks), (whole.clone(), Ok(())));
        prop_assert_eq!(split(splitter(), stream.chunks(1)), (whole, Ok(())));
    }

    #[test]
    fn a_flipped_bit_is_noticed(stream in streams(), at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        prop_assume!(!stream.is_empty());
        let mut flipped = stream.clone();
        flipped[at.index(stream.len())] ^= 1 << bit;
        let (frames, result) = split(EventStreamSplitter::new(), [&flipped[..]]);
        prop_assert!(matches!(result, Err(FramingError::Message(_))));
        prop_assert!(all(EventStreamSplitter::new(), &stream).starts_with(&frames), "what came before is right");
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in vec(any::<u8>(), 0..200), headers in vec(any::<u8>(), 0..60)) {
        let _ = Message::decode(&bytes);
        let _ = EventStreamSplitter::new().push(&bytes, |_| ());
        // With right checksums, so that the headers are looked at.
        let mut message = prelude((16 + headers.len() + bytes.len()) as u32, headers.len() as u32);
        message.extend_from_slice(&headers);
        message.extend_from_slice(&bytes);
        message.extend_from_slice(&crc32fast::hash(&message).to_be_bytes());
        let _ = EventStreamSplitter::of_invoke_chunks().push(&message, |_| ());
        let _ = without_invocation_metrics(&bytes);
    }
}
