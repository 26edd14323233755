use proptest::{collection::vec, prelude::*};
use rstest::rstest;

use super::*;
use crate::{Frame, FrameSplitter, FrameTooLong, FramingError};

fn own(frame: Frame<'_>) -> String {
    assert_eq!(frame.event, None);
    String::from_utf8(frame.data.to_vec()).unwrap()
}

fn split<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> (Vec<String>, Result<(), FramingError>) {
    let mut splitter = JsonArraySplitter::new();
    let mut elements = Vec::new();
    for chunk in chunks {
        if let Err(error) = splitter.push(chunk, |frame| elements.push(own(frame))) {
            return (elements, Err(error));
        }
    }
    let result = splitter.finish(|frame| elements.push(own(frame)));
    assert_eq!(result.is_ok(), splitter.is_closed());
    (elements, result)
}

#[rstest]
#[case::as_sent("[{\"a\":1}\r\n,\r\n{\"b\":[2,{}]}\r\n]\r\n", &["{\"a\":1}", "{\"b\":[2,{}]}"])]
#[case::error("[{\"error\":{\"code\":400}}\n]", &["{\"error\":{\"code\":400}}"])]
#[case::brackets_in_strings(r#"[{"a":"]},{["},{"b":"}"}]"#, &[r#"{"a":"]},{["}"#, r#"{"b":"}"}"#])]
#[case::escapes(r#"[{"a":"\"]\\"},{"\\\"":"\\\\"}]"#, &[r#"{"a":"\"]\\"}"#, r#"{"\\\"":"\\\\"}"#])]
#[case::other_values(r#" [1,"a,]\"" , null true,[[]] ,-2e3]"#, &["1", r#""a,]\"""#, "null", "true", "[[]]", "-2e3"])]
#[case::empty("[ ]", &[])]
#[case::commas("[,{},,{},]", &["{}", "{}"])]
fn elements_are_found(#[case] stream: &str, #[case] expected: &[&str]) {
    let bytes = stream.as_bytes();
    let expected: Vec<String> = expected.iter().map(|&text| text.to_owned()).collect();
    assert_eq!(split([bytes]), (expected.clone(), Ok(())));
    assert_eq!(split(bytes.chunks(1)), (expected.clone(), Ok(())));
    for cut in 0..bytes.len() {
        let (head, tail) = bytes.split_at(cut);
        assert_eq!(split([head, tail]), (expected.clone(), Ok(())), "cut at {cut}");
    }
}

#[rstest]
#[case::nothing("", &[])]
#[case::no_end("[{\"a\":1}\r\n,\r\n{\"b\":2}", &["{\"a\":1}", "{\"b\":2}"])]
#[case::cut_element("[{\"a\":1},{\"b\":", &["{\"a\":1}"])]
#[case::cut_number("[1", &[])]
fn a_missing_end_is_noticed(#[case] stream: &str, #[case] expected: &[&str]) {
    let (elements, result) = split([stream.as_bytes()]);
    assert_eq!(elements, expected);
    assert_eq!(result, Err(FramingError::Truncated));
}

#[rstest]
#[case::an_object("{\"error\":{}}")]
#[case::something_behind("[] x")]
#[case::a_second_array("[1][2]")]
fn what_is_not_one_array_ends_the_reading(#[case] stream: &str) {
    let mut splitter = JsonArraySplitter::new();
    assert_eq!(splitter.push(stream.as_bytes(), |_| ()), Err(FramingError::NotAnArray));
    assert!(!splitter.at_boundary());
    assert_eq!(splitter.push(b" ", |_| ()), Err(FramingError::NotAnArray));
    assert_eq!(splitter.finish(|_| ()), Err(FramingError::NotAnArray));
}

#[test]
fn boundaries_lie_after_whole_elements() {
    let mut splitter = JsonArraySplitter::new();
    assert!(splitter.at_boundary());
    for (piece, at_boundary, last, closed) in [
        ("\n", true, Some(1), None),
        ("[", false, None, None),
        ("{\"a\"", false, None, None),
        (":1}", true, Some(3), None),
        ("\r\n", true, Some(2), None),
        (",", false, None, None),
        (" {},{", false, Some(3), None),
        ("}\n]\n", true, Some(4), Some(3)),
        ("\n", true, Some(1), None),
    ] {
        splitter.push(piece.as_bytes(), |_| ()).unwrap();
        assert_eq!(splitter.at_boundary(), at_boundary, "after {piece:?}");
        assert_eq!(splitter.last_boundary(), last, "in {piece:?}");
        assert_eq!(splitter.closed_at(), closed, "in {piece:?}");
    }
}

#[test]
fn an_element_within_one_chunk_is_not_copied() {
    let chunk = b"[{\"a\":1},\r\n{\"b\":2}]";
    let range = chunk.as_ptr_range();
    let mut inside = 0;
    let count = |frame: Frame<'_>| inside += usize::from(range.contains(&frame.data.as_ptr()));
    JsonArraySplitter::new().push(chunk, count).unwrap();
    assert_eq!(inside, 2);
}

#[test]
fn an_element_longer_than_the_cap_ends_the_reading() {
    let stream = [b"[{},\"", &vec![b'x'; FrameSplitter::MAX_FRAME][..], b"\"]"].concat();
    for size in [stream.len(), 1 << 20] {
        let (elements, result) = split(stream.chunks(size));
        assert_eq!((elements, result), (vec!["{}".to_owned()], Err(FrameTooLong.into())));
    }
}

#[test]
fn a_written_array_is_json() {
    let mut out = Vec::new();
    let mut writer = JsonArrayWriter::new();
    writer.write(b"{\"a\":1}", &mut out);
    writer.write(b"{\"b\":2}", &mut out);
    writer.finish(&mut out);
    assert_eq!(out, b"[{\"a\":1},\r\n{\"b\":2}]");
    out.clear();
    JsonArrayWriter::new().finish(&mut out);
    assert_eq!(out, b"[]");
}

#[test]
fn a_resumed_array_goes_on_after_an_element() {
    let mut out = b"[1".to_vec();
    let mut writer = JsonArrayWriter::resumed();
    writer.write(b"2", &mut out);
    writer.finish(&mut out);
    assert_eq!(out, b"[1,\r\n2]");
}

proptest! {
    #[test]
    fn the_chunks_make_no_difference(
        stream in vec(prop::sample::select(&b"[]{},: \n\"\"\\a1"[..]), 0..60),
        cuts in vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let stream = [b"[", &stream[..]].concat();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.sort_unstable();
        cuts.push(stream.len());
        let mut from = 0;
        let chunks = cuts.iter().map(|&cut| &stream[std::mem::replace(&mut from, cut)..cut]);
        prop_assert_eq!(split(chunks), split([&stream[..]]));
    }

    #[test]
    fn any_bytes_pass_without_a_panic(bytes in vec(any::<u8>(), 0..80)) {
        let mut splitter = JsonArraySplitter::new();
        let _ = splitter.push(&bytes, |_| ());
        let _ = splitter.finish(|_| ());
    }
}
