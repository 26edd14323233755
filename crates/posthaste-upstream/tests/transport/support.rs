//! What the tests share.

use std::{error::Error, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::BodyExt;
use posthaste_core::{Egress, Payload, Proxy, RelayBody, Transport, TransportError};
use posthaste_testkit::{Script, ScriptedUpstream, TestAuthority};
use posthaste_upstream::{HttpTransport, UpstreamOptions};

/// A client with the defaults, but for the time that a connection may take.
pub(crate) fn transport() -> HttpTransport {
    HttpTransport::new(&options()).unwrap()
}

pub(crate) fn options() -> UpstreamOptions {
    UpstreamOptions { connect_timeout: Duration::from_secs(5), ..UpstreamOptions::default() }
}

/// A client that gives up soon, for those who never answer.
pub(crate) fn impatient() -> HttpTransport {
    let options = UpstreamOptions { connect_timeout: Duration::from_millis(300), ..options() };
    HttpTransport::new(&options).unwrap()
}

/// A client that trusts this authority.
pub(crate) fn trusting(authority: &TestAuthority) -> HttpTransport {
    let options = UpstreamOptions { authorities: vec![authority.certificate()], ..options() };
    HttpTransport::new(&options).unwrap()
}

/// An upstream that tells what it was asked.
pub(crate) async fn upstream() -> ScriptedUpstream {
    ScriptedUpstream::start(|request| Script::text(200, &format!("{} {}", request.method, request.path)))
        .await
}

pub(crate) fn through(proxy: Proxy, allow_private: bool) -> Egress {
    Egress::through(Arc::new(proxy), allow_private)
}

pub(crate) fn post(url: &str) -> http::Request<Payload> {
    http::Request::post(url).body(Payload::from(Bytes::from("{}"))).unwrap()
}

pub(crate) async fn send(
    transport: &HttpTransport,
    url: &str,
    egress: &Egress,
) -> Result<http::Response<RelayBody>, TransportError> {
    transport.send(post(url), egress).await
}

/// Sends and reads the answer to its end.
pub(crate) async fn exchange(
    transport: &HttpTransport,
    url: &str,
    egress: &Egress,
) -> Result<String, TransportError> {
    text(send(transport, url, egress).await?).await
}

pub(crate) async fn text(response: http::Response<RelayBody>) -> Result<String, TransportError> {
    let body = response.into_body().collect().await?.to_bytes();
    Ok(String::from_utf8(body.to_vec()).unwrap())
}

/// The error, for requests that must fail.
pub(crate) async fn failure(transport: &HttpTransport, url: &str, egress: &Egress) -> TransportError {
    match exchange(transport, url, egress).await {
        Ok(answer) => panic!("{url} was answered: {answer}"),
        Err(error) => error,
    }
}

/// All that an error says in any form.
pub(crate) fn everything(error: &TransportError) -> String {
    let mut text = format!("{error} {error:?}");
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(&format!(" {cause} {cause:?}"));
        next = cause.source();
    }
    text
}

/// Waits until something holds.
pub(crate) async fn until(what: &str, holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), waiting)
        .await
        .unwrap_or_else(|_| panic!("waited 10 s: {what}"));
}
