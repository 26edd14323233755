//! Step 9, judge: an upstream has answered, and the answer is delivered, or it is a setback.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, response::Parts};
use posthaste_core::{
    AttemptOutcome, AttemptPhase, CooldownReason, Fault, FaultKind, ModelName, Operation, Origin, RelayBody,
    Surface, UsageSource, Verdict, boxed_body, full_body,
};
use posthaste_provider::{AnswerHead, Provider};
use posthaste_translate::{Loss, translate_count, translate_response};
use posthaste_wire::{
    Framing, StreamCollector, UpstreamError, read_error_answer, read_other, read_whole, refuses_seal,
    response_id, words_of,
};
use tokio::time::Instant;

use crate::{
    attempt::{Delivery, Refusal, Setback},
    collecting::{Uncollected, collect_stream},
    open::{OpenFailure, open},
    prepare::{WayBack, pack_answer, unpack_answer},
    settle::{AttemptBook, Ending, until_booked},
    stream::{StreamAnswer, StreamBody},
    whole::{MOST_ANSWER_BYTES, MOST_ERROR_BYTES, collect},
};

/// An upstream that has sent the head of its answer.
pub(crate) struct Answered<'a> {
    pub(crate) vendor: &'a dyn Provider,
    pub(crate) upstream: Surface,
    pub(crate) upstream_model: ModelName,
    pub(crate) way_back: WayBack,
    pub(crate) losses: Vec<Loss>,
    pub(crate) book: Box<AttemptBook>,
}

