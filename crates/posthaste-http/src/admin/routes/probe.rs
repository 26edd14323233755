//! Probes of the way from a client to the relay: what proxies on it make of streams, of large bodies, of silence, and of what
//! tells who asks. They touch nothing and keep nothing.

use std::{
    convert::Infallible,
    pin::Pin,
    time::{Duration, Instant},
};

use axum::{body::Body, response::Response};
use bytes::Bytes;
use futures_util::{Stream, stream};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use http_body_util::BodyExt;
use posthaste_admin::{AdminError, Command, StatusView};
use posthaste_core::{Area, InstanceId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::{sleep, timeout};

use crate::admin::{
    asked::Asked,
    endpoint::{Endpoint, get, post},
    input::{NoBody, invalid},
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    let need = Area::System.read();
    vec![
        get("/admin/probe/echo", "What the relay sees of this request").needs(need).answers(echo),
        get("/admin/probe/stream", "Events at even distances, to see whether they arrive so")
            .needs(need)
            .streams::<Tick, _>(|_: Asked, _: NoBody| async { Ok(events(ticks())) }),
        get("/admin/probe/idle", "Silence, then one event, to see who does not wait so long")
            .needs(need)
            .streams_query::<Silence, Tick, _>(|_, silence| async move { idle(&silence) }),
        post("/admin/probe/sink", "Count the bytes of a body as large as clients may send it")
            .needs(need)
            .reads(sink),
    ]
}

/// What the relay sees of a request.
#[derive(Serialize, JsonSchema)]
struct Echo {
    /// Which relay answers, where it is one that runs.
    instance: Option<InstanceId>,
    /// From where it takes the request to come; `null` where that cannot be told.
    address: Option<String>,
    /// Whether it takes it to have come over TLS.
    tls: bool,
    /// Whether the other end of the connection is one of `server.trusted_proxies`.
    trusted_proxy: bool,
    /// The host that the request names.
    host: Option<String>,
    /// The addresses in `x-forwarded-for`, as they came.
    forwarded_for: Vec<String>,
    /// The names of those headers that came, of the ones that matter to the relay and those before it.
    headers: Vec<&'static str>,
    /// The largest body that the relay takes (`server.max_body_bytes`).
    max_body_bytes: usize,
}

async fn echo(asked: Asked, _: NoBody) -> Result<Echo, AdminError> {
    let status: StatusView = asked.act(Command::Status).await?;
    let text =
        |name: &HeaderName| asked.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    Ok(Echo {
        instance: status.server.and_then(|server| server.instance),
        address: asked.visit.address.map(|address| address.to_string()),
        tls: asked.secure,
        trusted_proxy: asked.by_trusted_proxy,
        host: text(&header::HOST),
        forwarded_for: forwarded_for(&asked.headers),
        headers: KNOWN.into_iter().filter(|name| asked.headers.contains_key(*name)).collect(),
        max_body_bytes: asked.max_body_bytes,
    })
}

fn forwarded_for(headers: &HeaderMap) -> Vec<String> {
    let lines = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(|hop| hop.trim().to_owned()).collect()
}

/// An event of a probe.
#[derive(Serialize, JsonSchema)]
struct Tick {
    /// Its number, from 1.
    number: u32,
    /// Of how many.
    of: u32,
    /// When it was sent, in milliseconds since the head of the answer.
    sent_ms: u64,
}

impl Tick {
    fn frame(number: u32, of: u32, begun: Instant) -> Bytes {
        let sent_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let data = serde_json::to_string(&Self { number, of, sent_ms }).unwrap_or_default();
        Bytes::from(format!("data: {data}\n\n"))
    }
}

fn ticks() -> impl Stream<Item = Bytes> + Send + 'static {
    let begun = Instant::now();
    stream::unfold(1, move |number| async move {
        if number > TICKS {
            return None;
        }
        if number > 1 {
            sleep(BETWEEN).await;
        }
        Some((Tick::frame(number, TICKS, begun), number + 1))
    })
}

/// How long it is to be silent.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Silence {
    /// Seconds, 1 to 300.
    #[schemars(range(min = 1, max = 300))]
    seconds: u64,
}

fn idle(silence: &Silence) -> Result<Response, AdminError> {
    if !(1..=LONGEST_SILENCE).contains(&silence.seconds) {
        return Err(invalid("seconds", format!("is not a number from 1 to {LONGEST_SILENCE}")));
    }
    let (begun, length) = (Instant::now(), Duration::from_secs(silence.seconds));
    Ok(events(stream::once(async move {
        sleep(length).await;
        Tick::frame(1, 1, begun)
    })))
}

/// As streams to clients are: with the same head, so that proxies treat them alike.
fn events(frames: impl Stream<Item = Bytes> + Send + 'static) -> Response {
    let frames = futures_util::StreamExt::map(frames, Ok::<_, Infallible>);
    let mut response = Response::new(Body::from_stream(frames));
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// How much of a body came.
#[derive(Serialize, JsonSchema)]
struct Sunk {
    /// In bytes.
    bytes: u64,
}

async fn sink(asked: Asked) -> Result<Sunk, AdminError> {
    let mut body = asked.unread.lock().take().unwrap_or_default();
    let at_most = asked.max_body_bytes as u64;
    let mut bytes = 0_u64;
    loop {
        let next = timeout(GAP, Pin::new(&mut body).frame()).await;
        let next = next.map_err(|_| invalid("body", "did not arrive in time"))?;
        let Some(frame) = next else { return Ok(Sunk { bytes }) };
        let frame = frame.map_err(|_| invalid("body", "broke off"))?;
        bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
        if bytes > at_most {
            return Err(invalid("body", "is larger than server.max_body_bytes"));
        }
    }
}

/// What those who log in by, and what proxies add or have to leave.
const KNOWN: [&str; 20] = [
    "authorization",
    "x-api-key",
    "x-goog-api-key",
    "api-key",
    "anthropic-version",
    "anthropic-beta",
    "openai-beta",
    "user-agent",
    "accept-encoding",
    "content-type",
    "idempotency-key",
    "traceparent",
    "via",
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-forwarded-host",
    "x-real-ip",
    "connection",
    "upgrade",
];

const TICKS: u32 = 6;
/// Far more than a way takes, and little enough to wait for.
const BETWEEN: Duration = Duration::from_millis(150);
const LONGEST_SILENCE: u64 = 300;
/// The longest silence within a body, as at the relay's other doors.
const GAP: Duration = Duration::from_secs(30);
