//! A connection, from its first message to its last.

use std::{convert::Infallible, sync::Arc};

use axum::extract::ws::close_code;
use posthaste_admin::Who;
use posthaste_core::Fault;
use serde_json::json;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{
    client::Client,
    door::{Known, Visit},
    message::{self, Incoming},
    operator::Watcher,
    seats::Seat,
    topic::Topic,
};
use crate::link::{Heard, Link, Over, over};

/// A connection. Dropping it cancels what it asks for.
pub(super) struct Session {
    visit: Arc<Visit>,
    link: Link,
    seat: Seat,
    stop: CancellationToken,
}

impl Session {
    pub(super) fn new(visit: Arc<Visit>, mut link: Link, seat: Seat, stop: CancellationToken) -> Self {
        link.expect_life(true);
        Self { visit, link, seat, stop }
    }

    /// Serves the connection until it is over.
    pub(super) async fn run(mut self, known: Option<Known>) {
        let Err(over) = self.serve(known).await;
        self.link.close(over).await;
    }

    async fn serve(&mut self, known: Option<Known>) -> Result<Infallible, Over> {
        let known = match known {
            Some(known) => known,
            None => {
                self.tell_state(None).await?;
                self.log_in().await?
            }
        };
        self.tell_state(Some(&known)).await?;
        let Self { visit, link, stop, .. } = self;
        match known {
            Known::Operator(operator) => Watcher::new(visit, *operator).serve(link, stop).await,
            Known::Client(secret, caller) => Client::new(visit, secret, &caller).serve(link, stop).await,
        }
    }

    /// Waits for the message that says who that is.
    async fn log_in(&mut self) -> Result<Known, Over> {
        let until = Instant::now() + self.visit.front.sockets.options.log_in;
        let heard = tokio::select! {
            heard = self.link.hear() => heard?,
            () = sleep_until(until) => return Err(over(close_code::POLICY, "nobody logged in in time")),
            () = self.stop.cancelled() => return Err(stopping()),
        };
        let known = match read(heard, "log in first: send {\"type\":\"auth\",\"content\":{\"token\":\"…\"}}")
        {
            Ok(Incoming::Auth(token)) => self.visit.enter(token.token.secret().expose().trim()).await,
            Ok(_) => Err(Fault::new(
                posthaste_core::FaultKind::Unauthenticated,
                posthaste_core::Origin::Client,
                "log in first: send {\"type\":\"auth\",\"content\":{\"token\":\"…\"}}",
            )),
            Err(fault) => Err(fault),
        };
        let seated = known.and_then(|known| Ok((self.visit.front.sockets.seats.take(known.owner())?, known)));
        match seated {
            Ok((seat, known)) => {
                self.seat = seat;
                Ok(known)
            }
            // One try a connection, so that nobody tries many without connecting many times.
            Err(fault) => {
                refuse(&self.visit, &mut self.link, &fault, None).await?;
                Err(over(close_code::POLICY, "not logged in"))
            }
        }
    }

    async fn tell_state(&mut self, known: Option<&Known>) -> Result<(), Over> {
        let (description, role, name, topics) = match known {
            None => ("open: log in with a message of type auth", None, None, Vec::new()),
            Some(Known::Client(_, caller)) => {
                ("open", Some("client"), Some(caller.key().name.clone()), Vec::new())
            }
            Some(Known::Operator(operator)) => {
                let actor = &operator.actor;
                let topics = Topic::ALL.into_iter().filter(|topic| actor.may(topic.need()));
                let name = match &actor.who {
                    Who::User { name, .. } | Who::Token { name, .. } => Some(name.clone()),
                    Who::Machine { .. } | Who::Stranger => None,
                };
                ("open", Some("operator"), name, topics.map(Topic::as_str).collect())
            }
        };
        let content = json!({
            "connected": true, "readyState": OPEN, "stateDescription": description,
            "authenticated": known.is_some(), "role": role, "name": name, "topics": topics,
        });
        let now = self.visit.front.relay.now();
        self.link.tell(message::message("state", None, &content, now)).await
    }
}

/// What was heard as a message, where it is one.
pub(super) fn read(heard: Heard, instead: &'static str) -> Result<Incoming, Fault> {
    match heard {
        Heard::Text(text) => message::read(&text),
        Heard::Bytes => Err(Fault::invalid_request(format!("a message in bytes; {instead}"))),
        Heard::TooLarge => Err(Fault::new(
            posthaste_core::FaultKind::TooLarge,
            posthaste_core::Origin::Client,
            "the message is larger than is taken here: 256 KiB where the log-in came by message, else 64 KiB for operators, and server.max_body_bytes for client keys",
        )),
    }
}

/// Tells what is wrong with what was asked for.
pub(super) async fn refuse(
    visit: &Visit,
    link: &mut Link,
    fault: &Fault,
    id: Option<&str>,
) -> Result<(), Over> {
    visit.front.relay.refused(fault);
    link.tell(message::of_fault(fault, id, None, visit.front.relay.now())).await
}

pub(super) fn stopping() -> Over {
    over(close_code::AWAY, "the relay is shutting down")
}

/// A WebSocket's own number for being open (<https://websockets.spec.whatwg.org/#dom-websocket-readystate>).
const OPEN: u8 = 1;
