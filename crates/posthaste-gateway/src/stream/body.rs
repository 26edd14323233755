//! A stream as the body of the client's answer, and what becomes of it when the client leaves.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use posthaste_core::TransportError;
use tokio::{runtime::Handle, time::timeout};

use super::StreamAnswer;
use crate::drains::Drains;

/// A client that leaves cancels the upstream, or, where [`drain`](crate::RelayOptions::drain) is set, has the rest read for
/// the books: a vendor bills what it has begun, and tells the tokens at the end only.
pub(crate) struct StreamBody {
    answer: Option<Box<StreamAnswer>>,
    drains: Drains,
}

impl StreamBody {
    pub(crate) fn new(answer: Box<StreamAnswer>) -> Self {
        let drains = answer.book.journey().engine.drains.clone();
        Self { answer: Some(answer), drains }
    }
}

impl Body for StreamBody {
    type Data = Bytes;
    type Error = TransportError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        match &mut self.get_mut().answer {
            Some(answer) => Pin::new(answer).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.answer.as_ref().is_none_or(Body::is_end_stream)
    }
}

impl Drop for StreamBody {
    fn drop(&mut self) {
        let Some(mut answer) = self.answer.take() else { return };
        let patience = answer.book.journey().options.drain;
        // Without a runtime the program is ending.
        let (Some(patience), Ok(runtime)) = (patience.filter(|_| answer.is_flowing()), Handle::try_current())
        else {
            return;
        };
        answer.leave();
        // The attempt is booked when the answer is dropped, if it was not before.
        self.drains.spawn(&runtime, async move {
            let read_out = async { while let Some(Ok(_)) = answer.frame().await {} };
            let _ = timeout(patience, read_out).await;
        });
    }
}
