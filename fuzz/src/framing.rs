//! What must be true of every framing.

use posthaste_wire::{Frame, FrameKind, FrameWriter, Framing, FramingError, Repacker, Splitter};
use serde::de::IgnoredAny;

use crate::{check, streams};

/// A frame that outlives its stream.
#[derive(Clone, Debug, PartialEq)]
struct Owned {
    event: Option<String>,
    data: Vec<u8>,
    kind: FrameKind,
}

impl From<Frame<'_>> for Owned {
    fn from(frame: Frame<'_>) -> Self {
        Self { event: frame.event.map(str::to_owned), data: frame.data.to_vec(), kind: frame.kind }
    }
}

/// Cuts a stream in one piece and in several.
///
/// # Panics
/// When the pieces make a difference.
pub fn split(framing: Framing, stream: &[u8]) {
    let whole = frames(framing, &[stream]);
    assert_eq!(frames(framing, &streams::pieces(stream)), whole, "{framing:?} in pieces");
    if stream.len() <= 256 {
        let bytes: Vec<_> = stream.chunks(1).collect();
        assert_eq!(frames(framing, &bytes), whole, "{framing:?} in single bytes");
    }
}

/// Writes the stream's frames in every framing and reads them again.
///
/// # Panics
/// When they are not the same, or what the pieces become differs from what the whole becomes.
pub fn write_and_read(from: Framing, stream: &[u8]) {
    let (read, _) = frames(from, &[stream]);
    for to in FRAMINGS {
        let whole = repack(from, to, &[stream]);
        assert_eq!(repack(from, to, &streams::pieces(stream)), whole, "{from:?} to {to:?} in pieces");
        if to == from {
            let mut out = Vec::new();
            let mut writer = FrameWriter::new(to);
            for frame in &read {
                let frame = Frame { event: frame.event.as_deref(), data: &frame.data, kind: frame.kind };
                writer.write(frame, &mut out).expect("a frame that was read can be written");
            }
            writer.finish(&mut out);
            again(to, &read, &out);
        }
    }
}

fn again(framing: Framing, read: &[Owned], out: &[u8]) {
    if !read.iter().all(|frame| is_written_as_it_was(framing, frame)) {
        return;
    }
    let (again, end) = frames(framing, &[out]);
    assert_eq!(end, Ok(()), "{framing:?} written: {}", check::shown(out));
    let same = |(one, other): (&Owned, &Owned)| one.data == other.data || breaks_lines(framing, &one.data);
    assert_eq!(again.len(), read.len(), "{framing:?} written: {}", check::shown(out));
    assert!(again.iter().zip(read).all(same), "{framing:?} written: {}", check::shown(out));
}

/// Of a JSON array only elements that are JSON stay; of the chunks of `InvokeModel` the errors are put in Bedrock's words,
/// which know fewer kinds than Anthropic's.
fn is_written_as_it_was(framing: Framing, frame: &Owned) -> bool {
    match framing {
        Framing::Sse | Framing::EventStream => true,
        Framing::JsonArray => serde_json::from_slice::<IgnoredAny>(&frame.data).is_ok(),
        Framing::InvokeChunks => {
            let is_error = |name: &str| name == "error" || name.ends_with("Exception");
            frame.kind == FrameKind::Event && !frame.event.as_deref().is_some_and(is_error)
        }
    }
}

/// A CR inside data is a line break of server-sent events, and comes back as LF.
fn breaks_lines(framing: Framing, data: &[u8]) -> bool {
    framing == Framing::Sse && data.contains(&b'\r')
}

fn frames(framing: Framing, pieces: &[&[u8]]) -> (Vec<Owned>, Result<(), FramingError>) {
    let mut frames = Vec::new();
    let mut splitter = Splitter::new(framing);
    let mut keep = |frame: Frame<'_>| frames.push(Owned::from(frame));
    let pushed = pieces.iter().try_for_each(|piece| splitter.push(piece, &mut keep));
    let end = pushed.and_then(|()| splitter.finish(&mut keep));
    (frames, end)
}

fn repack(from: Framing, to: Framing, pieces: &[&[u8]]) -> (Vec<u8>, Result<(), FramingError>) {
    let mut out = Vec::new();
    let mut repacker = Repacker::new(from, to);
    let pushed = pieces.iter().try_for_each(|piece| repacker.push(piece, &mut out));
    let end = pushed.and_then(|()| repacker.finish(&mut out));
    (out, end)
}

const FRAMINGS: [Framing; 4] =
    [Framing::Sse, Framing::EventStream, Framing::InvokeChunks, Framing::JsonArray];
