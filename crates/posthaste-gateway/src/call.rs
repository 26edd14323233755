//! What comes in and what goes out.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use http::HeaderMap;
use posthaste_core::{Dialect, ModelName, Operation, RelayBody, RequestId, Surface};
use tokio::time::Instant;

use crate::Caller;

/// One client request, accepted and authenticated.
#[derive(Clone, Debug)]
pub struct Call {
    /// Its identity.
    pub id: RequestId,
    /// Who asks.
    pub caller: Caller,
    /// The dialect that the client speaks, and how it packs it.
    pub surface: Surface,
    /// What is asked for.
    pub operation: Operation,
    /// What the path says that other dialects say in the body.
    pub path: PathFacts,
    /// The client's headers; adapters pick those that a vendor may see.
    pub headers: HeaderMap,
    /// The client's query, without `?`.
    pub query: Option<String>,
    /// The body, decoded.
    pub body: Bytes,
    /// When the request came in.
    pub received: Instant,
    /// The path that it came in at, parameters in braces, for its trace.
    pub route: Option<Arc<str>>,
}

/// What a path says of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathFacts {
    /// The model, where the dialect names it there.
    pub model: Option<ModelName>,
    /// Whether a stream is asked for, where the path tells.
    pub stream: Option<bool>,
    /// The dialect of the only accounts that may serve: the path names a vendor.
    pub pinned: Option<Dialect>,
}

impl Call {
    /// A call with a new identity that came in just now.
    pub fn new(caller: Caller, dialect: Dialect, operation: Operation, body: impl Into<Bytes>) -> Self {
        Self {
            id: RequestId::generate(),
            caller,
            surface: Surface::plain(dialect),
            operation,
            path: PathFacts::default(),
            headers: HeaderMap::new(),
            query: None,
            body: body.into(),
            received: Instant::now(),
            route: None,
        }
    }
}

/// The relay's answer, in the client's dialect.
pub struct Answer {
    /// The status, the headers and the body. Reading the body to its end, or dropping it, settles the attempt.
    pub response: http::Response<RelayBody>,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.response.status())
            .field("headers", self.response.headers())
            .finish_non_exhaustive()
    }
}
