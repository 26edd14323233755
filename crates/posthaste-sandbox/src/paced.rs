//! A body that takes its time, or breaks.

use std::{
    collections::VecDeque,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame};
use posthaste_core::TransportError;
use tokio::time::Sleep;

/// One step of a [`PacedBody`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Gives these bytes as one frame.
    Send(Bytes),
    /// Waits before what follows.
    Wait(Duration),
    /// Breaks off, as a lost connection does.
    Break,
    /// Lets the reader pass on what it has.
    Yield,
    /// Gives nothing more and never ends.
    Silence,
}

/// A body that plays its steps as it is polled. Nothing runs beside it, so that dropping it ends everything.
#[derive(Debug)]
pub(crate) struct PacedBody {
    steps: VecDeque<Step>,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl PacedBody {
    pub(crate) fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self { steps: steps.into_iter().collect(), waiting: None }
    }
}

impl Body for PacedBody {
    type Data = Bytes;
    type Error = TransportError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        loop {
            if let Some(waiting) = &mut self.waiting {
                ready!(waiting.as_mut().poll(context));
                self.waiting = None;
            }
            match self.steps.pop_front() {
                None => return Poll::Ready(None),
                Some(Step::Send(bytes)) => return Poll::Ready(Some(Ok(Frame::data(bytes)))),
                Some(Step::Wait(pause)) => self.waiting = Some(Box::pin(tokio::time::sleep(pause))),
                Some(Step::Break) => {
                    self.steps.clear();
                    let cause = "the sandbox broke the connection off, as its fault model says";
                    return Poll::Ready(Some(Err(TransportError::Broken(cause.into()))));
                }
                Some(Step::Yield) => {
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Some(Step::Silence) => {
                    // Nobody needs to be woken: there will never be anything to give.
                    self.steps.push_front(Step::Silence);
                    return Poll::Pending;
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.steps.is_empty() && self.waiting.is_none()
    }
}
