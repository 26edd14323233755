//! What the server does for one request.

use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;

use super::gate::Gate;
use crate::answers::frame;

/// One answer, step by step.
///
/// Unless told otherwise it is a 200 whose head goes out at once, whose chunks are each one HTTP chunk in a write of
/// its own, and which ends as it should, with the connection kept. TCP may still join what was written apart; a
/// [`pause`](Self::pause) between two chunks keeps them apart.
#[derive(Clone, Debug)]
pub struct Script {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) framing: Framing,
    pub(super) before_head: Duration,
    pub(super) steps: Vec<Step>,
    pub(super) ending: Ending,
}

impl Script {
    /// An empty 200, to be filled.
    pub fn new() -> Self {
        Self {
            status: 200,
            headers: Vec::new(),
            framing: Framing::Chunked,
            before_head: Duration::ZERO,
            steps: Vec::new(),
            ending: Ending::Proper,
        }
    }

    /// A whole JSON answer with its length.
    pub fn json(status: u16, value: &Value) -> Self {
        Self::new().status(status).header("content-type", "application/json").sized().chunk(value.to_string())
    }

    /// A whole answer in plain text with its length.
    pub fn text(status: u16, text: &str) -> Self {
        Self::new().status(status).header("content-type", "text/plain").sized().chunk(text.to_owned())
    }

    /// An event stream, one chunk a frame.
    pub fn sse(frames: &[Bytes]) -> Self {
        Self::new().header("content-type", "text/event-stream; charset=utf-8").chunks(frames.iter().cloned())
    }

    /// An event stream of these events, framed as Anthropic frames them.
    ///
    /// # Panics
    /// When an event has no `type`.
    pub fn events(events: &[Value]) -> Self {
        Self::sse(&events.iter().map(frame).collect::<Vec<_>>())
    }

    /// These bytes and nothing else, then the connection is closed: garbage where a head is expected.
    pub fn raw(bytes: impl Into<Bytes>) -> Self {
        Self { framing: Framing::Raw, ending: Ending::Cut, ..Self::new() }.chunk(bytes)
    }

    /// Reads the request and never answers.
    pub fn never() -> Self {
        Self { framing: Framing::Raw, ..Self::new() }.stall()
    }

    /// Closes the connection instead of an answer.
    pub fn hang_up() -> Self {
        Self { framing: Framing::Raw, ..Self::new() }.cut()
    }

    /// The status.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// Adds a header, as it stands.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Waits before the head.
    #[must_use]
    pub fn head_after(mut self, pause: Duration) -> Self {
        self.before_head = pause;
        self
    }

    /// Tells the body's length in the head, instead of HTTP chunks.
    #[must_use]
    pub fn sized(mut self) -> Self {
        self.framing = Framing::Sized;
        self
    }

    /// Claims this length in the head, whatever is sent.
    #[must_use]
    pub fn claiming(mut self, content_length: u64) -> Self {
        self.framing = Framing::Claimed(content_length);
        self
    }

    /// Neither length nor chunks: the body ends with the connection.
    #[must_use]
    pub fn until_close(mut self) -> Self {
        self.framing = Framing::UntilClose;
        self
    }

    /// Writes a piece of the body.
    #[must_use]
    pub fn chunk(mut self, bytes: impl Into<Bytes>) -> Self {
        self.steps.push(Step::Chunk(bytes.into()));
        self
    }

    /// Writes pieces of the body.
    #[must_use]
    pub fn chunks(self, chunks: impl IntoIterator<Item = Bytes>) -> Self {
        chunks.into_iter().fold(self, Self::chunk)
    }

    /// Waits.
    #[must_use]
    pub fn pause(mut self, pause: Duration) -> Self {
        self.steps.push(Step::Pause(pause));
        self
    }

    /// Waits until a gate is opened.
    #[must_use]
    pub fn gate(mut self, gate: &Gate) -> Self {
        self.steps.push(Step::Gate(gate.clone()));
        self
    }

    /// Waits this long after each piece that was given so far.
    #[must_use]
    pub fn pausing(mut self, pause: Duration) -> Self {
        let paused = |step| match step {
            chunk @ Step::Chunk(_) => vec![chunk, Step::Pause(pause)],
            other => vec![other],
        };
        self.steps = self.steps.into_iter().flat_map(paused).collect();
        self
    }

    /// Cuts the pieces that were given so far into pieces of at most `size` bytes.
    ///
    /// # Panics
    /// When `size` is 0.
    #[must_use]
    pub fn sliced(mut self, size: usize) -> Self {
        let slice = |step| match step {
            Step::Chunk(bytes) => bytes.chunks(size).map(|part| Step::Chunk(bytes.slice_ref(part))).collect(),
            other => vec![other],
        };
        self.steps = self.steps.into_iter().flat_map(slice).collect();
        self
    }

    /// Then sends nothing more and keeps the connection open until the client leaves.
    #[must_use]
    pub fn stall(mut self) -> Self {
        self.ending = Ending::Stall;
        self
    }

    /// Then closes the connection (FIN), in the middle of the body as far as its framing can tell.
    #[must_use]
    pub fn cut(mut self) -> Self {
        self.ending = Ending::Cut;
        self
    }

    /// Then resets the connection (RST).
    #[must_use]
    pub fn reset(mut self) -> Self {
        self.ending = Ending::Reset;
        self
    }

    /// Then ends the body as it should, which is the default.
    #[must_use]
    pub fn end(mut self) -> Self {
        self.ending = Ending::Proper;
        self
    }

    /// The answer's head; empty where there is none.
    pub(super) fn head(&self) -> Vec<u8> {
        let framing = match self.framing {
            Framing::Raw => return Vec::new(),
            Framing::Chunked => "transfer-encoding: chunked\r\n".to_owned(),
            Framing::Sized => format!("content-length: {}\r\n", self.body_len()),
            Framing::Claimed(length) => format!("content-length: {length}\r\n"),
            Framing::UntilClose => "connection: close\r\n".to_owned(),
        };
        let reason =
            http::StatusCode::from_u16(self.status).ok().and_then(|status| status.canonical_reason());
        let mut head = format!("HTTP/1.1 {} {}\r\n{framing}", self.status, reason.unwrap_or_default());
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        head.into_bytes()
    }

    /// The chunk as it is written.
    pub(super) fn framed(&self, chunk: &Bytes) -> Bytes {
        if self.framing != Framing::Chunked {
            return chunk.clone();
        }
        if chunk.is_empty() {
            // A chunk of length 0 would be the body's end.
            return Bytes::new();
        }
        let mut framed = format!("{:x}\r\n", chunk.len()).into_bytes();
        framed.extend_from_slice(chunk);
        framed.extend_from_slice(b"\r\n");
        framed.into()
    }

    fn body_len(&self) -> usize {
        let length = |step: &Step| if let Step::Chunk(bytes) = step { bytes.len() } else { 0 };
        self.steps.iter().map(length).sum()
    }
}

impl Default for Script {
    fn default() -> Self {
        Self::new()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    Chunked,
    Sized,
    Claimed(u64),
    UntilClose,
    Raw,
}

#[derive(Clone, Debug)]
pub(super) enum Step {
    Chunk(Bytes),
    Pause(Duration),
    Gate(Gate),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Proper,
    Stall,
    Cut,
    Reset,
}
