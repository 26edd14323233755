//! Bodies as the fault models want them.

use bytes::Bytes;

use crate::{
    fault::{BodyFault, overloaded},
    paced::Step,
    sse,
};

/// The events as they are.
pub(super) fn sent(events: Vec<Bytes>) -> Vec<Step> {
    events.into_iter().map(Step::Send).collect()
}

/// A stream with something wrong.
pub(super) fn events(mut events: Vec<Bytes>, fault: BodyFault, request_id: &str) -> Vec<Step> {
    let error = || sse::frame("error", &overloaded().to_json(request_id));
    match fault {
        BodyFault::Slow { .. } | BodyFault::NoUsage => sent(events),
        BodyFault::Silence => vec![Step::Send(events.swap_remove(0)), Step::Silence],
        BodyFault::Cut { after } => {
            events.truncate(after);
            // A server such as hyper's drops what it has not written yet when a body fails, so it is given the time to.
            sent(events).into_iter().chain([Step::Yield, Step::Break]).collect()
        }
        BodyFault::ErrorFirst => vec![Step::Send(error())],
        BodyFault::ErrorMiddle => {
            events.truncate(middle(&events));
            events.push(error());
            sent(events)
        }
        BodyFault::Garbage => vec![Step::Send(events.swap_remove(0)), Step::Send(GARBAGE)],
    }
}

/// A whole answer with something wrong, as far as that makes sense.
pub(super) fn whole(json: Bytes, fault: BodyFault, request_id: &str) -> Vec<Step> {
    match fault {
        BodyFault::Slow { pause } => vec![Step::Wait(pause), Step::Send(json)],
        BodyFault::NoUsage => vec![Step::Send(json)],
        BodyFault::Silence => vec![Step::Send(json.slice(..1)), Step::Silence],
        BodyFault::Cut { after: 0 } => vec![Step::Break],
        BodyFault::Cut { .. } => vec![Step::Send(json.slice(..json.len() / 2)), Step::Yield, Step::Break],
        BodyFault::ErrorFirst | BodyFault::ErrorMiddle => {
            vec![Step::Send(overloaded().to_json(request_id).into())]
        }
        BodyFault::Garbage => vec![Step::Send(GARBAGE)],
    }
}

/// A place with content before it and content behind it, where the answer has that much.
fn middle(events: &[Bytes]) -> usize {
    let is_delta = |event: &Bytes| event.starts_with(b"event: content_block_delta\n");
    let deltas: Vec<_> =
        events.iter().enumerate().filter(|(_, event)| is_delta(event)).map(|(at, _)| at).collect();
    deltas.get(deltas.len() / 2).copied().unwrap_or(1)
}

/// Broken JSON, a NUL, bytes that are no UTF-8, a lone CR, an unknown event, and no blank line at the end.
const GARBAGE: Bytes = Bytes::from_static(
    b"data: {\"type\":\"content_block_delta\",\"index\":0,\"del\n\n\0\xff\xfe<html>\r: \nevent: surprise\ndata: [[[",
);
