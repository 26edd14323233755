//! Responses over WebSocket: the client sends `response.create`, and each event of the answer is one message
//! (<https://platform.openai.com/docs/guides/websocket-mode>, checked 2026-11-23; Codex tries it before anything else).
//!
//! Every `response.create` is a request like one that is posted, from the look at the client key on. One is answered at
//! a time; a few may wait. Errors are events as well, after which the connection lives on.

mod create;
mod event;
mod recall;
mod session;
mod turn;

use axum::{
    Extension,
    extract::{
        State,
        ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    http::{Extensions, HeaderMap, HeaderName, HeaderValue, Uri, header},
    response::Response,
};
use posthaste_core::{Dialect, Fault, FaultKind, Origin, RequestId};

use self::{session::Session, turn::Client};
use crate::{
    events::SeatOwner,
    extract::{address::Peer, caller::authenticate},
    link::Link,
    respond::fault_response,
    routes::Front,
    server::Tasks,
};

/// Opens a WebSocket for whoever has a client key.
pub(crate) async fn open(
    State(front): State<Front>,
    uri: Uri,
    headers: HeaderMap,
    extensions: Extensions,
    tasks: Option<Extension<Tasks>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let peer = Peer::of(&extensions);
    let refuse = |fault: Fault| fault_response(Dialect::OpenAiResponses, &fault, RequestId::generate());
    let caller = match authenticate(&front, &headers, uri.query(), peer).await {
        Ok(caller) => caller,
        Err(fault) => return refuse(fault),
    };
    let Ok(upgrade) = upgrade else {
        let message =
            "a request is posted here; what is got is a WebSocket, by `upgrade: websocket` over HTTP/1.1";
        let fault = Fault::new(FaultKind::MethodNotAllowed, Origin::Client, message);
        front.relay.refused(&fault);
        return refuse(fault);
    };
    let seat = match front.sockets.seats.take(SeatOwner::Known(caller.key().id.uuid())) {
        Ok(seat) => seat,
        Err(fault) => {
            front.relay.refused(&fault);
            return refuse(fault);
        }
    };
    let pace = front.sockets.options.pace;
    let at_most = front.options.now().max_body_bytes;
    // A server that is not ours brings no tasks of its own, and no end to them.
    let place = tasks.map(|Extension(tasks)| tasks).unwrap_or_default().place();
    let client = Client { front, headers: lasting(headers), query: uri.query().map(str::to_owned), peer };
    upgrade.max_message_size(at_most).max_frame_size(at_most).on_upgrade(move |socket| {
        place.carry(move |stop| async move {
            let _seat = seat;
            Session::new(client).run(Link::new(socket, pace), stop).await;
        })
    })
}

/// The headers that hold for every request on the connection: all but those that opened it.
pub(crate) fn lasting(mut headers: HeaderMap) -> HeaderMap {
    for name in OPENING {
        headers.remove(name);
    }
    // It speaks of the connection alone; an upstream that is posted to could refuse it.
    let betas = headers
        .get_all(OPENAI_BETA)
        .iter()
        .filter(|beta| !beta.as_bytes().starts_with(b"responses_websockets"));
    let betas: Vec<HeaderValue> = betas.cloned().collect();
    headers.remove(OPENAI_BETA);
    for beta in betas {
        headers.append(OPENAI_BETA, beta);
    }
    headers
}

const OPENING: [HeaderName; 6] = [
    header::CONNECTION,
    header::UPGRADE,
    header::SEC_WEBSOCKET_KEY,
    header::SEC_WEBSOCKET_VERSION,
    header::SEC_WEBSOCKET_EXTENSIONS,
    header::SEC_WEBSOCKET_PROTOCOL,
];
const OPENAI_BETA: HeaderName = HeaderName::from_static("openai-beta");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_opened_the_connection_is_not_told_upstream() {
        let headers = [
            ("upgrade", "websocket"),
            ("sec-websocket-key", "AAAA"),
            ("openai-beta", "responses_websockets=2026-02-06"),
            ("openai-beta", "other=v1"),
            ("originator", "codex_exec"),
        ];
        let headers = headers.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        let mut left = HeaderMap::new();
        for (name, value) in headers {
            HeaderMap::<HeaderValue>::append::<HeaderName>(&mut left, name, value);
        }
        let left = lasting(left);
        let left: Vec<_> =
            left.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        assert_eq!(left, [("originator", "codex_exec"), ("openai-beta", "other=v1")]);
    }
}
