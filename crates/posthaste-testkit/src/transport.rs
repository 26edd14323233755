//! A [`Transport`] without a network.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, future, stream};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use http_body::Frame;
use http_body_util::StreamBody;
use parking_lot::Mutex;
use posthaste_core::{Egress, Payload, RelayBody, Transport, TransportError, boxed_body, full_body};
use serde_json::Value;

/// A [`Transport`] that asks a closure for each answer and remembers what was sent. Clones share both.
#[derive(Clone)]
pub struct MemoryTransport {
    answer: Arc<dyn Fn(&Sent) -> Reply + Send + Sync>,
    sent: Arc<Mutex<Vec<Sent>>>,
}

impl MemoryTransport {
    /// Answers as the closure says.
    pub fn new(answer: impl Fn(&Sent) -> Reply + Send + Sync + 'static) -> Self {
        Self { answer: Arc::new(answer), sent: Arc::default() }
    }

    /// What was sent so far.
    pub fn sent(&self) -> Vec<Sent> {
        self.sent.lock().clone()
    }
}

impl fmt::Debug for MemoryTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryTransport").field("sent", &self.sent).finish_non_exhaustive()
    }
}

#[async_trait]
impl Transport for MemoryTransport {
    async fn send(
        &self,
        request: Request<Payload>,
        egress: &Egress,
    ) -> Result<Response<RelayBody>, TransportError> {
        let (head, body) = request.into_parts();
        let sent = Sent {
            method: head.method,
            uri: head.uri,
            headers: head.headers,
            body: body.to_bytes(),
            egress: egress.clone(),
        };
        self.sent.lock().push(sent.clone());
        let reply = (self.answer)(&sent);
        tokio::time::sleep(reply.after).await;
        match reply.answer {
            Some(answer) => answer,
            None => future::pending().await,
        }
    }
}

/// A request as it was sent.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Its method.
    pub method: Method,
    /// Its whole address.
    pub uri: Uri,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body in one piece.
    pub body: Bytes,
    /// How it was to leave.
    pub egress: Egress,
}

impl Sent {
    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the request's body is JSON")
    }
}

/// What [`MemoryTransport`] answers, and when.
pub struct Reply {
    after: Duration,
    answer: Option<Result<Response<RelayBody>, TransportError>>,
}

impl Reply {
    /// Never answers.
    pub fn never() -> Self {
        Self { after: Duration::ZERO, answer: None }
    }

    /// Fails without an answer.
    pub fn failure(error: TransportError) -> Self {
        Self { after: Duration::ZERO, answer: Some(Err(error)) }
    }

    /// A whole JSON answer.
    ///
    /// # Panics
    /// When `status` is no HTTP status.
    pub fn json(status: u16, value: &Value) -> Self {
        let mut response = Response::new(full_body(value.to_string()));
        *response.status_mut() = StatusCode::from_u16(status).expect("a status has three digits");
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        response.into()
    }

    /// A stream that gives these frames and then ends.
    pub fn sse(frames: impl IntoIterator<Item = Bytes>) -> Self {
        Self::stream(frames, Ending::End)
    }

    /// A stream that gives these frames and then nothing more, without ending.
    pub fn sse_then_silence(frames: impl IntoIterator<Item = Bytes>) -> Self {
        Self::stream(frames, Ending::Silence)
    }

    /// A stream that gives these frames and then breaks.
    pub fn sse_then_break(frames: impl IntoIterator<Item = Bytes>) -> Self {
        Self::stream(frames, Ending::Break)
    }

    /// The same, but its head comes only after this time.
    #[must_use]
    pub fn after(mut self, pause: Duration) -> Self {
        self.after = pause;
        self
    }

    /// The same with another header; nothing when there is no answer.
    ///
    /// # Panics
    /// When name or value is no header's.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Some(Ok(response)) = &mut self.answer {
            let name: HeaderName = name.parse().expect("a header's name");
            response.headers_mut().append(name, value.parse().expect("a header's value"));
        }
        self
    }

    fn stream(frames: impl IntoIterator<Item = Bytes>, ending: Ending) -> Self {
        let frames: Vec<_> = frames.into_iter().map(|frame| Ok(Frame::data(frame))).collect();
        let frames = stream::iter(frames);
        let body = match ending {
            Ending::End => boxed_body(StreamBody::new(frames)),
            Ending::Silence => boxed_body(StreamBody::new(frames.chain(stream::pending()))),
            Ending::Break => {
                let broken = TransportError::Broken("the test broke it".into());
                boxed_body(StreamBody::new(frames.chain(stream::iter([Err(broken)]))))
            }
        };
        let mut response = Response::new(body);
        let sse = HeaderValue::from_static("text/event-stream; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, sse);
        response.into()
    }
}

enum Ending {
    End,
    Silence,
    Break,
}

impl From<Response<RelayBody>> for Reply {
    fn from(response: Response<RelayBody>) -> Self {
        Self { after: Duration::ZERO, answer: Some(Ok(response)) }
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").field("after", &self.after).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use serde_json::json;

    use super::*;

    fn request() -> Request<Payload> {
        Request::post("http://upstream/v1/messages").body(Bytes::from(r#"{"model":"m"}"#).into()).unwrap()
    }

    #[tokio::test]
    async fn what_was_sent_is_remembered() {
        let transport = MemoryTransport::new(|_| Reply::json(404, &json!({"no": 1})).header("x-a", "b"));
        let answer = transport.send(request(), &Egress::direct(true)).await.unwrap();
        assert_eq!(answer.status(), 404);
        assert_eq!(answer.headers()["x-a"], "b");
        let sent = transport.sent();
        assert_eq!(sent.len(), 1);
        assert_eq!(sent[0].json()["model"], "m");
        assert!(sent[0].egress.allow_private);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_can_break_or_fall_silent() {
        let frames = || [Bytes::from("a"), Bytes::from("b")];
        let transport = MemoryTransport::new(move |_| Reply::sse_then_break(frames()));
        let mut body = transport.send(request(), &Egress::default()).await.unwrap().into_body();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "a");
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "b");
        assert!(matches!(body.frame().await, Some(Err(TransportError::Broken(_)))));

        let transport = MemoryTransport::new(move |_| Reply::sse_then_silence([]));
        let mut body = transport.send(request(), &Egress::default()).await.unwrap().into_body();
        let hour = Duration::from_secs(3_600);
        assert!(tokio::time::timeout(hour, body.frame()).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_comes_late_or_never() {
        let transport = MemoryTransport::new(|_| Reply::sse([]).after(Duration::from_secs(5)));
        let begun = tokio::time::Instant::now();
        transport.send(request(), &Egress::default()).await.unwrap();
        assert_eq!(begun.elapsed(), Duration::from_secs(5));

        let transport = MemoryTransport::new(|_| Reply::never());
        let egress = Egress::default();
        let hour = Duration::from_secs(3_600);
        assert!(tokio::time::timeout(hour, transport.send(request(), &egress)).await.is_err());
    }
}
