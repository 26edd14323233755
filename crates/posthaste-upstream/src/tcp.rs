//! How TCP connections are set up.

use std::time::Duration;

use hyper_util::client::legacy::connect::HttpConnector;

/// Sets what every connection has, to upstreams and to proxies.
pub(crate) fn configure<R>(connector: &mut HttpConnector<R>) {
    // Without it each answer may wait 40 ms for the peer's delayed acknowledgement.
    connector.set_nodelay(true);
    connector.enforce_http(false);
    connector.set_keepalive(Some(KEEP_ALIVE));
}

const KEEP_ALIVE: Duration = Duration::from_secs(30);
