//! One question, from the look at the client key to the last message. It is a request like one that is posted.

use std::{panic::AssertUnwindSafe, sync::Arc};

use axum::extract::ws::Utf8Bytes;
use bytes::Bytes;
use futures_util::FutureExt;
use http::StatusCode;
use http_body_util::{BodyExt, Limited};
use posthaste_core::{
    Dialect, Fault, FaultKind, ModelName, Operation, Origin, RelayBody, RequestId, Secret, Surface,
};
use posthaste_gateway::{Answer, Call, PathFacts};
use posthaste_wire::{Edits, Frame, FrameSplitter, Progress, StreamTap, read_error};
use serde::Serialize;
use serde_json::{json, value::RawValue};
use tokio::{sync::mpsc, time::Instant};

use super::{
    chat::{Exchange, Listener},
    door::Visit,
    message::{self, Request, Text},
};
use crate::routes::panicked;

/// A question that can be asked.
pub(super) struct Question {
    dialect: Dialect,
    path: PathFacts,
    body: Bytes,
    form: Form,
}

/// In which form it is answered.
enum Form {
    /// In text, which goes into a conversation of this name after what was said.
    Text { conversation: Option<String>, said: String },
    /// In the dialect's own events.
    Events,
}

/// What is left of a turn.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// What it added to a conversation.
    pub(super) exchange: Option<Exchange>,
    /// The client key does not open the door any more.
    pub(super) locked_out: bool,
}

/// Something said, with the request that it became.
pub(super) fn of_text(text: Text, body: Bytes) -> Question {
    let Text { content, conversation, .. } = text;
    let form = Form::Text { conversation, said: content };
    Question { dialect: Dialect::OpenAiChat, path: PathFacts::default(), body, form }
}

/// A request in a dialect of its own, which asks for a stream whatever it says.
pub(super) fn of_request(request: &Request) -> Result<Question, Fault> {
    let dialect = dialect(&request.dialect)?;
    let model = request.model.as_deref().map(ModelName::parse).transpose();
    let model = model.map_err(|error| Fault::invalid_request(format!("`model`: {error}")))?;
    let (path, body) = if dialect == Dialect::GeminiGenerate {
        if model.is_none() {
            return Err(Fault::invalid_request("`model`: Gemini's requests name none, so name it here"));
        }
        (PathFacts { model, stream: Some(true), pinned: None }, request.body.clone())
    } else {
        if model.is_some() {
            return Err(Fault::invalid_request("`model`: this dialect names it in the request itself"));
        }
        (PathFacts::default(), Edits::new().set("stream", true).apply(&request.body)?.payload.to_bytes())
    };
    Ok(Question { dialect, path, body, form: Form::Events })
}

/// Whether whoever is told this may not ask again.
pub(super) fn locks_out(fault: &Fault) -> bool {
    matches!(fault.kind, FaultKind::Unauthenticated | FaultKind::PermissionDenied)
}

/// The dialect of this name. Its first vendor may be written in one word.
fn dialect(name: &str) -> Result<Dialect, Fault> {
    let name = name.replace("openai-", "open-ai-");
    let served = |dialect: &Dialect| *dialect != Dialect::BedrockConverse;
    let mut all = Dialect::ALL.into_iter().filter(served);
    all.find(|dialect| dialect.as_str() == name).ok_or_else(|| {
        let known: Vec<_> = Dialect::ALL.into_iter().filter(served).map(Dialect::as_str).collect();
        Fault::invalid_request(format!("`dialect`: send one of {}", known.join(", ")))
    })
}

/// A question on its way. Dropping it cancels it, and whatever is asked of an upstream with it.
pub(super) struct Turn {
    pub(super) visit: Arc<Visit>,
    pub(super) secret: Arc<Secret>,
    /// The client's name for it.
    pub(super) id: String,
    pub(super) request: RequestId,
    pub(super) events: mpsc::Sender<Utf8Bytes>,
}

