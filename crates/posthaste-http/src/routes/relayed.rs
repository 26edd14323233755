//! The paths that are relayed to upstreams.

use axum::{
    body::Body,
    extract::{Request, State},
    response::Response,
};
use posthaste_core::{Dialect, Fault, Operation, RequestId};
use posthaste_gateway::{Answer, Call};
use tokio::time::Instant;

use super::{Front, route_of};
use crate::{body, extract::caller::authenticate, respond::fault_response};

/// Serves one request of the dialect and operation that `ROUTE` names.
pub(crate) async fn serve<const ROUTE: u8>(State(front): State<Front>, request: Request) -> Response {
    let (dialect, operation) = route_of(ROUTE);
    let id = RequestId::generate();
    match relay(&front, id, dialect, operation, request).await {
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
        .call(Call { id, caller, dialect, operation, headers: head.headers, query, body, received })
        .await
}
