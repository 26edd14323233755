//! Errors: the relay's own in every dialect, and an upstream's amid a stream.

use posthaste_core::{Dialect, Fault, FaultKind, Origin, RequestId};
use posthaste_wire::{Frame, Framing, Splitter, UpstreamError, fault, read_error_answer, read_error_frame};

use crate::{journey::stream, outcome::Outcome, table::Row};

/// A line a kind of fault: its name, and in each dialect the status with the words that the client gets.
pub(crate) fn table() -> Vec<(&'static str, Vec<String>)> {
    FaultKind::ALL
        .into_iter()
        .map(|kind| {
            (kind.as_str(), Dialect::ALL.into_iter().map(|dialect| rendered(dialect, kind)).collect())
        })
        .collect()
}

fn rendered(dialect: Dialect, kind: FaultKind) -> String {
    let rendered = fault::render(dialect, &of_kind(kind), request_id());
    let error = read_error_answer(dialect, &rendered.headers, &rendered.body);
    let UpstreamError { kind, code, message, .. } = error.expect("what is told as an error is read as one");
    assert_eq!(message, MESSAGE, "{dialect}");
    let code = code.filter(|code| *code != rendered.status.as_str() && *code != kind);
    let code = code.map_or(String::new(), |code| format!(", `{code}`"));
    format!("{} `{kind}`{code}", rendered.status.as_str())
}

/// One row a kind of fault that can strike when the answer has begun.
pub(crate) fn rows(client: Dialect, upstreams: &[Dialect]) -> Vec<Row> {
    AMID.iter()
        .map(|(feature, kind)| Row {
            feature,
            cells: upstreams.iter().map(|upstream| outcome(*kind, *upstream, client)).collect(),
        })
        .collect()
}

const AMID: &[(&str, FaultKind)] = &[
    ("too many requests", FaultKind::RateLimited),
    ("overloaded", FaultKind::Overloaded),
    ("a failure of the vendor's", FaultKind::UpstreamFailed),
    ("too slow", FaultKind::Timeout),
];

/// An upstream tells a fault in its own words; the client must get it in those of its dialect.
fn outcome(kind: FaultKind, upstream: Dialect, client: Dialect) -> Outcome {
    let event = |dialect| fault::render_event(dialect, &of_kind(kind), request_id());
    let streamed = stream(upstream, client, &event(upstream)).unwrap();
    let Some(told) = read(client, &streamed.bytes) else {
        return Outcome::Silent("no error in the client's stream".to_owned());
    };
    let wanted = read(client, &event(client)).unwrap();
    assert!(told.message.contains(MESSAGE), "{upstream} to {client}: {told:?}");
    if (&told.kind, &told.code) == (&wanted.kind, &wanted.code) {
        return Outcome::Exact;
    }
    let code = told.code.map_or(String::new(), |code| format!(", `{code}`"));
    Outcome::Degraded(format!("told as `{}`{code}", told.kind))
}

fn read(dialect: Dialect, stream: &[u8]) -> Option<UpstreamError> {
    let mut error = None;
    let mut splitter = Splitter::new(Framing::Sse);
    let mut look = |frame: Frame<'_>| {
        error = error.take().or_else(|| read_error_frame(dialect, frame));
    };
    splitter.push(stream, &mut look).unwrap();
    splitter.finish(&mut look).unwrap();
    error
}

fn of_kind(kind: FaultKind) -> Fault {
    Fault::new(kind, Origin::Relay, MESSAGE)
}

fn request_id() -> RequestId {
    RequestId::generate()
}

const MESSAGE: &str = "No.";
