//! Asks as a client does.

use std::{
    error::Error,
    pin::Pin,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header, request::Builder};
use http_body_util::{BodyExt, Limited};
use posthaste_core::{Egress, Payload, RelayBody, Secret, Transport};
use posthaste_upstream::{HttpTransport, UpstreamOptions};
use serde_json::Value;
use tokio::time::timeout;
use url::Url;

use super::{
    Finding,
    answered::{self, Reached},
    base, fix,
    pace::Pace,
    passed::SENT,
};
use crate::cli::web;

pub(super) struct Client<'a> {
    url: &'a Url,
    token: &'a Secret,
}

impl<'a> Client<'a> {
    pub(super) fn new(url: &'a Url, token: &'a Secret) -> Self {
        Self { url, token }
    }

    pub(super) fn url(&self) -> &Url {
        self.url
    }

    /// What the relay sees, perhaps of a client that names an address of its own.
    pub(super) async fn echo(&self, made_up: Option<&str>) -> Result<Reached, Finding> {
        let mut request = self.request("GET", "/admin/probe/echo");
        for name in SENT {
            // No key, and nobody asks whether it is one.
            request = request.header(name, "none");
        }
        if let Some(address) = made_up {
            request = request.header("x-forwarded-for", address);
        }
        let asked = async {
            let response = self.send(request, Payload::default(), true).await?;
            let (head, body) = response.into_parts();
            Ok((head, whole(body).await?))
        };
        match within(PATIENCE, asked).await {
            Ok((head, body)) => Ok(answered::read(head.status, &head.headers, &body)),
            Err(why) => {
                let tls = self.url.scheme() == "https";
                let fix = if tls {
                    "the certificate has to be for this name, of an authority that this machine trusts, with those between \
                     (nginx: `ssl_certificate` with the whole chain), and not expired"
                } else {
                    "is it http there? The proxy's log says more"
                };
                let what = if tls { "through: TLS" } else { "through: connection" };
                Err(Finding::bad(what, format!("{} does not answer: {why}", base(self.url)), fix))
            }
        }
    }

    /// When the parts of a stream come.
    pub(super) async fn stream(&self) -> Result<Pace, String> {
        let request = self.request("GET", "/admin/probe/stream").header(header::ACCEPT_ENCODING, "identity");
        within(PATIENCE, async {
            let mut body = good(self.send(request, Payload::default(), true).await?)?;
            let begun = Instant::now();
            let (mut pace, mut text) = (Pace::default(), String::new());
            while let Some(piece) = piece(&mut body).await {
                // What came before it broke off counts.
                let Ok(piece) = piece else { break };
                let came = begun.elapsed();
                text.push_str(&String::from_utf8_lossy(&piece));
                while let Some((event, rest)) = text.split_once("\n\n") {
                    let told: Value =
                        serde_json::from_str(event.trim_start_matches("data:").trim()).unwrap_or_default();
                    pace.of = usize::try_from(told["of"].as_u64().unwrap_or_default()).unwrap_or_default();
                    pace.parts
                        .push((came, Duration::from_millis(told["sent_ms"].as_u64().unwrap_or_default())));
                    text = rest.to_owned();
                }
            }
            Ok(pace)
        })
        .await
    }

    /// Whether a stream comes as it was sent, though compression is offered as most clients do.
    pub(super) async fn compressed(&self) -> Finding {
        let what = "through: compression";
        let request =
            self.request("GET", "/admin/probe/stream").header(header::ACCEPT_ENCODING, "gzip, br, zstd");
        match within(PATIENCE, self.send(request, Payload::default(), true)).await {
            Err(why) => Finding::bad(what, format!("no stream comes through: {why}"), fix::COMPRESSION),
            Ok(response) => match response.headers().get(header::CONTENT_ENCODING) {
                None => Finding::good(what, "streams come as they were sent"),
                Some(coding) => Finding::bad(
                    what,
                    format!(
                        "the proxy compresses streams ({}), which delays their parts",
                        coding.to_str().unwrap_or("?")
                    ),
                    fix::COMPRESSION,
                ),
            },
        }
    }

