//! What a connection's parts tell each other.

use std::{
    convert::Infallible,
    fmt,
    net::SocketAddr,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use axum::{Router, extract::ConnectInfo, response::Response};
use http::{HeaderValue, Request, Version, header};
use hyper::{
    body::Incoming,
    service::{Service, service_fn},
};
use parking_lot::Mutex;
use tokio::{
    sync::Notify,
    time::{Instant, MissedTickBehavior, interval, sleep},
};
use tower::Service as _;

use super::{
    rest::{Rest, Watched},
    taking::{Place, Taken, Taking},
    tasks::Tasks,
};
use crate::tls::OverTls;

/// The state of one connection, shared by its parts.
#[derive(Clone, Debug)]
pub(super) struct Conversation(Arc<State>);

#[derive(Debug, Default)]
struct State {
    /// A request has come.
    begun: AtomicBool,
    /// What of the last request's body was not wanted.
    rest: Rest,
    /// It is spoken over TLS.
    tls: bool,
    /// How the answer is taken that is under way over HTTP/1.
    taking: Taking,
    /// How those are taken that are under way over HTTP/2.
    takings: Mutex<Vec<Weak<Taking>>>,
    /// Requests over HTTP/2, and those that were given up as soon as they were made.
    requests: AtomicU32,
    hasty: AtomicU32,
    /// Too many were.
    harried: Notify,
}

impl Conversation {
    pub(super) fn new(tls: bool) -> Self {
        Self(Arc::new(State { tls, ..State::default() }))
    }

    /// The router as the service of this connection. Requests find their peer's address
    /// among their extensions, and what asks to be upgraded finds `tasks` there.
    pub(super) fn service(
        &self,
        router: Router,
        tasks: Tasks,
        peer: SocketAddr,
    ) -> impl Service<
        Request<Incoming>,
        Response = http::Response<Taken>,
        Error = Infallible,
        Future: Send + 'static,
    > + use<> {
        let conversation = self.clone();
        service_fn(move |mut request: Request<Incoming>| {
            if request.headers().contains_key(header::UPGRADE) {
                request.extensions_mut().insert(tasks.clone());
            }
            request.extensions_mut().insert(ConnectInfo(peer));
            if conversation.0.tls {
                request.extensions_mut().insert(OverTls);
            }
            conversation.0.begun.store(true, Ordering::Relaxed);
            conversation.0.rest.forget();
            let conversation = conversation.clone();
            // HTTP/2 has a frame of its own for the end of serving, and each of its streams has its own end.
            let by_turns =
                request.version() < Version::HTTP_2 && !request.headers().contains_key(header::UPGRADE);
            let tasks = tasks.clone();
            let mut attention = (request.version() == Version::HTTP_2).then(|| conversation.attend());
            let (head, body) = request.into_parts();
            let body = Watched::new(body, &head.headers, conversation.clone());
            // A router is always ready.
            let answering = router.clone().call(Request::from_parts(head, body));
            async move {
                let mut answer: Response = answering.await?;
                if by_turns && (!conversation.0.rest.read().await || tasks.is_retiring()) {
                    answer.headers_mut().insert(header::CONNECTION, CLOSE);
                }
                let place = match &mut attention {
                    Some(attention) => Place::Stream(attention.answered()),
                    None => Place::Connection(conversation),
                };
                Ok(answer.map(|body| Taken::new(body, place)))
            }
        })
    }

    /// Carries the connection to its end, or gives it up when no request has come within `first_head`, when an answer's
    /// client does not take it for as long as `unread`, and when requests are given up as fast as they are made.
    pub(super) async fn carry<E: fmt::Display>(
        self,
        connection: impl Future<Output = Result<(), E>>,
        first_head: Duration,
        unread: Duration,
    ) {
        tokio::select! {
            biased;
            ended = connection => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection ended");
                }
            }
            why = self.trouble(first_head, unread) => tracing::debug!(why, "a connection was closed"),
        }
    }

    /// Waits until there is a reason to close the connection.
    async fn trouble(&self, first_head: Duration, unread: Duration) -> &'static str {
        let looking = async {
            sleep(first_head).await;
            if !self.0.begun.load(Ordering::Relaxed) {
                return "it sent no request";
            }
            let mut looks = interval((unread / LOOKS).max(SHORTEST_LOOK));
            looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                looks.tick().await;
                if self.look() >= LOOKS {
                    return "what was ready for it was not taken";
                }
            }
        };
        tokio::select! {
            biased;
            why = looking => why,
            () = self.0.harried.notified() => "it gave its requests up as fast as it made them",
        }
    }

    /// How often in a row the same piece of an answer was found lying there.
    fn look(&self) -> u32 {
        let mut longest = self.0.taking.look();
        self.0.takings.lock().retain(|taking| {
            let Some(taking) = taking.upgrade() else { return false };
            longest = longest.max(taking.look());
            true
        });
        longest
    }

    /// How the answer is taken that is under way over HTTP/1.
    pub(super) fn taking(&self) -> &Taking {
        &self.0.taking
    }

    pub(super) fn rest(&self) -> &Rest {
        &self.0.rest
    }

    fn attend(&self) -> Attention {
        self.0.requests.fetch_add(1, Ordering::Relaxed);
        Attention { conversation: self.clone(), begun: Instant::now(), answered: false }
    }

    /// Whether the client may be sending still what nobody reads.
    pub(super) fn left_unread(&self) -> bool {
        self.0.rest.is_unread()
    }
}

const CLOSE: HeaderValue = HeaderValue::from_static("close");

/// A request over HTTP/2 that has no answer yet.
///
/// Making requests and giving them up costs a client next to nothing and the relay an attempt each, and HTTP/2's bound on
/// requests at the same time does not count them ("rapid reset", CVE-2023-44487).
struct Attention {
    conversation: Conversation,
    begun: Instant,
    answered: bool,
}

impl Attention {
    /// There is an answer; gives how it is taken.
    fn answered(&mut self) -> Arc<Taking> {
        self.answered = true;
        let taking = Arc::default();
        let mut takings = self.conversation.0.takings.lock();
        // Those that are over go before the list would grow.
        if takings.len() == takings.capacity() {
            takings.retain(|taking: &Weak<Taking>| taking.strong_count() > 0);
        }
        takings.push(Arc::downgrade(&taking));
        taking
    }
}

impl Drop for Attention {
    fn drop(&mut self) {
        if self.answered || self.begun.elapsed() > HASTE {
            return;
        }
        let State { requests, hasty, harried, .. } = &*self.conversation.0;
        let hasty = hasty.fetch_add(1, Ordering::Relaxed) + 1;
        if hasty > MOST_HASTY && hasty > requests.load(Ordering::Relaxed) / 2 {
            harried.notify_one();
        }
    }
}

/// How often it is looked within the time for which an answer may lie there.
const LOOKS: u32 = 4;

/// Whatever is configured, nobody looks more often.
const SHORTEST_LOOK: Duration = Duration::from_millis(10);

/// Whoever gives a request up within this time cannot have wanted an answer.
const HASTE: Duration = Duration::from_secs(1);

/// So many may be given up in haste before it is looked whether they are the most.
const MOST_HASTY: u32 = 200;

#[cfg(test)]
mod tests;
