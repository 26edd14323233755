//! The events WebSocket: what goes on for operators, and chats for holders of client keys
//! (`docs/adr/0024-events-websocket.md`).
//!
//! Whoever connects says who that is, in a header, as a sub-protocol or with the first message. Every message is
//! `{type, content, timestamp}`, and the relay's first one tells the state. An operator subscribes to topics; a client key's holder
//! asks models, each question a request as over HTTP.

mod chat;
mod client;
mod door;
mod message;
mod operator;
mod origin;
mod seats;
mod session;
mod shown;
mod topic;
mod turn;

use std::{sync::Arc, time::Duration};

use axum::{
    Extension, Router,
    extract::{
        State,
        ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    http::{Extensions, HeaderMap},
    response::Response,
    routing::get,
};
use posthaste_core::{Dialect, Fault, FaultKind, Origin, RequestId};

pub use self::seats::SeatLimits;
pub(crate) use self::seats::{SeatOwner, Seats};
use self::{
    door::{Known, Visit},
    session::Session,
};
use crate::{
    extract::address::Peer,
    link::{Link, LinkPace},
    respond::fault_response,
    routes::Front,
    server::Tasks,
};

/// Settings of WebSockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketOptions {
    /// Signs of life.
    pub pace: LinkPace,
    /// How many there may be.
    pub seats: SeatLimits,
    /// How long somebody may take to say who that is, after connecting.
    pub log_in: Duration,
    /// How long nothing may be asked and nothing be subscribed to.
    pub idle: Duration,
    /// How often it is looked whether who is connected still may be.
    pub recheck: Duration,
    /// How often what went on is told.
    pub tick: Duration,
}

impl Default for SocketOptions {
    fn default() -> Self {
        Self {
            pace: LinkPace::default(),
            seats: SeatLimits::default(),
            log_in: Duration::from_secs(30),
            idle: Duration::from_secs(300),
            recheck: Duration::from_secs(5),
            tick: Duration::from_millis(250),
        }
    }
}

/// WebSockets of a front: settings, and those that are open. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sockets {
    pub(crate) options: SocketOptions,
    pub(crate) seats: Seats,
}

impl Sockets {
    pub(crate) fn new(options: SocketOptions) -> Self {
        Self { options, seats: Seats::new(options.seats) }
    }
}

/// The events WebSocket alone, at `/` and `/ws`, for a listener of its own.
pub fn events_router(front: Front) -> Router {
    Router::new().route("/", get(open)).route("/ws", get(open)).with_state(front)
}

/// Opens a WebSocket for whoever may have one, or may say by message that they may.
pub(crate) async fn open(
    State(front): State<Front>,
    headers: HeaderMap,
    extensions: Extensions,
    tasks: Option<Extension<Tasks>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let visit = Visit { peer: Peer::of(&extensions), headers, front };
    let is_upgrade = upgrade.is_ok();
    match admit(&visit, is_upgrade).await {
        Ok((known, seat)) => match upgrade {
            Ok(upgrade) => {
                let most = most_bytes(&visit.front, known.as_ref());
                // A server that is not ours brings no tasks of its own, and no end to them.
                let place = tasks.map(|Extension(tasks)| tasks).unwrap_or_default().place();
                let Visit { front, headers, peer } = visit;
                let visit = Visit { headers: door::lasting(headers), front, peer };
                let pace = visit.front.sockets.options.pace;
                upgrade.protocols([door::PROTOCOL]).max_message_size(most).max_frame_size(most).on_upgrade(
                    move |socket| {
                        place.carry(move |stop| {
                            Session::new(Arc::new(visit), Link::new(socket, pace), seat, stop).run(known)
                        })
                    },
                )
            }
            Err(_) => refuse(&visit.front, &not_a_socket()),
        },
        Err(fault) => refuse(&visit.front, &fault),
    }
}

async fn admit(visit: &Visit, is_upgrade: bool) -> Result<(Option<Known>, seats::Seat), Fault> {
    let known = visit.presented().await?;
    if !is_upgrade {
        let nobody = "no client key and no log-in: send one as `Authorization: Bearer`, and open a WebSocket";
        return Err(match known {
            Some(_) => not_a_socket(),
            None => Fault::new(FaultKind::Unauthenticated, Origin::Client, nobody),
        });
    }
    if door::lacks_protocol(&visit.headers) {
        let message = "of the sub-protocols `posthaste.v1` is spoken here: name it as well";
        return Err(Fault::invalid_request(message));
    }
    let owner = known.as_ref().map_or(SeatOwner::Stranger, Known::owner);
    Ok((known, visit.front.sockets.seats.take(owner)?))
}

/// Whoever has not said who that is can say little, and keeps to it.
fn most_bytes(front: &Front, known: Option<&Known>) -> usize {
    match known {
        Some(Known::Client(..)) => front.options.now().max_body_bytes,
        Some(Known::Operator(_)) => MOST_OPERATOR_BYTES,
        None => MOST_STRANGER_BYTES,
    }
}

fn refuse(front: &Front, fault: &Fault) -> Response {
    front.relay.refused(fault);
    fault_response(Dialect::OpenAiChat, fault, RequestId::generate())
}

fn not_a_socket() -> Fault {
    let message = "this is a WebSocket: open it by `upgrade: websocket` over HTTP/1.1";
    Fault::new(FaultKind::MethodNotAllowed, Origin::Client, message)
}

const MOST_OPERATOR_BYTES: usize = 64 * 1024;
const MOST_STRANGER_BYTES: usize = 256 * 1024;
