//! From endpoints to a router.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{FromRequestParts, RawPathParams, Request},
    response::Response,
    routing::{MethodFilter, MethodRouter, on},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts, uri::Authority};
use parking_lot::Mutex;
use posthaste_admin::{AdminError, Visit};

use super::{
    AdminFront, CookieOptions, Door,
    answer::{failed, json_response},
    asked::Asked,
    door::enter,
    endpoint::{Endpoint, Work},
    given::Given,
    input::{check_type, invalid},
    session,
};
use crate::{
    extract::address::{self, Peer},
    tls::OverTls,
};

pub(super) fn router<S: Clone + Send + Sync + 'static>(
    front: &AdminFront,
    endpoints: Vec<Endpoint>,
) -> Router<S> {
    let mut served: BTreeMap<&'static str, MethodRouter<S>> = BTreeMap::new();
    for Endpoint { method, path, door, work, unread, .. } in endpoints {
        let (front, filter) = (front.clone(), filter(&method));
        let serve = on(filter, move |request: Request| {
            let (front, work) = (front.clone(), Arc::clone(&work));
            async move { serve(front, (door, unread), work, request).await }
        });
        let others = served.remove(path).unwrap_or_default();
        served.insert(path, others.merge(serve));
    }
    served
        .into_iter()
        .fold(Router::new(), |router, (path, serve)| router.route(path, serve.fallback(wrong_method)))
}

async fn wrong_method(_: Request) -> Response {
    let body = br#"{"success":false,"error":"invalid","message":"this path does not take this method"}"#;
    json_response(StatusCode::METHOD_NOT_ALLOWED, body.to_vec())
}

async fn serve(front: AdminFront, entry: (Door, bool), work: Work, request: Request) -> Response {
    let (mut head, body) = request.into_parts();
    let mut given = Given { query: head.uri.query().map(str::to_owned), body: Bytes::new() };
    match answered(&front, entry, work, (&mut head, &mut given), body).await {
        Ok(response) => response,
        Err(error) => failed(&error, &given),
    }
}

async fn answered(
    front: &AdminFront,
    (door, unread): (Door, bool),
    work: Work,
    (head, given): (&mut Parts, &mut Given),
    body: Body,
) -> Result<Response, AdminError> {
    check_host(front, &head.headers, head.uri.authority())?;
    let options = front.options.now();
    let trusted = &options.trusted_proxies;
    let address = address::of_client(Peer::of(&head.extensions), &head.headers, trusted).ok();
    let visitor = enter(front, door, head, address).await?;
    // Read only once its sender is known.
    let (body, unread) = if unread {
        (Bytes::new(), Some(body))
    } else {
        let body = to_bytes(body, MOST_BODY).await;
        (body.map_err(|_| invalid("body", "was cut off, or is larger than 1 MiB"))?, None)
    };
    given.body = body.clone();
    check_type(&head.headers, &body)?;
    let parameters = RawPathParams::from_request_parts(head, &()).await;
    let parameters = parameters.map_err(|_| invalid("path", "holds what is no text"))?;
    let parameters: Vec<_> =
        parameters.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let seen = seen_version(head, !parameters.is_empty())?;
    let agent = head.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    let asked = Asked {
        admin: front.admin.clone(),
        actor: visitor.actor,
        person: visitor.person,
        client_key: visitor.client_key,
        visit: Visit { address, agent: agent.unwrap_or_default().to_owned() },
        secure: secure(front, head),
        by_trusted_proxy: address::is_trusted(Peer::of(&head.extensions), trusted),
        cookie: session::cookie(&head.headers),
        headers: head.headers.clone(),
        extensions: head.extensions.clone(),
        relayed: front.relayed.clone(),
        max_body_bytes: options.max_body_bytes,
        version: options.version,
        parameters: Arc::new(parameters),
        query: head.uri.query().map(str::to_owned),
        body,
        unread: Arc::new(Mutex::new(unread)),
        set_cookies: Arc::default(),
        seen,
        record_version: Arc::default(),
    };
    let record_version = Arc::clone(&asked.record_version);
    let set_cookies = Arc::clone(&asked.set_cookies);
    let mut response = work(asked).await?;
    for cookie in set_cookies.lock().drain(..) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    if let Some(version) = *record_version.lock() {
        let tag = HeaderValue::try_from(format!("\"{version}\""));
        let tag = tag.map_err(|error| AdminError::internal("an answer", error))?;
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response)
}

/// The version in `If-Match`, of what changes a record. Anything else there is refused, since a condition that is not
/// understood must not count as met.
fn seen_version(head: &Parts, one_record: bool) -> Result<Option<u64>, AdminError> {
    let mut given = head.headers.get_all(header::IF_MATCH).iter();
    let Some(first) = given.next().filter(|_| head.method != Method::GET) else { return Ok(None) };
    if !one_record {
        return Err(invalid("if-match", "goes with a change of one record; leave it out"));
    }
    let text = first.to_str().ok().filter(|_| given.next().is_none());
    let number = text.and_then(|text| text.trim().strip_prefix('"')?.strip_suffix('"')?.parse().ok());
    let message = "is no version of a record; send the ETag of the answer that showed it, such as \"3\"";
    number.map(Some).ok_or_else(|| invalid("if-match", message))
}

/// Refuses a host that is none, two of them, and one that is not the relay's, where those are told.
pub(crate) fn check_host(
    front: &AdminFront,
    headers: &HeaderMap,
    authority: Option<&Authority>,
) -> Result<(), AdminError> {
    let mut named = headers.get_all(header::HOST).iter();
    let (first, more) = (named.next(), named.next().is_some());
    let host = match first {
        Some(host) => host.to_str().unwrap_or_default(),
        None => authority.map(Authority::as_str).unwrap_or_default(),
    };
    let odd = more || host.is_empty() || host.parse::<Authority>().is_err() || host.contains('@');
    if odd {
        return Err(invalid("host", "the request does not say which host it is for"));
    }
    let options = front.options.now();
    let allowed = &options.hosts;
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
    let name = name.map_or(host, |(name, _)| name);
    if allowed.is_empty() || allowed.iter().any(|known| known.eq_ignore_ascii_case(name)) {
        return Ok(());
    }
    Err(AdminError::Forbidden { need: "one of the host names that admin.hosts lists".to_owned() })
}

/// Whether the request came over TLS: the relay's own, or a trusted proxy says so.
pub(super) fn secure(front: &AdminFront, head: &Parts) -> bool {
    if head.extensions.get::<OverTls>().is_some() {
        return true;
    }
    let options = front.options.now();
    if options.cookies == CookieOptions::Secure {
        return true;
    }
    let proto = last(&head.headers, &HeaderName::from_static("x-forwarded-proto"));
    address::is_trusted(Peer::of(&head.extensions), &options.trusted_proxies) && proto == Some("https")
}

fn last<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get_all(name).iter().next_back()?.to_str().ok()?.rsplit(',').next().map(str::trim)
}

fn filter(method: &Method) -> MethodFilter {
    MethodFilter::try_from(method.clone()).expect("endpoints are made with the usual methods")
}

/// More than any record of an operator's is.
const MOST_BODY: usize = 1024 * 1024;
