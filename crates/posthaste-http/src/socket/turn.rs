//! One `response.create`, from the look at the client key to the last event.

use std::{panic::AssertUnwindSafe, sync::Arc};

use axum::extract::ws::Utf8Bytes;
use bytes::Bytes;
use futures_util::FutureExt;
use http::HeaderMap;
use http_body_util::{BodyExt, Limited};
use posthaste_core::{Dialect, Fault, FaultKind, Operation, Origin, RelayBody, RequestId, Surface};
use posthaste_gateway::{Answer, Call, PathFacts};
use posthaste_wire::{Envelope, Frame, FrameSplitter};
use serde_json::json;
use tokio::{sync::mpsc, time::Instant};

use super::{
    create::{self, Create},
    event::{self, Event},
    recall::{Exchange, Listening, id_of},
};
use crate::{
    extract::{
        address::Peer,
        caller::{authenticate, without_key},
    },
    routes::{Front, panicked},
};

/// Who is at the other end, as the request that opened the connection told.
pub(super) struct Client {
    pub(super) front: Front,
    pub(super) headers: HeaderMap,
    pub(super) query: Option<String>,
    pub(super) peer: Peer,
}

/// What is left of a turn.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// For the request that goes on from here.
    pub(super) exchange: Option<Exchange>,
    /// The client key does not open the door any more.
    pub(super) locked_out: bool,
}

/// Carries a turn to its end; events go to `events`.
pub(super) async fn run(
    client: Arc<Client>,
    message: Bytes,
    before: Option<Exchange>,
    events: mpsc::Sender<Utf8Bytes>,
) -> Outcome {
    let turn = Turn { client, id: RequestId::generate(), events };
    let mut outcome = Outcome::default();
    // A panic ends one answer, as it does over HTTP, and not the connection.
    let done = AssertUnwindSafe(turn.carry(message, before, &mut outcome)).catch_unwind().await;
    if let Err(fault) = done.unwrap_or_else(|_| Err(panicked(&turn.client.front))) {
        turn.tell(event::of_fault(&fault, turn.id)).await;
    }
    outcome
}

struct Turn {
    client: Arc<Client>,
    id: RequestId,
    events: mpsc::Sender<Utf8Bytes>,
}

impl Turn {
    async fn carry(
        &self,
        message: Bytes,
        before: Option<Exchange>,
        outcome: &mut Outcome,
    ) -> Result<(), Fault> {
        let received = Instant::now();
        let Client { front, headers, query, peer } = &*self.client;
        let query = query.as_deref();
        let caller = authenticate(front, headers, query, *peer).await.inspect_err(|fault| {
            outcome.locked_out =
                matches!(fault.kind, FaultKind::Unauthenticated | FaultKind::PermissionDenied);
        })?;
        let read = create::read(&message).and_then(|mut create| {
            let whole = before.as_ref().map_or(Ok(None), |before| before.continued(&create))?;
            create.body = whole.unwrap_or(create.body);
            if create.body.len() > front.options.now().max_body_bytes {
                return Err(crate::body::too_large(front.options.now().max_body_bytes));
            }
            Ok(create)
        });
        let create = read.inspect_err(|fault| front.relay.refused(fault))?;
        drop((message, before));
        let listening = (!create.stored || !create.generate)
            .then(|| Listening::new(&create.body, front.options.now().max_body_bytes));
        if !create.generate {
            outcome.exchange = self.prepare(&create, listening).await?;
            return Ok(());
        }
        let answer = front
            .relay
            .call(Call {
                id: self.id,
                caller,
                surface: Surface::plain(Dialect::OpenAiResponses),
                operation: Operation::Chat,
                path: PathFacts::default(),
                headers: headers.clone(),
                query: query.and_then(without_key),
                body: create.body,
                received,
                route: None,
            })
            .await?;
        outcome.exchange = self.pass_on(answer, listening).await?;
        Ok(())
    }

