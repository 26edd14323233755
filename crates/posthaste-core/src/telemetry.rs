//! The port through which a request's course is told to who watches from outside, and its place in a trace.
//!
//! Names and forms are those of W3C Trace Context (<https://www.w3.org/TR/trace-context-2/>).

use std::{fmt, sync::Arc};

use crate::{AttemptRow, RequestId, RequestRecord};

/// Is told of requests and attempts. Telling never waits and never fails; what there is no room for is lost and counted.
pub trait Telemetry: Send + Sync + 'static {
    /// Whether requests may be traced at all; else nobody need look for what only a trace would tell.
    fn traces(&self) -> bool;

    /// A request came in, with this `traceparent` if its client sent one: its place in a trace, if it is to have one.
    fn begin(&self, id: RequestId, traceparent: Option<&str>) -> Option<TraceContext>;

    /// An attempt is booked.
    fn attempt(&self, row: &AttemptRow);

    /// A request whose context is [`sampled`](TraceContext::sampled) is over.
    fn end(&self, request: Box<TracedRequest>);
}

/// Tells nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTelemetry;

impl Telemetry for NoTelemetry {
    fn traces(&self) -> bool {
        false
    }

    fn begin(&self, _: RequestId, _: Option<&str>) -> Option<TraceContext> {
        None
    }

    fn attempt(&self, _: &AttemptRow) {}

    fn end(&self, _: Box<TracedRequest>) {}
}

/// A request's place in a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace.
    pub trace: TraceId,
    /// The span in which the client sent the request, where it told one.
    pub parent: Option<SpanId>,
    /// Whether the request is recorded.
    pub sampled: bool,
    /// Whether upstreams are told.
    pub told_upstream: bool,
}

impl TraceContext {
    /// The `traceparent` of an attempt, for its upstream; `None` where upstreams are not told.
    pub fn for_upstream(&self, request: RequestId, attempt: u16) -> Option<String> {
        let flags = u8::from(self.sampled);
        let span = SpanId::of_attempt(request, attempt);
        self.told_upstream.then(|| format!("00-{}-{span}-{flags:02x}", self.trace))
    }
}

/// What a client's `traceparent` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceParent {
    /// The trace.
    pub trace: TraceId,
    /// The client's span.
    pub span: SpanId,
    /// Whether the client records it.
    pub sampled: bool,
}

impl TraceParent {
    /// Reads a header; `None` for one that is none, which W3C has ignored. Later versions may say more behind what this one
    /// knows.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim_matches([' ', '\t']);
        let mut parts = text.splitn(5, '-');
        let mut part = |digits: usize| {
            let part = parts.next()?;
            let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
            (part.len() == digits && part.bytes().all(hex)).then_some(part)
        };
        let (version, trace, span, flags) = (part(2)?, part(32)?, part(16)?, part(2)?);
        let more = parts.next().is_some();
        if version == "ff" || (version == "00" && more) {
            return None;
        }
        let trace = u128::from_str_radix(trace, 16).ok().filter(|id| *id != 0)?;
        let span = u64::from_str_radix(span, 16).ok().filter(|id| *id != 0)?;
        let flags = u8::from_str_radix(flags, 16).ok()?;
        Some(Self { trace: TraceId(trace), span: SpanId(span), sampled: flags & SAMPLED != 0 })
    }
}

/// A trace. Its hexadecimal form is what is searched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TraceId(u128);

impl TraceId {
    /// The trace of a request whose client told none: it has the request's own identity, so that who knows the one finds the
    /// other.
    pub fn of(request: RequestId) -> Self {
        Self(request.uuid().as_u128())
    }