    /// Whether a WebSocket opens.
    pub(super) async fn upgraded(&self) -> Finding {
        let what = "through: WebSockets";
        let request = self
            .request("GET", "/ws")
            .header(header::CONNECTION, "Upgrade")
            .header(header::UPGRADE, "websocket")
            .header(header::SEC_WEBSOCKET_VERSION, "13")
            .header(header::SEC_WEBSOCKET_KEY, "dGhlIHNhbXBsZSBub25jZQ==");
        // An upgrade is one of HTTP/1.1.
        match within(PATIENCE, self.send(request, Payload::default(), false)).await {
            Ok(response) => upgraded(response.status()),
            Err(why) => Finding::bad(what, format!("/ws gives no answer: {why}"), fix::UPGRADE),
        }
    }

    /// Whether a body comes through that is as large as the relay takes it.
    pub(super) async fn large(&self, max: u64) -> Finding {
        let bytes = max.min(LARGEST);
        let piece = Bytes::from(vec![b' '; PIECE]);
        let mut parts = Vec::new();
        let mut left = usize::try_from(bytes).unwrap_or(PIECE);
        while left > 0 {
            parts.push(piece.slice(..left.min(PIECE)));
            left = left.saturating_sub(PIECE);
        }
        let request = self
            .request("POST", "/admin/probe/sink")
            .header(header::CONTENT_TYPE, "application/octet-stream");
        let asked = within(LONG, async {
            let response = self.send(request, Payload::from_parts(parts), true).await?;
            let (head, body) = response.into_parts();
            // The answer's end is no matter where the status says enough.
            Ok((head.status, whole(body).await.unwrap_or_default()))
        });
        sunk(asked.await, bytes)
    }

    /// Whether a silence is waited for.
    pub(super) async fn silence(&self, length: Duration) -> Finding {
        let seconds = length.as_secs();
        let request = self.request("GET", &format!("/admin/probe/idle?seconds={seconds}"));
        let begun = Instant::now();
        let heard = within(length + PATIENCE, async {
            let mut body = good(self.send(request, Payload::default(), true).await?)?;
            let mut text = Vec::new();
            while let Some(piece) = piece(&mut body).await {
                text.extend_from_slice(&piece?);
            }
            Ok(text)
        });
        let heard = heard.await.map(|text| text.windows(5).any(|part| part == b"data:"));
        silent(heard, seconds, begun.elapsed())
    }

    fn request(&self, method: &str, path: &str) -> Builder {
        let request = Request::builder().method(method).uri(format!("{}{path}", base(self.url)));
        match web::secret_header(&format!("Bearer {}", self.token.expose()), "token") {
            Ok(bearer) => request.header(header::AUTHORIZATION, bearer),
            // The answer says that it is not there.
            Err(_) => request,
        }
        .header(header::USER_AGENT, HeaderValue::from_static("posthaste-doctor"))
    }

    /// Each on a connection of its own, so that none is affected by what became of another.
    async fn send(
        &self,
        request: Builder,
        body: Payload,
        http2: bool,
    ) -> Result<Response<RelayBody>, String> {
        let options = UpstreamOptions { connect_timeout: PATIENCE, http2, ..UpstreamOptions::default() };
        let transport = HttpTransport::new(&options).map_err(|error| error.to_string())?;
        let request = request.body(body).map_err(|_| "that is no address".to_owned())?;
        transport.send(request, &Egress::direct(true)).await.map_err(|error| causes(&error))
    }
}

fn upgraded(status: StatusCode) -> Finding {
    let what = "through: WebSockets";
    match status {
        StatusCode::SWITCHING_PROTOCOLS => Finding::good(what, "/ws opens"),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Finding::odd(
            what,
            format!("/ws answers with {status}"),
            "as many are open as may be; look again later",
        ),
        status => Finding::bad(
            what,
            format!("/ws does not open ({status}): the proxy does not pass the upgrade on"),
            fix::UPGRADE,
        ),
    }
}

fn sunk(asked: Result<(StatusCode, Bytes), String>, bytes: u64) -> Finding {
    let (what, size) = ("through: large requests", shown(bytes));
    match asked {
        Ok((StatusCode::PAYLOAD_TOO_LARGE, _)) => Finding::bad(
            what,
            format!("{size} are refused (413) before the relay sees them"),
            fix::size(bytes),
        ),
        Ok((status, body)) => {
            let told: Value = serde_json::from_slice(&body).unwrap_or_default();
            match told["data"]["bytes"].as_u64() {
                Some(came) if came == bytes => Finding::good(what, format!("{size} come through")),
                Some(came) => Finding::bad(
                    what,
                    format!("of {size} only {} come through", shown(came)),
                    "the proxy's log says why",
                ),
                None => Finding::bad(what, format!("{size} are answered with {status}"), fix::size(bytes)),
            }
        }
        Err(why) => Finding::bad(what, format!("{size} get no answer: {why}"), fix::size(bytes)),
    }
}

