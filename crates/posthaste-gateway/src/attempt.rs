//! Steps 6 to 9: one account after another, until one of them answers.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use posthaste_core::{
    Account, AttemptOutcome, AttemptPhase, Cooldown, CooldownReason, Dialect, Egress, Fault, FaultKind,
    ModelName, Operation, Origin, RelayBody, TimeoutGuard, TransportError, UsageSource, Verdict, boxed_body,
    full_body,
};
use posthaste_provider::{AnswerHead, Provider, provider};
use posthaste_storage::Booked;
use posthaste_translate::{Loss, StreamContext, StreamTranslator, translate_response};
use posthaste_wire::{UpstreamError, read_error, read_whole};
use tokio::time::{Instant, timeout_at};

use crate::{
    journey::Journey,
    open::{OpenFailure, open},
    planning,
    prepare::{Prepared, prepare},
    settle::{AttemptBook, Ending},
    stream::StreamAnswer,
    whole::{MOST_ANSWER_BYTES, MOST_ERROR_BYTES, collect},
};

/// An answer that goes to the client.
pub(crate) struct Delivery {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: RelayBody,
    /// Set when this is an upstream's error: what it says, for a client whose 200 went out already.
    pub(crate) fault: Option<Fault>,
    pub(crate) upstream_model: ModelName,
    pub(crate) losses: Vec<Loss>,
    pub(crate) attempts: u16,
    /// How much of the time so far was spent waiting for upstreams.
    pub(crate) upstream_wait: Duration,
}

/// Why an attempt gave no answer.
enum Setback {
    /// Ask the next candidate.
    Next,
    /// Ask the same account once more after a pause.
    Again(Duration),
    /// Nobody else could do better.
    Final(Fault),
}

/// Asks one candidate after another.
pub(crate) async fn run(journey: Arc<Journey>) -> Result<Delivery, Fault> {
    let engine = &journey.engine;
    let route = planning::plan(&journey, engine.clock.now());
    let mut tally = Tally::default();
    for account in &route.accounts {
        let mut may_repeat = true;
        while tally.attempts < engine.options.attempts {
            match attempt(&journey, account, &mut tally).await {
                Ok(delivery) => return Ok(delivery),
                Err(Setback::Final(fault)) => return Err(fault),
                Err(Setback::Again(pause)) if may_repeat => {
                    may_repeat = false;
                    tokio::time::sleep(pause).await;
                }
                Err(Setback::Again(_) | Setback::Next) => break,
            }
        }
    }
    let now = engine.clock.now();
    Err(planning::plan(&journey, now).nobody_left(&journey, now))
}

#[derive(Default)]
struct Tally {
    attempts: u16,
    upstream_wait: Duration,
}

async fn attempt(
    journey: &Arc<Journey>,
    account: &Arc<Account>,
    tally: &mut Tally,
) -> Result<Delivery, Setback> {
    let vendor = provider(account.provider);
    let prepared = ready_request(journey, account, vendor).await?;
    let slot =
        journey.engine.ledger.slot().await.map_err(|error| {
            Setback::Final(Fault::internal("the relay is shutting down: ask again", error))
        })?;
    // Other requests may have learnt since the plan was made, and only one of them may try an account that was parked.
    let engine = &journey.engine;
    engine.scheduler.try_start(account.id, engine.clock.now()).map_err(|_| Setback::Next)?;
    tally.attempts += 1;
    let upstream = (prepared.upstream_dialect, prepared.upstream_model.clone());
    let book = AttemptBook::open(journey, account, tally.attempts, upstream, slot);
    let began = Instant::now();
    let result = exchange(journey, account, vendor, prepared, book).await;
    tally.upstream_wait += began.elapsed();
    result.map(|delivery| Delivery {
        attempts: tally.attempts,
        upstream_wait: tally.upstream_wait,
        ..delivery
    })
}

/// Steps 6 and 7, credential and prepare. An account that is not set up right rests, and the next one is asked.
async fn ready_request(
    journey: &Journey,
    account: &Account,
    vendor: &dyn Provider,
) -> Result<Prepared, Setback> {
    let engine = &journey.engine;
    let unusable = |reason, why: String| {
        tracing::error!(account = %account.name, %why, "an account cannot be used");
        engine.scheduler.rest(account.id, &Cooldown { reason, until: None, why }, engine.clock.now());
        Setback::Next
    };
    let credential = engine.credentials.credential(account).await.map_err(|error| {
        unusable(CooldownReason::Unauthorised, format!("its credential cannot be read: {error}"))
    })?;
    prepare(journey, account, vendor, credential.as_deref()).map_err(|fault| match fault.origin {
        Origin::Client => Setback::Final(fault),
        Origin::Relay | Origin::Upstream => {
            let cause = fault.source.as_ref().map_or_else(|| fault.to_string(), ToString::to_string);
            unusable(CooldownReason::Failing, cause)
        }
    })
}

