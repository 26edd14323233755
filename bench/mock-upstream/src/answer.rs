//! Bodies of answers: whole, or a stream with its pace and its faults.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep};

use crate::profile::{Fault, Profile};
use crate::stats::Live;
use crate::wire::Api;

pub(crate) enum MockBody {
    Whole(Option<Bytes>),
    Stream(Box<Stream>),
}

/// A stream of a head, `profile.chunks` chunks and a tail.
pub(crate) struct Stream {
    pub(crate) api: Api,
    pub(crate) profile: Profile,
    pub(crate) model: String,
    pub(crate) with_usage: bool,
    pub(crate) live: Live,
    /// 0 is the head, then the chunks from 1 on, then the tail, then the end.
    next: u32,
    begun: Instant,
    timer: Option<Pin<Box<Sleep>>>,
    yielded: bool,
}

type Polled = Poll<Option<Result<Frame<Bytes>, io::Error>>>;

impl Stream {
    pub(crate) fn new(api: Api, profile: Profile, model: String, with_usage: bool, live: Live) -> Self {
        let begun = Instant::now();
        Self { api, profile, model, with_usage, live, next: 0, begun, timer: None, yielded: false }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Polled {
        if self.next == self.profile.chunks + 2 {
            return Poll::Ready(None);
        }
        if self.next > 0 && self.next > self.profile.chunks / 2 {
            match self.profile.fault {
                Fault::Cut if self.yielded => return Poll::Ready(Some(Err(io::Error::other("cut")))),
                Fault::Cut => return self.pass(cx), // what was sent so far goes out first
                Fault::HangMid => return Poll::Pending,
                Fault::None | Fault::Status(_) | Fault::Hang => {}
            }
        }
        if self.waits(cx) {
            return Poll::Pending;
        }
        self.yielded = false;
        Poll::Ready(Some(Ok(Frame::data(self.piece()))))
    }

    /// Whether the next piece is not due yet; its wake-up is arranged then.
    fn waits(&mut self, cx: &mut Context<'_>) -> bool {
        let chunk = self.next > 0 && self.next <= self.profile.chunks;
        if chunk && self.profile.delay_ms > 0 {
            let due = self.begun + Duration::from_millis(self.profile.delay_ms * u64::from(self.next));
            let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
            if timer.as_mut().poll(cx).is_pending() {
                return true;
            }
            self.timer = None;
            return false;
        }
        // Let hyper flush, so that each chunk is its own write, as with a real vendor.
        let flush = self.next > 0 && !self.profile.coalesce && !self.yielded;
        flush && self.pass(cx).is_pending()
    }

    /// Gives hyper a turn before the next poll.
    fn pass(&mut self, cx: &Context<'_>) -> Polled {
        self.yielded = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn piece(&mut self) -> Bytes {
        let at = self.next;
        self.next += 1;
        if at == 0 {
            self.api.stream_head(&self.model, &self.profile)
        } else if at <= self.profile.chunks {
            self.api.stream_chunk(&self.model, at - 1, &self.profile)
        } else {
            self.live.finish();
            self.api.stream_tail(&self.model, &self.profile, self.with_usage)
        }
    }
}

impl Body for MockBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Polled {
        match &mut *self {
            Self::Whole(body) => Poll::Ready(body.take().map(|body| Ok(Frame::data(body)))),
            Self::Stream(stream) => stream.poll(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => SizeHint::with_exact(body.as_ref().map_or(0, |body| body.len() as u64)),
            Self::Stream(_) => SizeHint::default(),
        }
    }
}
