//! Answering while the upstreams are still being asked.
//!
//! A stream's client that has waited for a while is sent the head and something harmless, again and again, so that no
//! proxy between us takes the silence for a dead connection. Fail-over goes on behind it until the first content.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use http_body::{Body, Frame};
use posthaste_core::{Fault, RelayBody, RequestId, Surface, TransportError, boxed_body, fields};
use posthaste_translate::Loss;
use posthaste_wire::{
    fault::{keep_alive, render_event},
    write_limits,
};
use tokio::time::timeout;

use crate::{
    Answer,
    answered::stream_headers,
    attempt::Delivery,
    capture::capturing,
    journey::{Journey, Upload},
    pulse::{Beat, Pulse},
    trail::Trail,
    transcode::own_events,
    turns::run,
};

/// Steps 5 to 10, with the client kept company.
pub(crate) async fn answer(journey: Arc<Journey>, upload: Upload) -> Result<Answer, Fault> {
    let mut asking: Asking = Box::pin(run(Arc::clone(&journey), upload));
    if !journey.envelope.stream {
        return Ok(finish(&journey, asking.await?));
    }
    let patience = journey.options.keep_alive;
    match timeout(patience, &mut asking).await {
        Ok(delivery) => Ok(finish(&journey, delivery?)),
        Err(_) => Ok(keep_company(&journey, asking)),
    }
}

type Asking = Pin<Box<dyn Future<Output = Result<Delivery, Fault>> + Send>>;

fn finish(journey: &Journey, delivery: Delivery) -> Answer {
    let mut headers = delivery.headers;
    headers.insert(ATTEMPTS, HeaderValue::from(delivery.attempts));
    let overhead = journey.received.elapsed().saturating_sub(delivery.upstream_wait);
    journey.engine.metrics.overhead(overhead);
    headers.insert(OVERHEAD, HeaderValue::from(u64::try_from(overhead.as_micros()).unwrap_or(u64::MAX)));
    if delivery.upstream_model != journey.envelope.model
        && let Ok(name) = HeaderValue::from_str(delivery.upstream_model.as_str())
    {
        headers.insert(MODEL, name);
    }
    if let Some(dropped) = dropped(&delivery.losses) {
        headers.insert(DROPPED, dropped);
    }
    respond(journey, delivery.status, headers, delivery.body)
}

fn keep_company(journey: &Journey, asking: Asking) -> Answer {
    let mut headers = HeaderMap::new();
    stream_headers(journey.surface, &mut headers);
    let body = WaitingBody {
        client: journey.surface,
        id: journey.id,
        trail: journey.trail.clone(),
        pulse: Pulse::new(journey.options.keep_alive, NO_END),
        state: State::First(asking),
    };
    respond(journey, StatusCode::OK, headers, boxed_body(body))
}

pub(crate) fn respond(
    journey: &Journey,
    status: StatusCode,
    mut headers: HeaderMap,
    body: RelayBody,
) -> Answer {
    journey.trail.answered(status.as_u16());
    if let Ok(id) = HeaderValue::from_str(&journey.id.to_string()) {
        headers.insert(REQUEST_ID, id);
    }
    if let Some(hold) = &journey.hold {
        write_limits(journey.surface.error_dialect(), &hold.caller_limits(), &mut headers);
        let shadow: Vec<_> = hold.shadow_refusals().collect();
        if let (false, Ok(shadow)) = (shadow.is_empty(), HeaderValue::from_str(&shadow.join(", "))) {
            headers.insert(SHADOW, shadow);
        }
    }
    if let Some(Ok(repaired)) = journey.mend.map(|mend| HeaderValue::from_str(&mend.to_string())) {
        headers.insert(REPAIRED, repaired);
    }
    let mut response = http::Response::new(capturing(&journey.trail, body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Answer { response }
}

fn dropped(losses: &[Loss]) -> Option<HeaderValue> {
    if losses.is_empty() {
        return None;
    }
    let fields: Vec<_> = losses.iter().map(|loss| loss.field.as_str()).collect();
    let text: String =
        fields.join(", ").chars().filter(char::is_ascii_graphic).take(MOST_DROPPED_CHARS).collect();
    HeaderValue::from_str(&text).ok()
}

/// The body of an answer whose head went out before any upstream had answered.
struct WaitingBody {
    client: Surface,
    id: RequestId,
    trail: Trail,
    pulse: Pulse,
    state: State,
}

enum State {
    /// The head goes out with a first sign of life.
    First(Asking),
    Asking(Asking),
    Delivering(RelayBody),
    Done,
}

impl WaitingBody {
    /// Something harmless, where the client's dialect has such a thing.
    fn sign_of_life(&self) -> Option<Bytes> {
        Some(keep_alive(self.client)).filter(|sign| !sign.is_empty())
    }

    /// The answer is there: its body follows, or its fault as the dialect's error event.
    fn arrived(&mut self, result: Result<Delivery, Fault>) -> Option<Bytes> {
        let fault = match result {
            Ok(Delivery { fault: None, body, losses, .. }) => {
                // The header that names them has left without them.
                for loss in losses {
                    tracing::debug!({ fields::REQUEST_ID } = %self.id, %loss, "the request lost something in translation");
                }
                self.state = State::Delivering(body);
                return None;
            }
            Ok(Delivery { fault: Some(fault), .. }) | Err(fault) => fault,
        };
        self.state = State::Done;
        self.trail.failed(&fault);
        Some(own_events(self.client, &render_event(self.client.dialect, &fault, self.id), false).into())
    }
}

impl Body for WaitingBody {
    type Data = Bytes;
    type Error = TransportError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        let this = self.get_mut();
        loop {
            match std::mem::replace(&mut this.state, State::Done) {
                State::First(asking) => {
                    this.state = State::Asking(asking);
                    if let Some(sign) = this.sign_of_life() {
                        return Poll::Ready(Some(Ok(Frame::data(sign))));
                    }
                }
                State::Asking(mut asking) => match asking.as_mut().poll(cx) {
                    Poll::Ready(result) => {
                        if let Some(event) = this.arrived(result) {
                            return Poll::Ready(Some(Ok(Frame::data(event))));
                        }
                    }
                    Poll::Pending => {
                        this.state = State::Asking(asking);
                        match this.pulse.poll(cx) {
                            Poll::Ready(Beat::KeepAlive | Beat::Gap) => {
                                if let Some(sign) = this.sign_of_life() {
                                    return Poll::Ready(Some(Ok(Frame::data(sign))));
                                }
                            }
                            Poll::Pending => return Poll::Pending,
                        }
                    }
                },
                State::Delivering(mut body) => {
                    let frame = Pin::new(&mut body).poll_frame(cx);
                    this.state = State::Delivering(body);
                    return frame;
                }
                State::Done => return Poll::Ready(None),
            }
        }
    }
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-posthaste-request-id");
const ATTEMPTS: HeaderName = HeaderName::from_static("x-posthaste-attempts");
const OVERHEAD: HeaderName = HeaderName::from_static("x-posthaste-overhead-us");
const MODEL: HeaderName = HeaderName::from_static("x-posthaste-model");
const SHADOW: HeaderName = HeaderName::from_static("x-posthaste-shadow-limits");
const REPAIRED: HeaderName = HeaderName::from_static("x-posthaste-repaired");
const DROPPED: HeaderName = HeaderName::from_static("x-posthaste-dropped");
const MOST_DROPPED_CHARS: usize = 1_000;

/// The attempts' own time-outs end the wait; this one never does.
const NO_END: Duration = Duration::from_secs(7 * 24 * 3_600);
