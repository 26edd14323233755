//! Step 10, deliver: a stream on its way to the client.

mod body;
mod outbox;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame};
use posthaste_core::{
    AttemptOutcome, AttemptPhase, Fault, FaultKind, Origin, RelayBody, Surface, TransportError, UsageSource,
    fields,
};
use posthaste_storage::Booked;
use posthaste_wire::{
    Framing, JsonArrayWriter, Progress, StreamTap, event_stream,
    fault::{keep_alive, render_event},
};

pub(crate) use self::body::StreamBody;
use self::outbox::Outbox;
use crate::{
    prepare::WayBack,
    pulse::{Beat, Pulse},
    settle::{AttemptBook, BOOKING_STEP, BOOKING_STEPS, Ending, not_booked},
    transcode::{Transcoder, own_events},
};

/// An upstream's stream, watched by a tap, translated where the dialects differ, and booked when it ends.
///
/// It exists from the upstream's head on; `open.rs` reads it up to the first content, and from then on it is the body of
/// the client's answer.
pub(crate) struct StreamAnswer {
    upstream: Option<RelayBody>,
    tap: StreamTap,
    transcoder: Option<Transcoder>,
    pub(crate) book: Box<AttemptBook>,
    client: Surface,
    /// Whether the client has been given a part of the answer.
    begun: bool,
    /// Whether the client has left, and the rest is read for the books alone.
    left: bool,
    outbox: Outbox,
    absorbed_bytes: usize,
    pulse: Pulse,
    stage: Stage,
    /// How many more turns the upstream's connection gets to bring more, before what is ready leaves.
    turns_left: u8,
}

enum Stage {
    /// The upstream is speaking.
    Flowing,
    /// The end was seen; under strict accounting nothing more leaves until it is booked. So many steps are left to wait.
    Booking(Booked, u32),
    /// All was said. The upstream's connection is read to its end, so that it can be used again.
    Lingering,
    /// Nothing follows what is ready.
    Closing,
}

/// A stream that broke before it ended.
#[derive(Debug)]
pub(crate) struct Broken {
    /// What the client is told after the commit point.
    pub(crate) fault: Fault,
    /// What the account's health is told.
    pub(crate) why: String,
}

impl Broken {
    pub(crate) fn new(kind: FaultKind, message: &'static str, why: impl Into<String>) -> Self {
        Self { fault: Fault::new(kind, Origin::Upstream, message), why: why.into() }
    }

    pub(crate) fn cut(why: impl Into<String>) -> Self {
        let message = "the upstream broke off: the answer so far is incomplete; ask again";
        Self::new(FaultKind::UpstreamFailed, message, why)
    }

    pub(crate) fn silent(after: Duration) -> Self {
        let message = "the upstream fell silent: the answer so far is incomplete; ask again";
        Self::new(FaultKind::Timeout, message, format!("silent for {} s", after.as_secs()))
    }
}

impl StreamAnswer {
    /// A box, for it is handed on from step to step.
    pub(crate) fn new(
        upstream: RelayBody,
        surface: Surface,
        way_back: WayBack,
        book: Box<AttemptBook>,
    ) -> Box<Self> {
        let journey = book.journey();
        let options = &journey.options;
        let client = journey.surface;
        Box::new(Self {
            upstream: Some(upstream),
            tap: StreamTap::of(surface).listening(journey.trail.is_traced()),
            transcoder: Transcoder::new(surface, client, way_back, &journey.id.to_string()),
            client,
            begun: false,
            left: false,
            pulse: Pulse::new(options.keep_alive, book.gap()),
            book,
            outbox: Outbox::default(),
            absorbed_bytes: 0,
            stage: Stage::Flowing,
            turns_left: GATHERING_TURNS,
        })
    }

    /// The tap, for the error event that a stream opened with.
    pub(crate) fn tap(&self) -> &StreamTap {
        &self.tap
    }

    /// Whether the upstream has sent so many whole events without content (pings, say) that it is taken at its word.
    pub(crate) fn stalls_for_long(&self) -> bool {
        self.outbox.ready_bytes() >= MOST_HELD_BYTES
    }

