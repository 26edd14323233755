//! Remembering what went wrong at accounts, away from the requests.
//!
//! Who meets with a failure hands it over without waiting. When the queue is full, since the store is slow or down, failures
//! are lost and counted: they explain, and nothing rests on them.

use std::{collections::HashMap, sync::Arc, time::Duration};

use metrics::{Counter, counter};
use posthaste_core::{AccountError, AccountId};
use posthaste_storage::{AccountErrorStore, ErrorBounds, StoreHealth};
use tokio::{
    sync::{mpsc, oneshot},
    time::sleep,
};

use crate::capture::mask;

/// Takes failures in. One a relay.
pub(crate) struct ErrorLog {
    /// Nothing is remembered without it.
    queue: Option<mpsc::Sender<Entry>>,
    lost: Counter,
}

enum Entry {
    Error(Box<AccountError>),
    /// Somebody waits for all that came before.
    Flush(oneshot::Sender<()>),
}

impl ErrorLog {
    /// Starts the task that keeps failures, if any are to be kept. It ends when the log is gone.
    pub(crate) fn start(
        store: Arc<dyn AccountErrorStore>,
        health: StoreHealth,
        bounds: Option<ErrorBounds>,
    ) -> Self {
        let lost = counter!("posthaste_account_errors_lost_total");
        let queue = bounds.map(|bounds| {
            let (queue, entries) = mpsc::channel(QUEUE);
            let keeper = Keeper { store, health, bounds, lost: lost.clone(), fails: false };
            tokio::spawn(keeper.run(entries));
            queue
        });
        Self { queue, lost }
    }

    /// Takes a failure.
    pub(crate) fn note(&self, error: AccountError) {
        if let Some(queue) = &self.queue
            && queue.try_send(Entry::Error(Box::new(error))).is_err()
        {
            self.lost.increment(1);
        }
    }

    /// Waits until what was handed over is kept, or was tried to be.
    pub(crate) async fn flush(&self) {
        let Some(queue) = &self.queue else { return };
        let (done, kept) = oneshot::channel();
        if queue.send(Entry::Flush(done)).await.is_ok() {
            // An error means that the task has ended, so that nothing is left to wait for.
            let _ = kept.await;
        }
    }
}

/// The task behind the queue.
struct Keeper {
    store: Arc<dyn AccountErrorStore>,
    health: StoreHealth,
    bounds: ErrorBounds,
    lost: Counter,
    /// Whether the store failed the last time, so that an outage is told once.
    fails: bool,
}

impl Keeper {
    async fn run(mut self, mut entries: mpsc::Receiver<Entry>) {
        let mut taken = Vec::new();
        while entries.recv_many(&mut taken, BATCH).await > 0 {
            let hurry = taken.iter().any(|entry| matches!(entry, Entry::Flush(_)));
            if !hurry && taken.len() < BATCH {
                // Trouble comes in crowds.
                sleep(GATHERING).await;
                while taken.len() < BATCH
                    && let Ok(entry) = entries.try_recv()
                {
                    taken.push(entry);
                }
            }
            let (mut errors, mut waiting) = (Vec::with_capacity(taken.len()), Vec::new());
            for entry in taken.drain(..) {
                match entry {
                    Entry::Error(error) => errors.push(*error),
                    Entry::Flush(done) => waiting.push(done),
                }
            }
            self.keep(latest(errors, self.bounds.most)).await;
            for waiting in waiting {
                // Whoever no longer waits need not be told.
                let _ = waiting.send(());
            }
        }
    }

    async fn keep(&mut self, mut errors: Vec<AccountError>) {
        if errors.is_empty() {
            return;
        }
        for error in &mut errors {
            error.message = presentable(&error.message);
        }
        match self.store.note(&errors, self.bounds).await {
            Ok(()) => self.fails = false,
            Err(error) => {
                self.lost.increment(errors.len() as u64);
                if !std::mem::replace(&mut self.fails, true) && !self.health.tells_of(&error) {
                    tracing::warn!(%error, "what goes wrong at accounts cannot be remembered; requests are served all the same");
                }
            }
        }
    }
}

/// Without what would be pushed out by others of the same account at once.
fn latest(errors: Vec<AccountError>, most: usize) -> Vec<AccountError> {
    let mut more: HashMap<AccountId, usize> = HashMap::new();
    for error in &errors {
        *more.entry(error.account).or_default() += 1;
    }
    let kept = errors.into_iter().filter(|error| {
        let left = more.entry(error.account).or_default();
        *left -= 1;
        *left < most
    });
    kept.collect()
}

/// Without what looks like a secret, on one line, and no longer than is kept.
fn presentable(message: &str) -> String {
    // What is far behind the end need not be looked at, but a secret that the end would cut is.
    let beginning: String = message.chars().take(2 * AccountError::MOST_MESSAGE).collect();
    let masked = mask(&beginning).replace(char::is_control, " ");
    masked.chars().take(AccountError::MOST_MESSAGE).collect()
}

/// Failures that wait; beyond that they are lost.
const QUEUE: usize = 1_024;

/// Failures that are written together.
const BATCH: usize = 256;

/// How long a failure waits for others.
const GATHERING: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests {
    use posthaste_core::{FaultKind, Timestamp};

    use super::*;

    fn error(account: AccountId, message: &str) -> AccountError {
        AccountError {
            account,
            at: Timestamp::from_secs(1),
            kind: FaultKind::UpstreamFailed,
            status: None,
            model: None,
            message: message.to_owned(),
            request: None,
            rest: None,
        }
    }

    #[test]
    fn what_would_be_pushed_out_at_once_is_not_written() {
        let (busy, quiet) = (AccountId::generate(), AccountId::generate());
        let all = vec![error(busy, "1"), error(quiet, "2"), error(busy, "3"), error(busy, "4")];
        let kept: Vec<_> = latest(all, 2).into_iter().map(|error| error.message).collect();
        assert_eq!(kept, ["2", "3", "4"]);
    }

    #[test]
    fn messages_are_short_and_hold_no_secret() {
        let told =
            presentable("refused\r\nsk-ant-api03-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa is wrong");
        assert!(!told.contains("aaaaaaaa") && !told.contains('\n'), "{told}");
        assert_eq!(presentable(&"ü".repeat(9_000)).chars().count(), AccountError::MOST_MESSAGE);
    }
}
