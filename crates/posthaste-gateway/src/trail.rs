//! What is noted of a request on its way, so that it can be explained.
//!
//! Noting costs the request little: numbers and handles are put down as they are, and when all of it is over the whole is
//! handed to the recorder, which puts it into words and into the store. Nothing here waits, and nothing fails.

mod limits;
pub(crate) mod sketch;
mod traced;

use std::{borrow::Cow, sync::Arc};

use http::Uri;
use parking_lot::Mutex;
use posthaste_core::{
    AccountId, AnswerWords, AttemptRow, CapturedBodies, ConversationFound, Estimated, Fault, FaultKind,
    Origin, RecordedFault, Repairs, RequestRecord, RequestSteps, Rest, Stop, StopEnd, Surface, Timestamp,
    TraceContext,
};
use posthaste_scheduler::Parked;
use posthaste_storage::Refusal;
use posthaste_wire::Envelope;
use tokio::time::Instant;

pub(crate) use self::limits::unit;
use self::{limits::checked, sketch::PlanSketch, traced::Traced};
use crate::{
    Call, Caller,
    capture::{Capture, Captured, Piece},
    limits::{Estimate, Hold},
    live::{Live, Spent},
    planning::Course,
    recorder::Recorder,
};

/// A request's trail. Clones lead to the same one; with the last of them it is handed over. Where nothing is recorded it is
/// empty, and noting does nothing.
#[derive(Clone, Default)]
pub(crate) struct Trail {
    open: Option<Arc<Open>>,
    trace: Option<TraceContext>,
}

struct Open {
    /// Taken when it is handed over.
    draft: Mutex<Option<Box<Draft>>>,
    recorder: Arc<Recorder>,
}

/// A record under way. Its plans are still as the scheduler made them.
pub(crate) struct Draft {
    record: RequestRecord,
    sketches: Vec<PlanSketch>,
    captured: Option<Box<Captured>>,
    received: Instant,
    /// What only a trace tells, where the request has one that is recorded.
    traced: Option<Box<Traced>>,
    caller: Caller,
    spent: Spent,
}

impl Trail {
    /// The trail of a request that leaves none, but for its place in a trace.
    pub(crate) const fn untrodden(trace: Option<TraceContext>) -> Self {
        Self { open: None, trace }
    }

    /// Begins a trail with what the body and the path said.
    pub(crate) fn begin(
        recorder: &Arc<Recorder>,
        call: &Call,
        envelope: &Envelope,
        (capture, trace): (Capture, Option<TraceContext>),
        now: Timestamp,
    ) -> Self {
        let Surface { dialect, packing } = call.surface;
        let record = RequestRecord {
            id: call.id,
            received_at: now.minus(call.received.elapsed()),
            key_id: call.caller.key().id,
            dialect,
            packing,
            operation: call.operation,
            streamed: envelope.stream,
            pinned: call.path.pinned,
            model: envelope.model.clone(),
            prompt_bytes: call.body.len() as u64,
            revision: recorder.revision(),
            conversation: None,
            answer_home: None,
            repaired: None,
            estimated: None,
            limits: Vec::new(),
            rounds: 0,
            plans: Vec::new(),
            stops: Vec::new(),
            more_stops: 0,
            steps: RequestSteps { peeked_us: Some(micros(call.received)), ..RequestSteps::default() },
            status: None,
            fault: None,
            bodies_missed: matches!(capture, Capture::NoRoom),
        };
        let captured = match capture {
            Capture::Begun(captured) => Some(captured),
            Capture::NoRoom | Capture::Unwanted => None,
        };
        recorder.live().began(&record, &call.caller);
        let draft = Box::new(Draft {
            record,
            sketches: Vec::new(),
            captured,
            received: call.received,
            traced: Traced::begin(trace, call),
            caller: call.caller.clone(),
            spent: Spent::default(),
        });
        let open = Open { draft: Mutex::new(Some(draft)), recorder: Arc::clone(recorder) };
        Self { open: Some(Arc::new(open)), trace }
    }

    /// The request's place in a trace.
    pub(crate) const fn trace(&self) -> Option<&TraceContext> {
        self.trace.as_ref()
    }

    /// An attempt goes to this address.
    pub(crate) fn asks(&self, uri: &Uri) {
        self.note_traced(|traced| traced.asks(uri));
    }

    /// Whether somebody wants to know what answers say of themselves.
    pub(crate) fn is_traced(&self) -> bool {
        self.open.is_some() && self.trace.is_some_and(|trace| trace.sampled)
    }

