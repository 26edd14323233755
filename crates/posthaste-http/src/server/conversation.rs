//! What a connection's parts tell each other.

use std::{
    convert::Infallible,
    fmt,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::{Router, extract::ConnectInfo, response::Response};
use bytes::Bytes;
use futures_util::TryFutureExt;
use http::{HeaderValue, Request, Version, header};
use http_body::{Body, Frame, SizeHint};
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
    pace::{Pace, TooSlow},
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
    /// The last request's body was not wanted to its end.
    unread: AtomicBool,
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
            // On HTTP/1.1 another request shows that the one before was read.
            conversation.0.unread.store(false, Ordering::Relaxed);
            let conversation = conversation.clone();
            // HTTP/2 has a frame of its own for it, which the end of serving sends.
            let may_leave =
                request.version() < Version::HTTP_2 && !request.headers().contains_key(header::UPGRADE);
            let tasks = tasks.clone();
            let mut attention = (request.version() == Version::HTTP_2).then(|| conversation.attend());
            let body = |body| Watched {
                body,
                ended: false,
                pace: Pace::default(),
                conversation: conversation.clone(),
            };
            // A router is always ready.
            let answering = router.clone().call(request.map(body));
            answering.map_ok(move |mut answer: Response| {
                if may_leave && tasks.is_retiring() {
                    answer.headers_mut().insert(header::CONNECTION, CLOSE);
                }
                let place = match &mut attention {
                    Some(attention) => Place::Stream(attention.answered()),
                    None => Place::Connection(conversation),
                };
                answer.map(|body| Taken::new(body, place))
            })
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

    fn attend(&self) -> Attention {
        self.0.requests.fetch_add(1, Ordering::Relaxed);
        Attention { conversation: self.clone(), begun: Instant::now(), answered: false }
    }

    /// Whether the client may be sending still what nobody reads.
    pub(super) fn left_unread(&self) -> bool {
        self.0.unread.load(Ordering::Relaxed)
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

/// A request's body that notes when it is dropped before its end, and that ends when it comes too slowly.
struct Watched {
    body: Incoming,
    ended: bool,
    pace: Pace,
    conversation: Conversation,
}

/// Why a request's body ended early.
#[derive(Debug, thiserror::Error)]
enum BodyError {
    #[error(transparent)]
    Broken(#[from] hyper::Error),
    #[error("it was given up")]
    Slow(#[source] TooSlow),
}

impl Body for Watched {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Pending => self.pace.poll(context).map(|slow| Some(Err(BodyError::Slow(slow)))),
            Poll::Ready(frame) => {
                self.ended = !matches!(frame, Some(Ok(_)));
                if let Some(Ok(data)) = frame.as_ref().map(|frame| frame.as_ref().map(Frame::data_ref)) {
                    self.pace.came(data.map_or(0, Bytes::len));
                }
                Poll::Ready(frame.map(|frame| frame.map_err(BodyError::from)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if !self.ended && !self.body.is_end_stream() {
            self.conversation.0.unread.store(true, Ordering::Relaxed);
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