/// Steps 8 and 9, send and judge.
async fn exchange(
    journey: &Arc<Journey>,
    account: &Account,
    vendor: &dyn Provider,
    prepared: Prepared,
    mut book: AttemptBook,
) -> Result<Delivery, Setback> {
    let options = &journey.engine.options;
    let streamed = journey.envelope.stream;
    let wait =
        if streamed { options.first_event.of(prepared.upstream_dialect) } else { options.head_timeout };
    let deadline = Instant::now() + wait;
    let egress = Egress { allow_private: account.private_address.is_some() };
    let Prepared { request, upstream_dialect, upstream_model, translation, losses } = prepared;
    let sending = timeout_at(deadline, journey.engine.transport.send(request, &egress));
    let response = match sending.await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => return Err(unreachable(book, &error)),
        Err(_) => {
            let guard = if streamed { TimeoutGuard::FirstEvent } else { TimeoutGuard::Head };
            return Err(unreachable(book, &TransportError::Timeout { guard, after: wait }));
        }
    };
    book.status = Some(response.status().as_u16());
    book.phase = AttemptPhase::AwaitingContent;
    let answer = Answered { vendor, upstream_dialect, upstream_model, translation, losses, book };
    let is_stream = is_event_stream(response.headers());
    match response.status() {
        status if !status.is_success() => answer.refused(response).await,
        _ if streamed && is_stream => answer.stream(response, deadline).await,
        _ if streamed == is_stream => answer.whole(response).await,
        _ => Err(answer.misfit(is_stream)),
    }
}

/// An upstream that has sent the head of its answer.
struct Answered<'a> {
    vendor: &'a dyn Provider,
    upstream_dialect: Dialect,
    upstream_model: ModelName,
    translation: Option<StreamContext>,
    losses: Vec<Loss>,
    book: AttemptBook,
}

