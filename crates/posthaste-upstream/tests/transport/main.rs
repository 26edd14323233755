//! The transport over real sockets: straight, through proxies, over TLS and HTTP/2.

#![expect(clippy::unwrap_used, reason = "a failed setup is a failed test")]

mod direct;
mod http2;
mod proxies;
mod support;
