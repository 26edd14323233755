//! Streams as the built-in imitation speaks them, to be played again, whole or spoiled.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{Request, Response, header};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use parking_lot::Mutex;
use posthaste_core::{Egress, Payload, RelayBody, Surface, Transport, TransportError, boxed_body, full_body};
use posthaste_gateway::RelayOptions;
use posthaste_sandbox::Sandbox;
use posthaste_testkit::{AccountSetters, Reply};
use posthaste_wire::{Framing, Repacker, Splitter, write_frame};

use crate::{
    heard::{is_stop, says, taken_apart_piece},
    side::Side,
    support::{
        Read, Rig,
        asking::{MODEL, question},
    },
};

/// A stream of one side, one event an element.
#[derive(Clone, Debug)]
pub(crate) struct Recording {
    pub(crate) surface: Surface,
    pub(crate) frames: Vec<Bytes>,
    /// All that is said.
    pub(crate) text: String,
    /// Where the first event with content ends.
    pub(crate) content_end: usize,
    /// Where the event ends that tells why the answer stopped.
    pub(crate) stop_end: usize,
    bytes: Bytes,
    /// Where each event ends, and how much of the text has been said by then.
    ends: Vec<(usize, usize)>,
    pub(crate) content_type: String,
}

/// How a stream ends that is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// As if all were well.
    Close,
    /// As a lost connection does.
    Break,
    /// Never.
    Silence,
}

impl Recording {
    /// What a model of the imitation streams to this question.
    pub(crate) async fn of(side: &Side, model: &str, text: &str) -> Self {
        let tape = Arc::new(Tape::default());
        let account = side.account("sandbox", 1).with_model_name("*", model);
        let rig = Rig::over(vec![account], RelayOptions::default(), Arc::clone(&tape) as _).await;
        let client = side.surface;
        let answer = rig.ask_on(client, &question(client, text, true), true).await.unwrap();
        assert_eq!(Read::from(answer).await.status, 200);
        let (content_type, frames) = tape.recorded.lock().take().unwrap();
        Self::new(client, content_type, frames)
    }

    fn new(surface: Surface, content_type: String, frames: Vec<Bytes>) -> Self {
        let (mut text, mut ends, mut end) = (String::new(), Vec::new(), 0);
        let (mut content_end, mut stop_end) = (usize::MAX, usize::MAX);
        for frame in &frames {
            end += frame.len();
            for event in taken_apart_piece(surface, frame) {
                text.push_str(&says(surface, &event));
                if is_stop(surface, &event) {
                    stop_end = stop_end.min(end);
                }
            }
            if !text.is_empty() {
                content_end = content_end.min(end);
            }
            ends.push((end, text.len()));
        }
        let bytes = frames.concat().into();
        Self { surface, frames, text, content_end, stop_end, bytes, ends, content_type }
    }

    /// A stream that is just long enough to be cut at 2,000 places.
    pub(crate) async fn long(side: &Side) -> Self {
        for words in 1..=WORDS.len() {
            let recording = Self::of(side, MODEL, &WORDS[..words].join(" ")).await;
            if recording.bytes.len() > 2_000 {
                return recording;
            }
        }
        panic!("all the words are too few");
    }

    /// The same with other events.
    pub(crate) fn with_frames(&self, frames: Vec<Bytes>) -> Self {
        Self::new(self.surface, self.content_type.clone(), frames)
    }

    /// The same with every event's data changed by `change`, which is given the JSON as text.
    pub(crate) fn with_data(&self, change: impl Fn(&str) -> String) -> Self {
        let framing = Framing::of(self.surface);
        let mut splitter = Splitter::new(framing);
        let mut repacker = Repacker::new(Framing::Sse, framing);
        let mut frames: Vec<Bytes> = Vec::new();
        let taken = splitter.push(&self.bytes, |frame| {
            let data = change(str::from_utf8(frame.data).unwrap());
            let mut event = Vec::new();
            write_frame(&mut event, frame.event, data.as_bytes());
            let mut out = Vec::new();
            if framing == Framing::Sse {
                out = event;
            } else {
                repacker.push(&event, &mut out).unwrap();
            }
            frames.push(out.into());
        });
        taken.unwrap();
        Self { bytes: frames.concat().into(), frames, ..self.clone() }
    }

