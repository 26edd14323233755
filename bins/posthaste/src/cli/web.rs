//! Asking a relay over HTTP, as its clients do.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt, Limited};
use posthaste_core::{Egress, Payload, Transport};
use posthaste_upstream::{HttpTransport, UpstreamOptions};
use tokio::time::timeout;

use super::Failure;

/// A whole answer.
pub(super) struct Answered {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// Sends a request and reads its whole answer, of 64 MiB at most.
///
/// # Errors
/// Why there is no answer, in words that hold nothing of the request.
pub(super) async fn ask(request: Request<Payload>, patience: Duration) -> Result<Answered, String> {
    let asked = async {
        let options = UpstreamOptions { connect_timeout: CONNECT_TIMEOUT, ..UpstreamOptions::default() };
        let transport = HttpTransport::new(&options).map_err(|error| error.to_string())?;
        // Whoever sits at this command line reaches its own network anyway.
        let sent = transport.send(request, &Egress::direct(true)).await;
        let (head, body) = sent.map_err(|error| error.to_string())?.into_parts();
        let body = Limited::new(body, MOST_ANSWER).collect().await.map_err(|error| error.to_string())?;
        Ok(Answered { status: head.status, headers: head.headers, body: body.to_bytes() })
    };
    timeout(patience, asked).await.map_err(|_| format!("no answer within {} s", patience.as_secs()))?
}

/// A header's value that is not printed anywhere.
pub(super) fn secret_header(text: &str, what: &str) -> Result<HeaderValue, Failure> {
    let mut value = HeaderValue::try_from(text)
        .map_err(|_| Failure::usage(format!("the {what} holds characters that it cannot have")))?;
    value.set_sensitive(true);
    Ok(value)
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const MOST_ANSWER: usize = 64 << 20;
