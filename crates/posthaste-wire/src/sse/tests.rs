use proptest::{collection::vec, prelude::*};
use rstest::rstest;

use super::*;

type Owned = (Option<String>, Vec<u8>);

fn own(frame: Frame<'_>) -> Owned {
    (frame.event.map(str::to_owned), frame.data.to_vec())
}

fn split<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<Owned> {
    let mut splitter = FrameSplitter::new();
    let mut frames = Vec::new();
    for chunk in chunks {
        splitter.push(chunk, |frame| frames.push(own(frame))).unwrap();
    }
    splitter.finish(|frame| frames.push(own(frame))).unwrap();
    frames
}

fn data(text: &str) -> Owned {
    (None, text.as_bytes().to_vec())
}

fn named(event: &str, text: &str) -> Owned {
    (Some(event.to_owned()), text.as_bytes().to_vec())
}

#[rstest]
#[case::plain("data: a\n\ndata: b\n\n", vec![data("a"), data("b")])]
#[case::crlf("event: e\r\ndata: a\r\n\r\ndata: b\r\n\r\n", vec![named("e", "a"), data("b")])]
#[case::cr("event: e\rdata: a\r\rdata: b\r\r", vec![named("e", "a"), data("b")])]
#[case::mixed("data: a\r\n\ndata: b\n\r\ndata: c\r\n\rdata: d\n\n", vec![data("a"), data("b"), data("c"), data("d")])]
#[case::no_space("data:a\n\n", vec![data("a")])]
#[case::only_one_space_is_taken("data:  a \n\n", vec![data(" a ")])]
#[case::several_data_lines("data: a\ndata:b\nevent: e\ndata\n\n", vec![named("e", "a\nb\n")])]
#[case::comments(": hi\ndata: a\n: there\n\n:\n\n:flood\n:flood\n\ndata: b\n\n", vec![data("a"), data("b")])]
#[case::unknown_fields("id: 7\nretry: 5\ndatax: no\ndata : no\ndata: a\nbare\n\n", vec![data("a")])]
#[case::no_data_no_frame("event: lost\n\ndata: a\n\n", vec![data("a")])]
#[case::empty_data("data\n\ndata:\n\n", vec![data(""), data("")])]
#[case::last_name_wins("event: a\nevent: b\ndata: x\n\n", vec![named("b", "x")])]
#[case::empty_name_is_none("event: a\nevent:\ndata: x\n\n", vec![data("x")])]
#[case::mark_at_the_start_only("\u{feff}data: a\n\n\u{feff}data: b\n\n", vec![data("a")])]
#[case::missing_blank_line("data: a\n\nevent: e\ndata: b\n", vec![data("a"), named("e", "b")])]
#[case::missing_line_end("data: a\n\ndata: b", vec![data("a"), data("b")])]
#[case::nul("event: a\0b\ndata: \0\n\n", vec![named("a\0b", "\0")])]
#[case::many_blank_lines("\n\n\r\r\n\ndata: a\n\n\n\n", vec![data("a")])]
#[case::nothing("", vec![])]
fn frames_are_read_whatever_the_chunks(#[case] stream: &str, #[case] expected: Vec<Owned>) {
    let bytes = stream.as_bytes();
    assert_eq!(split([bytes]), expected);
    assert_eq!(split(bytes.chunks(1)), expected, "byte by byte");
    for cut in 0..=bytes.len() {
        let (head, tail) = bytes.split_at(cut);
        assert_eq!(split([head, tail]), expected, "cut at {cut}");
    }
}

#[test]
fn bytes_that_are_no_utf8_stay_in_data_and_leave_the_name_out() {
    let frames = split([&b"event: \xff\xfe\ndata: \xff\x00\xfe\n\n"[..]]);
    assert_eq!(frames, [(None, b"\xff\x00\xfe".to_vec())]);
}

#[test]
fn a_blank_line_of_cr_ends_the_frame_without_waiting_for_lf() {
    let mut splitter = FrameSplitter::new();
    let mut frames = Vec::new();
    splitter.push(b"data: a\r\n\r", |frame| frames.push(own(frame))).unwrap();
    assert_eq!(frames, [data("a")]);
    assert!(splitter.at_boundary());
    splitter.push(b"", |_| unreachable!("nothing came")).unwrap();
    splitter.push(b"\ndata: b\n\n", |frame| frames.push(own(frame))).unwrap();
    assert_eq!(frames, [data("a"), data("b")]);
}

#[test]
fn a_frame_within_one_chunk_is_not_copied() {
    let chunk = b"event: e\ndata: first\n\ndata: second\n\n";
    let range = chunk.as_ptr_range();
    let mut inside = 0;
    FrameSplitter::new()
        .push(chunk, |frame| inside += usize::from(range.contains(&frame.data.as_ptr())))
        .unwrap();
    assert_eq!(inside, 2);
}

#[test]
fn boundaries_are_between_frames_only() {
    let mut splitter = FrameSplitter::new();
    assert!(splitter.at_boundary());
    for (piece, boundary) in [
        ("eve", false),
        ("nt: e\n", false),
        ("data: a\n", false),
        ("\n", true),
        (": note\n", true),
        ("id: 7\n", false),
        ("\n", true),
        ("d", false),
    ] {
        splitter.push(piece.as_bytes(), |_| ()).unwrap();
        assert_eq!(splitter.at_boundary(), boundary, "after {piece:?}");
    }
}