    /// The next piece from the upstream; `None` at its end.
    pub(crate) fn poll_upstream(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, TransportError>>> {
        loop {
            let Some(upstream) = &mut self.upstream else { return Poll::Ready(None) };
            match ready!(Pin::new(upstream).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) if data.is_empty() => {}
                    Ok(data) => return Poll::Ready(Some(Ok(data))),
                    // Trailers are the upstream's own.
                    Err(_) => {}
                },
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => {
                    self.upstream = None;
                    return Poll::Ready(None);
                }
            }
        }
    }

    /// Takes a piece in: the tap looks at it, and its whole events become ready, as they are or translated.
    pub(crate) fn absorb(&mut self, piece: Bytes) -> Result<Progress, Broken> {
        self.absorbed_bytes += piece.len();
        let progress = self.tap.push(&piece).map_err(|error| Broken::cut(error.to_string()))?;
        let boundary = self.tap.last_boundary();
        let piece = match self.tap.terminated_at() {
            Some(end) => piece.slice(..end),
            None => piece,
        };
        match self.transcoder {
            None => self.outbox.push(piece, boundary),
            Some(_) => self.transcode(&piece, progress == Progress::Ended)?,
        }
        if progress == Progress::Opening && self.absorbed_bytes > MOST_OPENING_BYTES {
            return Err(Broken::cut("too much came without any content"));
        }
        Ok(progress)
    }

    /// Takes the upstream's end in: legal, mendable or a cut.
    pub(crate) fn absorb_end(&mut self) -> Result<Progress, Broken> {
        let progress = self.tap.finish().map_err(|error| Broken::cut(error.to_string()))?;
        let closing = match self.tap.closing() {
            Some(closing) => closing,
            None if progress == Progress::Ended => Bytes::new(),
            None if progress == Progress::Failed => {
                self.outbox.release();
                return Ok(progress);
            }
            None => return Err(Broken::cut("the stream ended without its terminator")),
        };
        match self.transcoder {
            None => {
                self.outbox.release();
                self.end_line();
                self.outbox.push_whole(closing);
            }
            Some(_) => self.transcode(&closing, true)?,
        }
        Ok(Progress::Ended)
    }

    fn transcode(&mut self, piece: &[u8], ended: bool) -> Result<(), Broken> {
        let Some(transcoder) = &mut self.transcoder else { return Ok(()) };
        let mut out = Vec::with_capacity(piece.len() + piece.len() / 2 + ROOM);
        // A fault of the relay's own in here must end this stream and no other.
        let transcoded = catch_unwind(AssertUnwindSafe(|| {
            transcoder.push(piece, &mut out)?;
            if ended { transcoder.finish(&mut out) } else { Ok(()) }
        }));
        match transcoded {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(Broken::cut(error.to_string())),
            Err(_) => return Err(Broken::cut("the relay could not translate the answer")),
        }
        self.outbox.push_whole(out.into());
        Ok(())
    }

    /// From here on this is the body of the client's answer.
    pub(crate) fn commit(&mut self, progress: Progress) {
        self.book.commit();
        self.pulse.deliver();
        self.outbox.let_parts_leave();
        self.after(progress);
    }

    /// Whether more is to come from the upstream that the books do not know yet.
    fn is_flowing(&self) -> bool {
        matches!(self.stage, Stage::Flowing)
    }

    /// The client is gone: nothing is translated or told any more, and the attempt is cancelled however the answer ends.
    fn leave(&mut self) {
        self.note_losses();
        self.left = true;
        self.transcoder = None;
        self.outbox.clear();
    }

    fn after(&mut self, progress: Progress) {
        match progress {
            Progress::Opening | Progress::Content => {}
            Progress::Ended if self.transcoder.as_ref().is_some_and(Transcoder::has_failed) => {
                self.note_losses();
                self.end(AttemptOutcome::Failed(FaultKind::UpstreamFailed));
            }
            Progress::Ended => self.complete(),
            Progress::Failed => {
                let said = self
                    .tap
                    .error()
                    .map_or_else(String::new, |error| format!("{}: {}", error.kind, error.message));
                self.book.rest_as_failing(format!("error event within the answer: {said}"));
                self.outbox.release();
                self.end_framing();
                self.end(AttemptOutcome::Failed(FaultKind::UpstreamFailed));
            }
        }
    }

    fn complete(&mut self) {
        if !self.left {
            self.book.phase = AttemptPhase::Finished;
        }
        self.end_line();
        self.note_losses();
        if let Some(transcoder) = &mut self.transcoder {
            self.book.remember(transcoder.take_remembered());
        }
        if let Some(id) = self.tap.answer_id().filter(|_| self.book.may_be_named()) {
            self.book.note_answer_id(id);
        }
        match self.settle(AttemptOutcome::Complete) {
            Some(booked) => {
                self.pulse.linger(BOOKING_STEP);
                self.stage = Stage::Booking(booked, BOOKING_STEPS);
            }
            None => self.linger(),
        }
    }

    fn note_losses(&mut self) {
        if let Some(transcoder) = &self.transcoder {
            self.book.note_answer_losses(transcoder.losses());
        }
    }

    fn linger(&mut self) {
        self.pulse.linger(LINGER);
        self.stage = Stage::Lingering;
    }

    fn end(&mut self, outcome: AttemptOutcome) {
        drop(self.settle(outcome));
        self.upstream = None;
        self.stage = Stage::Closing;
    }

    /// What follows an upstream's own error where the framing itself has an end.
    fn end_framing(&mut self) {
        let mut out = Vec::new();
        match &mut self.transcoder {
            Some(transcoder) => drop(transcoder.append(b"", true, &mut out)),
            None if self.tap.lacks_array_end() => JsonArrayWriter::resumed().finish(&mut out),
            None => {}
        }
        self.outbox.push_whole(out.into());
    }

    fn break_off(&mut self, broken: &Broken) {
        self.book.rest_as_failing(broken.why.clone());
        self.outbox.abandon_partial();
        self.tell(&broken.fault);
        self.end(AttemptOutcome::Cut);
    }

    fn tell(&mut self, fault: &Fault) {
        let id = self.book.journey().id;
        let event = render_event(self.client.dialect, fault, id);
        self.push_own(&event, true);
    }

    /// Puts an event of the relay's own behind what is ready, framed as the client reads it.
    fn push_own(&mut self, event: &[u8], last: bool) {
        let mut out = Vec::with_capacity(event.len() + 64);
        match &mut self.transcoder {
            // What cannot be framed any more is left out: the client sees the stream break off.
            Some(transcoder) => drop(transcoder.append(event, last, &mut out)),
            None => {
                self.end_line();
                // What is ready goes before it.
                out.extend(own_events(self.client, event, self.begun || !self.outbox.is_empty()));
            }
        }
        self.outbox.push_whole(out.into());
    }

    /// A CR ends a line, and so an event may have ended with one. Some clients know CR LF alone: the LF that did not come is
    /// put behind it.
    fn end_line(&mut self) {
        if self.outbox.ends_with_cr() && self.transcoder.is_none() && Framing::of(self.client) == Framing::Sse
        {
            self.outbox.push_whole(Bytes::from_static(b"\n"));
        }
    }

    /// Books the attempt with what the tap has seen.
    pub(crate) fn settle(&mut self, outcome: AttemptOutcome) -> Option<Booked> {
        let outcome = if self.left { AttemptOutcome::Cancelled } else { outcome };
        if let Some(gap) = self.pulse.take_longest_gap() {
            self.book.journey().engine.metrics.longest_gap(gap);
        }
        if let Some(words) = self.tap.take_words() {
            self.book.journey().trail.answered_with(words);
        }
        // A whole answer costs something even if the upstream tells no numbers.
        let source = match (outcome, self.tap.usage_source()) {
            (AttemptOutcome::Complete, UsageSource::None) => UsageSource::Estimated,
            (_, source) => source,
        };
        let answer_bytes = self.tap.content_bytes();
        self.book.settle(Ending { outcome, usage: self.tap.usage(), source, answer_bytes })
    }

    /// Moves on as far as the upstream allows.
    fn poll_flow(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.poll_upstream(cx) {
            Poll::Ready(Some(Ok(piece))) => {
                self.pulse.heard();
                self.turns_left = GATHERING_TURNS;
                match self.absorb(piece) {
                    Ok(progress) => self.after(progress),
                    Err(broken) => self.break_off(&broken),
                }
                Poll::Ready(())
            }
            Poll::Ready(Some(Err(error))) => {
                self.break_off(&Broken::cut(error.to_string()));
                Poll::Ready(())
            }
            Poll::Ready(None) => {
                match self.absorb_end() {
                    Ok(progress) => self.after(progress),
                    Err(broken) => self.break_off(&broken),
                }
                Poll::Ready(())
            }
            Poll::Pending if self.outbox.is_empty() => self.poll_silence(cx),
            // Pieces that arrive together leave together: writing them one by one would cost a system call each.
            Poll::Pending => {
                self.turns_left = self.turns_left.saturating_sub(1);
                if self.turns_left == 0 {
                    return Poll::Ready(());
                }
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }

    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match ready!(self.pulse.poll(cx)) {
            Beat::Gap => {
                let gap = self.book.gap();
                self.break_off(&Broken::silent(gap));
            }
            Beat::KeepAlive if self.outbox.at_boundary() => {
                self.outbox.push_whole(keep_alive(self.client));
            }
            Beat::KeepAlive => {}
        }
        Poll::Ready(())
    }

    /// Waits for the books. What is ready holds the answer's end, which may leave only if it is in them.
    fn poll_booking(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let fault = loop {
            let Stage::Booking(booked, steps_left) = &mut self.stage else { return Poll::Ready(()) };
            match Pin::new(booked).poll(cx) {
                Poll::Ready(Ok(())) => {
                    self.linger();
                    return Poll::Ready(());
                }
                Poll::Ready(Err(error)) => break not_booked().caused_by(error),
                Poll::Pending => ready!(self.pulse.poll(cx)),
            };
            *steps_left -= 1;
            if *steps_left == 0 {
                break not_booked();
            }
            self.pulse.linger(BOOKING_STEP);
        };
        tracing::error!({ fields::REQUEST_ID } = %self.book.journey().id, cause = ?fault.source, "an answer's end was held back");
        self.outbox.clear();
        self.tell(&fault);
        self.upstream = None;
        self.stage = Stage::Closing;
        Poll::Ready(())
    }

    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.poll_upstream(cx) {
            Poll::Ready(Some(Ok(_))) => return Poll::Ready(()),
            Poll::Ready(Some(Err(_)) | None) => {}
            Poll::Pending => {
                ready!(self.pulse.poll(cx));
            }
        }
        self.upstream = None;
        self.stage = Stage::Closing;
        Poll::Ready(())
    }

    /// Whether what is ready should leave now, rather than wait for what the upstream has at hand.
    fn may_send(&self) -> bool {
        !matches!(self.stage, Stage::Flowing)
            || self.turns_left == 0
            || self.outbox.ready_bytes() >= MOST_GATHERED_BYTES
    }
}