impl Turn {
    /// Carries the question to its end.
    pub(super) async fn run(self, question: Question) -> Outcome {
        let mut outcome = Outcome::default();
        // A panic ends one answer, as it does over HTTP, and not the connection.
        let done = AssertUnwindSafe(self.carry(question, &mut outcome)).catch_unwind().await;
        if let Err(fault) = done.unwrap_or_else(|_| Err(panicked(&self.visit.front))) {
            let now = self.visit.front.relay.now();
            self.send(message::of_fault(&fault, Some(&self.id), Some(self.request), now)).await;
        }
        outcome
    }

    async fn carry(&self, question: Question, outcome: &mut Outcome) -> Result<(), Fault> {
        let received = Instant::now();
        let Question { dialect, path, body, form } = question;
        let caller = self.visit.caller(self.secret.expose()).await;
        let caller = caller.inspect_err(|fault| outcome.locked_out = locks_out(fault))?;
        let answer = self
            .visit
            .front
            .relay
            .call(Call {
                id: self.request,
                caller,
                surface: Surface::plain(dialect),
                operation: Operation::Chat,
                path,
                headers: self.visit.headers.clone(),
                query: None,
                route: None,
                body,
                received,
            })
            .await?;
        outcome.exchange = self.pass_on(dialect, form, answer).await?;
        Ok(())
    }

    async fn pass_on(&self, dialect: Dialect, form: Form, answer: Answer) -> Result<Option<Exchange>, Fault> {
        let (head, body) = answer.response.into_parts();
        if !head.status.is_success() {
            self.refused(dialect, head.status, body).await;
            return Ok(None);
        }
        let mut listener = Listener::default();
        let tap = match &form {
            Form::Text { .. } => {
                let hear = |frame: &Frame<'_>| Some(self.message("delta", &listener.hear(frame)?));
                self.read(dialect, body, hear).await?
            }
            Form::Events => self.read(dialect, body, |frame| self.event(frame)).await?,
        };
        match tap.progress() {
            Progress::Ended => {}
            Progress::Failed => {
                let said = tap.error().map(|error| error.message.clone()).unwrap_or_default();
                let message = if said.is_empty() { "the answer ended in an error".to_owned() } else { said };
                return Err(Fault::new(FaultKind::UpstreamFailed, Origin::Upstream, message));
            }
            Progress::Opening | Progress::Content => return Err(broken_off()),
        }
        // A chat tells it only to whoever asks for it (`stream_options`).
        let usage = Some(tap.usage()).filter(|usage| !usage.is_empty());
        let mut content = json!({ "request_id": self.request, "usage": usage });
        let Form::Text { conversation, said } = form else {
            self.tell("done", &content).await;
            return Ok(None);
        };
        let Listener { text, stop_reason, model } = listener;
        content["stop_reason"] = json!(stop_reason);
        content["model"] = json!(model);
        self.tell("done", &content).await;
        Ok(conversation.map(|conversation| Exchange { conversation, said, answered: text }))
    }

