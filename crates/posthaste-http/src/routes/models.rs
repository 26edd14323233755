//! Lists of models.

use axum::{
    body::Body,
    extract::{OriginalUri, Path, State, rejection::PathRejection},
    http::{HeaderMap, HeaderValue, Uri, header},
    response::Response,
};
use bytes::Bytes;
use posthaste_core::{Fault, FaultKind, Origin, RequestId};
use posthaste_wire::{ModelEntry, models::render_model, render_models};

use super::{Front, dialect_of};
use crate::{extract::caller::authenticate, respond::fault_response};

/// The models that the caller may use.
pub(crate) async fn list(
    State(front): State<Front>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response {
    let dialect = dialect_of(uri.path(), &headers);
    match models(&front, &uri, &headers).await {
        Ok(models) => json(render_models(dialect, &models)),
        Err(fault) => fault_response(dialect, &fault, RequestId::generate()),
    }
}

/// One of them.
pub(crate) async fn one(
    State(front): State<Front>,
    OriginalUri(uri): OriginalUri,
    // A name that is not UTF-8 is no model's either; axum's own answer to it would be plain text.
    name: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Response {
    let dialect = dialect_of(uri.path(), &headers);
    let found = models(&front, &uri, &headers).await.and_then(|models| {
        let wanted = |model: &ModelEntry| name.as_ref().is_ok_and(|Path(name)| model.id == *name);
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

async fn models(front: &Front, uri: &Uri, headers: &HeaderMap) -> Result<Vec<ModelEntry>, Fault> {
    let caller = authenticate(&front.relay, headers, uri.query()).await?;
    Ok(front.relay.models(&caller))
}

fn json(body: Bytes) -> Response {
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