impl Body for StreamAnswer {
    type Data = Bytes;
    type Error = TransportError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        let this = self.get_mut();
        loop {
            if matches!(this.stage, Stage::Booking(..)) {
                ready!(this.poll_booking(cx));
            }
            if this.may_send()
                && let Some(piece) = this.outbox.pop()
            {
                this.begun = true;
                return Poll::Ready(Some(Ok(Frame::data(piece))));
            }
            match this.stage {
                Stage::Flowing => {
                    if this.outbox.is_empty() {
                        this.turns_left = GATHERING_TURNS;
                    }
                    ready!(this.poll_flow(cx));
                }
                Stage::Lingering => ready!(this.poll_linger(cx)),
                Stage::Closing => return Poll::Ready(None),
                Stage::Booking(..) => {}
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.outbox.is_empty() && matches!(self.stage, Stage::Closing)
    }
}

impl Drop for StreamAnswer {
    fn drop(&mut self) {
        drop(self.settle(AttemptOutcome::Cancelled));
    }
}

/// How much of a stream is held back while it has no content.
const MOST_HELD_BYTES: usize = 64 * 1024;

/// How much may come before any content at all: one event of the largest size and what is held back.
const MOST_OPENING_BYTES: usize = event_stream::MAX_PAYLOAD + MOST_HELD_BYTES;

/// How often the upstream is asked in vain before what is ready leaves. Its connection's task hands over one piece a turn
/// and needs a turn to hear that another is wanted: with two, nothing is gathered; with three, the 50 pieces of a quick
/// answer leave in 8 writes instead of 54 (system calls counted on a release of 2026-11-23).
const GATHERING_TURNS: u8 = 3;

/// How much is gathered before it leaves.
const MOST_GATHERED_BYTES: usize = 16 * 1024;

/// How long the upstream may take to end its body after it has said everything.
const LINGER: Duration = Duration::from_secs(2);

/// What an event may be longer by in the client's dialect, so that its room is seldom made anew.
const ROOM: usize = 256;