    /// The answer of the attempt that is booked next said this of itself.
    pub(crate) fn answered_with(&self, answer: AnswerWords) {
        self.note_traced(|traced| traced.answered(answer));
    }

    /// An attempt is booked.
    pub(crate) fn booked(&self, row: &AttemptRow) {
        self.note(|draft| {
            draft.spent.add(row);
            if let Some(traced) = &mut draft.traced {
                traced.booked(row);
            }
        });
    }

    fn note_traced(&self, note: impl FnOnce(&mut Traced)) {
        if self.trace.is_some_and(|trace| trace.sampled) {
            self.note(|draft| {
                if let Some(traced) = &mut draft.traced {
                    note(traced);
                }
            });
        }
    }

    /// The client key may ask for the model, and the conversation was put right where that was wanted.
    pub(crate) fn admitted(&self, repaired: Option<Repairs>) {
        self.note(|draft| {
            draft.record.repaired = repaired;
            draft.record.steps.admitted_us = Some(micros(draft.received));
        });
    }

    /// The client key's limits let the request through.
    pub(crate) fn reserved(&self, estimate: &Estimate, hold: Option<&Hold>) {
        self.note(|draft| {
            draft.estimate(estimate);
            draft.record.limits = hold.map(checked).unwrap_or_default();
        });
    }

    /// One of the client key's limits did not.
    pub(crate) fn refused_by(&self, estimate: &Estimate, refusal: &Refusal) {
        self.note(|draft| {
            draft.estimate(estimate);
            draft.record.limits = vec![limits::refused(refusal)];
        });
    }

    /// The conversation that it is part of, and whose answer it goes on from.
    pub(crate) fn belongs_to(&self, conversation: Option<ConversationFound>, home: Option<AccountId>) {
        self.note(|draft| {
            draft.record.conversation = conversation;
            draft.record.answer_home = home;
        });
    }

    /// A plan was made. The first and the last are kept.
    pub(crate) fn planned(&self, course: &Course<'_>) {
        self.note(|draft| {
            draft.record.rounds = draft.record.rounds.saturating_add(1);
            draft.record.steps.planned_us.get_or_insert(micros(draft.received));
            draft.sketches.truncate(1);
            draft.sketches.push(PlanSketch::of(course, draft.record.rounds));
        });
    }

    /// It is an account's turn.
    pub(crate) fn turn_to(&self, account: AccountId, leg: usize) {
        self.note(|draft| {
            if draft.record.stops.len() >= MOST_STOPS {
                // The last ones tell how it ended.
                draft.record.stops.remove(MOST_STOPS / 2);
                draft.record.more_stops = draft.record.more_stops.saturating_add(1);
            }
            draft.record.stops.push(Stop {
                account,
                leg: u16::try_from(leg).unwrap_or(u16::MAX),
                attempt: None,
                began_us: micros(draft.received),
                ready_us: None,
                sent_us: None,
                head_us: None,
                content_us: None,
                ended_us: None,
                end: StopEnd::default(),
                rest: None,
                limits: Vec::new(),
            });
        });
    }

    /// Its credential is there and the request is made.
    pub(crate) fn ready(&self) {
        self.at_stop(|stop, now| stop.ready_us = Some(now));
    }

    /// The request is handed over to be sent.
    pub(crate) fn sent(&self, attempt: u16) {
        self.at_stop(|stop, now| {
            stop.attempt = Some(attempt);
            stop.sent_us = Some(now);
        });
    }

    /// The upstream's head is there.
    pub(crate) fn head(&self) {
        self.at_stop(|stop, now| stop.head_us = Some(now));
    }

    /// Content is there.
    pub(crate) fn content(&self) {
        self.at_stop(|stop, now| stop.content_us = Some(now));
    }

    /// The attempt is booked.
    pub(crate) fn over(&self) {
        self.at_stop(|stop, now| stop.ended_us = Some(now));
    }

    /// What came of the turn. What was said first is the reason; later words only follow from it.
    pub(crate) fn end(&self, end: StopEnd) {
        self.at_stop(|stop, now| {
            if stop.end == StopEnd::default() {
                stop.end = end;
            }
            if end != StopEnd::Delivered {
                stop.ended_us.get_or_insert(now);
            }
        });
    }

    /// The account was given a rest.
    pub(crate) fn rests(&self, parked: &Parked) {
        self.at_stop(|stop, _| stop.rest = Some(rest(parked)));
    }

