//! One attempt: an account is asked once.

mod ready;
mod seats;
mod signing_in;

use std::{error::Error, sync::Arc, time::Duration};

use http::{HeaderMap, HeaderValue, StatusCode};
use posthaste_core::{
    Account, AttemptOutcome, AttemptPhase, Egress, Fault, FaultKind, ModelName, Origin, Payload,
    ProxyProblem, RelayBody, StopEnd, TimeoutGuard, TransportError,
};
use posthaste_provider::{Provider, provider};
use posthaste_scheduler::{Begun, Parked, Resort};
use posthaste_storage::LedgerSlot;
use posthaste_translate::Loss;
use tokio::time::{Instant, timeout, timeout_at};

use self::{
    ready::{Ready, ready_request},
    seats::seats,
};
pub(crate) use self::{
    seats::{all_full, pools_of, shares},
    signing_in::{refuse_credential, renew},
};
use crate::{
    answered::Answered,
    asked::AskedModel,
    fleet::ask_for_trial,
    journey::{Journey, Upload},
    prepare::Prepared,
    serve::TRACEPARENT,
    settle::{AttemptBook, Ending},
    turns::Tally,
};

/// An answer that goes to the client.
pub(crate) struct Delivery {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: RelayBody,
    /// Set when this is an upstream's error: what it says, for a client whose 200 went out already.
    pub(crate) fault: Option<Fault>,
    pub(crate) upstream_model: ModelName,
    /// What the request lost in translation.
    pub(crate) losses: Vec<Loss>,
    pub(crate) attempts: u16,
    /// How much of the time so far was spent waiting for upstreams.
    pub(crate) upstream_wait: Duration,
}

/// Why an attempt gave no answer.
pub(crate) enum Setback {
    /// Ask the next candidate.
    Next,
    /// Ask the same account once more after a pause.
    Again(Duration),
    /// The credential was refused: ask the same account once more with another, if there is one.
    Renew,
    /// The account has not what was asked for: ask the next candidate. If none of those that are asked has it, the client
    /// gets this.
    NotServed(Box<Refusal>),
    /// It does not accept thoughts that another one sealed: ask the same account once more without them. Where that cannot be,
    /// the client gets this.
    Sealed(Box<Result<Delivery, Fault>>),
    /// Nobody else could do better.
    Final(Fault),
}

/// What an account says that has not what was asked for.
pub(crate) struct Refusal {
    pub(crate) told: Result<Delivery, Fault>,
    /// Whether it is for thoughts that another account has sealed.
    pub(crate) sealed: bool,
}

/// An account, and what it is asked for.
#[derive(Clone, Copy)]
pub(crate) struct Stop<'a> {
    pub(crate) account: &'a Arc<Account>,
    pub(crate) model: &'a AskedModel,
    pub(crate) resort: Resort,
}

pub(crate) async fn attempt(
    journey: &Arc<Journey>,
    upload: &Upload,
    stop: Stop<'_>,
    tally: &mut Tally,
) -> Result<Delivery, Setback> {
    let account = stop.account;
    let vendor = provider(account.provider);
    let Ready { prepared, egress } = ready_request(journey, upload, stop, vendor, tally).await?;
    journey.trail.ready();
    let slot = ledger_slot(journey).await.map_err(Setback::Final)?;
    let seats = seats(journey, account, prepared.upstream_model.as_str(), tally).await?;
    // Other requests may have learnt since the plan was made, and only one of them may try an account that was parked.
    let engine = &journey.engine;
    let model = prepared.upstream_model.as_str();
    let begun = engine.scheduler.begin(account.id, model, stop.resort, engine.clock.now());
    let begun = begun.map_err(|parked| just_parked(journey, &parked))?;
    // Nor does more than one relay try it; that costs a question of the few requests that would.
    let trial = ask_for_trial(engine, account.id, model, begun).await;
    let trial = trial.map_err(|parked| just_parked(journey, &parked))?;
    let Begun { ticket, .. } = begun;
    tally.attempts += 1;
    journey.trail.sent(tally.attempts);
    let upstream = (prepared.upstream.dialect, prepared.upstream_model.clone());
    let book = AttemptBook::open(journey, account, (tally.attempts, ticket, trial), upstream, (slot, seats));
    let began = Instant::now();
    let result = exchange(journey, &egress, vendor, prepared, book).await;
    tally.upstream_wait += began.elapsed();
    result.map(|delivery| Delivery {
        attempts: tally.attempts,
        upstream_wait: tally.upstream_wait,
        ..delivery
    })
}