    /// Reads an answer to its end and sends what `hear` makes of it.
    async fn read(
        &self,
        dialect: Dialect,
        mut body: RelayBody,
        mut hear: impl FnMut(&Frame<'_>) -> Option<Utf8Bytes>,
    ) -> Result<StreamTap, Fault> {
        let (mut tap, mut splitter) = (StreamTap::new(dialect), FrameSplitter::new());
        let mut ready = Vec::new();
        loop {
            let piece = match body.frame().await {
                Some(Ok(frame)) => frame.into_data().ok(),
                Some(Err(error)) => return Err(broken_off().caused_by(error)),
                None => None,
            };
            let ended = piece.is_none();
            let mut take = |frame: Frame<'_>| ready.extend(hear(&frame));
            let read = match piece {
                Some(piece) => tap.push(&piece).map(drop).and(Ok(splitter.push(&piece, &mut take))),
                None => tap.finish().map(drop).and(Ok(splitter.finish(&mut take))),
            };
            for message in ready.drain(..) {
                self.send(message).await;
            }
            read.map_err(|error| broken_off().caused_by(error))?
                .map_err(|error| broken_off().caused_by(error))?;
            if ended {
                return Ok(tap);
            }
        }
    }

    /// An event of the dialect's, as it came.
    fn event(&self, frame: &Frame<'_>) -> Option<Utf8Bytes> {
        let data = std::str::from_utf8(frame.data).ok()?;
        // The end of a chat's stream is no JSON; the end of the turn says the same.
        let data: &RawValue = serde_json::from_str(data).ok()?;
        Some(self.message("event", &EventContent { event: frame.event, data }))
    }

    /// Tells an error that an upstream answered with.
    async fn refused(&self, dialect: Dialect, status: StatusCode, body: RelayBody) {
        let body = Limited::new(body, MOST_ERROR_BYTES).collect().await;
        let body = body.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        let said = read_error(dialect, &body).map(|error| error.message).filter(|said| !said.is_empty());
        let content = json!({
            "code": code(status).as_str(),
            "message": said.unwrap_or_else(|| "the upstream failed without saying why".to_owned()),
            "status": status.as_u16(),
            "request_id": self.request,
            "error": serde_json::from_slice::<serde_json::Value>(&body).ok(),
        });
        self.tell("error", &content).await;
    }

    fn message(&self, kind: &str, content: &impl Serialize) -> Utf8Bytes {
        message::message(kind, Some(&self.id), content, self.visit.front.relay.now())
    }

    async fn tell(&self, kind: &str, content: &impl Serialize) {
        self.send(self.message(kind, content)).await;
    }

    /// A message is lost only where nobody is there any more.
    async fn send(&self, message: Utf8Bytes) {
        self.events.send(message).await.ok();
    }
}

#[derive(Serialize)]
struct EventContent<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<&'a str>,
    data: &'a RawValue,
}

/// The kind of fault that a status stands for.
fn code(status: StatusCode) -> FaultKind {
    match status.as_u16() {
        401 => FaultKind::Unauthenticated,
        403 => FaultKind::PermissionDenied,
        404 => FaultKind::NotFound,
        413 => FaultKind::TooLarge,
        429 => FaultKind::RateLimited,
        400..=499 => FaultKind::InvalidRequest,
        _ => FaultKind::UpstreamFailed,
    }
}

fn broken_off() -> Fault {
    let message = "the upstream's answer broke off before its end: ask again";
    Fault::new(FaultKind::UpstreamFailed, Origin::Upstream, message)
}

const MOST_ERROR_BYTES: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn request(dialect: &str, model: Option<&str>, body: &'static str) -> Request {
        let (dialect, model) = (dialect.to_owned(), model.map(str::to_owned));
        Request { id: None, dialect, model, body: Bytes::from_static(body.as_bytes()) }
    }

    #[test]
    fn a_request_asks_for_a_stream_whatever_it_says() {
        let question =
            of_request(&request("openai-chat", None, r#"{"model":"m","stream":false,"top_p":1.50}"#));
        let question = question.unwrap();
        assert_eq!(
            (question.dialect, question.body),
            (Dialect::OpenAiChat, r#"{"model":"m","stream":true,"top_p":1.50}"#.into())
        );
        let gemini = of_request(&request("gemini-generate", Some("g"), r#"{"contents":[]}"#)).unwrap();
        assert_eq!((gemini.path.stream, gemini.body), (Some(true), r#"{"contents":[]}"#.into()));
    }

    #[test]
    fn what_cannot_be_asked_is_refused_with_a_reason() {
        for (dialect, model, body, reason) in [
            ("bedrock-converse", None, "{}", "send one of anthropic-messages, open-ai-chat"),
            ("x", None, "{}", "`dialect`"),
            ("gemini-generate", None, "{}", "`model`: Gemini's"),
            ("anthropic-messages", Some("m"), "{}", "`model`: this dialect"),
            ("anthropic-messages", None, "[]", ""),
            ("gemini-generate", Some("\n"), "{}", "`model`"),
        ] {
            let fault = of_request(&request(dialect, model, body)).err().unwrap();
            assert!(fault.message.contains(reason), "{dialect}: {fault}");
            assert_eq!(fault.kind, FaultKind::InvalidRequest);
        }
    }
}
