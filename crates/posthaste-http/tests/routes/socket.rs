//! Responses over WebSocket, with a real client.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt, stream};
use http::{HeaderValue, StatusCode, header};
use http_body::Frame;
use http_body_util::StreamBody;
use posthaste_core::boxed_body;
use posthaste_http::Drained;
use posthaste_testkit::{Reply, Sent};
use serde_json::{Value, json};
use tokio::{net::TcpStream, sync::Notify, task::JoinHandle, time::timeout};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, client::IntoClientRequest, protocol::CloseFrame},
};
use tokio_util::sync::CancellationToken;

use crate::support::{GPT, MODEL, Rig, Setup, every_answer, good, responses_sse, secret};

const PATH: &str = "/openai/v1/responses";
const PATIENCE: Duration = Duration::from_secs(30);

struct Served {
    rig: Rig,
    address: std::net::SocketAddr,
    stop: CancellationToken,
    serving: JoinHandle<Drained>,
}

async fn served(setup: Setup) -> Served {
    let rig = Rig::with(setup).await;
    let stop = CancellationToken::new();
    let (address, serving) = rig.listen(stop.clone()).await;
    Served { rig, address, stop, serving }
}

async fn answering(answer: impl Fn(&Sent) -> Reply + Send + Sync + 'static) -> Served {
    served(Setup { answer: Box::new(answer), ..Setup::every_dialect() }).await
}

impl Served {
    async fn try_open(&self, path: &str, key: &str) -> Result<Socket, Error> {
        let mut request = format!("ws://{}{path}", self.address).into_client_request().unwrap();
        let bearer = HeaderValue::from_str(&format!("Bearer {key}")).unwrap();
        request.headers_mut().insert(header::AUTHORIZATION, bearer);
        let beta = HeaderValue::from_static("responses_websockets=2026-02-06");
        request.headers_mut().insert("openai-beta", beta);
        let stream = TcpStream::connect(self.address).await.unwrap();
        client_async(request, stream).await.map(|(socket, _)| Socket(socket))
    }

    /// Stops the server, and waits until it has noticed.
    async fn stop(&self) {
        self.stop.cancel();
        let refused = async {
            while TcpStream::connect(self.address).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(PATIENCE, refused).await.expect("the server stops");
    }

    async fn open(&self) -> Socket {
        self.try_open(PATH, &good()).await.unwrap()
    }
}

struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    async fn say(&mut self, event: &Value) {
        self.0.send(Message::text(event.to_string())).await.unwrap();
    }

    async fn create(&mut self, more: Value) {
        let mut event = json!({"type": "response.create", "model": GPT, "input": "hello"});
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.say(&event).await;
    }

    async fn next(&mut self) -> Message {
        loop {
            let message = timeout(PATIENCE, self.0.next()).await.expect("a message comes");
            match message.expect("the connection lives").unwrap() {
                Message::Ping(_) | Message::Pong(_) => {}
                message => return message,
            }
        }
    }

