//! The `oauth2` crate's way out: our own transport, through the account's egress.

use std::{error::Error, future::Future, pin::Pin, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use oauth2::{AsyncHttpClient, HttpRequest, HttpResponse};
use posthaste_core::{Egress, Payload, Secret, TimeoutGuard, Transport, TransportError};
use serde_json::{Map, Value};
use tokio::time::timeout;
use url::{Host, Url, form_urlencoded};

use super::{
    OAuthError, TokenBody,
    answer::{Raw, standard},
};

/// One server's way to be asked.
pub(super) struct Exchange<'a> {
    pub(super) transport: &'a dyn Transport,
    pub(super) egress: Egress,
    pub(super) body: TokenBody,
    /// Goes along with the code.
    pub(super) state: Option<&'a str>,
}

impl<'a> Exchange<'a> {
    pub(super) fn new(transport: &'a dyn Transport, egress: &Egress, url: &Url, body: TokenBody) -> Self {
        Self { transport, egress: towards(url, egress), body, state: None }
    }

    async fn ask(&self, request: HttpRequest) -> Result<HttpResponse, OAuthError> {
        let (mut head, form) = request.into_parts();
        let host = head.uri.host().unwrap_or_default().to_owned();
        let mut pairs: Vec<(String, String)> = form_urlencoded::parse(&form).into_owned().collect();
        pairs.extend(self.state.map(|state| ("state".to_owned(), state.to_owned())));
        let secrets: Vec<_> = pairs
            .iter()
            .filter(|(name, value)| SECRETS.contains(&name.as_str()) && value.len() >= SHORTEST_SECRET)
            .map(|(_, value)| Secret::new(value.as_str()))
            .collect();
        let (kind, body) = encode(self.body, &pairs);
        head.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        head.headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        let request = Request::from_parts(head, Payload::from(Bytes::from(body)));
        let exchange = async {
            let response = self.transport.send(request, &self.egress).await?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, MAX_ANSWER).collect().await.map_err(TransportError::Broken)?;
            Ok((head, body.to_bytes()))
        };
        let too_late = |_| TransportError::Timeout { guard: TimeoutGuard::Head, after: PATIENCE };
        let answered = timeout(PATIENCE, exchange).await.map_err(too_late).and_then(|answered| answered);
        let (head, body) = answered.map_err(|error| unreachable(&host, &error))?;
        standard(&Raw {
            host: &host,
            status: head.status,
            headers: &head.headers,
            body: &body,
            secrets: &secrets,
        })
    }
}

impl<'c> AsyncHttpClient<'c> for Exchange<'_> {
    type Error = OAuthError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, OAuthError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.ask(request))
    }
}

/// Sends a request of which only the status matters.
pub(super) async fn status(
    transport: &dyn Transport,
    request: Request<Payload>,
    egress: &Egress,
) -> Result<StatusCode, OAuthError> {
    let host = request.uri().host().unwrap_or_default().to_owned();
    let too_late = |_| TransportError::Timeout { guard: TimeoutGuard::Head, after: PATIENCE };
    let answered = timeout(PATIENCE, transport.send(request, egress)).await.map_err(too_late);
    let answered = answered.and_then(|answered| answered);
    answered.map(|response| response.status()).map_err(|error| unreachable(&host, &error))
}

/// The account's way out. A server that an operator named by a loopback address may be called there.
pub(super) fn towards(url: &Url, egress: &Egress) -> Egress {
    let loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(_)) | None => false,
    };
    Egress { allow_private: egress.allow_private || loopback, ..egress.clone() }
}

fn encode(form: TokenBody, pairs: &[(String, String)]) -> (&'static str, String) {
    match form {
        TokenBody::Form => {
            let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
            ("application/x-www-form-urlencoded", body)
        }
        TokenBody::Json => {
            let object: Map<String, Value> =
                pairs.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
            ("application/json", Value::from(object).to_string())
        }
    }
}

pub(super) fn unreachable(host: &str, error: &TransportError) -> OAuthError {
    let (host, why) = (host.to_owned(), with_causes(error));
    match error {
        TransportError::Proxy { .. } => OAuthError::Proxy { host, why },
        TransportError::Refused { .. }
        | TransportError::Connect { .. }
        | TransportError::Timeout { guard: TimeoutGuard::Connect, .. } => {
            OAuthError::Unreachable { host, why, unsent: true }
        }
        TransportError::Timeout { .. } | TransportError::Stale(_) | TransportError::Broken(_) => {
            OAuthError::Unreachable { host, why, unsent: false }
        }
    }
}

fn with_causes(error: &TransportError) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

/// The parameters whose values are in confidence.
const SECRETS: [&str; 5] = ["code", "code_verifier", "refresh_token", "client_secret", "device_code"];
/// A shorter text is a part of many words.
const SHORTEST_SECRET: usize = 6;
/// Token servers answer within a second or two. Much less than a refresh's lock is held for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// Token answers take a few KiB.
const MAX_ANSWER: usize = 1 << 20;
const USER_AGENT: &str = concat!("posthaste/", env!("CARGO_PKG_VERSION"));
