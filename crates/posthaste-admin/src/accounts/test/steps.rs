//! How long the steps of a test took.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How long each step took by itself, in microseconds, in their order. A step that was not come to, or that there is
/// none of, is `None`: no name is looked up for an address or behind a proxy, and the sandbox is not connected to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TestSteps {
    /// Getting the credential; a token that has ended is refreshed for it.
    pub credential_us: Option<u64>,
    /// Asking the vendor for the project that the account is charged to, where it has to be asked.
    pub project_us: Option<u64>,
    /// Looking the upstream's name up.
    pub lookup_us: Option<u64>,
    /// Connecting, with a proxy to and through it.
    pub connect_us: Option<u64>,
    /// TLS with the upstream.
    pub tls_us: Option<u64>,
    /// From the connection to the head of the answer.
    pub head_us: Option<u64>,
    /// From the head to the first event.
    pub first_event_us: Option<u64>,
    /// From the first event to the end.
    pub end_us: Option<u64>,
}

pub(super) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