impl Answered<'_> {
    /// Reads the answer as far as the decision needs it. `deadline` is when a stream's first event has to be there.
    pub(crate) async fn judge(
        self,
        response: http::Response<RelayBody>,
        deadline: Instant,
    ) -> Result<Delivery, Setback> {
        let (head, body) = response.into_parts();
        let engine = &self.book.journey().engine;
        let now = engine.clock.now();
        let told = self.vendor.plan_use(&head.headers, now);
        engine.quotas.note((&engine.scheduler, &engine.notices), self.book.account(), &told, now);
        let streamed = self.book.journey().envelope.stream;
        let is_stream = is_stream(&head.headers, self.upstream, streamed);
        if !head.status.is_success() {
            self.refused(head, body).await
        } else if is_packed(&head.headers) {
            Err(self.misfit("a packed body, though an unpacked one was asked for"))
        } else if streamed && is_stream {
            self.stream(head, body, deadline).await
        } else if streamed {
            Err(self.misfit("no stream where one was asked for"))
        } else if is_stream {
            self.collected(head, body).await
        } else {
            self.whole(head, body).await
        }
    }

    /// An error status.
    async fn refused(mut self, head: Parts, body: RelayBody) -> Result<Delivery, Setback> {
        // An error whose body breaks off is still that error.
        let body = collect(body, ERROR_BODY_GAP, MOST_ERROR_BYTES).await.unwrap_or_default();
        let error = read_error_answer(self.upstream.error_dialect(), &head.headers, &body);
        let verdict = verdict(self.vendor, &self.book, &head, error.as_ref());
        self.book.note_said(error.as_ref());
        if !matches!(verdict, Verdict::ClientFault | Verdict::NotServed) {
            return Err(self.set_back(verdict));
        }
        self.book.phase = AttemptPhase::Finished;
        let booked = self.book.settle(Ending::uncounted(AttemptOutcome::ClientFault));
        until_booked(booked).await.map_err(Setback::Final)?;
        let refuses = error.as_ref().is_some_and(refuses_seal);
        let fault = client_fault(head.status, error);
        let client = self.book.journey().surface;
        let told = if self.way_back.translates() || client.error_dialect() != self.upstream.error_dialect() {
            Err(fault)
        } else {
            let mut headers = passed_headers(&head.headers);
            headers.entry(header::CONTENT_TYPE).or_insert(JSON);
            Ok(Delivery { fault: Some(fault), ..self.delivery(head.status, headers, full_body(body)) })
        };
        if verdict == Verdict::NotServed {
            return Err(Setback::NotServed(Box::new(Refusal { told, sealed: refuses })));
        }
        if refuses {
            return Err(Setback::Sealed(Box::new(told)));
        }
        told.map_err(Setback::Final)
    }

    /// A stream.
    async fn stream(self, head: Parts, body: RelayBody, deadline: Instant) -> Result<Delivery, Setback> {
        let gap = self.book.gap();
        let Self { vendor, upstream, upstream_model, way_back, losses, book } = self;
        let client = book.journey().surface;
        let mut answer = StreamAnswer::new(body, upstream, way_back, book);
        match open(&mut answer, deadline, gap).await {
            Ok(()) => {
                let mut headers = passed_headers(&head.headers);
                stream_headers(client, &mut headers);
                Ok(delivery(
                    head.status,
                    headers,
                    boxed_body(StreamBody::new(answer)),
                    upstream_model,
                    losses,
                ))
            }
            Err(OpenFailure::Broken(broken)) => {
                answer.book.rest_as_failing(broken.why);
                drop(answer.settle(AttemptOutcome::Failed(broken.fault.kind)));
                Err(Setback::Next)
            }
            Err(OpenFailure::ErrorEvent) => Err(opened_with_error(vendor, &head, answer)),
        }
    }

    /// A whole answer.
    async fn whole(mut self, head: Parts, body: RelayBody) -> Result<Delivery, Setback> {
        // It may be long in coming; others need not wait for its end to know that the account serves.
        self.book.vouch();
        let gap = self.book.gap();
        let body = match collect(body, gap, MOST_ANSWER_BYTES).await {
            Ok(body) => body,
            Err(broken) => return Err(self.broken(&broken.why, broken.fault.kind)),
        };
        let body = unpack_answer(self.upstream.packing, body);
        self.give(head, body).await
    }

    /// A stream, for a client that wants a whole answer: some upstreams only stream, some do though nobody asked them to.
    async fn collected(mut self, head: Parts, body: RelayBody) -> Result<Delivery, Setback> {
        let gap = self.book.gap();
        // What else is streamed is no part of a conversation, and nobody knows how to put it together.
        let collector =
            StreamCollector::new(self.upstream).filter(|_| self.book.journey().operation == Operation::Chat);
        let Some(collector) = collector else {
            return Err(self.misfit("a stream where none was asked for"));
        };
        let book = &mut self.book;
        let collected = collect_stream(body, self.upstream, collector, gap, || book.vouch()).await;
        match collected {
            Ok(body) => self.give(head, body).await,
            Err(Uncollected::Broken(broken)) => Err(self.broken(&broken.why, broken.fault.kind)),
            Err(Uncollected::ErrorEvent(error)) => Err(self.error_in_success(&head, error)),
        }
    }

    /// Delivers a whole answer, which is out of its packing.
    async fn give(mut self, head: Parts, body: Bytes) -> Result<Delivery, Setback> {
        let operation = self.book.journey().operation;
        let read = if matches!(operation, Operation::Chat) { read_whole } else { read_other };
        let answer = match read(self.upstream.dialect, &body) {
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
        let billed = !matches!(operation, Operation::CountTokens);
        if self.book.may_be_named()
            && let Some(id) = response_id(&body)
        {
            self.book.note_answer_id(&id);
        }
        let source = match answer.usage {
            Some(_) if !answer.in_part => UsageSource::Reported,
            Some(_) | None if billed => UsageSource::Estimated,
            _ => UsageSource::None,
        };
        let trail = &self.book.journey().trail;
        if trail.is_traced() {
            trail.answered_with(words_of(self.upstream.dialect, &body));
        }
        let usage = answer.usage.unwrap_or_default();
        let ending = Ending { outcome: AttemptOutcome::Complete, usage, source, answer_bytes: body.len() };
        until_booked(self.book.settle(ending)).await.map_err(Setback::Final)?;
        let mut headers = passed_headers(&head.headers);
        headers.insert(header::CONTENT_TYPE, JSON);
        let journey = self.book.journey();
        let packed =
            pack_answer(journey.surface.packing, translated.unwrap_or(body), &journey.id.to_string());
        Ok(self.delivery(head.status, headers, full_body(packed)))
    }

    fn translate_whole(&mut self, body: &[u8]) -> Result<Option<Bytes>, String> {
        let WayBack::Translate(context) = &self.way_back else { return Ok(None) };
        let (from, to) = (self.upstream.dialect, self.book.journey().surface.dialect);
        if self.book.journey().operation == Operation::CountTokens {
            return translate_count(from, to, body).map(Some).map_err(|error| error.to_string());
        }
        let answer = translate_response(from, to, body, context).map_err(|error| error.to_string())?;
        self.book.note_answer_losses(&answer.losses);
        self.book.remember(answer.remembered);
        Ok(Some(answer.body))
    }

    /// An answer of another kind than was asked for.
    fn misfit(mut self, why: &str) -> Setback {
        self.broken(why, FaultKind::UpstreamFailed)
    }

    fn broken(&mut self, why: &str, kind: FaultKind) -> Setback {
        self.book.rest_as_failing(why);
        drop(self.book.settle(Ending::uncounted(AttemptOutcome::Failed(kind))));
        Setback::Next
    }

    fn error_in_success(mut self, head: &Parts, error: UpstreamError) -> Setback {
        self.book.note_said(Some(&error));
        match verdict(self.vendor, &self.book, head, Some(&error)) {
            Verdict::ClientFault => {
                drop(self.book.settle(Ending::uncounted(AttemptOutcome::ClientFault)));
                refused_in_success(Some(error))
            }
            Verdict::NotServed => {
                drop(self.book.settle(Ending::uncounted(AttemptOutcome::ClientFault)));
                not_served_in_success(Some(error))
            }
            verdict => self.set_back(verdict),
        }
    }

    fn set_back(mut self, verdict: Verdict) -> Setback {
        let lesson = learn(&mut self.book, verdict);
        drop(self.book.settle(Ending::uncounted(AttemptOutcome::Failed(lesson.kind))));
        lesson.setback
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

fn opened_with_error(vendor: &dyn Provider, head: &Parts, mut answer: Box<StreamAnswer>) -> Setback {
    let error = answer.tap().error().cloned();
    answer.book.note_said(error.as_ref());
    match verdict(vendor, &answer.book, head, error.as_ref()) {
        Verdict::ClientFault => {
            drop(answer.settle(AttemptOutcome::ClientFault));
            refused_in_success(error)
        }
        Verdict::NotServed => {
            drop(answer.settle(AttemptOutcome::ClientFault));
            not_served_in_success(error)
        }
        verdict => {
            let lesson = learn(&mut answer.book, verdict);
            drop(answer.settle(AttemptOutcome::Failed(lesson.kind)));
            lesson.setback
        }
    }
}

fn verdict(
    vendor: &dyn Provider,
    book: &AttemptBook,
    head: &Parts,
    error: Option<&UpstreamError>,
) -> Verdict {
    let now = book.journey().engine.clock.now();
    vendor.judge(&AnswerHead {
        account: book.account(),
        model: book.upstream_model(),
        dialect: book.upstream_dialect(),
        status: head.status,
        headers: &head.headers,
        error,
        now,
    })
}

/// The upstream's complaint about the client's request, in an answer that began as a success.
fn refused_in_success(error: Option<UpstreamError>) -> Setback {
    let refuses = error.as_ref().is_some_and(refuses_seal);
    let fault = client_fault(StatusCode::BAD_REQUEST, error);
    if refuses { Setback::Sealed(Box::new(Err(fault))) } else { Setback::Final(fault) }
}

fn not_served_in_success(error: Option<UpstreamError>) -> Setback {
    let sealed = error.as_ref().is_some_and(refuses_seal);
    Setback::NotServed(Box::new(Refusal { told: Err(client_fault(StatusCode::BAD_REQUEST, error)), sealed }))
}

/// What the attempt loop and the books take from a verdict that delivers nothing.
struct Lesson {
    setback: Setback,
    kind: FaultKind,
}

/// Tells the account's health.
fn learn(book: &mut AttemptBook, verdict: Verdict) -> Lesson {
    match verdict {
        Verdict::NextCandidate { cooldown: Some(cooldown) } => {
            book.rest(&cooldown);
            Lesson { setback: Setback::Next, kind: fault_kind(cooldown.reason) }
        }
        Verdict::Reauthenticate => Lesson { setback: Setback::Renew, kind: FaultKind::Unauthenticated },
        Verdict::Retry { after } => {
            Lesson { setback: Setback::Again(after), kind: FaultKind::UpstreamFailed }
        }
        // An adapter that would deliver an error is asked for nothing more; the next account may do better.
        Verdict::NextCandidate { cooldown: None }
        | Verdict::Deliver
        | Verdict::ClientFault
        | Verdict::NotServed => Lesson { setback: Setback::Next, kind: FaultKind::UpstreamFailed },
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

/// The headers of a stream.
pub(crate) fn stream_headers(client: Surface, headers: &mut HeaderMap) {
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(Framing::of(client).content_type()));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // Asks proxies in front of the relay (nginx) not to hold events back.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
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

/// Whether the answer is a stream, told by its type. Where the stream is a JSON array, an answer that is none has the same
/// type: there the wish tells.
fn is_stream(headers: &HeaderMap, upstream: Surface, streamed: bool) -> bool {
    let expected = Framing::of(upstream);
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    match Framing::of_content_type(kind) {
        Some(Framing::JsonArray) => streamed && expected == Framing::JsonArray,
        Some(Framing::EventStream) => matches!(expected, Framing::EventStream | Framing::InvokeChunks),
        framing => framing == Some(Framing::Sse) && expected == Framing::Sse,
    }
}

fn is_packed(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_ENCODING)
        .is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

const PASSED: [HeaderName; 3] = [
    header::CONTENT_TYPE,
    HeaderName::from_static("request-id"),
    // Bedrock's clients choose their exception by it; the body of an error does not say what it is.
    HeaderName::from_static("x-amzn-errortype"),
];
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const ERROR_BODY_GAP: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_of_an_error_passes_and_the_account_s_limits_do_not() {
        let mut headers = HeaderMap::new();
        headers.insert("x-amzn-errortype", HeaderValue::from_static("ValidationException"));
        headers.insert("anthropic-ratelimit-requests-remaining", HeaderValue::from_static("7"));
        let passed = passed_headers(&headers);
        assert_eq!(passed["x-amzn-errortype"], "ValidationException");
        assert_eq!(passed.len(), 1);
    }
}
