//! Lists of models.

use axum::{
    body::Body,
    http::{HeaderValue, header, request::Parts},
    response::Response,
};
use bytes::Bytes;
use posthaste_core::{Dialect, Fault, FaultKind, Origin, RequestId};
use posthaste_wire::{ModelEntry, models::render_model, render_models};

use super::{Front, fallback::dialect_of};
use crate::{
    extract::{address::Peer, caller::authenticate},
    respond::fault_response,
};

/// The models that the caller may use, of one vendor where the path names one.
pub(super) async fn list(front: Front, pinned: Option<Dialect>, head: Parts) -> Response {
    let dialect = dialect_of(head.uri.path(), &head.headers);
    match models(&front, pinned, &head).await {
        Ok(models) => json(render_models(dialect, &models)),
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
    let found = models(&front, pinned, &head).await.and_then(|models| {
        let wanted = |model: &ModelEntry| name.as_ref().is_some_and(|name| model.id == *name);
        models.into_iter().find(wanted).ok_or_else(|| {
            let message = "there is no such model for this client key: see GET /v1/models";
            Fault::new(FaultKind::NotFound, Origin::Client, message)
        })
    });
    match found {
        Ok(model) => json(render_model(dialect, &model)),
        Err(fault) => fault_response(dialect, &fault, RequestId::generate()),
    }
}

async fn models(front: &Front, pinned: Option<Dialect>, head: &Parts) -> Result<Vec<ModelEntry>, Fault> {
    let caller = authenticate(front, &head.headers, head.uri.query(), Peer::of(&head.extensions)).await?;
    Ok(front.relay.models(&caller, pinned))
}

fn json(body: Bytes) -> Response {
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
