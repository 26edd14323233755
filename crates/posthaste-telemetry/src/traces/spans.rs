//! The spans of a request: one for it, and one for each of its attempts.

use opentelemetry_proto::tonic::trace::v1::{
    Span, SpanFlags, Status,
    span::{Event, SpanKind},
    status::StatusCode,
};
use posthaste_core::{
    AttemptOutcome, NanoUsd, RequestRecord, SpanId, Stop, StopEnd, Timestamp, TracedAttempt, TracedRequest,
    UsageSource,
};

use crate::attributes::{Attributes, error_type, operation, provider};

/// Every span, the request's own first.
pub(crate) fn spans(request: &TracedRequest) -> Vec<Span> {
    let attempts = request.attempts.iter().map(|attempt| of_attempt(request, attempt));
    std::iter::once(of_request(request)).chain(attempts).collect()
}

/// The request as its client saw it. What models were asked and used is in the attempts' spans alone, so that nobody who sums
/// it up counts it twice.
fn of_request(request: &TracedRequest) -> Span {
    let TracedRequest { context, route, record, attempts, status } = request;
    let last = attempts.last().map(|attempt| attempt.row.outcome);
    let error = match (&record.fault, last) {
        (Some(fault), _) => Some(fault.kind.as_str()),
        (None, Some(AttemptOutcome::Cut)) => Some("cut"),
        (None, Some(AttemptOutcome::Failed(kind))) => Some(kind.as_str()),
        (None, _) => None,
    };
    // What a client did wrong is no error of the server's (semantic conventions for HTTP, "Status").
    let is_ours = status.is_none_or(|status| status >= 500 || record.fault.is_none());
    let cost: NanoUsd = NanoUsd::from_nanos(attempts.iter().map(|attempt| attempt.row.cost.as_nanos()).sum());
    let attributes = Attributes::default()
        .some_text("http.request.method", route.as_ref().map(|_| "POST"))
        .some_text("http.route", route.as_deref())
        .some_number("http.response.status_code", *status)
        .some_text("error.type", error)
        .text("posthaste.request_id", record.id.to_string())
        .text("posthaste.client_key.id", record.key_id.to_string())
        .text("posthaste.operation", record.operation.as_str())
        .text("posthaste.model", record.model.as_str())
        .text("posthaste.dialect", record.dialect.as_str())
        .truth("posthaste.streamed", record.streamed)
        .number("posthaste.prompt_bytes", record.prompt_bytes)
        .number("posthaste.attempts", attempts.len())
        .number("posthaste.rounds", record.rounds)
        .number("posthaste.cost.nano_usd", cost.as_nanos());
    let name = match route {
        Some(route) => format!("POST {route}"),
        None => operation(record.operation).to_owned(),
    };
    let remote = if context.parent.is_some() { SpanFlags::ContextIsRemoteMask as u32 } else { 0 };
    Span {
        parent_span_id: context.parent.map(|parent| parent.to_bytes().to_vec()).unwrap_or_default(),
        kind: SpanKind::Server.into(),
        start_time_unix_nano: nanos(record.received_at),
        end_time_unix_nano: after(record, record.steps.ended_us),
        flags: FLAGS | remote,
        attributes: attributes.0,
        events: events(record),
        status: error.filter(|_| is_ours).map(failed),
        ..named(request, SpanId::of_request(record.id), name)
    }
}

