//! Every stream fixture gives the same frames and the same sightings, however its bytes are cut.

#![expect(clippy::unwrap_used, reason = "a fixture that cannot be read must fail the test")]

use std::{fs, path::PathBuf};

use posthaste_core::{Dialect, Usage, UsageSource};
use posthaste_wire::{Frame, FrameSplitter, Progress, StreamTap, UpstreamError};

#[test]
fn cuts_make_no_difference_to_frames() {
    for case in cases() {
        let whole = frames([case.stream.as_slice()]);
        assert!(!whole.is_empty(), "{}", case.name);
        for chunks in case.cuts() {
            assert_eq!(frames(chunks.iter().copied()), whole, "{}: {:?}", case.name, lengths(&chunks));
        }
    }
}

#[test]
fn cuts_make_no_difference_to_what_a_tap_sees() {
    for case in cases() {
        let whole = sight(case.dialect, &[&case.stream]);
        for chunks in case.cuts() {
            let sight = sight(case.dialect, &chunks);
            assert_eq!(sight, whole, "{}: {:?}", case.name, lengths(&chunks));
        }
    }
}

#[test]
fn each_fixture_shows_what_its_name_says() {
    let shown: Vec<String> = cases()
        .iter()
        .map(|case| {
            let Sight { progress, usage, source, error, closing, .. } = sight(case.dialect, &[&case.stream]);
            let error = error.map(|error| (error.kind, error.code, error.message));
            format!(
                "{}\n  {progress:?}\n  {source:?} {}\n  error {error:?}\n  closing {closing:?}\n",
                case.name,
                serde_json::to_string(&usage).unwrap()
            )
        })
        .collect();
    insta::assert_snapshot!("fixtures", shown.join("\n"));
}

/// A connection may break anywhere: what came before the terminator must not look like a whole answer. Where there is
/// none, the stop reason is what makes it one.
#[test]
fn a_stream_cut_short_never_ends() {
    for case in cases() {
        // What some vendors put behind the terminator counts for nothing.
        let end = sight(case.dialect, &[&case.stream]).terminated_at.unwrap_or(case.stream.len());
        for cut in 0..end {
            let sight = sight(case.dialect, &[&case.stream[..cut]]);
            let only_line_ends_are_missing = case.stream[cut..end].iter().all(u8::is_ascii_whitespace);
            let told_why = reason_without_terminator(case.dialect)
                .is_some_and(|word| case.stream[..cut].windows(word.len()).any(|window| window == word));
            if !only_line_ends_are_missing && !told_why {
                assert_ne!(sight.progress, Progress::Ended, "{} cut at {cut}", case.name);
            }
        }
    }
}

/// What tells why an answer ended, in the dialects whose streams end by closing.
fn reason_without_terminator(dialect: Dialect) -> Option<&'static [u8]> {
    match dialect {
        Dialect::BedrockConverse => Some(b"stopReason"),
        Dialect::GeminiGenerate => Some(b"finishReason"),
        Dialect::AnthropicMessages | Dialect::OpenAiChat | Dialect::OpenAiResponses => None,
    }
}

/// What the relay adds to a stream that was cut after its stop reason makes it a stream that ends.
#[test]
fn a_closing_makes_the_stream_end_without_changing_it() {
    for case in cases() {
        for cut in 0..=case.stream.len() {
            let cut_short = &case.stream[..cut];
            let before = sight(case.dialect, &[cut_short]);
            if let Some(closing) = &before.closing {
                let after = sight(case.dialect, &[cut_short, closing.as_bytes()]);
                assert_eq!(after.progress, Progress::Ended, "{} cut at {cut}", case.name);
                assert_eq!((after.usage, after.closing), (before.usage, None), "{} cut at {cut}", case.name);
            }
        }
    }
}

/// Whoever passes on the bytes up to the last boundary, and holds the rest, has at each step passed on whole frames
/// only, and all of those that are whole.
#[test]
fn up_to_the_last_boundary_lie_all_whole_frames_and_no_others() {
    for case in cases() {
        for chunks in case.cuts() {
            let held = forward_whole_frames(case.dialect, &chunks);
            assert!(case.stream.ends_with(&held), "{}", case.name);
        }
    }
}

/// What comes between frames needs not be held, and what begins one must be.
#[test]
fn boundaries_are_found_wherever_the_stream_is_cut() {
    let stream =
        b"\xEF\xBB\xBF: hello\n\nid: 7\r\ndata: a\r\n\r\n: b\r\rdata: c\n: inside\n\n\n\r\nevent: lost\n\n";
    let boundaries = [11, 12, 29, 30, 34, 35, 53, 54, 55, 56, 69];
    for cut in 0..=stream.len() {
        let (head, tail) = stream.split_at(cut);
        let mut tap = StreamTap::new(Dialect::AnthropicMessages);
        tap.push(head).unwrap();
        let before = boundaries.iter().rfind(|boundary| **boundary <= cut).copied();
        assert_eq!(tap.last_boundary(), before, "cut at {cut}");
        tap.push(tail).unwrap();
        assert_eq!(tap.last_boundary(), (!tail.is_empty()).then_some(tail.len()), "cut at {cut}");
        tap.push(b"").unwrap();
        assert_eq!(tap.last_boundary(), None);
    }
}