impl Answered<'_> {
    /// An error status.
    async fn refused(mut self, response: http::Response<RelayBody>) -> Result<Delivery, Setback> {
        let (head, body) = response.into_parts();
        // An error whose body breaks off is still that error.
        let body = collect(body, ERROR_BODY_GAP, MOST_ERROR_BYTES).await.unwrap_or_default();
        let error = read_error(self.upstream_dialect, &body);
        match judge(self.vendor, &self.book, &head, error.as_ref()) {
            Verdict::ClientFault => {}
            verdict => return Err(self.set_back(verdict)),
        }
        self.book.phase = AttemptPhase::Finished;
        let booked = self.book.settle(Ending::uncounted(AttemptOutcome::ClientFault));
        wait_until_booked(booked).await;
        let fault = client_fault(head.status, error);
        if self.translation.is_some() {
            return Err(Setback::Final(fault));
        }
        let mut headers = passed_headers(&head.headers);
        headers.entry(header::CONTENT_TYPE).or_insert(JSON);
        Ok(Delivery { fault: Some(fault), ..self.delivery(head.status, headers, full_body(body)) })
    }

    /// A stream.
    async fn stream(
        mut self,
        response: http::Response<RelayBody>,
        deadline: Instant,
    ) -> Result<Delivery, Setback> {
        let (head, body) = response.into_parts();
        let gap = self.book.journey().engine.options.gap_timeout;
        let client_dialect = self.book.journey().call.dialect;
        let translator = self
            .translation
            .take()
            .map(|context| StreamTranslator::new(self.upstream_dialect, client_dialect, context));
        let Self { vendor, upstream_dialect, upstream_model, losses, book, .. } = self;
        let answer = StreamAnswer::new(body, upstream_dialect, translator, book);
        match open(answer, deadline, gap).await {
            Ok(answer) => {
                let mut headers = passed_headers(&head.headers);
                headers.insert(header::CONTENT_TYPE, EVENT_STREAM);
                headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
                // Asks proxies in front of the relay (nginx) not to hold events back.
                headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
                Ok(delivery(head.status, headers, boxed_body(answer), upstream_model, losses))
            }
            Err((mut answer, OpenFailure::Broken(broken))) => {
                if let Some(why) = &broken.why {
                    answer.book.rest_as_failing(why.clone());
                }
                drop(answer.settle(AttemptOutcome::Failed(broken.fault.kind)));
                Err(Setback::Next)
            }
            Err((answer, OpenFailure::ErrorEvent)) => Err(opened_with_error(vendor, &head, answer)),
        }
    }

    /// A whole answer.
    async fn whole(mut self, response: http::Response<RelayBody>) -> Result<Delivery, Setback> {
        let (head, body) = response.into_parts();
        let gap = self.book.journey().engine.options.gap_timeout;
        let body = match collect(body, gap, MOST_ANSWER_BYTES).await {
            Ok(body) => body,
            Err(broken) => return Err(self.broken(&broken.why.unwrap_or_default(), broken.fault.kind)),
        };
        let answer = match read_whole(self.upstream_dialect, &body) {
            Ok(answer) => answer,
            Err(error) => return Err(self.broken(&error.to_string(), FaultKind::UpstreamFailed)),
        };
        if let Some(error) = answer.error {
            return Err(self.error_in_success(&head, error));
        }
        let translated = match self.translate_whole(&body) {
            Ok(translated) => translated,
            Err(why) => return Err(self.broken(&why, FaultKind::UpstreamFailed)),
        };
        self.book.commit();
        self.book.phase = AttemptPhase::Finished;
        self.book.deliver(body.len());
        let billed = self.book.journey().call.operation == Operation::Chat;
        let source = match answer.usage {
            Some(_) => UsageSource::Reported,
            None if billed => UsageSource::Estimated,
            None => UsageSource::None,
        };
        let usage = answer.usage.unwrap_or_default();
        let booked = self.book.settle(Ending { outcome: AttemptOutcome::Complete, usage, source });
        wait_until_booked(booked).await;
        let mut headers = passed_headers(&head.headers);
        headers.insert(header::CONTENT_TYPE, JSON);
        Ok(self.delivery(head.status, headers, full_body(translated.unwrap_or(body))))
    }

    fn translate_whole(&mut self, body: &[u8]) -> Result<Option<Bytes>, String> {
        let Some(context) = &self.translation else { return Ok(None) };
        let client_dialect = self.book.journey().call.dialect;
        let encoded = translate_response(self.upstream_dialect, client_dialect, body, context)
            .map_err(|error| error.to_string())?;
        Ok(Some(encoded.body))
    }

    /// A stream where none was asked for, or none where one was.
    fn misfit(mut self, is_stream: bool) -> Setback {
        let why =
            if is_stream { "a stream where none was asked for" } else { "no stream where one was asked for" };
        self.broken(why, FaultKind::UpstreamFailed)
    }

    fn broken(&mut self, why: &str, kind: FaultKind) -> Setback {
        self.book.rest_as_failing(why);
        drop(self.book.settle(Ending::uncounted(AttemptOutcome::Failed(kind))));
        Setback::Next
    }

    fn error_in_success(mut self, head: &http::response::Parts, error: UpstreamError) -> Setback {
        match judge(self.vendor, &self.book, head, Some(&error)) {
            Verdict::ClientFault => {
                drop(self.book.settle(Ending::uncounted(AttemptOutcome::ClientFault)));
                Setback::Final(client_fault(StatusCode::BAD_REQUEST, Some(error)))
            }
            verdict => self.set_back(verdict),
        }
    }

    fn set_back(mut self, verdict: Verdict) -> Setback {
        let setback = learn(&self.book, verdict);
        drop(self.book.settle(Ending::uncounted(AttemptOutcome::Failed(setback.1))));
        setback.0
    }

    fn delivery(self, status: StatusCode, headers: HeaderMap, body: RelayBody) -> Delivery {
        delivery(status, headers, body, self.upstream_model, self.losses)
    }
}

fn delivery(
    status: StatusCode,
    headers: HeaderMap,
    body: RelayBody,
    upstream_model: ModelName,
    losses: Vec<Loss>,
) -> Delivery {
    Delivery {
        status,
        headers,
        body,
        fault: None,
        upstream_model,
        losses,
        attempts: 0,
        upstream_wait: Duration::ZERO,
    }
}

