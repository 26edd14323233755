//! Deliveries: one POST each, repeated where that may help
//! (<https://opentelemetry.io/docs/specs/otlp/#otlphttp>).

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use metrics::{Counter, counter};
use posthaste_core::{Egress, Payload, Transport, TransportError};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::OtlpOptions;

/// The way to the receiver for one signal.
pub(crate) struct Exporter {
    signal: &'static str,
    address: String,
    headers: HeaderMap,
    egress: Egress,
    timeout: Duration,
    transport: Arc<dyn Transport>,
    stop: CancellationToken,
    /// Whether the last delivery failed, so that an outage is told once.
    fails: AtomicBool,
    delivered: Counter,
    failed: Counter,
}

/// Why a delivery was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Undelivered {
    #[error(transparent)]
    Transport(#[from] TransportError),
    #[error("it gave no answer in {0:?}")]
    Late(Duration),
    #[error("it answers with {status}")]
    Refused { status: StatusCode, retry_after: Option<Duration> },
}

impl Exporter {
    pub(crate) fn new(
        (signal, path): (&'static str, &str),
        options: &OtlpOptions,
        transport: &Arc<dyn Transport>,
        stop: &CancellationToken,
    ) -> Self {
        let mut headers = options.headers.clone();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        let exports = |outcome: &'static str| counter!("posthaste_otlp_exports_total", "signal" => signal, "outcome" => outcome);
        let allow_private = options.allow_private || options.is_this_machine();
        Self {
            signal,
            address: options.address(path),
            headers,
            egress: Egress { connect_timeout: Some(options.timeout), ..Egress::direct(allow_private) },
            timeout: options.timeout,
            transport: Arc::clone(transport),
            stop: stop.clone(),
            fails: AtomicBool::new(false),
            delivered: exports("delivered"),
            failed: exports("failed"),
        }
    }

    /// Delivers; `None` where it was not taken. What the receiver answers is the rest of its word.
    pub(crate) async fn deliver(&self, body: Bytes) -> Option<Bytes> {
        let mut pause = FIRST_PAUSE;
        for last in [false, false, false, true] {
            let error = match self.post(body.clone()).await {
                Ok(answer) => {
                    self.delivered.increment(1);
                    if self.fails.swap(false, Ordering::Relaxed) {
                        tracing::info!(signal = self.signal, "the OTLP receiver takes what it is sent again");
                    }
                    return Some(answer);
                }
                Err(error) => error,
            };
            let Some(wait) = error.again_after(pause).filter(|_| !last && !self.stop.is_cancelled()) else {
                self.failed.increment(1);
                if !self.fails.swap(true, Ordering::Relaxed) {
                    tracing::warn!(signal = self.signal, %error, "the OTLP receiver does not take what it is sent; requests are served all the same");
                }
                return None;
            };
            // Who stops waits no longer than for one more try.
            tokio::select! {
                () = sleep(wait) => {}
                () = self.stop.cancelled() => {}
            }
            pause *= 2;
        }
        None
    }

    async fn post(&self, body: Bytes) -> Result<Bytes, Undelivered> {
        let mut request = Request::post(&self.address).body(Payload::from(body)).map_err(|error| {
            // An address that was parsed as one always is one.
            TransportError::Broken(error.into())
        })?;
        *request.headers_mut() = self.headers.clone();
        let exchange = async {
            let (head, body) = self.transport.send(request, &self.egress).await?.into_parts();
            let body = Limited::new(body, MOST_ANSWER).collect().await.map_err(TransportError::Broken)?;
            Ok::<_, TransportError>((head, body.to_bytes()))
        };
        let answer = timeout(self.timeout, exchange).await.map_err(|_| Undelivered::Late(self.timeout))?;
        let (head, body) = answer?;
        if head.status.is_success() {
            return Ok(body);
        }
        let told = head.headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        Err(Undelivered::Refused { status: head.status, retry_after: told.map(Duration::from_secs) })
    }
}

impl Undelivered {
    /// When it may help to send the same again. The specification's list of statuses; nothing else is repeated.
    fn again_after(&self, pause: Duration) -> Option<Duration> {
        match self {
            Self::Transport(TransportError::Refused { .. }) => None,
            Self::Transport(_) | Self::Late(_) => Some(pause),
            Self::Refused { status, retry_after } => {
                let passes = matches!(status.as_u16(), 429 | 502 | 503 | 504);
                passes.then(|| retry_after.unwrap_or(pause).min(LONGEST_PAUSE))
            }
        }
    }
}

const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// However long a receiver asks for: what waits behind it has no more room than there is.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Answers say how much was refused, and why.
const MOST_ANSWER: usize = 64 * 1024;