    /// How many of the events end before the one that tells why the answer stopped.
    pub(crate) fn frames_before_stop(&self) -> usize {
        self.ends.iter().take_while(|(end, _)| *end < self.stop_end).count()
    }

    pub(crate) fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The first `length` bytes, in the pieces in which they came.
    pub(crate) fn beginning(&self, length: usize) -> Vec<Bytes> {
        let mut left = length;
        let mut pieces = Vec::new();
        for frame in &self.frames {
            pieces.push(frame.slice(..frame.len().min(left)));
            left = left.saturating_sub(frame.len());
            if left == 0 {
                break;
            }
        }
        pieces
    }

    /// What is said by the events that have ended by then.
    pub(crate) fn text_until(&self, length: usize) -> &str {
        let ended = self.ends.iter().take_while(|(end, _)| *end <= length);
        &self.text[..ended.last().map_or(0, |(_, said)| *said)]
    }

    /// An answer of these pieces.
    pub(crate) fn reply(&self, pieces: Vec<Bytes>, ending: Ending) -> Reply {
        let pieces = stream::iter(pieces).map(|piece| Ok(Frame::data(piece)));
        let body = match ending {
            Ending::Close => boxed_body(StreamBody::new(pieces)),
            Ending::Silence => boxed_body(StreamBody::new(pieces.chain(stream::pending()))),
            Ending::Break => {
                let broken = Err(TransportError::Broken("the connection was lost".into()));
                boxed_body(StreamBody::new(pieces.chain(stream::iter([broken]))))
            }
        };
        let mut response = Response::new(body);
        response.headers_mut().insert(header::CONTENT_TYPE, self.content_type.parse().unwrap());
        response.into()
    }

    /// An answer that is no stream.
    pub(crate) fn whole_reply(&self, body: Bytes, ending: Ending) -> Reply {
        let json = Self { content_type: "application/json".to_owned(), ..self.clone() };
        json.reply(vec![body], ending)
    }

    /// The whole answer, as it was recorded.
    pub(crate) fn whole(&self) -> Reply {
        self.reply(self.frames.clone(), Ending::Close)
    }
}

/// What a model of the imitation answers in one piece.
pub(crate) async fn whole_answer(side: &Side, model: &str, text: &str) -> serde_json::Value {
    let account = side.account("sandbox", 1).with_model_name("*", model);
    let rig = Rig::over(vec![account], RelayOptions::default(), Arc::new(Sandbox::default())).await;
    let client = side.surface;
    let answer = rig.ask_on(client, &question(client, text, false), false).await.unwrap();
    serde_json::from_slice(&Read::from(answer).await.body).unwrap()
}

/// The imitation, with a tape that runs along.
#[derive(Default)]
struct Tape {
    sandbox: Sandbox,
    recorded: Mutex<Option<(String, Vec<Bytes>)>>,
}

#[async_trait]
impl Transport for Tape {
    async fn send(
        &self,
        request: Request<Payload>,
        egress: &Egress,
    ) -> Result<Response<RelayBody>, TransportError> {
        let (head, mut body) = self.sandbox.send(request, egress).await?.into_parts();
        let mut frames = Vec::new();
        while let Some(frame) = body.frame().await {
            frames.extend(frame?.into_data());
        }
        let whole = full_body(frames.concat());
        let content_type = head.headers[header::CONTENT_TYPE].to_str().unwrap().to_owned();
        *self.recorded.lock() = Some((content_type, frames));
        Ok(Response::from_parts(head, whole))
    }
}

const WORDS: [&str; 12] = [
    "Grüße",
    "aus der Ferne,",
    "世界! 🎉",
    "Tell me",
    "again what",
    "I have said,",
    "and do",
    "not leave",
    "out a word",
    "of it,",
    "not even",
    "the last.",
];