fn opened_with_error(
    vendor: &dyn Provider,
    head: &http::response::Parts,
    mut answer: StreamAnswer,
) -> Setback {
    let error = answer.tap().error().cloned();
    match judge(vendor, &answer.book, head, error.as_ref()) {
        Verdict::ClientFault => {
            drop(answer.settle(AttemptOutcome::ClientFault));
            Setback::Final(client_fault(StatusCode::BAD_REQUEST, error))
        }
        verdict => {
            let (setback, kind) = learn(&answer.book, verdict);
            drop(answer.settle(AttemptOutcome::Failed(kind)));
            setback
        }
    }
}

fn judge(
    vendor: &dyn Provider,
    book: &AttemptBook,
    head: &http::response::Parts,
    error: Option<&UpstreamError>,
) -> Verdict {
    let now = book.journey().engine.clock.now();
    vendor.judge(&AnswerHead { status: head.status, headers: &head.headers, error, now })
}

/// What the account's health and the attempt loop take from a verdict that delivers nothing.
fn learn(book: &AttemptBook, verdict: Verdict) -> (Setback, FaultKind) {
    match verdict {
        Verdict::NextCandidate { cooldown: Some(cooldown) } => {
            book.rest(&cooldown);
            (Setback::Next, fault_kind(cooldown.reason))
        }
        Verdict::Retry { after } => (Setback::Again(after), FaultKind::UpstreamFailed),
        Verdict::Reauthenticate => {
            book.refuse_credential();
            (Setback::Next, FaultKind::Unauthenticated)
        }
        Verdict::NextCandidate { cooldown: None } | Verdict::Deliver | Verdict::ClientFault => {
            (Setback::Next, FaultKind::UpstreamFailed)
        }
    }
}

const fn fault_kind(reason: CooldownReason) -> FaultKind {
    match reason {
        CooldownReason::RateLimited => FaultKind::RateLimited,
        CooldownReason::Overloaded => FaultKind::Overloaded,
        CooldownReason::QuotaExhausted => FaultKind::QuotaExhausted,
        CooldownReason::Unauthorised => FaultKind::Unauthenticated,
        CooldownReason::Forbidden => FaultKind::PermissionDenied,
        CooldownReason::Failing => FaultKind::UpstreamFailed,
    }
}

fn unreachable(mut book: AttemptBook, error: &TransportError) -> Setback {
    let kind = match error {
        TransportError::Timeout { .. } => FaultKind::Timeout,
        _ => FaultKind::UpstreamFailed,
    };
    if !matches!(
        error,
        TransportError::Broken(_)
            | TransportError::Timeout { guard: TimeoutGuard::Head | TimeoutGuard::FirstEvent, .. }
    ) {
        book.phase = AttemptPhase::Sending;
    }
    book.rest_as_failing(with_causes(error));
    drop(book.settle(Ending::uncounted(AttemptOutcome::Failed(kind))));
    Setback::Next
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

async fn wait_until_booked(booked: Option<Booked>) {
    if let Some(booked) = booked
        && let Err(error) = booked.await
    {
        tracing::error!(%error, "an attempt could not be booked before its answer's end");
    }
}

/// The upstream's complaint about the client's request, for a client that speaks another dialect or whose head is out.
fn client_fault(status: StatusCode, error: Option<UpstreamError>) -> Fault {
    let kind = match status {
        StatusCode::NOT_FOUND => FaultKind::NotFound,
        StatusCode::PAYLOAD_TOO_LARGE => FaultKind::TooLarge,
        _ => FaultKind::InvalidRequest,
    };
    match error {
        Some(error) => Fault::new(kind, Origin::Upstream, error.message),
        None => Fault::new(kind, Origin::Upstream, "the upstream refused the request without saying why"),
    }
}

/// Which of an upstream's headers a client may see. Its rate limits are the account's, not the caller's, and stay here.
fn passed_headers(from: &HeaderMap) -> HeaderMap {
    let mut to = HeaderMap::with_capacity(12);
    for name in PASSED {
        if let Some(value) = from.get(&name) {
            to.insert(name, value.clone());
        }
    }
    to
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    kind.len() >= EVENT_STREAM.len()
        && kind[..EVENT_STREAM.len()].eq_ignore_ascii_case(EVENT_STREAM.as_bytes())
}

const PASSED: [http::HeaderName; 2] = [header::CONTENT_TYPE, http::HeaderName::from_static("request-id")];
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");
const ERROR_BODY_GAP: Duration = Duration::from_secs(10);
