//! Step 10, deliver: a stream on its way to the client.

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame};
use posthaste_core::{
    AttemptOutcome, Dialect, Fault, FaultKind, Origin, RelayBody, TransportError, UsageSource,
};
use posthaste_storage::Booked;
use posthaste_translate::StreamTranslator;
use posthaste_wire::{
    Progress, StreamTap,
    fault::{keep_alive, render_event},
};

use crate::{
    pulse::{Beat, Pulse},
    settle::{AttemptBook, Ending},
};

/// An upstream's stream, watched by a tap, translated where the dialects differ, and booked when it ends.
///
/// It exists from the upstream's head on; `open.rs` reads it up to the first content, and from then on it is the body of
/// the client's answer.
pub(crate) struct StreamAnswer {
    upstream: Option<RelayBody>,
    tap: StreamTap,
    translator: Option<StreamTranslator>,
    pub(crate) book: AttemptBook,
    client_dialect: Dialect,
    /// What is ready for the client.
    ready: VecDeque<Bytes>,
    ready_bytes: usize,
    pulse: Pulse,
    stage: Stage,
}

enum Stage {
    /// The upstream is speaking.
    Flowing,
    /// The end was seen; under strict accounting nothing more leaves until it is booked.
    Booking(Booked),
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
    /// What the account's health is told; `None` when the upstream's error event has told it.
    pub(crate) why: Option<String>,
}

