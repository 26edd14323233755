//! Step 9, judge: the head of a stream, up to the first content.
//!
//! Until then nothing was promised to the client, so that a stream that opens with an error event, breaks off or stays
//! silent can still be taken over by another account.

use std::{future::poll_fn, time::Duration};

use posthaste_core::FaultKind;
use posthaste_wire::Progress;
use tokio::time::{Instant, timeout_at};

use crate::stream::{Broken, StreamAnswer};

/// A stream that failed before it had content.
pub(crate) enum OpenFailure {
    /// Cut or silent.
    Broken(Broken),
    /// It opened with an error event, which the tap holds.
    ErrorEvent,
}

/// Reads a stream up to its first content. The first piece must come before `deadline`, each later one within `gap`.
pub(crate) async fn open(
    answer: &mut StreamAnswer,
    deadline: Instant,
    gap: Duration,
) -> Result<(), OpenFailure> {
    let mut deadline = deadline;
    loop {
        let progress = match timeout_at(deadline, poll_fn(|cx| answer.poll_upstream(cx))).await {
            Ok(Some(Ok(piece))) => answer.absorb(piece),
            Ok(Some(Err(error))) => Err(Broken::cut(error.to_string())),
            Ok(None) => answer.absorb_end(),
            Err(_) => {
                let message = "the upstream did not begin to answer in time";
                Err(Broken::new(FaultKind::Timeout, message, "no first event in time"))
            }
        };
        match progress {
            Ok(Progress::Opening) if !answer.stalls_for_long() => {
                // Only whole events count as a sign of life: a trickle of bytes must not hold a client for ever.
                if answer.tap().last_boundary().is_some() {
                    deadline = Instant::now() + gap;
                }
            }
            Ok(Progress::Failed) => return Err(OpenFailure::ErrorEvent),
            Ok(progress) => {
                answer.commit(progress);
                return Ok(());
            }
            Err(broken) => return Err(OpenFailure::Broken(broken)),
        }
    }
}
