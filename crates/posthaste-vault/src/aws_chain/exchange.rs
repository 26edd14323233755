//! Asking what gives keys.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Limited};
use posthaste_core::{Egress, Payload, TimeoutGuard, Transport, TransportError};
use tokio::time::timeout;

use super::AwsChainError;

/// The two ways out: to AWS through the account's, to the machine's own services straight.
pub(super) struct Exchange<'a> {
    transport: &'a dyn Transport,
    egress: &'a Egress,
}

/// An answer.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Bytes,
}

impl<'a> Exchange<'a> {
    pub(super) fn new(transport: &'a dyn Transport, egress: &'a Egress) -> Self {
        Self { transport, egress }
    }

    /// Asks AWS.
    pub(super) async fn aws(&self, request: Request<Payload>) -> Result<Answer, AwsChainError> {
        self.ask(request, self.egress, PATIENCE).await
    }

    /// Asks a service of the machine's own, whose address is link-local or loopback. No proxy could reach it.
    pub(super) async fn local(&self, request: Request<Payload>) -> Result<Answer, AwsChainError> {
        self.ask(request, &Egress::direct(true), LOCAL_PATIENCE).await
    }

    async fn ask(
        &self,
        request: Request<Payload>,
        egress: &Egress,
        patience: Duration,
    ) -> Result<Answer, AwsChainError> {
        let host = request.uri().host().unwrap_or_default().to_owned();
        let exchange = async {
            let response = self.transport.send(request, egress).await?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, MAX_ANSWER).collect().await.map_err(TransportError::Broken)?;
            Ok(Answer { status: head.status, body: body.to_bytes() })
        };
        let too_late = |_| TransportError::Timeout { guard: TimeoutGuard::Head, after: patience };
        let answered = timeout(patience, exchange).await.map_err(too_late).and_then(|answered| answered);
        answered.map_err(|error| AwsChainError::unreachable(&host, &error))
    }
}

/// The token service answers within a second.
const PATIENCE: Duration = Duration::from_secs(10);
/// Elsewhere than at AWS the address leads nowhere. AWS's SDKs wait for a second as well
/// (<https://docs.aws.amazon.com/sdkref/latest/guide/feature-imds-credentials.html>).
const LOCAL_PATIENCE: Duration = Duration::from_secs(1);
/// Answers take a few KiB.
const MAX_ANSWER: usize = 1 << 17;
