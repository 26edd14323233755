//! The task behind the writer: collect, append, tell who waits.

use std::{sync::Arc, time::Duration};

use posthaste_core::AttemptRow;
use tokio::{
    sync::{Notify, Semaphore, mpsc, oneshot},
    time::{Instant, sleep},
};

use super::LedgerOptions;
use crate::LedgerStore;

/// What goes through the queue.
#[derive(Debug)]
pub(super) enum Entry {
    /// A row that may wait for others.
    Row(AttemptRow),
    /// A row whose booker waits.
    DurableRow(AttemptRow, oneshot::Sender<()>),
    /// Somebody waits for all that came before.
    Flush(oneshot::Sender<()>),
}

pub(super) struct Task {
    store: Arc<dyn LedgerStore>,
    options: LedgerOptions,
    entries: mpsc::UnboundedReceiver<Entry>,
    slots: Arc<Semaphore>,
    hurry: Arc<Notify>,
}

/// What goes into one append.
#[derive(Default)]
struct Batch {
    rows: Vec<AttemptRow>,
    waiting: Vec<oneshot::Sender<()>>,
}

impl Task {
    pub(super) fn new(
        store: Arc<dyn LedgerStore>,
        options: LedgerOptions,
        entries: mpsc::UnboundedReceiver<Entry>,
        slots: Arc<Semaphore>,
        hurry: Arc<Notify>,
    ) -> Self {
        let options = LedgerOptions { batch: options.batch.max(1), ..options };
        Self { store, options, entries, slots, hurry }
    }

    pub(super) async fn run(mut self) {
        let mut batch = Batch::default();
        while let Some(first) = self.entries.recv().await {
            batch.push(first);
            self.fill(&mut batch);
            if batch.may_wait(self.options.batch) {
                self.wait_for_others().await;
                self.fill(&mut batch);
            }
            self.append(&mut batch).await;
        }
    }

    /// Takes what is in the queue, without waiting.
    fn fill(&mut self, batch: &mut Batch) {
        while batch.rows.len() < self.options.batch
            && let Ok(entry) = self.entries.try_recv()
        {
            batch.push(entry);
        }
    }

    /// Sleeps instead of receiving: a sleeping task costs the bookers nothing, a receiving one is woken for each row.
    async fn wait_for_others(&self) {
        tokio::select! {
            () = sleep(self.options.flush_every) => {}
            () = self.hurry.notified() => {}
        }
    }

    /// Appends for as long as it takes. The rows stay here meanwhile, and their slots taken.
    async fn append(&self, batch: &mut Batch) {
        if !batch.rows.is_empty() {
            self.append_with_patience(&batch.rows).await;
            self.slots.add_permits(batch.rows.len());
            batch.rows.clear();
        }
        for waiting in batch.waiting.drain(..) {
            // Whoever no longer waits need not be told.
            let _ = waiting.send(());
        }
    }

    async fn append_with_patience(&self, rows: &[AttemptRow]) {
        let Err(error) = self.store.append(rows).await else { return };
        let began = Instant::now();
        tracing::error!(
            error = &error as &dyn std::error::Error,
            rows = rows.len(),
            "the ledger cannot be written; attempts are kept in memory until it can"
        );
        let mut pause = FIRST_PAUSE;
        loop {
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
            match self.store.append(rows).await {
                Ok(()) => break,
                Err(error) => tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "the ledger still cannot be written"
                ),
            }
        }
        tracing::info!(outage_s = began.elapsed().as_secs(), "the ledger can be written again");
    }
}

impl Drop for Task {
    /// Whoever waits for a slot learns that there will be none.
    fn drop(&mut self) {
        self.slots.close();
    }
}

impl Batch {
    fn push(&mut self, entry: Entry) {
        match entry {
            Entry::Row(row) => self.rows.push(row),
            Entry::DurableRow(row, done) => {
                self.rows.push(row);
                self.waiting.push(done);
            }
            Entry::Flush(done) => self.waiting.push(done),
        }
    }

    fn may_wait(&self, full: usize) -> bool {
        self.waiting.is_empty() && self.rows.len() < full
    }
}

const FIRST_PAUSE: Duration = Duration::from_millis(50);

const LONGEST_PAUSE: Duration = Duration::from_secs(5);