/// An attempt: a call to a model, as the conventions for clients of models have it.
fn of_attempt(request: &TracedRequest, attempt: &TracedAttempt) -> Span {
    let TracedAttempt { row, server, answer } = attempt;
    let id = row.request_id;
    let operation = operation(row.operation);
    let error = error_type(row);
    let counted = (row.usage_source != UsageSource::None).then_some(&row.usage);
    let written = counted.map(|usage| usage.cache_write_5m.saturating_add(usage.cache_write_1h));
    let stop = request.record.stops.iter().find(|stop| stop.attempt == Some(row.attempt));
    // An answer that names no model (Bedrock's) is taken to be of the one that was asked for.
    let asked = (row.outcome == AttemptOutcome::Complete).then(|| row.upstream_model.as_str());
    let answered = answer.model.as_deref().or(asked);
    let attributes = Attributes::default()
        .text("gen_ai.operation.name", operation)
        .text("gen_ai.provider.name", provider(row.provider))
        .text("gen_ai.request.model", row.upstream_model.as_str())
        .some_text("gen_ai.response.model", answered)
        .texts("gen_ai.response.finish_reasons", &answer.finish_reasons)
        .some_number("gen_ai.usage.input_tokens", counted.map(|usage| usage.prompt()))
        .some_number("gen_ai.usage.output_tokens", counted.map(|usage| usage.output))
        .some_number("gen_ai.usage.cache_read.input_tokens", counted.map(|usage| usage.cache_read))
        .some_number("gen_ai.usage.cache_creation.input_tokens", written)
        .some_text("server.address", server.as_ref().map(|(host, _)| host.as_str()))
        .some_number("server.port", server.as_ref().map(|(_, port)| *port))
        .some_number("http.response.status_code", row.status)
        .some_text("error.type", error)
        .text("posthaste.request_id", id.to_string())
        .number("posthaste.attempt", row.attempt)
        .text("posthaste.account.id", row.account_id.to_string())
        .text("posthaste.dialect", row.upstream_dialect.as_str())
        .text("posthaste.outcome", row.outcome.as_str())
        .text("posthaste.phase", row.phase.as_str())
        .some_text("posthaste.verdict", stop.map(|stop| stop.end.as_str()))
        .text("posthaste.usage.source", row.usage_source.as_str())
        .number("posthaste.cost.nano_usd", row.cost.as_nanos())
        .text("posthaste.cost.basis", row.cost_basis.as_str());
    let start = nanos(row.started_at);
    let mut events = Vec::new();
    if let Some(head) = stop.and_then(|stop| stop.head_us) {
        events.push(event("head", after(&request.record, head), Attributes::default()));
    }
    if let Some(content) = row.first_content_us {
        events.push(event(
            "first_content",
            start.saturating_add(content.saturating_mul(1_000)),
            Attributes::default(),
        ));
    }
    Span {
        parent_span_id: SpanId::of_request(id).to_bytes().to_vec(),
        kind: SpanKind::Client.into(),
        start_time_unix_nano: start,
        end_time_unix_nano: start.saturating_add(row.duration_us.saturating_mul(1_000)),
        flags: FLAGS,
        attributes: attributes.0,
        events,
        status: error.map(failed),
        ..named(
            request,
            SpanId::of_attempt(id, row.attempt),
            format!("{operation} {}", row.upstream_model.as_str()),
        )
    }
}

/// When the steps were over, and the accounts that were turned to without being asked.
fn events(record: &RequestRecord) -> Vec<Event> {
    let steps = &record.steps;
    let steps = [
        ("admitted", steps.admitted_us),
        ("reserved", steps.reserved_us),
        ("planned", steps.planned_us),
        ("answered", steps.answered_us),
    ];
    let steps = steps
        .into_iter()
        .filter_map(|(name, at)| Some(event(name, after(record, at?), Attributes::default())));
    let passed = |stop: &Stop| {
        let attributes = Attributes::default()
            .text("posthaste.account.id", stop.account.to_string())
            .text("posthaste.verdict", stop.end.as_str());
        event("account_passed", after(record, stop.began_us), attributes)
    };
    let unasked = record.stops.iter().filter(|stop| stop.attempt.is_none() && stop.end != StopEnd::Abandoned);
    let mut events: Vec<_> = steps.chain(unasked.map(passed)).collect();
    events.sort_by_key(|event| event.time_unix_nano);
    events
}

fn event(name: &str, at: u64, attributes: Attributes) -> Event {
    Event {
        time_unix_nano: at,
        name: format!("posthaste.{name}"),
        attributes: attributes.0,
        ..Event::default()
    }
}

fn named(request: &TracedRequest, span: SpanId, name: String) -> Span {
    let trace_id = request.context.trace.to_bytes().to_vec();
    Span { trace_id, span_id: span.to_bytes().to_vec(), name, ..Span::default() }
}

fn failed(error: &str) -> Status {
    Status { message: error.to_owned(), code: StatusCode::Error.into() }
}

fn after(record: &RequestRecord, micros: u64) -> u64 {
    nanos(record.received_at).saturating_add(micros.saturating_mul(1_000))
}

fn nanos(at: Timestamp) -> u64 {
    u64::try_from(at.as_micros()).unwrap_or(0).saturating_mul(1_000)
}

/// Recorded; and whether the parent is elsewhere is known.
const FLAGS: u32 = 1 | SpanFlags::ContextHasIsRemoteMask as u32;
