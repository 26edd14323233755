//! Name resolution that gives only addresses that may be called.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
    vec,
};

use hyper_util::client::legacy::connect::dns::Name;
use posthaste_core::{ConnectStep, ConnectWatch};
use tokio::time::Instant;
use tower::Service;

use crate::{guard::NotPublic, is_public};

/// Resolves names with the machine's resolver and drops the addresses that may not be called.
#[derive(Clone, Debug)]
pub(crate) struct GuardedResolver {
    allow_private: bool,
    watch: Option<ConnectWatch>,
}

impl GuardedResolver {
    pub(crate) const fn new(allow_private: bool) -> Self {
        Self { allow_private, watch: None }
    }

    /// The same, telling `watch` how long it takes.
    pub(crate) fn watched(self, watch: &ConnectWatch) -> Self {
        Self { watch: Some(watch.clone()), ..self }
    }

    /// The addresses of a name that may be called, at least one. What is connected to is one of these and nothing else, so
    /// that a second look-up cannot change the address.
    pub(crate) async fn resolve(self, name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let begun = Instant::now();
        let mut addresses: Vec<_> = tokio::net::lookup_host((name, port)).await?.collect();
        if let Some(watch) = &self.watch {
            watch.note(ConnectStep::Lookup, |_| begun.elapsed());
        }
        addresses.retain(|address| self.allow_private || is_public(address.ip()));
        if addresses.is_empty() {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, NotPublic(name.to_owned())));
        }
        Ok(addresses)
    }
}

impl Service<Name> for GuardedResolver {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<vec::IntoIter<SocketAddr>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let resolver = self.clone();
        Box::pin(async move { Ok(resolver.resolve(name.as_str(), 0).await?.into_iter()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn resolve(name: &str, allow_private: bool) -> io::Result<Vec<SocketAddr>> {
        GuardedResolver::new(allow_private).resolve(name, 0).await
    }

    #[tokio::test]
    async fn names_of_this_machine_need_consent() {
        let error = resolve("localhost", false).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        assert!(!resolve("localhost", true).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn numbers_in_disguise_are_seen_through() {
        for name in ["0x7f000001", "2130706433", "0177.0.0.1", "127.1"] {
            assert!(resolve(name, false).await.is_err(), "{name}");
        }
    }
}