impl Broken {
    pub(crate) fn new(kind: FaultKind, message: &'static str, why: impl Into<String>) -> Self {
        Self { fault: Fault::new(kind, Origin::Upstream, message), why: Some(why.into()) }
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
    pub(crate) fn new(
        upstream: RelayBody,
        upstream_dialect: Dialect,
        translator: Option<StreamTranslator>,
        book: AttemptBook,
    ) -> Self {
        let journey = book.journey();
        let options = &journey.engine.options;
        Self {
            upstream: Some(upstream),
            tap: StreamTap::new(upstream_dialect),
            translator,
            client_dialect: journey.call.dialect,
            pulse: Pulse::new(options.keep_alive, options.gap_timeout),
            book,
            ready: VecDeque::with_capacity(4),
            ready_bytes: 0,
            stage: Stage::Flowing,
        }
    }

    /// The tap, for the error event that a stream opened with.
    pub(crate) fn tap(&self) -> &StreamTap {
        &self.tap
    }

    /// Whether the upstream has sent so many whole events without content (pings, say) that it is taken at its word.
    pub(crate) fn stalls_for_long(&self) -> bool {
        self.ready_bytes >= MOST_HELD_BYTES && self.tap.at_boundary()
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

    /// Takes a piece in: the tap looks at it, and it becomes ready, as it is or translated.
    pub(crate) fn absorb(&mut self, piece: Bytes) -> Result<Progress, Broken> {
        let progress = self.tap.push(&piece).map_err(|error| Broken::cut(error.to_string()))?;
        let piece = match self.tap.terminated_at() {
            Some(end) => piece.slice(..end),
            None => piece,
        };
        self.make_ready(piece, progress == Progress::Ended)?;
        Ok(progress)
    }

    /// Takes the upstream's end in: legal, mendable or a cut.
    pub(crate) fn absorb_end(&mut self) -> Result<Progress, Broken> {
        let progress = self.tap.finish().map_err(|error| Broken::cut(error.to_string()))?;
        match self.tap.closing() {
            Some(closing) => {
                self.make_ready(closing, true)?;
                Ok(Progress::Ended)
            }
            None if progress == Progress::Failed => Ok(progress),
            None if progress == Progress::Ended => {
                self.make_ready(Bytes::new(), true)?;
                Ok(progress)
            }
            None => Err(Broken::cut("the stream ended without its terminator")),
        }
    }

    fn make_ready(&mut self, piece: Bytes, ended: bool) -> Result<(), Broken> {
        let piece = match &mut self.translator {
            None => piece,
            Some(translator) => {
                let mut out = Vec::with_capacity(piece.len());
                translator
                    .push(&piece, &mut out)
                    .and_then(|()| if ended { translator.finish(&mut out) } else { Ok(()) })
                    .map_err(|error| Broken::cut(error.to_string()))?;
                out.into()
            }
        };
        if !piece.is_empty() {
            self.ready_bytes += piece.len();
            self.ready.push_back(piece);
        }
        Ok(())
    }

    /// From here on this is the body of the client's answer.
    pub(crate) fn commit(mut self, progress: Progress) -> Self {
        self.book.commit();
        self.after(progress);
        self
    }

    fn after(&mut self, progress: Progress) {
        match progress {
            Progress::Opening | Progress::Content => {}
            Progress::Ended => self.complete(),
            Progress::Failed => {
                let why = self
                    .tap
                    .error()
                    .map_or_else(String::new, |error| format!("{}: {}", error.kind, error.message));
                self.book.rest_as_failing(format!("error event within the answer: {why}"));
                self.end(AttemptOutcome::Failed(FaultKind::UpstreamFailed));
            }
        }
    }

    fn complete(&mut self) {
        self.book.phase = posthaste_core::AttemptPhase::Finished;
        self.pulse.linger(LINGER);
        self.stage = match self.settle(AttemptOutcome::Complete) {
            Some(booked) => Stage::Booking(booked),
            None => Stage::Lingering,
        };
    }

    fn end(&mut self, outcome: AttemptOutcome) {
        drop(self.settle(outcome));
        self.upstream = None;
        self.stage = Stage::Closing;
    }

    fn break_off(&mut self, broken: &Broken) {
        if let Some(why) = &broken.why {
            self.book.rest_as_failing(why.clone());
        }
        // An event that was cut off is ended, so that the next one is not taken for a part of it.
        if self.translator.is_none() && !self.tap.at_boundary() {
            self.ready.push_back(Bytes::from_static(b"\n\n"));
        }
        let id = self.book.journey().call.id;
        self.ready.push_back(render_event(self.client_dialect, &broken.fault, id));
        self.end(AttemptOutcome::Cut);
    }

    /// Books the attempt with what the tap has seen.
    pub(crate) fn settle(&mut self, outcome: AttemptOutcome) -> Option<Booked> {
        let (usage, source) = (self.tap.usage(), self.tap.usage_source());
        // A whole answer costs something even if the upstream tells no numbers.
        let source = match (outcome, source) {
            (AttemptOutcome::Complete, UsageSource::None) => UsageSource::Estimated,
            (_, source) => source,
        };
        self.book.settle(Ending { outcome, usage, source })
    }

    fn next_ready(&mut self) -> Option<Frame<Bytes>> {
        let piece = self.ready.pop_front()?;
        self.ready_bytes -= piece.len().min(self.ready_bytes);
        self.book.deliver(piece.len());
        Some(Frame::data(piece))
    }

    /// Moves on as far as the upstream allows; ready with whether anything may follow.
    fn poll_flow(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.poll_upstream(cx) {
            Poll::Ready(Some(Ok(piece))) => {
                self.pulse.heard();
                match self.absorb(piece) {
                    Ok(progress) => self.after(progress),
                    Err(broken) => self.break_off(&broken),
                }
            }
            Poll::Ready(Some(Err(error))) => self.break_off(&Broken::cut(error.to_string())),
            Poll::Ready(None) => match self.absorb_end() {
                Ok(progress) => self.after(progress),
                Err(broken) => self.break_off(&broken),
            },
            Poll::Pending => match ready!(self.pulse.poll(cx)) {
                Beat::Gap => {
                    let gap = self.book.journey().engine.options.gap_timeout;
                    self.break_off(&Broken::silent(gap));
                }
                Beat::KeepAlive if self.tap.at_boundary() => {
                    self.ready.push_back(keep_alive(self.client_dialect))
                }
                Beat::KeepAlive => {}
            },
        }
        Poll::Ready(())
    }

    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.poll_upstream(cx) {
            Poll::Ready(Some(Ok(_))) => Poll::Ready(()),
            Poll::Ready(Some(Err(_)) | None) => {
                self.stage = Stage::Closing;
                Poll::Ready(())
            }
            Poll::Pending => {
                ready!(self.pulse.poll(cx));
                self.upstream = None;
                self.stage = Stage::Closing;
                Poll::Ready(())
            }
        }
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
            if let Stage::Booking(booked) = &mut this.stage {
                if let Err(error) = ready!(Pin::new(booked).poll(cx)) {
                    tracing::error!(%error, "an attempt could not be booked before its answer's end");
                }
                this.stage = Stage::Lingering;
            }
            if let Some(frame) = this.next_ready() {
                return Poll::Ready(Some(Ok(frame)));
            }
            match this.stage {
                Stage::Flowing => ready!(this.poll_flow(cx)),
                Stage::Lingering => ready!(this.poll_linger(cx)),
                Stage::Closing => return Poll::Ready(None),
                Stage::Booking(_) => {}
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ready.is_empty() && matches!(self.stage, Stage::Closing)
    }
}

impl Drop for StreamAnswer {
    fn drop(&mut self) {
        drop(self.settle(AttemptOutcome::Cancelled));
    }
}

/// How much of a stream is held back while it has no content.
const MOST_HELD_BYTES: usize = 64 * 1024;

/// How long the upstream may take to end its body after it has said everything.
const LINGER: Duration = Duration::from_secs(2);