#[test]
fn a_frame_longer_than_the_cap_ends_the_reading() {
    let line = vec![b'x'; FrameSplitter::MAX_FRAME + 1];
    let half = vec![b'y'; FrameSplitter::MAX_FRAME / 2];
    let in_one_line = [&b"data: a\n\ndata: "[..], &line, b"\n\n"].concat();
    let in_several_lines = [&b"data: a\n\ndata: "[..], &half, b"\ndata: ", &half, b"\n\n"].concat();
    let in_a_comment = [&b"data: a\n\n:"[..], &line, b"\n\ndata: b\n\n"].concat();
    for stream in [in_one_line, in_several_lines, in_a_comment] {
        for size in [stream.len(), 1 << 20, 100_003] {
            let mut splitter = FrameSplitter::new();
            let mut frames = Vec::new();
            let result = stream
                .chunks(size)
                .try_for_each(|chunk| splitter.push(chunk, |frame| frames.push(own(frame))));
            assert_eq!(result, Err(FrameTooLong));
            assert_eq!(frames, [data("a")], "what came before is handed out");
            assert_eq!(splitter.push(b"data: b\n\n", |_| ()), Err(FrameTooLong));
            assert_eq!(splitter.finish(|_| ()), Err(FrameTooLong));
        }
    }
}

/// Whoever holds back a frame until it is whole must be able to rely on the cap.
#[test]
fn a_frame_whose_many_lines_pass_the_cap_ends_the_reading() {
    let filler = "x".repeat(1_000);
    for (field, line_end) in [("event: ", "\n"), ("id: ", "\r\n"), ("", "\r"), ("data\n:", "\n")] {
        let line = format!("{field}{filler}{line_end}");
        let lines = FrameSplitter::MAX_FRAME / 1_000;
        let stream = format!("data: a\n\nevent: b\n{}", line.repeat(lines));
        for size in [stream.len(), 100_003] {
            let mut splitter = FrameSplitter::new();
            let result = stream.as_bytes().chunks(size).try_for_each(|chunk| splitter.push(chunk, |_| ()));
            assert_eq!(result, Err(FrameTooLong), "{field:?}");
            assert!(!splitter.at_boundary());
        }
    }
}

#[test]
fn a_frame_of_exactly_the_cap_is_taken_and_the_next_one_starts_anew() {
    let field = "event: a\n";
    let line = "x".repeat(FrameSplitter::MAX_FRAME - field.len() - "data: \n".len());
    let frame = format!("{field}data: {line}\n\n");
    for size in [frame.len(), 1 << 20, 100_003] {
        let mut splitter = FrameSplitter::new();
        for _ in 0..2 {
            let mut frames = 0;
            for chunk in frame.as_bytes().chunks(size) {
                splitter.push(chunk, |_| frames += 1).unwrap();
            }
            assert_eq!(frames, 1);
        }
    }
}

#[test]
fn comment_floods_are_not_kept() {
    let mut splitter = FrameSplitter::new();
    let flood = ": a long comment that says nothing\n".repeat(1_000);
    for _ in 0..1_000 {
        splitter.push(flood.as_bytes(), |_| unreachable!("a comment is no frame")).unwrap();
    }
    splitter.push(b"data: a\n\n", |frame| assert_eq!(frame.data, b"a")).unwrap();
}

#[test]
fn a_written_frame_reads_back() {
    let mut out = Vec::new();
    write_frame(&mut out, Some("ping"), b"{}");
    write_frame(&mut out, None, b"two\nlines\r\nor three\rand four");
    write_frame(&mut out, None, b"");
    assert!(out.starts_with(b"event: ping\ndata: {}\n\ndata: two\ndata: lines\n"));
    assert_eq!(split([&out[..]]), [named("ping", "{}"), data("two\nlines\nor three\nand four"), data("")]);
}

proptest! {
    #[test]
    fn the_chunks_make_no_difference(
        stream in vec(prop::sample::select(&b"\r\n: dataevnt\xEF\xBB\xBF\xff"[..]), 0..80),
        cuts in vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.sort_unstable();
        let mut chunks = Vec::new();
        let mut from = 0;
        for cut in cuts {
            chunks.push(&stream[from..cut]);
            from = cut;
        }
        chunks.push(&stream[from..]);
        prop_assert_eq!(split(chunks), split([&stream[..]]));
    }

    #[test]
    fn a_stream_of_lines_reads_the_same_with_every_line_end(
        lines in vec("(data|event|id|):? ?[a-c]{0,3}|", 0..24),
        ends in vec(prop::sample::select(&["\n", "\r\n", "\r"][..]), 24),
    ) {
        let plain: String = lines.iter().map(|line| format!("{line}\n")).collect();
        // CR before LF would join to one line end, so LF follows nothing but LF and CRLF.
        let mut mixed = String::new();
        for (line, end) in lines.iter().zip(ends) {
            let joins = mixed.ends_with('\r') && line.is_empty() && end == "\n";
            mixed.push_str(line);
            mixed.push_str(if joins { "\r\n" } else { end });
        }
        prop_assert_eq!(split([mixed.as_bytes()]), split([plain.as_bytes()]));
    }
}
