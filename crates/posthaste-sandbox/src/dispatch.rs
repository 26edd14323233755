//! The sandbox beside a real transport.

use async_trait::async_trait;
use http::{Request, Response};
use posthaste_core::{Egress, Payload, RelayBody, Transport, TransportError};

use crate::{Sandbox, sandbox::is_sandbox};

/// Sends what is addressed to [`SANDBOX_BASE_URL`](crate::SANDBOX_BASE_URL) to a [`Sandbox`], and the rest to `T`.
///
/// The sandbox's host name does not resolve anywhere, so nothing meant for it can leak into a network.
#[derive(Clone, Debug)]
pub struct SandboxOr<T> {
    sandbox: Sandbox,
    other: T,
}

impl<T> SandboxOr<T> {
    /// Puts the sandbox in front of `other`.
    pub const fn new(sandbox: Sandbox, other: T) -> Self {
        Self { sandbox, other }
    }
}

#[async_trait]
impl<T: Transport> Transport for SandboxOr<T> {
    async fn send(
        &self,
        request: Request<Payload>,
        egress: &Egress,
    ) -> Result<Response<RelayBody>, TransportError> {
        if is_sandbox(request.uri()) {
            self.sandbox.send(request, egress).await
        } else {
            self.other.send(request, egress).await
        }
    }
}

#[cfg(test)]
mod tests {
    use posthaste_core::full_body;

    use super::*;

    struct Elsewhere;

    #[async_trait]
    impl Transport for Elsewhere {
        async fn send(&self, _: Request<Payload>, _: &Egress) -> Result<Response<RelayBody>, TransportError> {
            Ok(Response::builder().status(418).body(full_body("")).unwrap())
        }
    }

    #[tokio::test]
    async fn the_authority_decides() {
        let transport = SandboxOr::new(Sandbox::default(), Elsewhere);
        let status = async |url: &str| {
            let request = Request::get(url).body(Payload::default()).unwrap();
            transport.send(request, &Egress::default()).await.unwrap().status()
        };
        assert_eq!(status("http://sandbox.posthaste.internal/v1/models").await, 200);
        assert_eq!(status("http://SANDBOX.posthaste.internal:80/v1/models").await, 200);
        assert_eq!(status("http://sandbox.posthaste.internal.example/v1/models").await, 418);
        assert_eq!(status("http://sandbox.posthaste.internal:81/v1/models").await, 418);
        assert_eq!(status("https://api.anthropic.com/v1/models").await, 418);
    }
}
