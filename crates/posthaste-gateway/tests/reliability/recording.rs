//! Streams as the built-in imitation speaks them, to be played again, whole or spoiled.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{Request, Response, header};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use parking_lot::Mutex;
use posthaste_core::{
    Egress, Payload, RelayBody, Surface, Transport, TransportError, boxed_body, full_body,
};
use posthaste_gateway::RelayOptions;
use posthaste_sandbox::Sandbox;
use posthaste_testkit::{AccountSetters, Reply};

use crate::{
    heard::{is_stop, says, taken_apart},
    side::Side,
    support::{Read, Rig, asking::question},
};

/// A stream of one side, one event an element.
#[derive(Clone, Debug)]
pub(crate) struct Recording {
    pub(crate) surface: Surface,
    pub(crate) frames: Vec<Bytes>,
    content_type: String,
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
        Self { surface: client, frames, content_type }
    }

    /// A stream that is long enough to be cut at 2,000 places.
    pub(crate) async fn long(side: &Side) -> Self {
        let recording = Self::of(side, crate::support::asking::MODEL, QUESTION).await;
        assert!(recording.bytes().len() > 2_000, "{} bytes", recording.bytes().len());
        recording
    }

    pub(crate) fn bytes(&self) -> Bytes {
        self.frames.concat().into()
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

    /// Where each event ends.
    fn ends(&self) -> impl Iterator<Item = (&Bytes, usize)> {
        self.frames.iter().scan(0, |end, frame| {
            *end += frame.len();
            Some((frame, *end))
        })
    }

    /// Where the first event with content ends.
    pub(crate) fn content_end(&self) -> usize {
        self.ends().find(|(frame, _)| !self.text_of(frame).is_empty()).unwrap().1
    }

    /// Where the event ends that tells why the answer stopped.
    pub(crate) fn stop_end(&self) -> usize {
        let stops = |frame: &Bytes| taken_apart(self.surface, frame).iter().any(|event| is_stop(self.surface, event));
        self.ends().find(|(frame, _)| stops(frame)).unwrap().1
    }

    /// What is said by the events that have ended by then.
    pub(crate) fn text_until(&self, length: usize) -> String {
        self.ends().take_while(|(_, end)| *end <= length).map(|(frame, _)| self.text_of(frame)).collect()
    }

    fn text_of(&self, frame: &Bytes) -> String {
        taken_apart(self.surface, frame).iter().map(|event| says(self.surface, event)).collect()
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

    /// The whole answer, as it was recorded.
    pub(crate) fn whole(&self) -> Reply {
        self.reply(self.frames.clone(), Ending::Close)
    }
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

const QUESTION: &str = "Grüße aus der Ferne, 世界! 🎉 Tell me again what I have said, and do not leave out a word of it.";
