//! Bodies as the fault models want them.

use bytes::Bytes;

use crate::{answer::Stream, error::ApiError, fault::BodyFault, paced::Step};

/// The events as they are.
pub(super) fn unbroken(events: Vec<Bytes>) -> Vec<Step> {
    events.into_iter().map(Step::Send).collect()
}

/// A stream with something wrong.
pub(super) fn stream(stream: Stream, fault: BodyFault, error: &ApiError, request_id: &str) -> Vec<Step> {
    let middle = stream.middle();
    let Stream { mut events, error: error_event, garbage, .. } = stream;
    match fault {
        BodyFault::Slow { .. } | BodyFault::NoUsage => unbroken(events),
        BodyFault::Silence => vec![Step::Send(events.swap_remove(0)), Step::Silence],
        BodyFault::Cut { after } => {
            events.truncate(after);
            // A server such as hyper's drops what it has not written yet when a body fails, so it is given the time to.
            unbroken(events).into_iter().chain([Step::Yield, Step::Break]).collect()
        }
        BodyFault::ErrorFirst => vec![Step::Send(error_event(error, request_id, 0))],
        BodyFault::ErrorMiddle => {
            events.truncate(middle);
            events.push(error_event(error, request_id, events.len()));
            unbroken(events)
        }
        BodyFault::Garbage => vec![Step::Send(events.swap_remove(0)), Step::Send(garbage.into())],
    }
}

/// A whole answer with something wrong, as far as that makes sense.
pub(super) fn whole(json: Bytes, fault: BodyFault, error: impl FnOnce() -> Bytes) -> Vec<Step> {
    match fault {
        BodyFault::Slow { pause } => vec![Step::Wait(pause), Step::Send(json)],
        BodyFault::NoUsage => vec![Step::Send(json)],
        BodyFault::Silence => vec![Step::Send(json.slice(..1)), Step::Silence],
        BodyFault::Cut { after: 0 } => vec![Step::Break],
        BodyFault::Cut { .. } => vec![Step::Send(json.slice(..json.len() / 2)), Step::Yield, Step::Break],
        BodyFault::ErrorFirst | BodyFault::ErrorMiddle => vec![Step::Send(error())],
        BodyFault::Garbage => vec![Step::Send(GARBAGE)],
    }
}

/// Broken JSON, a NUL, bytes that are no UTF-8, a lone CR, and no line's end.
const GARBAGE: Bytes = Bytes::from_static(
    b"data: {\"type\":\"content_block_delta\",\"index\":0,\"del\n\n\0\xff\xfe<html>\r: \nevent: surprise\ndata: [[[",
);
