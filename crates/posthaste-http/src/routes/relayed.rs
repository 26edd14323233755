//! The paths that are relayed to upstreams.

use std::panic::AssertUnwindSafe;

use axum::{
    body::Body,
    extract::{MatchedPath, Request},
    response::Response,
};
use futures_util::FutureExt;
use posthaste_core::{Fault, FaultKind, ModelName, Origin, RequestId};
use posthaste_gateway::{Answer, Call};
use tokio::time::Instant;

use super::{Front, Route};
use crate::{
    body,
    extract::{
        address::Peer,
        caller::{authenticate, without_key},
    },
    respond::fault_response,
};

/// Serves one request. `model` is what the path names, unescaped.
pub(super) async fn serve(front: Front, route: Route, model: Option<String>, request: Request) -> Response {
    let id = RequestId::generate();
    // The router outlives panics as well, but only here the client's dialect and the request's id are known.
    let outcome = AssertUnwindSafe(relay(&front, id, route, model, request)).catch_unwind().await;
    match outcome.unwrap_or_else(|_| Err(panicked(&front))) {
        Ok(answer) => answer.response.map(Body::new),
        Err(fault) => fault_response(route.surface.error_dialect(), &fault, id),
    }
}

async fn relay(
    front: &Front,
    id: RequestId,
    route: Route,
    model: Option<String>,
    request: Request,
) -> Result<Answer, Fault> {
    let received = Instant::now();
    let (head, body) = request.into_parts();
    let caller = authenticate(front, &head.headers, head.uri.query(), Peer::of(&head.extensions)).await?;
    let read = async {
        let model = model.as_deref().map(ModelName::parse).transpose();
        let model = model.map_err(|error| Fault::invalid_request(format!("the path's model: {error}")))?;
        let at_most = front.options.now().max_body_bytes;
        Ok((model, body::read(&head.headers, body, at_most, &front.body_room).await?))
    };
    let (model, body) = read.await.inspect_err(|fault| front.relay.refused(fault))?;
    let query = head.uri.query().and_then(without_key);
    let matched = head.extensions.get::<MatchedPath>().filter(|_| front.relay.traces());
    let matched = matched.map(|path| path.as_str().into());
    front
        .relay
        .call(Call {
            id,
            caller,
            surface: route.surface,
            operation: route.operation,
            path: route.facts(model),
            headers: head.headers,
            query,
            body,
            received,
            route: matched,
        })
        .await
}

/// What was panicked about went to the log by the panic hook.
pub(crate) fn panicked(front: &Front) -> Fault {
    let fault = Fault::new(FaultKind::Internal, Origin::Relay, "the relay failed on this request");
    front.relay.refused(&fault);
    fault
}
