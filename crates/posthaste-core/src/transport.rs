//! The port through which requests leave for upstreams.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use http_body::Body;
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};

use crate::{Egress, Payload};

/// Any error, for sources that are only shown.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The body of an upstream's or of the relay's answer.
pub type RelayBody = UnsyncBoxBody<Bytes, TransportError>;

/// Boxes a body as a [`RelayBody`].
pub fn boxed_body<B>(body: B) -> RelayBody
where
    B: Body<Data = Bytes, Error = TransportError> + Send + 'static,
{
    UnsyncBoxBody::new(body)
}

/// A [`RelayBody`] that is there already.
pub fn full_body(bytes: impl Into<Bytes>) -> RelayBody {
    boxed_body(Full::new(bytes.into()).map_err(|never| match never {}))
}

/// Sends requests to upstreams.
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// Sends one request and waits for the head of its answer. Redirects are answers, not followed.
    ///
    /// Dropping the future or the answer's body cancels the exchange and closes its connection.
    async fn send(
        &self,
        request: http::Request<Payload>,
        egress: &Egress,
    ) -> Result<http::Response<RelayBody>, TransportError>;
}

/// Watches how long the steps of connecting take. In a request's extensions it makes a transport connect for that request
/// alone, so that there is something to watch.
#[derive(Clone, Default)]
pub struct ConnectWatch {
    seen: Arc<Mutex<ConnectSteps>>,
    told: Option<Arc<ToldOfStep>>,
}

type ToldOfStep = dyn Fn(ConnectStep, Duration) + Send + Sync;

/// A step of connecting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConnectStep {
    /// Looking the upstream's name up on this machine.
    Lookup,
    /// TCP; with a proxy everything until it has connected to the upstream.
    Connect,
    /// TLS with the upstream.
    Tls,
}

/// How long the steps of connecting took, each by itself. `None` is a step that was not come to, or that there is none of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnectSteps {
    /// [`ConnectStep::Lookup`].
    pub lookup: Option<Duration>,
    /// [`ConnectStep::Connect`].
    pub connect: Option<Duration>,
    /// [`ConnectStep::Tls`].
    pub tls: Option<Duration>,
}

impl ConnectWatch {
    /// A watch that tells of each step as it ends.
    pub fn telling(told: impl Fn(ConnectStep, Duration) + Send + Sync + 'static) -> Self {
        Self { seen: Arc::default(), told: Some(Arc::new(told)) }
    }

    /// What was seen so far.
    pub fn steps(&self) -> ConnectSteps {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a step is over: how long it took, given how long those before it did. For transports.
    pub fn note(&self, step: ConnectStep, took: impl FnOnce(ConnectSteps) -> Duration) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let took = took(*seen);
        match step {
            ConnectStep::Lookup => seen.lookup = Some(took),
            ConnectStep::Connect => seen.connect = Some(took),
            ConnectStep::Tls => seen.tls = Some(took),
        }
        drop(seen);
        if let Some(told) = &self.told {
            told(step, took);
        }
    }
}

impl fmt::Debug for ConnectWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectWatch").field("seen", &self.steps()).finish_non_exhaustive()
    }
}

impl ConnectSteps {
    /// All steps together.
    pub fn total(self) -> Duration {
        [self.lookup, self.connect, self.tls].into_iter().flatten().sum()
    }
}

/// Why an upstream could not be reached or its answer broke off. Messages name hosts, never credentials.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The address is not one that this account may call.
    #[error("{host} is refused: {reason}")]
    Refused {
        /// The host as configured.
        host: String,
        /// Why, and what to do.
        reason: String,
    },
    /// No connection: name resolution, TCP or TLS failed.
    #[error("could not connect to {host}")]
    Connect {
        /// The host as configured.
        host: String,
        /// The cause.
        #[source]
        source: BoxError,
    },
    /// The account's proxy did not carry the request. Nothing goes straight instead.
    #[error("the proxy {proxy} {problem}")]
    Proxy {
        /// `host:port` of the proxy.
        proxy: String,
        /// What it could not do.
        problem: ProxyProblem,
        /// The cause.
        #[source]
        source: BoxError,
    },
    /// A named time-out passed.
    #[error("{guard} time-out after {after:?}")]
    Timeout {
        /// Which wait ended.
        guard: TimeoutGuard,
        /// How long it was.
        after: Duration,
    },
    /// A connection that had served before was closed before the upstream answered: mostly the upstream gave it up as
    /// idle while the request was on its way. That says nothing of the upstream's health, and asking again takes another
    /// connection; but nobody can tell for certain that the request was not read.
    #[error("a reused connection was closed before the upstream answered")]
    Stale(#[source] BoxError),
    /// The exchange broke after the connection stood.
    #[error("the connection broke")]
    Broken(#[source] BoxError),
}

/// What a proxy could not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProxyProblem {
    /// No connection to the proxy itself: its name, TCP or TLS failed, or it stayed silent.
    Unreachable,
    /// It asks for a login that it was not given, or does not accept the one that it was given.
    Login,
    /// It does not connect to the upstream: not allowed, not reachable from there, or not in time.
    Target,
    /// What answers there does not speak the proxy's protocol.
    Protocol,
}

impl fmt::Display for ProxyProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreachable => "cannot be reached",
            Self::Login => "does not accept the login",
            Self::Target => "does not connect to the upstream",
            Self::Protocol => "does not speak the configured proxy protocol",
        })
    }
}

/// What a time-out guards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TimeoutGuard {
    /// Name resolution, TCP and TLS together.
    Connect,
    /// From the request to the head of a whole answer.
    Head,
    /// From the request to the first event of a stream.
    FirstEvent,
    /// Between two reads of an answer's body.
    Gap,
}

impl fmt::Display for TimeoutGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "connect",
            Self::Head => "head",
            Self::FirstEvent => "first-event",
            Self::Gap => "gap",
        })
    }
}
