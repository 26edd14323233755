//! The imitation provider: requests in, answers out.

mod answering;
mod route;

use std::{fmt, future, sync::Arc, time::Duration};

use async_trait::async_trait;
use http::{Request, Response, Uri};
use posthaste_core::{Clock, Egress, Payload, RelayBody, SystemClock, Transport, TransportError};

use crate::{answer::State, oauth::OAuth};

/// The base URL of accounts at the sandbox. The name is reserved for private use and resolves nowhere; a path behind
/// it is allowed and has a prompt cache of its own.
pub const SANDBOX_BASE_URL: &str = "http://sandbox.posthaste.internal";

/// How a [`Sandbox`] behaves.
#[derive(Clone)]
pub struct SandboxOptions {
    /// The wait between two events of a stream: none by default; some make a demonstration visible.
    pub event_pause: Duration,
    /// Tells when codes and tokens end; nothing else looks at it.
    pub clock: Arc<dyn Clock>,
    /// What codes and tokens are made from. Sandboxes with the same one take each other's access tokens.
    pub seed: u64,
}

impl Default for SandboxOptions {
    fn default() -> Self {
        Self { event_pause: Duration::ZERO, clock: Arc::new(SystemClock), seed: 0 }
    }
}

impl fmt::Debug for SandboxOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("SandboxOptions");
        debug.field("event_pause", &self.event_pause).field("seed", &self.seed).finish_non_exhaustive()
    }
}

/// An imitation of the vendors' APIs in this process; clones are the same instance.
///
/// It answers every request that it is given, whatever the host in its address, so put
/// [`SandboxOr`](crate::SandboxOr) before it where others are called too.
#[derive(Clone)]
pub struct Sandbox {
    inner: Arc<Inner>,
}

struct Inner {
    options: SandboxOptions,
    state: State,
    oauth: OAuth,
}

impl Sandbox {
    /// A fresh instance with empty caches.
    pub fn new(options: SandboxOptions) -> Self {
        let oauth = OAuth::new(options.seed, Arc::clone(&options.clock));
        Self { inner: Arc::new(Inner { options, state: State::default(), oauth }) }
    }
}

impl Default for Sandbox {
    fn default() -> Self {
        Self::new(SandboxOptions::default())
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox").field("options", &self.inner.options).finish_non_exhaustive()
    }
}

#[async_trait]
impl Transport for Sandbox {
    async fn send(
        &self,
        request: Request<Payload>,
        _: &Egress,
    ) -> Result<Response<RelayBody>, TransportError> {
        match self.inner.answer(&request) {
            Some(answer) => Ok(answer),
            None => future::pending().await,
        }
    }
}

/// Whether an address is the sandbox's.
pub(crate) fn is_sandbox(uri: &Uri) -> bool {
    let host = SANDBOX_BASE_URL.trim_start_matches("http://");
    uri.scheme_str() == Some("http")
        && uri.host().is_some_and(|uri| uri.eq_ignore_ascii_case(host))
        && uri.port_u16().is_none_or(|port| port == 80)
}
