//! Booking from the hot path: rows are handed over without waiting and appended in groups.
//!
//! A request takes its [`LedgerSlot`] before it starts. Booking then neither waits nor fails, also on drop, and a store
//! that is down holds back new requests, once the slots are used up, instead of losing rows.

mod task;

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use posthaste_core::AttemptRow;
use serde::{Deserialize, Serialize};
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, oneshot},
    task::JoinHandle,
};

use self::task::{Entry, Task};
use crate::{LedgerStore, StorageError};

/// What a crash may cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// The rows of the last [`flush_every`](LedgerOptions::flush_every).
    #[default]
    Relaxed,
    /// Nothing that a client has seen the end of: the last bytes wait for [`LedgerSlot::book_durably`].
    Strict,
}

/// How rows are collected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerOptions {
    /// How many slots there are: requests under way and rows not yet durable, together.
    pub queue: usize,
    /// How long a row waits for others.
    pub flush_every: Duration,
    /// How many rows go into one append at most.
    pub batch: usize,
}

impl Default for LedgerOptions {
    fn default() -> Self {
        Self { queue: 65_536, flush_every: Duration::from_millis(20), batch: 1_000 }
    }
}

/// The ledger's writer has ended: nothing can be booked any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the ledger's writer has ended")]
pub struct LedgerClosed;

/// Hands out slots. Clones share one queue.
#[derive(Clone, Debug)]
pub struct LedgerWriter {
    slots: Arc<Semaphore>,
    queue: Queue,
}

impl LedgerWriter {
    /// Starts the task that appends to `store`. It ends when every handle and slot is gone and every row is durable.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start(store: Arc<dyn LedgerStore>, options: LedgerOptions) -> (Self, JoinHandle<()>) {
        let slots = Arc::new(Semaphore::new(options.queue.clamp(1, Semaphore::MAX_PERMITS)));
        let hurry = Arc::new(Notify::new());
        let (sender, entries) = mpsc::unbounded_channel();
        let task = Task::new(store, options, entries, Arc::clone(&slots), Arc::clone(&hurry));
        (Self { slots, queue: Queue { sender, hurry } }, tokio::spawn(task.run()))
    }

    /// Takes a slot, and waits for one while there is none.
    ///
    /// # Errors
    /// When the writer's task was aborted.
    pub async fn slot(&self) -> Result<LedgerSlot, LedgerClosed> {
        if let Some(slot) = self.try_slot() {
            return Ok(slot);
        }
        self.queue.hurry.notify_one();
        let permit = Arc::clone(&self.slots).acquire_owned().await.map_err(|_| LedgerClosed)?;
        Ok(LedgerSlot { permit, queue: self.queue.clone() })
    }

    /// Takes a slot if one is free now.
    pub fn try_slot(&self) -> Option<LedgerSlot> {
        let permit = Arc::clone(&self.slots).try_acquire_owned().ok()?;
        Some(LedgerSlot { permit, queue: self.queue.clone() })
    }

    /// How many slots are free.
    pub fn free_slots(&self) -> usize {
        self.slots.available_permits()
    }

    /// Waits until everything that was booked before is durable; returns at once when the writer has ended.
    pub async fn flush(&self) {
        let (done, flushed) = oneshot::channel();
        self.queue.push(Entry::Flush(done));
        self.queue.hurry.notify_one();
        // An error means that the task is gone, and with it everything that could be waited for.
        let _ = flushed.await;
    }
}

/// The right to book one row. Dropped unused, it is free for another request.
#[derive(Debug)]
pub struct LedgerSlot {
    permit: OwnedSemaphorePermit,
    queue: Queue,
}

impl LedgerSlot {
    /// Books a row; it is durable soon.
    pub fn book(self, row: AttemptRow) {
        // The slot is given back by the task, once the row is durable.
        self.permit.forget();
        self.queue.push(Entry::Row(row));
    }

    /// Books a row and has it made durable at once, together with what others have booked in the meantime.
    ///
    /// The row is booked whether or not the future is awaited.
    pub fn book_durably(self, row: AttemptRow) -> Booked {
        let (done, booked) = oneshot::channel();
        self.permit.forget();
        self.queue.push(Entry::DurableRow(row, done));
        self.queue.hurry.notify_one();
        Booked(booked)
    }
}

/// Resolves when the row is durable: while the store is down it waits. Fails when the writer's task was aborted.
#[derive(Debug)]
#[must_use = "the row is booked, but only waiting tells when it is durable"]
pub struct Booked(oneshot::Receiver<()>);

impl Future for Booked {
    type Output = Result<(), StorageError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = ready!(Pin::new(&mut self.0).poll(context));
        Poll::Ready(answer.map_err(|_| StorageError::unavailable("booking an attempt", LedgerClosed)))
    }
}

/// The way to the task. The channel itself has no bound: rows get in only with a slot.
#[derive(Clone, Debug)]
struct Queue {
    sender: mpsc::UnboundedSender<Entry>,
    hurry: Arc<Notify>,
}

impl Queue {
    fn push(&self, entry: Entry) {
        if self.sender.send(entry).is_err() {
            tracing::error!("an attempt could not be booked: the ledger's writer has ended");
        }
    }
}

#[cfg(test)]
mod tests;
