//! The imitation provider: requests in, answers out.

mod answering;
mod route;

use std::{fmt, future, sync::Arc, time::Duration};

use async_trait::async_trait;
use http::{Request, Response, Uri};
use posthaste_core::{Egress, Payload, RelayBody, Transport, TransportError};

use crate::answer::State;

/// The base URL of accounts at the sandbox. The name is reserved for private use and resolves nowhere; a path behind
/// it is allowed and has a prompt cache of its own.
pub const SANDBOX_BASE_URL: &str = "http://sandbox.posthaste.internal";

/// How a [`Sandbox`] behaves.
#[derive(Clone, Debug, Default)]
pub struct SandboxOptions {
    /// The wait between two events of a stream: none by default; some make a demonstration visible.
    pub event_pause: Duration,
}

/// An imitation of the vendors' APIs in this process; clones are the same instance.
///
/// It answers every request that it is given, whatever the host in its address, so put
/// [`SandboxOr`](crate::SandboxOr) before it where others are called too.
#[derive(Clone, Default)]
pub struct Sandbox {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    options: SandboxOptions,
    state: State,
}

impl Sandbox {
    /// A fresh instance with empty caches.
    pub fn new(options: SandboxOptions) -> Self {
        Self { inner: Arc::new(Inner { options, ..Inner::default() }) }
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
