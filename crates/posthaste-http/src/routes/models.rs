//! Lists of models.

use axum::{
    body::Body,
    extract::Query,
    http::{HeaderValue, header, request::Parts},
    response::Response,
};
use bytes::Bytes;
use posthaste_core::{Dialect, Fault, FaultKind, Origin, RequestId};
use posthaste_gateway::Caller;
use posthaste_wire::{
    models::{Paging, render_model},
    render_models,
};

use super::{Front, fallback::dialect_of};
use crate::{
    extract::{address::Peer, caller::authenticate},
    respond::fault_response,
};

/// The models that the caller may use, of one vendor where the path names one.
pub(super) async fn list(front: Front, pinned: Option<Dialect>, head: Parts) -> Response {
    let dialect = dialect_of(head.uri.path(), &head.headers);
    match page(&front, dialect, pinned, &head).await {
        Ok(page) => json(page),
        Err(fault) => fault_response(dialect, &fault, RequestId::generate()),
    }
}

/// One of them. A name that is not UTF-8 is `None`, and no model's.
pub(super) async fn one(
    front: Front,
    pinned: Option<Dialect>,
    name: Option<String>,
    head: Parts,
) -> Response {
    let dialect = dialect_of(head.uri.path(), &head.headers);
    let found = caller(&front, &head).await.and_then(|caller| {
        let found = name.and_then(|name| front.relay.model(&caller, dialect, pinned, &name));
        found.ok_or_else(|| {
            let message = "there is no such model for this client key: see GET /v1/models";
            Fault::new(FaultKind::NotFound, Origin::Client, message)
        })
    });
    match found {
        Ok(model) => json(render_model(dialect, &model)),
        Err(fault) => fault_response(dialect, &fault, RequestId::generate()),
    }
}

async fn page(
    front: &Front,
    dialect: Dialect,
    pinned: Option<Dialect>,
    head: &Parts,
) -> Result<Bytes, Fault> {
    let caller = caller(front, head).await?;
    let invalid = |message| Fault::new(FaultKind::InvalidRequest, Origin::Client, message);
    let query: Query<Vec<(String, String)>> =
        Query::try_from_uri(&head.uri).map_err(|_| invalid("the query cannot be read".to_owned()))?;
    let pairs = query.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let paging = Paging::parse(dialect, pairs).map_err(|error| invalid(error.to_string()))?;
    let models = front.relay.models(&caller, dialect, pinned);
    Ok(render_models(dialect, &paging.cut(&models)))
}

async fn caller(front: &Front, head: &Parts) -> Result<Caller, Fault> {
    authenticate(front, &head.headers, head.uri.query(), Peer::of(&head.extensions)).await
}

fn json(body: Bytes) -> Response {
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