    /// As the protocol writes it.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    /// The 32 bits by which is decided what is recorded. Those before them are counted up within a millisecond
    /// (RFC 9562, section 6.2), and would take or leave all that came in it.
    pub const fn chance(self) -> u32 {
        self.0 as u32
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// A span within a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SpanId(u64);

impl SpanId {
    /// A request's. Never zero: two bits of every identity are set.
    pub fn of_request(request: RequestId) -> Self {
        Self(request.uuid().as_u64_pair().1)
    }

    /// That of one of its attempts, which are counted from 1.
    pub fn of_attempt(request: RequestId, attempt: u16) -> Self {
        Self(Self::of_request(request).0.wrapping_add(u64::from(attempt)).max(1))
    }

    /// As the protocol writes it.
    pub const fn to_bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// A request that is over, as far as a trace tells of it: never what was asked or answered.
#[derive(Clone, Debug)]
pub struct TracedRequest {
    /// Its place in the trace.
    pub context: TraceContext,
    /// The path that it came in at, parameters in braces; `None` where it did not come by a path of its own.
    pub route: Option<Arc<str>>,
    /// The status that its client was told, if it was told one.
    pub status: Option<u16>,
    /// Its record, without the plans.
    pub record: RequestRecord,
    /// Its attempts.
    pub attempts: Vec<TracedAttempt>,
}

/// One of its attempts.
#[derive(Clone, Debug)]
pub struct TracedAttempt {
    /// As booked.
    pub row: AttemptRow,
    /// Host and port that were asked.
    pub server: Option<(String, u16)>,
    /// What the answer said of itself.
    pub answer: AnswerWords,
}

/// What an answer says of itself, in the words of its dialect. Empty where it said nothing, or did not come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnswerWords {
    /// The model that it names.
    pub model: Option<String>,
    /// Why it stopped, choice by choice; a word that several choices share stands once.
    pub finish_reasons: Vec<String>,
}

/// A flag of a `traceparent`: the sender records the trace. That an identity's last 56 bits are by chance, which is another one, is never
/// said: a UUID that is made within the same millisecond as another differs in its last 32 by chance.
const SAMPLED: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_traceparent_is_read_as_w3c_says() {
        let parent = TraceParent::parse(PARENT).unwrap();
        assert_eq!(parent.trace.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(parent.span.to_string(), "00f067aa0ba902b7");
        assert!(parent.sampled);
        assert!(!TraceParent::parse(&PARENT.replace("-01", "-02")).unwrap().sampled);
        // A later version may say more.
        let later = format!("{}-more", PARENT.replacen("00", "cc", 1));
        assert_eq!(TraceParent::parse(&later).unwrap().trace, parent.trace);
        for bad in [
            "",
            "00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e47é-00f067aa0ba902b7-01",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(TraceParent::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn upstreams_are_told_only_where_that_is_wanted() {
        let id = RequestId::generate();
        let context =
            TraceContext { trace: TraceId::of(id), parent: None, sampled: true, told_upstream: false };
        assert_eq!(context.for_upstream(id, 1), None);
        let told = TraceContext { told_upstream: true, ..context }.for_upstream(id, 2).unwrap();
        let read = TraceParent::parse(&told).unwrap();
        assert_eq!((read.trace, read.span), (context.trace, SpanId::of_attempt(id, 2)));
        assert!(read.sampled && told.ends_with("-01"), "{told}");
        let unsampled = TraceContext { told_upstream: true, sampled: false, ..context };
        assert!(!TraceParent::parse(&unsampled.for_upstream(id, 1).unwrap()).unwrap().sampled);
    }

    #[test]
    fn a_trace_is_found_by_its_requests_identity() {
        let id = RequestId::generate();
        assert_eq!(TraceId::of(id).to_string(), id.uuid().simple().to_string());
        let spans = [SpanId::of_request(id), SpanId::of_attempt(id, 1), SpanId::of_attempt(id, 2)];
        assert!(spans[0] != spans[1] && spans[1] != spans[2] && spans[0] != spans[2]);
        assert_eq!(u128::from(TraceId::of(id).chance()), id.uuid().as_u128() & u128::from(u32::MAX));
    }
}