fn silent(heard: Result<bool, String>, seconds: u64, took: Duration) -> Finding {
    let what = "through: silence";
    let cut = match heard {
        Ok(true) => return Finding::good(what, format!("{seconds} s are waited for; --idle tries others")),
        Ok(false) => "the answer ended".to_owned(),
        Err(why) => why,
    };
    let seen = format!("of {seconds} s the proxy waits for {} only: {cut}", shown_time(took));
    Finding::bad(what, seen, fix::SILENCE)
}

fn shown(bytes: u64) -> String {
    if bytes < 1 << 20 { format!("{bytes} bytes") } else { format!("{} MiB", bytes >> 20) }
}

fn shown_time(time: Duration) -> String {
    format!("{}.{} s", time.as_secs(), time.subsec_millis() / 100)
}

fn good(response: Response<RelayBody>) -> Result<RelayBody, String> {
    match response.status() {
        StatusCode::OK => Ok(response.into_body()),
        status => Err(format!("it is answered with {status}")),
    }
}

async fn piece(body: &mut RelayBody) -> Option<Result<Bytes, String>> {
    let frame = Pin::new(body).frame().await?;
    Some(frame.map(|frame| frame.into_data().unwrap_or_default()).map_err(|error| causes(&error)))
}

async fn whole(body: RelayBody) -> Result<Bytes, String> {
    let read = Limited::new(body, MOST_ANSWER).collect().await;
    read.map(http_body_util::Collected::to_bytes).map_err(|error| causes(&*error))
}

async fn within<T>(patience: Duration, work: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    timeout(patience, work).await.map_err(|_| format!("no answer within {} s", patience.as_secs()))?
}

/// An error with what brought it about: the innermost says what there is to do.
fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let words = cause.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        next = cause.source();
    }
    text
}

/// An address for documentation, which nobody has.
pub(super) const MADE_UP: &str = "192.0.2.1";

const PATIENCE: Duration = Duration::from_secs(20);
/// A large body may go a slow way.
const LONG: Duration = Duration::from_secs(120);
const LARGEST: u64 = 256 << 20;
const PIECE: usize = 1 << 20;
const MOST_ANSWER: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::{super::super::State, *};

    #[test]
    fn a_body_that_is_refused_short_or_unanswered_is_told() {
        let whole = Bytes::from_static(br#"{"success":true,"data":{"bytes":67108864}}"#);
        let half = Bytes::from_static(br#"{"success":true,"data":{"bytes":33554432}}"#);
        let max = 64 << 20;
        assert_eq!(sunk(Ok((StatusCode::OK, whole)), max).state, State::Good);
        assert!(sunk(Ok((StatusCode::OK, half)), max).seen.contains("32 MiB"));
        for asked in [Ok((StatusCode::PAYLOAD_TOO_LARGE, Bytes::new())), Err("it broke".to_owned())] {
            let finding = sunk(asked, max);
            assert_eq!(finding.state, State::Bad);
            assert!(finding.fix.unwrap().contains("client_max_body_size 64m"));
        }
    }

    #[test]
    fn a_silence_that_is_cut_and_a_socket_that_does_not_open_are_told() {
        let took = Duration::from_millis(1_040);
        assert_eq!(silent(Ok(true), 20, took).state, State::Good);
        for heard in [Ok(false), Err("it broke".to_owned())] {
            let finding = silent(heard, 20, took);
            assert!(finding.state == State::Bad && finding.seen.contains("1.0 s"), "{finding:?}");
        }
        assert_eq!(upgraded(StatusCode::SWITCHING_PROTOCOLS).state, State::Good);
        assert_eq!(upgraded(StatusCode::SERVICE_UNAVAILABLE).state, State::Odd);
        assert_eq!(upgraded(StatusCode::METHOD_NOT_ALLOWED).state, State::Bad);
    }
}