    /// Answers a request that wants no answer, but only to be gone on from.
    async fn prepare(
        &self,
        create: &Create,
        listening: Option<Listening>,
    ) -> Result<Option<Exchange>, Fault> {
        let front = &self.client.front;
        let envelope = Envelope::peek(&create.body)
            .map_err(Fault::from)
            .inspect_err(|fault| front.relay.refused(fault))?;
        let id = format!("resp_{}", self.id.uuid().simple());
        for (number, (kind, status)) in PREPARED.into_iter().enumerate() {
            let response = json!({
                "id": id, "object": "response", "status": status, "model": envelope.model.as_str(),
                "output": [], "error": null, "incomplete_details": null, "usage": no_usage(),
            });
            let event = json!({ "type": kind, "sequence_number": number, "response": response });
            self.tell(event.to_string().into()).await;
        }
        Ok(listening.and_then(|listening| listening.end(Some(id))))
    }

    /// Passes an answer on, event by event.
    async fn pass_on(&self, answer: Answer, listening: Option<Listening>) -> Result<Option<Exchange>, Fault> {
        let (head, body) = answer.response.into_parts();
        if !head.status.is_success() {
            let body = Limited::new(body, MOST_ERROR_BYTES).collect().await;
            let body = body.map(http_body_util::Collected::to_bytes).unwrap_or_default();
            self.tell(event::of_answer(head.status, &head.headers, &body)).await;
            return Ok(None);
        }
        let mut answered = Answered { listening, name: None, over: false, ready: Vec::new() };
        self.read(body, &mut answered).await?;
        if !answered.over {
            return Err(broken_off());
        }
        Ok(answered.listening.and_then(|listening| listening.end(answered.name)))
    }

    async fn read(&self, mut body: RelayBody, answered: &mut Answered) -> Result<(), Fault> {
        let mut splitter = FrameSplitter::new();
        loop {
            let piece = match body.frame().await {
                Some(Ok(frame)) => frame.into_data().ok(),
                Some(Err(error)) => return Err(broken_off().caused_by(error)),
                None => None,
            };
            let ended = piece.is_none();
            let read = match piece {
                Some(piece) => splitter.push(&piece, |frame| answered.hear(&frame)),
                None => splitter.finish(|frame| answered.hear(&frame)),
            };
            for event in answered.ready.drain(..) {
                self.tell(event).await;
            }
            if let Err(error) = read {
                return Err(broken_off().caused_by(error));
            }
            if ended {
                return Ok(());
            }
        }
    }

    /// An event is lost only where nobody is there any more.
    async fn tell(&self, event: Utf8Bytes) {
        self.events.send(event).await.ok();
    }
}

/// What was heard of an answer.
struct Answered {
    listening: Option<Listening>,
    name: Option<String>,
    /// The last event was there.
    over: bool,
    /// Messages to be sent.
    ready: Vec<Utf8Bytes>,
}

impl Answered {
    fn hear(&mut self, frame: &Frame<'_>) {
        // Some compatible servers end with `[DONE]`, which is no event.
        let Ok(text) = std::str::from_utf8(frame.data) else { return };
        if self.over || !text.starts_with('{') {
            return;
        }
        let event = Event::read(frame.data);
        let kind = event.kind();
        if let (Some(listening), Some(item)) = (&mut self.listening, event.item)
            && kind == "response.output_item.done"
        {
            listening.hear(item);
        }
        if event::is_answer(&kind) {
            self.name = event.response.and_then(id_of);
        }
        self.over = event::is_last(&kind);
        self.ready.push(event.as_error().unwrap_or_else(|| text.into()));
    }
}

fn broken_off() -> Fault {
    let message = "the upstream's answer broke off before its end: ask again";
    Fault::new(FaultKind::UpstreamFailed, Origin::Upstream, message)
}

fn no_usage() -> serde_json::Value {
    json!({
        "input_tokens": 0, "input_tokens_details": { "cached_tokens": 0 },
        "output_tokens": 0, "output_tokens_details": { "reasoning_tokens": 0 }, "total_tokens": 0,
    })
}

const PREPARED: [(&str, &str); 2] =
    [("response.created", "in_progress"), ("response.completed", "completed")];
const MOST_ERROR_BYTES: usize = 1024 * 1024;