    /// A limit of the account, or of a pool of its, let the request through.
    pub(crate) fn seated(&self, hold: &Hold) {
        self.at_stop(|stop, _| stop.limits.extend(checked(hold)));
    }

    /// Or did not.
    pub(crate) fn unseated(&self, refusal: &Refusal) {
        self.at_stop(|stop, _| stop.limits.push(limits::refused(refusal)));
    }

    /// The client is given the head of an answer.
    pub(crate) fn answered(&self, status: u16) {
        self.note(|draft| {
            draft.record.status = Some(status);
            draft.record.steps.answered_us.get_or_insert(micros(draft.received));
        });
    }

    /// The client is told a fault.
    pub(crate) fn failed(&self, fault: &Fault) {
        self.note(|draft| {
            let message = own_words(fault).map(|words| words.chars().take(MOST_WORDS).collect());
            if let Some(traced) = &mut draft.traced {
                traced.failed(&draft.record, fault);
            }
            draft.record.fault = Some(RecordedFault { kind: fault.kind, origin: fault.origin, message });
        });
    }

    /// Whether the request's bodies are captured.
    pub(crate) fn captures(&self) -> bool {
        let mut captures = false;
        self.note(|draft| captures = draft.captured.is_some());
        captures
    }

    /// What was delivered of the answer's body.
    pub(crate) fn captured_answer(&self, answer: Piece) {
        self.note(|draft| {
            if let Some(captured) = &mut draft.captured {
                captured.answered(answer);
            }
        });
    }

    fn at_stop(&self, note: impl FnOnce(&mut Stop, u64)) {
        self.note(|draft| {
            let now = micros(draft.received);
            if let Some(stop) = draft.record.stops.last_mut() {
                note(stop, now);
            }
        });
    }

    fn note(&self, note: impl FnOnce(&mut Draft)) {
        if let Some(open) = &self.open
            && let Some(draft) = open.draft.lock().as_mut()
        {
            note(draft);
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(mut draft) = self.draft.get_mut().take() {
            draft.end();
            if let Some(traced) = draft.traced.take() {
                self.recorder.tell(traced.end(&draft.record));
            }
            self.recorder.hand_over(draft);
        }
    }
}

impl Draft {
    fn estimate(&mut self, estimate: &Estimate) {
        let (tokens, cost) = estimate.reserve();
        self.record.estimated = Some(Estimated { tokens, cost });
        self.record.steps.reserved_us = Some(micros(self.received));
    }

    fn end(&mut self) {
        let RequestRecord { stops, steps, .. } = &mut self.record;
        // An upstream's connection may be read on for a while after all was said.
        let said = stops.last().filter(|stop| stop.end == StopEnd::Delivered).and_then(|stop| stop.ended_us);
        let now = micros(self.received);
        steps.ended_us = said.map_or(now, |said| said.max(steps.answered_us.unwrap_or(0)));
    }

    /// It is told to whoever watches.
    pub(crate) fn tell(&self, live: &Live) {
        live.ended(&self.record, &self.caller, self.spent);
    }

    /// The record in words, and the bodies that were captured.
    pub(crate) fn finish(self) -> (RequestRecord, Option<CapturedBodies>) {
        let plans = self.sketches.into_iter().map(PlanSketch::into_plan).collect();
        (RequestRecord { plans, ..self.record }, self.captured.map(|captured| captured.finish()))
    }
}

/// What a fault says, unless it may quote the client's body: complaints about a request do, the relay's and the vendors'.
fn own_words(fault: &Fault) -> Option<&str> {
    match &fault.message {
        Cow::Borrowed(words) => Some(words),
        Cow::Owned(words) => {
            let quotes = fault.kind == FaultKind::InvalidRequest || fault.origin == Origin::Upstream;
            (!quotes).then_some(words.as_str())
        }
    }
}

fn rest(parked: &Parked) -> Rest {
    let why = if parked.why.len() <= MOST_WORDS {
        Arc::clone(&parked.why)
    } else {
        parked.why.chars().take(MOST_WORDS).collect::<String>().into()
    };
    Rest { reason: parked.reason, until: parked.until, why }
}

fn micros(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
}

/// More than any sound configuration makes: routes are long where they are long, and each leg has its attempts.
const MOST_STOPS: usize = 64;

/// The most characters of what an upstream or the relay said.
const MOST_WORDS: usize = 500;
