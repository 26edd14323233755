//! The paths that are relayed to upstreams.

use std::panic::AssertUnwindSafe;

use axum::{
    body::Body,
    extract::{Request, State},
    response::Response,
};
use futures_util::FutureExt;
use posthaste_core::{Dialect, Fault, FaultKind, Operation, Origin, RequestId, Surface};
use posthaste_gateway::{Answer, Call, PathFacts};
use tokio::time::Instant;

use super::{Front, route_of};
use crate::{body, extract::caller::authenticate, respond::fault_response};

/// Serves one request of the dialect and operation that `ROUTE` names.
pub(crate) async fn serve<const ROUTE: u8>(State(front): State<Front>, request: Request) -> Response {
    let (dialect, operation) = route_of(ROUTE);
    let id = RequestId::generate();
    // The router outlives panics as well, but only here the client's dialect and the request's id are known.
    let outcome = AssertUnwindSafe(relay(&front, id, dialect, operation, request)).catch_unwind().await;
    match outcome.unwrap_or_else(|_| Err(panicked(&front))) {
        Ok(answer) => answer.response.map(Body::new),
        Err(fault) => fault_response(dialect, &fault, id),
    }
}

async fn relay(
    front: &Front,
    id: RequestId,
    dialect: Dialect,
    operation: Operation,
    request: Request,
) -> Result<Answer, Fault> {
    let received = Instant::now();
    let (head, body) = request.into_parts();
    let caller = authenticate(&front.relay, &head.headers, head.uri.query()).await?;
    let body = body::read(&head.headers, body, front.options.max_body_bytes)
        .await
        .inspect_err(|fault| front.relay.refused(fault))?;
    let query = head.uri.query().map(str::to_owned);
    front
        .relay
        .call(Call {
            id,
            caller,
            surface: Surface::plain(dialect),
            operation,
            path: PathFacts::default(),
            headers: head.headers,
            query,
            body,
            received,
        })
        .await
}

/// What was panicked about went to the log by the panic hook.
fn panicked(front: &Front) -> Fault {
    let fault = Fault::new(FaultKind::Internal, Origin::Relay, "the relay failed on this request");
    front.relay.refused(&fault);
    fault
}
