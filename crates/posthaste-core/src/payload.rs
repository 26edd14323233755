//! A request body made of a few slices.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use smallvec::SmallVec;

/// An upstream request's body: a few byte slices that are sent one after another and never joined.
///
/// A renamed model is the client's body cut in three, so a 200 KB body is not copied for it. Cloning copies handles
/// only, which makes a retry cheap.
#[derive(Clone, Debug, Default)]
pub struct Payload {
    parts: SmallVec<[Bytes; 3]>,
}

impl Payload {
    /// The body in slices; empty ones are left out.
    pub fn from_parts(parts: impl IntoIterator<Item = Bytes>) -> Self {
        Self { parts: parts.into_iter().filter(|part| !part.is_empty()).collect() }
    }

    /// The length in bytes.
    pub fn len(&self) -> usize {
        self.parts.iter().map(Bytes::len).sum()
    }

    /// Whether there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// The slices in their order.
    pub fn parts(&self) -> &[Bytes] {
        &self.parts
    }

    /// The body as one slice; copies only when there are several.
    pub fn to_bytes(&self) -> Bytes {
        match self.parts.as_slice() {
            [] => Bytes::new(),
            [whole] => whole.clone(),
            parts => {
                let mut joined = BytesMut::with_capacity(self.len());
                parts.iter().for_each(|part| joined.extend_from_slice(part));
                joined.freeze()
            }
        }
    }
}

impl From<Bytes> for Payload {
    fn from(body: Bytes) -> Self {
        Self::from_parts([body])
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.parts.is_empty() {
            return Poll::Ready(None);
        }
        Poll::Ready(Some(Ok(Frame::data(self.parts.remove(0)))))
    }

    fn is_end_stream(&self) -> bool {
        self.parts.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_join_in_order_and_empty_ones_vanish() {
        let payload = Payload::from_parts([Bytes::from("ab"), Bytes::new(), Bytes::from("c")]);
        assert_eq!(payload.parts().len(), 2);
        assert_eq!(payload.len(), 3);
        assert_eq!(payload.to_bytes(), "abc");
        assert_eq!(payload.size_hint().exact(), Some(3));
    }
}
