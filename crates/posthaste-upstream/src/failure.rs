//! What an error of the pooled client means.

use std::{error::Error, io};

use hyper_util::client::legacy;
use posthaste_core::{BoxError, Egress, TimeoutGuard, TransportError};

use crate::{guard::NotPublic, proxy::ProxyFailure, reuse::Served, stage::ConnectTimedOut};

/// Reads why there is no answer from `host`.
pub(crate) fn read(host: &str, egress: &Egress, error: legacy::Error) -> TransportError {
    if find::<NotPublic>(&error).is_some() {
        return refused(host);
    }
    if let Some(failure) = find::<ProxyFailure>(&error) {
        return of_proxy(egress, failure);
    }
    if let Some(timeout) = find::<ConnectTimedOut>(&error) {
        return TransportError::Timeout { guard: TimeoutGuard::Connect, after: timeout.0 };
    }
    if error.is_connect() {
        return TransportError::Connect { host: host.to_owned(), source: error.into() };
    }
    if was_not_processed(&error) || was_given_up_as_idle(&error) {
        return TransportError::Stale(error.into());
    }
    TransportError::Broken(BoxError::from(error))
}

pub(crate) fn of_proxy(egress: &Egress, failure: &ProxyFailure) -> TransportError {
    TransportError::Proxy {
        proxy: egress.proxy.as_ref().map(|proxy| proxy.address()).unwrap_or_default(),
        problem: failure.problem,
        source: failure.cause.clone().into(),
    }
}

fn refused(host: &str) -> TransportError {
    let reason =
        "it is not an address of the open internet, and the account has no consent to call such addresses";
    TransportError::Refused { host: host.to_owned(), reason: reason.to_owned() }
}

/// Over HTTP/2 an upstream says which requests it did not look at: those that it refuses, and those that came after the
/// last one which it names when it says good-bye (RFC 9113 §8.7; h2 gives the remote `GOAWAY` as error to no others).
fn was_not_processed(error: &legacy::Error) -> bool {
    find::<h2::Error>(error).is_some_and(|error| {
        let refused = error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM);
        error.is_remote() && (refused || error.is_go_away())
    })
}

/// Whether an HTTP/1.1 connection that had served before ended while an answer's head was awaited. How the close is met
/// depends on how far the request had gone: the end of the stream, a reset, or a write that nobody takes.
fn was_given_up_as_idle(error: &legacy::Error) -> bool {
    let http2 = error.connect_info().is_some_and(|connected| connected.is_negotiated_h2());
    let closed = || {
        find::<hyper::Error>(error).is_some_and(hyper::Error::is_incomplete_message)
            || find::<io::Error>(error).is_some_and(|error| CLOSED.contains(&error.kind()))
    };
    !http2 && Served::before(error) && closed()
}

/// Looks for a cause in the chain; `io::Error` hides the one that it wraps, so that is looked into as well.
fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(found) =
            wrapped.and_then(|inner| inner.downcast_ref::<T>()).or_else(|| error.downcast_ref::<T>())
        {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// How a connection that the other side has closed shows; the last is TLS without a word of farewell.
const CLOSED: [io::ErrorKind; 4] = [
    io::ErrorKind::ConnectionReset,
    io::ErrorKind::ConnectionAborted,
    io::ErrorKind::BrokenPipe,
    io::ErrorKind::UnexpectedEof,
];
