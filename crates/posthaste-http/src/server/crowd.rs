//! How many connections there may be, and what those hear that are one too many.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    http::{HeaderMap, HeaderValue, Uri, header},
    response::Response,
};
use posthaste_core::{Fault, FaultKind, Origin, RequestId};

use crate::{respond::fault_response, routes::dialect_of};

/// The connections of a listener.
#[derive(Clone, Debug)]
pub(super) struct Crowd {
    there: Arc<AtomicUsize>,
    most: usize,
}

impl Crowd {
    pub(super) fn new(most: usize) -> Self {
        Self { there: Arc::default(), most }
    }

    /// Counts a connection in; `None` where not even a refusal can be said any more.
    pub(super) fn enter(&self) -> Option<Seat> {
        let before = self.there.fetch_add(1, Ordering::Relaxed);
        let seat = Seat { there: Arc::clone(&self.there), is_spare: before >= self.most };
        (before < self.most.saturating_add(SPARE)).then_some(seat)
    }
}

/// One connection, counted out when it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    there: Arc<AtomicUsize>,
    is_spare: bool,
}

impl Seat {
    /// Whether the connection is there only to be told that it is one too many.
    pub(super) const fn is_spare(&self) -> bool {
        self.is_spare
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.there.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What is served to connections that are too many: a refusal in the path's dialect, and the connection's end.
pub(super) fn busy() -> Router {
    Router::new().fallback(refuse)
}

async fn refuse(uri: Uri, headers: HeaderMap) -> Response {
    let words = "the relay has as many connections as it can hold: ask again in a moment";
    let fault = Fault::new(FaultKind::Overloaded, Origin::Relay, words).retry_after(WAIT);
    let mut answer = fault_response(dialect_of(uri.path(), &headers), &fault, RequestId::generate());
    answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    answer
}

/// Connections that are told of being too many at the same time, and how long one of them may be there.
const SPARE: usize = 8;
pub(super) const SPARE_FOR: Duration = Duration::from_secs(2);

const WAIT: Duration = Duration::from_secs(1);