fn just_parked(journey: &Journey, parked: &Parked) -> Setback {
    journey.trail.rests(parked);
    journey.trail.end(StopEnd::JustParked);
    Setback::Next
}

/// A place in the ledger's queue. Nothing is sent that could not be booked.
async fn ledger_slot(journey: &Journey) -> Result<LedgerSlot, Fault> {
    if let Some(slot) = journey.engine.ledger.try_slot() {
        return Ok(slot);
    }
    match timeout(SLOT_PATIENCE, journey.engine.ledger.slot()).await {
        Ok(Ok(slot)) => Ok(slot),
        Ok(Err(error)) => Err(Fault::internal("the relay is shutting down: ask again", error)),
        Err(_) => {
            let message = "the relay cannot keep its books at the moment: ask again soon";
            Err(Fault::new(FaultKind::Overloaded, Origin::Relay, message).retry_after(SLOT_RETRY))
        }
    }
}

/// Step 8, send; what comes back is judged in `answered.rs`.
async fn exchange(
    journey: &Arc<Journey>,
    egress: &Egress,
    vendor: &dyn Provider,
    prepared: Prepared,
    mut book: Box<AttemptBook>,
) -> Result<Delivery, Setback> {
    let options = &journey.options;
    let streamed = journey.envelope.stream;
    let wait = options.patience(book.account().provider, prepared.upstream.dialect, streamed);
    let deadline = Instant::now() + wait;
    let Prepared { request, upstream, upstream_model, way_back, losses } = prepared;
    let sending = send(journey, &book, request, egress);
    let response = match timeout_at(deadline, sending).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => return Err(unreachable(book, &error)),
        Err(_) => {
            let guard = if streamed { TimeoutGuard::FirstEvent } else { TimeoutGuard::Head };
            return Err(unreachable(book, &TransportError::Timeout { guard, after: wait }));
        }
    };
    journey.trail.head();
    book.status = Some(response.status().as_u16());
    book.phase = AttemptPhase::AwaitingContent;
    book.request_losses = losses.clone();
    Answered { vendor, upstream, upstream_model, way_back, losses, book }.judge(response, deadline).await
}

/// Begins to send. No `async fn`, so that what sends the request is all that keeps it.
fn send<'a>(
    journey: &'a Journey,
    book: &AttemptBook,
    mut request: http::Request<Payload>,
    egress: &'a Egress,
) -> impl Future<Output = Result<http::Response<RelayBody>, TransportError>> + Send + use<'a> {
    journey.trail.asks(request.uri());
    tell_trace(journey, book.number(), request.headers_mut());
    journey.engine.transport.send(request, egress)
}

/// Tells the upstream in which trace it is asked, where that is wanted.
fn tell_trace(journey: &Journey, attempt: u16, headers: &mut HeaderMap) {
    let told = journey.trail.trace().and_then(|trace| trace.for_upstream(journey.id, attempt));
    if let Some(told) = told.and_then(|told| HeaderValue::try_from(told).ok()) {
        headers.insert(TRACEPARENT, told);
    }
}

fn unreachable(mut book: Box<AttemptBook>, error: &TransportError) -> Setback {
    let (phase, kind) = match error {
        TransportError::Refused { .. } | TransportError::Connect { .. } | TransportError::Proxy { .. } => {
            (AttemptPhase::Sending, FaultKind::UpstreamFailed)
        }
        TransportError::Timeout { guard: TimeoutGuard::Connect, .. } => {
            (AttemptPhase::Sending, FaultKind::Timeout)
        }
        TransportError::Timeout { .. } => (AttemptPhase::AwaitingHead, FaultKind::Timeout),
        TransportError::Stale(_) | TransportError::Broken(_) => {
            (AttemptPhase::AwaitingHead, FaultKind::UpstreamFailed)
        }
    };
    book.phase = phase;
    // An unused connection was closed as we wrote to it: that tells nothing about the account.
    let stale = matches!(error, TransportError::Stale(_));
    if !stale {
        let why = with_causes(error);
        if matches!(error, TransportError::Proxy { problem: ProxyProblem::Unreachable, .. }) {
            book.rest_others_behind_proxy(&why);
        }
        book.rest_as_failing(why);
    }
    drop(book.settle(Ending::uncounted(AttemptOutcome::Failed(kind))));
    if stale { Setback::Again(Duration::ZERO) } else { Setback::Next }
}

/// An error with what caused it.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

/// How long a request waits for the ledger to take rows again.
const SLOT_PATIENCE: Duration = Duration::from_secs(2);

const SLOT_RETRY: Duration = Duration::from_secs(5);
