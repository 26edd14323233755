//! How far a connection under construction has come, for the error when time runs out.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use posthaste_core::{BoxError, ProxyProblem};

use crate::proxy::ProxyFailure;

/// No connection stood in time.
#[derive(Debug, thiserror::Error)]
#[error("no connection after {0:?}")]
pub(crate) struct ConnectTimedOut(pub(crate) Duration);

/// Whom a connection under construction waits for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stage(Arc<AtomicU8>);

impl Stage {
    /// It waits for the proxy itself.
    pub(crate) fn reaching_proxy(&self) {
        self.0.store(REACHING_PROXY, Ordering::Relaxed);
    }

    /// The proxy was told where to connect to.
    pub(crate) fn asked_proxy(&self) {
        self.0.store(ASKED_PROXY, Ordering::Relaxed);
    }

    /// From here on it is between us and the upstream.
    pub(crate) fn at_upstream(&self) {
        self.0.store(AT_UPSTREAM, Ordering::Relaxed);
    }

    /// What to say when time runs out now.
    pub(crate) fn timed_out(&self, after: Duration) -> BoxError {
        match self.0.load(Ordering::Relaxed) {
            REACHING_PROXY => {
                ProxyFailure::new(ProxyProblem::Unreachable, format!("no connection to it after {after:?}"))
                    .into()
            }
            ASKED_PROXY => {
                ProxyFailure::new(ProxyProblem::Target, format!("it gave no answer within {after:?}")).into()
            }
            _ => ConnectTimedOut(after).into(),
        }
    }
}

const AT_UPSTREAM: u8 = 0;
const REACHING_PROXY: u8 = 1;
const ASKED_PROXY: u8 = 2;