    async fn event(&mut self) -> Value {
        match self.next().await {
            Message::Text(text) => serde_json::from_str(&text).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    /// The events up to the last of an answer.
    async fn answer(&mut self) -> Vec<Value> {
        let mut events = Vec::new();
        loop {
            let event = self.event().await;
            let last = matches!(event["type"].as_str(), Some("response.completed" | "error"));
            events.push(event);
            if last {
                return events;
            }
        }
    }

    /// The one event that an error is.
    async fn error(&mut self) -> Value {
        let mut events = self.answer().await;
        assert_eq!(events.len(), 1, "{events:?}");
        let error = events.remove(0);
        assert_eq!(error["type"], "error");
        assert!(error["error"]["message"].is_string(), "{error}");
        error
    }

    async fn closed(&mut self) -> CloseFrame {
        match self.next().await {
            Message::Close(Some(frame)) => frame,
            other => panic!("{other:?}"),
        }
    }
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

/// A stream that says a little, and goes on only when it is told.
pub(crate) struct Held {
    pub(crate) go: Arc<Notify>,
    open: Arc<AtomicUsize>,
}

impl Held {
    pub(crate) fn new() -> Self {
        Self { go: Arc::default(), open: Arc::default() }
    }

    fn answer(&self) -> impl Fn(&Sent) -> Reply + Send + Sync + 'static {
        self.answering(responses_sse("resp_1", &["hel", "lo"]), 4)
    }

    /// The same with these frames, of which so many are said at once.
    pub(crate) fn answering(
        &self,
        frames: Vec<Bytes>,
        first: usize,
    ) -> impl Fn(&Sent) -> Reply + Send + Sync + 'static {
        let (go, open) = (Arc::clone(&self.go), Arc::clone(&self.open));
        move |_| {
            open.fetch_add(1, Ordering::SeqCst);
            let held = Counted(Arc::clone(&open));
            let mut frames = frames.clone();
            let rest = frames.split_off(first);
            let go = Arc::clone(&go);
            let rest = stream::once(async move { go.notified().await }).flat_map(move |()| {
                let _held = &held;
                stream::iter(rest.clone())
            });
            let frames = stream::iter(frames).chain(rest).map(|frame: Bytes| Ok(Frame::data(frame)));
            let mut response = http::Response::new(boxed_body(StreamBody::new(Box::pin(frames))));
            let sse = HeaderValue::from_static("text/event-stream");
            response.headers_mut().insert(header::CONTENT_TYPE, sse);
            response.into()
        }
    }

    pub(crate) async fn let_go(&self) {
        let gone = async {
            while self.open.load(Ordering::SeqCst) > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(PATIENCE, gone).await.expect("the upstream's stream is dropped");
    }
}

struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn each_event_of_an_answer_is_a_message() {
    let served = served(Setup::every_dialect()).await;
    for path in [PATH, "/v1/responses", "/api/v1/responses", "/openai/responses", "/azure/openai/responses"] {
        let mut socket = served.try_open(path, &good()).await.unwrap();
        for _ in 0..2 {
            socket.create(json!({"store": true})).await;
            let events = socket.answer().await;
            assert_eq!(events.len(), responses_sse("", &["", ""]).len(), "{events:?}");
            assert_eq!(events[0]["type"], "response.created");
            assert_eq!(events.last().unwrap()["response"]["usage"]["output_tokens"], 34);
        }
    }
    let sent = served.rig.transport.sent().pop().unwrap();
    assert_eq!(sent.json(), json!({"model": GPT, "input": "hello", "store": true, "stream": true}));
    assert!(!sent.headers.contains_key("openai-beta") && !sent.headers.contains_key("sec-websocket-key"));
    assert_eq!(served.rig.rows().await.len(), 10);
}

#[tokio::test]
async fn the_request_may_stand_in_an_object_of_its_own() {
    let served = served(Setup::every_dialect()).await;
    let mut socket = served.open().await;
    let request = json!({"model": GPT, "input": [], "stream": false});
    socket.say(&json!({"type": "response.create", "response": request})).await;
    assert_eq!(socket.answer().await.last().unwrap()["type"], "response.completed");
    let sent = served.rig.transport.sent().pop().unwrap();
    assert_eq!(sent.json(), json!({"model": GPT, "input": [], "stream": true}));
}

#[tokio::test]
async fn a_key_is_asked_for_before_the_connection_changes() {
    let served = served(Setup::every_dialect()).await;
    // The body is checked in `doors`: this client reads none.
    for (key, status) in [("stranger", StatusCode::UNAUTHORIZED), ("revoked", StatusCode::FORBIDDEN)] {
        let Err(Error::Http(response)) = served.try_open(PATH, &secret(key)).await else {
            panic!("{key} is let in");
        };
        assert_eq!(response.status(), status);
        assert_eq!(response.headers()["x-should-retry"], "false");
    }
}

#[tokio::test]
async fn a_key_that_ends_is_locked_out_at_the_next_request() {
    let served = served(Setup::every_dialect()).await;
    let mut socket = served.try_open(PATH, &secret("passing")).await.unwrap();
    socket.create(json!({})).await;
    assert_eq!(socket.answer().await.last().unwrap()["type"], "response.completed");
    served.rig.clock.advance(Duration::from_secs(7_200));
    socket.create(json!({})).await;
    assert_eq!(socket.error().await["status"], 403);
    assert_eq!(u16::from(socket.closed().await.code), 1008);
    assert_eq!(served.rig.transport.sent().len(), 1);
}

#[tokio::test]
async fn errors_are_events_and_the_connection_lives_on() {
    let served = answering(|sent| {
        let json = sent.json();
        match json["input"].as_str() {
            Some("refuse") => {
                let error =
                    json!({"type": "invalid_request_error", "message": "no", "param": "input", "code": null});
                Reply::json(400, &json!({"error": error}))
            }
            Some("limit") => {
                Reply::json(429, &json!({"error": {"code": "rate_limit_exceeded", "message": "slow"}}))
                    .header("retry-after", "30")
            }
            Some("break") => {
                Reply::sse_then_break(responses_sse("resp_1", &["hel"]).drain(..4).collect::<Vec<_>>())
            }
            _ => every_answer(sent),
        }
    })
    .await;
    let mut socket = served.open().await;
    for (event, status) in [
        (json!({"type": "response.cancel"}), 400),
        (json!({"model": GPT}), 400),
        (json!([]), 400),
        (json!({"type": "response.create"}), 400),
        (json!({"type": "response.create", "model": "nobodys", "input": "x"}), 404),
        (json!({"type": "response.create", "model": GPT, "input": "refuse"}), 400),
    ] {
        socket.say(&event).await;
        assert_eq!(socket.error().await["status"], status, "{event}");
    }
    socket.0.send(Message::binary(&b"{}"[..])).await.unwrap();
    assert_eq!(socket.error().await["status"], 400);
    socket.0.send(Message::text("{oops")).await.unwrap();
    assert_eq!(socket.error().await["status"], 400);
    // An answer that breaks off ends in an error after what was said.
    socket.create(json!({"input": "break"})).await;
    let events = socket.answer().await;
    assert_eq!(kinds(&events)[..2], ["response.created", "response.output_item.added"]);
    let error = events.last().unwrap();
    assert!(error["type"] == "error" && error["status"].is_u64(), "{error}");
    // The account rests after that, which is told with the time to wait.
    socket.create(json!({"input": "limit"})).await;
    let error = socket.error().await;
    assert!(error["status"] == 503 && error["headers"]["retry-after"].is_string(), "{error}");
}

#[tokio::test]
async fn a_wait_is_told_with_the_error() {
    let served = answering(|_| {
        Reply::json(429, &json!({"error": {"code": "rate_limit_exceeded", "message": "slow"}}))
            .header("retry-after", "30")
    })
    .await;
    let mut socket = served.open().await;
    socket.create(json!({})).await;
    let error = socket.error().await;
    assert_eq!((&error["status"], &error["error"]["code"]), (&json!(429), &json!("rate_limit_exceeded")));
    assert_eq!(error["headers"]["retry-after"], "30");
}

#[tokio::test]
async fn one_is_answered_at_a_time_and_a_few_may_wait() {
    let held = Held::new();
    let served = answering(held.answer()).await;
    let mut socket = served.open().await;
    for _ in 0..9 {
        socket.create(json!({})).await;
    }
    assert_eq!(socket.event().await["type"], "response.created");
    socket.create(json!({})).await;
    // The tenth is refused at once, among the events of the first.
    let error = loop {
        let event = socket.event().await;
        if event["type"] == "error" {
            break event;
        }
    };
    assert_eq!(error["status"], 429);
    assert_eq!(served.rig.transport.sent().len(), 1, "the others wait");
    for _ in 0..9 {
        held.go.notify_one();
        assert_eq!(socket.answer().await.last().unwrap()["type"], "response.completed");
    }
    assert_eq!(served.rig.transport.sent().len(), 9);
}

#[tokio::test]
async fn what_goes_on_from_the_last_answer_is_told_the_whole_conversation() {
    let served = served(Setup::every_dialect()).await;
    let mut socket = served.open().await;
    // Codex warms up without wanting an answer, and then sends only what is new.
    socket.create(json!({"store": false, "generate": false, "input": [{"role": "developer", "content": "be brief"}]})).await;
    let warm = socket.answer().await;
    assert_eq!(kinds(&warm), ["response.created", "response.completed"]);
    assert!(served.rig.transport.sent().is_empty());
    let id = warm[1]["response"]["id"].clone();
    let hello = json!({"role": "user", "content": "hello"});
    socket.create(json!({"store": false, "previous_response_id": id, "input": [hello]})).await;
    let id = socket.answer().await.last().unwrap()["response"]["id"].clone();
    let more = json!({"role": "user", "content": "more"});
    socket.create(json!({"store": false, "previous_response_id": id, "input": [more]})).await;
    socket.answer().await;
    let sent = served.rig.transport.sent();
    let input = |sent: &Sent| sent.json()["input"].as_array().unwrap().clone();
    assert_eq!(input(&sent[0]).len(), 2);
    let whole = input(&sent[1]);
    assert_eq!(
        (whole.len(), &whole[0]["content"], &whole[1], &whole[3]),
        (4, &json!("be brief"), &hello, &more)
    );
    assert_eq!(whole[2]["content"][0]["text"], "hello", "the answer in between");
    assert!(sent[1].json().get("previous_response_id").is_none());
    // Another connection remembers nothing of it.
    let mut other = served.open().await;
    other.create(json!({"previous_response_id": warm[1]["response"]["id"], "input": []})).await;
    let error = other.error().await;
    assert_eq!(
        (&error["status"], &error["error"]["code"]),
        (&json!(400), &json!("previous_response_not_found"))
    );
}

#[tokio::test]
async fn an_answer_that_the_vendor_stores_is_gone_on_from_as_over_http() {
    let served = served(Setup::every_dialect()).await;
    let mut socket = served.open().await;
    socket.create(json!({})).await;
    let id = socket.answer().await.last().unwrap()["response"]["id"].clone();
    socket.create(json!({"previous_response_id": id})).await;
    assert_eq!(socket.answer().await.last().unwrap()["type"], "response.completed");
    assert_eq!(served.rig.transport.sent()[1].json()["previous_response_id"], id);
}

#[tokio::test]
async fn a_message_that_is_too_large_ends_the_connection_with_a_reason() {
    let served = served(Setup { max_body_bytes: 1024 * 1024, ..Setup::every_dialect() }).await;
    let mut socket = served.open().await;
    socket.create(json!({"input": "x".repeat(1024 * 1024)})).await;
    assert_eq!(socket.error().await["status"], 413);
    assert_eq!(u16::from(socket.closed().await.code), 1009);
    assert!(served.rig.transport.sent().is_empty());
}

#[tokio::test]
async fn a_connection_that_is_dropped_cancels_the_upstream() {
    let held = Held::new();
    let served = answering(held.answer()).await;
    let mut socket = served.open().await;
    socket.create(json!({})).await;
    assert_eq!(socket.event().await["type"], "response.created");
    drop(socket);
    held.let_go().await;
    let rows = served.rig.rows().await;
    assert_eq!(rows.len(), 1);
}

#[tokio::test]
async fn a_server_that_stops_ends_the_answer_and_then_the_connection() {
    let held = Held::new();
    let served = answering(held.answer()).await;
    let mut socket = served.open().await;
    let mut idle = served.open().await;
    socket.create(json!({})).await;
    assert_eq!(socket.event().await["type"], "response.created");
    served.stop().await;
    assert_eq!(u16::from(idle.closed().await.code), 1001);
    held.go.notify_one();
    assert_eq!(socket.answer().await.last().unwrap()["type"], "response.completed");
    assert_eq!(u16::from(socket.closed().await.code), 1001);
    let drained = timeout(PATIENCE, served.serving).await.expect("serving ends").unwrap();
    assert_eq!(drained, Drained { cut_off: 0 });
}

#[tokio::test]
async fn what_is_asked_of_a_server_that_stops_is_refused() {
    let held = Held::new();
    let served = answering(held.answer()).await;
    let mut socket = served.open().await;
    socket.create(json!({})).await;
    assert_eq!(socket.event().await["type"], "response.created");
    socket.create(json!({})).await;
    served.stop().await;
    held.go.notify_one();
    let events = socket.answer().await;
    let error = if events.last().unwrap()["type"] == "error" { events } else { socket.answer().await };
    assert_eq!(error.last().unwrap()["status"], 503);
    assert_eq!(served.rig.transport.sent().len(), 1);
}

#[tokio::test]
async fn a_server_that_is_dropped_takes_its_sockets_along() {
    let held = Held::new();
    let served = answering(held.answer()).await;
    let mut socket = served.open().await;
    socket.create(json!({})).await;
    assert_eq!(socket.event().await["type"], "response.created");
    served.serving.abort();
    held.let_go().await;
}

#[tokio::test]
async fn a_panic_ends_one_answer_and_not_the_connection() {
    let served = answering(|sent| {
        assert!(sent.json()["input"] != "boom", "boom, as the test wants it");
        every_answer(sent)
    })
    .await;
    let mut socket = served.open().await;
    socket.create(json!({"input": "boom"})).await;
    assert_eq!(socket.error().await["status"], 500);
    socket.create(json!({})).await;
    assert_eq!(socket.answer().await.last().unwrap()["type"], "response.completed");
}

#[tokio::test]
async fn a_ping_is_answered() {
    let served = served(Setup::every_dialect()).await;
    let mut socket = served.open().await;
    socket.0.send(Message::Ping(Bytes::from_static(b"there?"))).await.unwrap();
    let pong = timeout(PATIENCE, socket.0.next()).await.unwrap().unwrap().unwrap();
    assert_eq!(pong, Message::Pong(Bytes::from_static(b"there?")));
}

#[tokio::test]
async fn a_connection_on_which_nothing_is_asked_is_kept_alive_and_closed_at_last() {
    let served = served(Setup::every_dialect()).await;
    let mut socket = served.open().await;
    socket.create(json!({})).await;
    socket.answer().await;
    // From here on time passes whenever nothing else happens.
    tokio::time::pause();
    let mut pings = 0;
    let closed = loop {
        match socket.0.next().await.unwrap().unwrap() {
            Message::Ping(_) => pings += 1,
            Message::Close(Some(frame)) => break frame,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(u16::from(closed.code), 1000);
    assert!(pings > 10, "{pings}");
}

#[tokio::test]
async fn a_key_for_some_models_opens_only_these() {
    let served = served(Setup::every_dialect()).await;
    let mut socket = served.try_open(PATH, &secret("narrow")).await.unwrap();
    socket.create(json!({"model": MODEL})).await;
    assert_eq!(socket.error().await["status"], 403);
    // That is a matter of the model: the connection is still good for others.
    socket.create(json!({"model": MODEL})).await;
    assert_eq!(socket.error().await["status"], 403);
}
