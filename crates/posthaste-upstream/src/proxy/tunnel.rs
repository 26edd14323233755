//! `CONNECT` through an HTTP proxy (RFC 9110 §9.3.6).
//!
//! Targets without TLS are tunnelled as well: the proxy sees where a request goes and not what is in it, and there is one
//! way for all. hyper itself speaks with the proxy; hyper-util's own connector (`Tunnel`) does not tell its caller which
//! status the proxy gave, which is what an operator needs to know.

use std::{future::poll_fn, pin::pin};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::Empty;
use hyper::{
    body::Incoming,
    client::conn::http1::{self, Connection},
};
use posthaste_core::{ProxyLogin, ProxyProblem};

use super::{ProxyFailure, ProxyStream};
use crate::guard::Target;

/// Asks the proxy at the other end of `stream` for a tunnel.
pub(super) async fn open(
    stream: ProxyStream,
    target: &Target,
    login: Option<&ProxyLogin>,
) -> Result<ProxyStream, ProxyFailure> {
    let (mut sender, mut connection) = http1::Builder::new()
        .max_buf_size(LONGEST_ANSWER)
        .handshake::<_, Empty<Bytes>>(stream)
        .await
        .map_err(|error| no_answer(&error))?;
    let mut answer = pin!(sender.send_request(request(target, login)?));
    let mut ended = false;
    let response = tokio::select! {
        biased;
        response = &mut answer => response,
        // When the connection is done, so is the answer: with the tunnel or with an error.
        _ = poll_fn(|cx| connection.poll_without_shutdown(cx)) => {
            ended = true;
            answer.await
        }
    };
    accept(&response.map_err(|error| no_answer(&error))?, login.is_some())?;
    if !ended {
        poll_fn(|cx| connection.poll_without_shutdown(cx)).await.map_err(|error| no_answer(&error))?;
    }
    bare(connection)
}

fn request(target: &Target, login: Option<&ProxyLogin>) -> Result<Request<Empty<Bytes>>, ProxyFailure> {
    let authority = target.authority();
    let mut request = Request::connect(&authority).header(header::HOST, &authority);
    if let Some(login) = login {
        request = request.header(header::PROXY_AUTHORIZATION, basic(login));
    }
    request.body(Empty::new()).map_err(|_| {
        ProxyFailure::new(ProxyProblem::Target, format!("`{authority}` cannot be written in a request to it"))
    })
}

/// RFC 7617, in UTF-8.
fn basic(login: &ProxyLogin) -> HeaderValue {
    let pair = STANDARD.encode(format!("{}:{}", login.username, login.password.expose()));
    let mut value = HeaderValue::try_from(format!("Basic {pair}")).expect("base64 is visible ASCII");
    value.set_sensitive(true);
    value
}

fn accept(response: &Response<Incoming>, with_login: bool) -> Result<(), ProxyFailure> {
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
        let cause = if with_login { "it refused the user or the password" } else { "it asks for a login" };
        return Err(ProxyFailure::new(ProxyProblem::Login, format!("{cause} ({status})")));
    }
    Err(ProxyFailure::new(ProxyProblem::Target, format!("it answered {status}")))
}

fn no_answer(error: &hyper::Error) -> ProxyFailure {
    ProxyFailure::caused_by(ProxyProblem::Protocol, error)
}

/// The stream inside, now the tunnel.
fn bare(connection: Connection<ProxyStream, Empty<Bytes>>) -> Result<ProxyStream, ProxyFailure> {
    let parts = connection.into_parts();
    // Both TLS and HTTP begin with us, so these bytes are not the upstream's.
    if !parts.read_buf.is_empty() {
        return Err(ProxyFailure::new(ProxyProblem::Protocol, "it sent more than its answer"));
    }
    Ok(parts.io)
}

/// What a proxy's answer to `CONNECT` may take: it is a head.
const LONGEST_ANSWER: usize = 32 * 1024;