#[test]
fn before_a_frame_that_is_too_long_the_last_boundary_stays() {
    let frame = b"data: {}\n\n";
    let chunk = [&frame[..], &vec![b'x'; FrameSplitter::MAX_FRAME + 1]].concat();
    let mut tap = StreamTap::new(Dialect::OpenAiChat);
    assert!(tap.push(&chunk).is_err());
    assert_eq!(tap.last_boundary(), Some(frame.len()));
    assert!(tap.push(frame).is_err());
    assert_eq!(tap.last_boundary(), None);
}

struct Case {
    name: String,
    dialect: Dialect,
    stream: Vec<u8>,
}

impl Case {
    /// Two pieces at every byte, and every byte for itself.
    fn cuts(&self) -> impl Iterator<Item = Vec<&[u8]>> {
        let pairs = (0..=self.stream.len()).map(|cut| {
            let (head, tail) = self.stream.split_at(cut);
            vec![head, tail]
        });
        pairs.chain([self.stream.chunks(1).collect()])
    }
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for dialect in Dialect::ALL {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(dialect.as_str());
        for entry in fs::read_dir(folder.join("stream")).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "sse") {
                let name = format!("{dialect}/{}", path.file_stem().unwrap().to_str().unwrap());
                cases.push(Case { name, dialect, stream: fs::read(&path).unwrap() });
            }
        }
    }
    assert!(cases.len() > 20, "the fixtures are there");
    cases.sort_by(|left, right| left.name.cmp(&right.name));
    cases
}

/// Passes on whole frames, checks at each step that they are, and returns what is held at the end.
fn forward_whole_frames(dialect: Dialect, chunks: &[&[u8]]) -> Vec<u8> {
    let mut tap = StreamTap::new(dialect);
    let mut held = Vec::new();
    let mut client = FrameSplitter::new();
    for chunk in chunks {
        tap.push(chunk).unwrap();
        let (whole, begun) = chunk.split_at(tap.last_boundary().unwrap_or(0));
        if !whole.is_empty() {
            held.extend_from_slice(whole);
            client.push(&held, |_| ()).unwrap();
            held.clear();
        }
        held.extend_from_slice(begun);
        assert!(client.at_boundary(), "half a frame was passed on");
        FrameSplitter::new().push(&held, |frame| panic!("{frame:?} was held")).unwrap();
        assert_eq!(tap.at_boundary(), held.is_empty());
    }
    held
}

fn frames<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<(Option<String>, Vec<u8>)> {
    let mut frames = Vec::new();
    let mut keep = |frame: Frame<'_>| frames.push((frame.event.map(str::to_owned), frame.data.to_vec()));
    let mut splitter = FrameSplitter::new();
    for chunk in chunks {
        splitter.push(chunk, &mut keep).unwrap();
    }
    splitter.finish(&mut keep).unwrap();
    frames
}

#[derive(Debug, PartialEq, Eq)]
struct Sight {
    progress: Progress,
    usage: Usage,
    source: UsageSource,
    error: Option<UpstreamError>,
    closing: Option<String>,
    terminated_at: Option<usize>,
}

fn sight(dialect: Dialect, chunks: &[&[u8]]) -> Sight {
    let mut tap = StreamTap::new(dialect);
    let mut terminated_at = None;
    let mut before = 0;
    for (position, chunk) in chunks.iter().enumerate() {
        let earlier = tap.progress();
        let progress = tap.push(chunk).unwrap();
        assert!(rank(progress) >= rank(earlier), "{earlier:?} became {progress:?}");
        if let Some(offset) = tap.terminated_at() {
            assert_eq!(terminated_at, None, "a stream ends once");
            // The last line end may be cut between CR and LF: then the LF is left for the next chunk.
            let left = chunk.ends_with(b"\r")
                && chunks.get(position + 1).is_some_and(|next| next.starts_with(b"\n"));
            terminated_at = Some(before + offset + usize::from(left));
        }
        before += chunk.len();
    }
    let progress = tap.finish().unwrap();
    Sight {
        progress,
        usage: tap.usage(),
        source: tap.usage_source(),
        error: tap.error().cloned(),
        closing: tap.closing().map(|bytes| String::from_utf8(bytes.to_vec()).unwrap()),
        terminated_at,
    }
}

fn rank(progress: Progress) -> u8 {
    match progress {
        Progress::Opening => 0,
        Progress::Content => 1,
        Progress::Ended => 2,
        Progress::Failed => 3,
    }
}

fn lengths(chunks: &[&[u8]]) -> (usize, usize) {
    (chunks[0].len(), chunks.len())
}
