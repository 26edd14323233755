//! Limits that the next process counts, as the process before sees them.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use parking_lot::Mutex;
use posthaste_core::Timestamp;
use posthaste_storage::{
    AdmissionStore, Claim, Counter, Half, HeldLease, LeaseRef, Outcome, Settlement, StorageError,
};
use tokio::{
    io::BufReader,
    net::unix::{OwnedReadHalf, OwnedWriteHalf},
    sync::{mpsc, oneshot},
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::talk::{Ask, MOST_LINE_BYTES, Question, Tell, Told};
use crate::admin_socket::frame;

/// Asks the next process. When it is gone, every question fails.
pub(super) struct Elsewhere {
    questions: mpsc::UnboundedSender<Question>,
    waiting: Arc<Waiting>,
    last: AtomicU64,
}

#[derive(Default)]
struct Waiting {
    answers: Mutex<HashMap<u64, oneshot::Sender<Tell>>>,
    /// The other end is gone.
    gone: CancellationToken,
}

impl Elsewhere {
    /// Asks over a connection whose other end [answers](super::answering).
    pub(super) fn new(reader: BufReader<OwnedReadHalf>, writer: OwnedWriteHalf) -> Self {
        let (questions, asked) = mpsc::unbounded_channel();
        let waiting = Arc::new(Waiting::default());
        tokio::spawn(ask(asked, writer, Arc::clone(&waiting)));
        tokio::spawn(hear(reader, Arc::clone(&waiting)));
        Self { questions, waiting, last: AtomicU64::new(0) }
    }

    async fn ask(&self, what: &'static str, ask: Ask, now: Timestamp) -> Result<Tell, StorageError> {
        let gone = || StorageError::unavailable(what, "the relay that took over is gone");
        let id = self.last.fetch_add(1, Ordering::Relaxed);
        let (answer, told) = oneshot::channel();
        self.waiting.answers.lock().insert(id, answer);
        let sent = self.questions.send(Question { id, now, ask }).map_err(|_| gone());
        let told = match sent {
            Ok(()) => tokio::select! {
                told = timeout(PATIENCE, told) => told.ok().and_then(Result::ok).ok_or_else(gone),
                () = self.waiting.gone.cancelled() => Err(gone()),
            },
            Err(gone) => Err(gone),
        };
        self.waiting.answers.lock().remove(&id);
        match told? {
            Tell::Failed(why) => Err(StorageError::unavailable(what, why)),
            told => Ok(told),
        }
    }
}

/// Ends, and closes its half of the connection, with the last sender.
async fn ask(
    mut asked: mpsc::UnboundedReceiver<Question>,
    mut writer: OwnedWriteHalf,
    waiting: Arc<Waiting>,
) {
    while let Some(question) = asked.recv().await {
        if frame::write_line(&mut writer, &question).await.is_err() {
            break;
        }
    }
    waiting.gone.cancel();
}

async fn hear(mut reader: BufReader<OwnedReadHalf>, waiting: Arc<Waiting>) {
    while let Ok(Some(line)) = frame::read_line(&mut reader, MOST_LINE_BYTES).await {
        let Ok(Told { id, told }) = frame::parse(&line) else { break };
        if let Some(answer) = waiting.answers.lock().remove(&id) {
            // Whoever no longer waits need not be told.
            let _ = answer.send(told);
        }
    }
    waiting.gone.cancel();
}

fn unexpected(what: &'static str) -> StorageError {
    StorageError::unavailable(what, "the relay that took over answers something else")
}

#[async_trait]
impl AdmissionStore for Elsewhere {
    async fn reserve(&self, claim: &Claim, now: Timestamp) -> Result<Outcome, StorageError> {
        let what = "reserving limits";
        match self.ask(what, Ask::Reserve(Box::new(claim.clone())), now).await? {
            Tell::Reserved(outcome) => Ok(outcome),
            _ => Err(unexpected(what)),
        }
    }

    async fn renew(&self, lease: LeaseRef, ttl: Duration, now: Timestamp) -> Result<bool, StorageError> {
        let what = "renewing a lease";
        match self.ask(what, Ask::Renew { lease, ttl }, now).await? {
            Tell::Renewed(renewed) => Ok(renewed),
            _ => Err(unexpected(what)),
        }
    }

    async fn settle(
        &self,
        lease: LeaseRef,
        truth: &[Settlement],
        now: Timestamp,
    ) -> Result<(), StorageError> {
        let what = "settling";
        match self.ask(what, Ask::Settle { lease, truth: truth.to_vec() }, now).await? {
            Tell::Settled => Ok(()),
            _ => Err(unexpected(what)),
        }
    }

    async fn used(
        &self,
        half: Half,
        owner: Uuid,
        counter: &Counter,
        now: Timestamp,
    ) -> Result<i64, StorageError> {
        let what = "reading a counter";
        match self.ask(what, Ask::Used { half, owner, counter: counter.clone() }, now).await? {
            Tell::Used(used) => Ok(used),
            _ => Err(unexpected(what)),
        }
    }

    async fn leases(
        &self,
        half: Half,
        owner: Uuid,
        counter: &Counter,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<HeldLease>, StorageError> {
        let what = "reading leases";
        match self.ask(what, Ask::Leases { half, owner, counter: counter.clone(), limit }, now).await? {
            Tell::Leases(leases) => Ok(leases),
            _ => Err(unexpected(what)),
        }
    }
}

/// The other process answers from memory.
const PATIENCE: Duration = Duration::from_secs(5);
