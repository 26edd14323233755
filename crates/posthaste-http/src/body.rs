//! Step 1, accept: reading a body, bounded and unpacked.

use std::{error::Error, pin::Pin, time::Duration};

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::Body as _;
use http_body_util::BodyExt;
use posthaste_core::{Fault, FaultKind, Origin};
use tokio::time::timeout;

use crate::{
    decode::{codings, unpack},
    room::{BodyRoom, Place},
    server::TooSlow,
};

/// Reads a body of at most `at_most` bytes, counted after unpacking as well, as long as there is room for it.
pub(crate) async fn read(
    headers: &HeaderMap,
    body: Body,
    at_most: usize,
    room: &BodyRoom,
) -> Result<Bytes, Fault> {
    let layers = codings(headers)?;
    let mut place = room.place();
    let mut body = collect(body, at_most, &mut place).await?;
    if !layers.is_empty() {
        body = tokio::task::spawn_blocking(move || {
            layers
                .into_iter()
                .try_fold(body, |packed, coding| unpack(coding, &packed, at_most).map(Bytes::from))
        })
        .await
        .map_err(|error| Fault::internal("the body could not be unpacked", error))??;
        place.grow_to(body.len())?;
    }
    Ok(place.given_to(body))
}

/// The refusal of a body over the bound.
pub(crate) fn too_large(at_most: usize) -> Fault {
    let message =
        format!("the request body is larger than {} MiB: send less, or fewer images", at_most / 1024 / 1024);
    Fault::new(FaultKind::TooLarge, Origin::Client, message)
}

async fn collect(mut body: Body, at_most: usize, place: &mut Place) -> Result<Bytes, Fault> {
    let declared = body.size_hint().lower();
    if declared > at_most as u64 {
        return Err(too_large(at_most));
    }
    let declared = usize::try_from(declared).unwrap_or(0).min(MOST_RESERVED_BYTES);
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    loop {
        let frame = match timeout(GAP, Pin::new(&mut body).frame()).await {
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(error))) if is_too_slow(&error) => return Err(late()),
            Ok(Some(Err(error))) => {
                return Err(
                    Fault::invalid_request("the request body broke off: send it again").caused_by(error)
                );
            }
            Ok(None) => break,
            Err(_) => return Err(late()),
        };
        let Ok(data) = frame.into_data() else { continue };
        if first.len() + rest.len() + data.len() > at_most {
            return Err(too_large(at_most));
        }
        place.grow_to(first.len() + rest.len() + data.len())?;
        // Most bodies are one piece, which is kept without a copy.
        if first.is_empty() && rest.is_empty() {
            first = data;
            continue;
        }
        if rest.is_empty() {
            rest.reserve(declared.max(first.len() + data.len()));
            rest.extend_from_slice(&first);
            first = Bytes::new();
        }
        rest.extend_from_slice(&data);
    }
    Ok(if rest.is_empty() { first } else { rest.freeze() })
}

/// Whether it is the server that gave the body up.
fn is_too_slow(error: &axum::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if error.is::<TooSlow>() {
            return true;
        }
        cause = error.source();
    }
    false
}

fn late() -> Fault {
    let message = "the request body did not arrive in time: send it again";
    Fault::new(FaultKind::Timeout, Origin::Client, message)
}

/// The longest silence within a body. How slowly it may come is the server's to say.
const GAP: Duration = Duration::from_secs(30);

/// What is set aside on a client's word alone.
const MOST_RESERVED_BYTES: usize = 4 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use http_body_util::StreamBody;

    use super::*;

    fn pieces(pieces: &[&'static str]) -> Body {
        let frames: Vec<_> = pieces
            .iter()
            .map(|piece| {
                Ok::<_, std::io::Error>(http_body::Frame::data(Bytes::from_static(piece.as_bytes())))
            })
            .collect();
        Body::new(StreamBody::new(stream::iter(frames)))
    }

    #[tokio::test]
    async fn pieces_are_joined() {
        let read =
            read(&HeaderMap::new(), pieces(&["ab", "", "cd", "e"]), 10, &BodyRoom::default()).await.unwrap();
        assert_eq!(read, "abcde");
    }

    #[tokio::test]
    async fn more_than_the_bound_is_refused_whether_declared_or_not() {
        for body in [Body::from("abcdef"), pieces(&["abc", "def"])] {
            let fault = read(&HeaderMap::new(), body, 5, &BodyRoom::default()).await.unwrap_err();
            assert_eq!(fault.kind, FaultKind::TooLarge);
        }
    }

    #[tokio::test]
    async fn a_large_body_needs_room_and_a_small_one_none() {
        let large = || Body::from(vec![b' '; 100_000]);
        let room = BodyRoom::of(300_000);
        let held = read(&HeaderMap::new(), large(), 200_000, &room).await.unwrap();
        let fault = read(&HeaderMap::new(), large(), 200_000, &room).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Overloaded);
        read(&HeaderMap::new(), pieces(&["abc"]), 10, &room).await.unwrap();
        drop(held);
        read(&HeaderMap::new(), large(), 200_000, &room).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stalls_is_given_up() {
        let stalled =
            Body::new(StreamBody::new(stream::pending::<Result<http_body::Frame<Bytes>, std::io::Error>>()));
        assert_eq!(
            read(&HeaderMap::new(), stalled, 5, &BodyRoom::default()).await.unwrap_err().kind,
            FaultKind::Timeout
        );
    }
}
