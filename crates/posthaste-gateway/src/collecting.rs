//! Step 10, deliver: a stream, read to its end for a client that wants a whole answer.
//!
//! Nothing was promised to the client until then, so that a stream that fails or breaks off anywhere can still be taken
//! over by another account.

use std::{pin::Pin, time::Duration};

use bytes::Bytes;
use http_body_util::BodyExt;
use posthaste_core::{FaultKind, RelayBody, Surface};
use posthaste_wire::{Progress, StreamCollector, StreamTap, UpstreamError};
use tokio::time::timeout;

use crate::{stream::Broken, whole::MOST_ANSWER_BYTES};

/// A stream that gave no whole answer.
pub(crate) enum Uncollected {
    /// Cut, silent or not to be read.
    Broken(Broken),
    /// It held an error event.
    ErrorEvent(UpstreamError),
}

/// Reads a stream to its end, with `gap` as the longest silence, and puts it together into the whole answer, out of its
/// packing. `content` is called once when the first content is there.
pub(crate) async fn collect_stream(
    mut body: RelayBody,
    surface: Surface,
    mut collector: StreamCollector,
    gap: Duration,
    content: impl FnOnce(),
) -> Result<Bytes, Uncollected> {
    let unreadable = |error: &dyn std::error::Error| Uncollected::Broken(Broken::cut(error.to_string()));
    let mut tap = StreamTap::of(surface);
    let (mut content, mut read_bytes) = (Some(content), 0);
    loop {
        let frame = match timeout(gap, Pin::new(&mut body).frame()).await {
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(error))) => return Err(Uncollected::Broken(Broken::cut(error.to_string()))),
            Ok(None) => break,
            Err(_) => return Err(Uncollected::Broken(Broken::silent(gap))),
        };
        let Ok(piece) = frame.into_data() else { continue };
        read_bytes += piece.len();
        if read_bytes > MOST_ANSWER_BYTES {
            return Err(Uncollected::Broken(too_large()));
        }
        let progress = tap.push(&piece).map_err(|error| unreadable(&error))?;
        // What follows the end is none of the answer.
        let piece = tap.terminated_at().map_or(piece.clone(), |end| piece.slice(..end));
        collector.push(&piece).map_err(|error| unreadable(&error))?;
        match progress {
            Progress::Opening => {}
            Progress::Content => {
                if let Some(content) = content.take() {
                    content();
                }
            }
            Progress::Ended | Progress::Failed => break,
        }
    }
    let progress = tap.finish().map_err(|error| unreadable(&error))?;
    match progress {
        Progress::Failed => {
            let unnamed = || UpstreamError::new("error", None, "");
            return Err(Uncollected::ErrorEvent(tap.error().cloned().unwrap_or_else(unnamed)));
        }
        Progress::Ended => {}
        // All was said but that this was all.
        _ if tap.closing().is_some() => {}
        _ => return Err(Uncollected::Broken(Broken::cut("the stream ended without its terminator"))),
    }
    collector.finish().map_err(|error| unreadable(&error))
}

fn too_large() -> Broken {
    let message = "the upstream's answer is larger than the relay takes";
    Broken::new(FaultKind::UpstreamFailed, message, format!("answer over {MOST_ANSWER_BYTES} bytes"))
}
