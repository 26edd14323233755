//! Puts a new client in the place of one that is beyond repair.
//!
//! fred mends lost connections itself. Yet its connection task can end for good (seen in 10.1.0 after an `ASK` answer, and
//! after a refusal at sign-in); calls on such a client only time out, and starting it again does not help.

use std::sync::{Arc, Weak, atomic::Ordering};

use fred::{
    clients::Client,
    interfaces::ClientLike,
    types::{Builder, ConnectHandle},
};
use parking_lot::Mutex;
use tokio::{
    sync::Notify,
    time::{Duration, Instant},
};

use super::Shared;
use crate::error::CallError;

/// Waits for the connection's end, or for too many failed calls, and swaps in a new client. Ends with the last owner.
pub(super) async fn supervise(
    shared: Weak<Shared>,
    errors: Arc<ErrorRun>,
    builder: Builder,
    mut connection: AbortOnDrop,
) {
    let mut pause_ends = Instant::now();
    let mut quiet_ends = pause_ends;
    loop {
        let cause = tokio::select! {
            _ = &mut connection.0 => "the connection task ended",
            () = errors.too_long.notified() => "calls keep failing, or the server is a replica",
        };
        tokio::time::sleep_until(pause_ends).await;
        pause_ends = Instant::now() + PAUSE;
        if quiet_ends <= Instant::now() {
            quiet_ends = Instant::now() + QUIET;
            tracing::debug!(cause, "making a new Redis client");
        }
        let Some(shared) = shared.upgrade() else { return };
        // The goodbye ends the connection as well: nobody wants another one after it.
        if shared.closed.load(Ordering::Acquire) {
            return;
        }
        let Some(client) = build(&builder) else { return };
        connection = AbortOnDrop(client.connect());
        shared.client.store(Arc::new(client));
    }
}

/// Building reads settings that were read before, so a failure here is no passing one.
fn build(builder: &Builder) -> Option<Client> {
    match builder.build() {
        Ok(client) => Some(client),
        Err(error) => {
            tracing::error!(error = %CallError::from(error), "no new Redis client can be made");
            None
        }
    }
}

/// A connection's task, which ends with its owner and not on its own.
pub(super) struct AbortOnDrop(pub(super) ConnectHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Failed calls in a row, for faults that leave the connection task alive.
#[derive(Default)]
pub(super) struct ErrorRun {
    run: Mutex<Option<Run>>,
    too_long: Notify,
}

struct Run {
    since: Instant,
    calls: u32,
}

impl ErrorRun {
    /// Takes note of a call's end.
    pub(super) fn note(&self, error: Option<&CallError>) {
        let mut run = self.run.lock();
        // Nothing is gained by waiting: the master is elsewhere now, or will be the same server again.
        if error.is_some_and(CallError::blames_server) {
            *run = None;
            return self.too_long.notify_one();
        }
        if !error.is_some_and(CallError::blames_connection) {
            *run = None;
            return;
        }
        let current = run.get_or_insert_with(|| Run { since: Instant::now(), calls: 0 });
        current.calls += 1;
        if current.calls >= RUN_CALLS && current.since.elapsed() >= RUN_TIME {
            *run = None;
            self.too_long.notify_one();
        }
    }
}

/// The least time from one new client to the next.
const PAUSE: Duration = Duration::from_secs(1);

/// The least time from one line in the log to the next.
const QUIET: Duration = Duration::from_secs(10);

/// A run is too long when it has both as many calls and lasts as long: a short outage is left to fred.
const RUN_CALLS: u32 = 8;

const RUN_TIME: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    async fn asks_for_a_new_client(errors: &ErrorRun) -> bool {
        tokio::time::timeout(Duration::ZERO, errors.too_long.notified()).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_run_of_failures_asks_for_a_new_client() {
        let errors = ErrorRun::default();
        for _ in 0..RUN_CALLS {
            errors.note(Some(&CallError::TimedOut));
        }
        assert!(!asks_for_a_new_client(&errors).await, "many failures at once are a short outage");
        tokio::time::advance(RUN_TIME).await;
        errors.note(Some(&CallError::TimedOut));
        assert!(asks_for_a_new_client(&errors).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_became_a_replica_asks_for_a_new_client_at_once() {
        let errors = ErrorRun::default();
        errors.note(Some(&CallError::Refused("READONLY".into())));
        assert!(asks_for_a_new_client(&errors).await);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_ends_the_run() {
        let errors = ErrorRun::default();
        for _ in 0..RUN_CALLS {
            errors.note(Some(&CallError::TimedOut));
        }
        tokio::time::advance(RUN_TIME).await;
        errors.note(Some(&CallError::Refused("OOM".into())));
        errors.note(Some(&CallError::TimedOut));
        assert!(!asks_for_a_new_client(&errors).await);
    }
}
