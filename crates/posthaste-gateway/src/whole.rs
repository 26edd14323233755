//! Step 10, deliver: an answer that is not a stream.
//!
//! It is collected before it is delivered, so that one that breaks off half-way can still be taken over by another
//! account, and so that its usage is read before its last byte leaves.

use std::{pin::Pin, time::Duration};

use bytes::{Bytes, BytesMut};
use http_body::Body;
use http_body_util::BodyExt;
use posthaste_core::{FaultKind, RelayBody};
use tokio::time::timeout;

use crate::stream::Broken;

/// Reads a body to its end, with `gap` as the longest silence.
pub(crate) async fn collect(mut body: RelayBody, gap: Duration, at_most: usize) -> Result<Bytes, Broken> {
    let mut first = None;
    let mut rest = BytesMut::new();
    loop {
        let frame = match timeout(gap, Pin::new(&mut body).frame()).await {
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(error))) => return Err(Broken::cut(error.to_string())),
            Ok(None) => break,
            Err(_) => return Err(Broken::silent(gap)),
        };
        let Ok(data) = frame.into_data() else { continue };
        if first.as_ref().map_or(0, Bytes::len) + rest.len() + data.len() > at_most {
            let message = "the upstream's answer is larger than the relay takes";
            return Err(Broken::new(
                FaultKind::UpstreamFailed,
                message,
                format!("answer over {at_most} bytes"),
            ));
        }
        // Most answers are one piece, which is passed on without a copy.
        match &first {
            None => first = Some(data),
            Some(piece) => {
                if rest.is_empty() {
                    rest.reserve(expected_size(&body, piece.len() + data.len()));
                    rest.extend_from_slice(piece);
                    first = Some(Bytes::new());
                }
                rest.extend_from_slice(&data);
            }
        }
    }
    Ok(if rest.is_empty() { first.unwrap_or_default() } else { rest.freeze() })
}

fn expected_size(body: &RelayBody, so_far: usize) -> usize {
    let left = body.size_hint().exact().and_then(|left| usize::try_from(left).ok()).unwrap_or(so_far);
    so_far + left.min(MOST_RESERVED_BYTES)
}

/// The largest answer that is not a stream. Far above what any model writes; images come to tens of megabytes.
pub(crate) const MOST_ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// The largest error body that is read.
pub(crate) const MOST_ERROR_BYTES: usize = 64 * 1024;

const MOST_RESERVED_BYTES: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use futures_util::stream;
    use http_body::Frame;
    use http_body_util::StreamBody;
    use posthaste_core::{TransportError, boxed_body, full_body};

    use super::*;

    fn pieces(pieces: &[&'static str]) -> RelayBody {
        let frames: VecDeque<_> = pieces
            .iter()
            .map(|piece| Ok::<_, TransportError>(Frame::data(Bytes::from_static(piece.as_bytes()))))
            .collect();
        boxed_body(StreamBody::new(stream::iter(frames)))
    }

    #[tokio::test]
    async fn pieces_are_joined_in_order() {
        let gap = Duration::from_secs(1);
        assert_eq!(collect(pieces(&[]), gap, 10).await.unwrap(), "");
        assert_eq!(collect(full_body("abc"), gap, 10).await.unwrap(), "abc");
        assert_eq!(collect(pieces(&["ab", "cd", "", "e"]), gap, 10).await.unwrap(), "abcde");
    }

    #[tokio::test]
    async fn more_than_the_bound_is_refused() {
        let broken = collect(pieces(&["abc", "def"]), Duration::from_secs(1), 5).await.unwrap_err();
        assert_eq!(broken.fault.kind, FaultKind::UpstreamFailed);
    }

    #[tokio::test(start_paused = true)]
    async fn a_silence_ends_the_wait() {
        let silent = boxed_body(StreamBody::new(stream::pending::<Result<Frame<Bytes>, TransportError>>()));
        let broken = collect(silent, Duration::from_secs(300), 5).await.unwrap_err();
        assert_eq!(broken.fault.kind, FaultKind::Timeout);
    }
}
