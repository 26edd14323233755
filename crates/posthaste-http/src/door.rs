//! A door to a transport for whoever speaks HTTP: browsers reach the imitation vendor's pages through it.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::State,
    http::{Request, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use posthaste_core::{Egress, Payload, Transport};

#[derive(Clone)]
struct Door {
    transport: Arc<dyn Transport>,
    base: Uri,
}

/// Passes every request on to `transport`, as one for `base`; the path stays. Nobody is asked who they are, so put nothing
/// behind it that is not open to all who reach its listener.
pub fn door_router(transport: Arc<dyn Transport>, base: Uri) -> Router {
    Router::new().fallback(pass).with_state(Door { transport, base })
}

async fn pass(State(door): State<Door>, request: Request<Body>) -> Response {
    let (mut head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MOST_BODY_BYTES).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let mut target = door.base.clone().into_parts();
    target.path_and_query = head.uri.path_and_query().cloned().or(target.path_and_query);
    let Ok(target) = Uri::from_parts(target) else { return StatusCode::BAD_REQUEST.into_response() };
    head.uri = target;
    let request = Request::from_parts(head, Payload::from(body));
    match door.transport.send(request, &Egress::default()).await {
        Ok(answer) => answer.map(Body::new).into_response(),
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}

const MOST_BODY_BYTES: usize = 1 << 20;
