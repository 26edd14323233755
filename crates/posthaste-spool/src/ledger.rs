//! The ledger with a spool before it.

use std::{path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use parking_lot::Mutex;
use posthaste_core::{AttemptRow, ClientKeyId, Clock, RequestId, Timestamp};
use posthaste_storage::{
    Correction, Dimension, GroupSums, LedgerStore, RollupPeriod, RollupRow, StorageError, UsageQuery,
};
use tokio::{
    task::{JoinHandle, spawn_blocking},
    time::timeout,
};
use uuid::Uuid;

use crate::{
    SpoolError, SpoolOptions, SpoolState,
    disk::Folder,
    drain::Drain,
    lookback::Lookback,
    notice::Pace,
    spool::{self, Spool},
};

/// A ledger whose rows are durable on the local disk first and in the store behind it soon after, however long that is
/// away.
///
/// Questions go to that store. They wait for rows that were booked before, as long as the store takes rows; while it does
/// not, its answers lack what waits here.
///
/// Call [`close`](Self::close) at an orderly end. What is dropped instead is like what is killed: nothing that was
/// acknowledged is lost, and the next process takes it out.
pub struct SpooledLedger {
    inner: Arc<dyn LedgerStore>,
    spool: Arc<Spool>,
    work: Mutex<Vec<JoinHandle<()>>>,
    pace: Pace,
}

impl SpooledLedger {
    /// Opens the spool in `folder`, which is made when it is not there, and begins to take out what an earlier process
    /// left in it. The clock tells how old what is kept is.
    ///
    /// # Errors
    /// [`SpoolError::Held`] when another process has the folder, [`SpoolError::Folder`] when it cannot be used.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn open(
        folder: &Path,
        options: SpoolOptions,
        clock: Arc<dyn Clock>,
        inner: Arc<dyn LedgerStore>,
    ) -> Result<Self, SpoolError> {
        let path = folder.to_owned();
        let opened = spawn_blocking(move || {
            let lock = spool::lock(&path)?;
            let disk = Arc::new(Folder(path.clone()));
            Spool::open(disk, Some(lock), &options)
                .map_err(|source| SpoolError::Folder { folder: path, source })
        });
        let spool = opened.await.map_err(|error| SpoolError::Folder {
            folder: folder.to_owned(),
            source: std::io::Error::other(error),
        })??;
        Ok(Self::over(spool, clock, inner))
    }

    /// The same on a disk of one's own, without a lock.
    #[cfg(test)]
    pub(crate) fn on(
        disk: Arc<dyn crate::disk::Disk>,
        options: &SpoolOptions,
        clock: Arc<dyn Clock>,
        inner: Arc<dyn LedgerStore>,
    ) -> std::io::Result<Self> {
        Ok(Self::over(Spool::open(disk, None, options)?, clock, inner))
    }

    fn over(spool: Spool, clock: Arc<dyn Clock>, inner: Arc<dyn LedgerStore>) -> Self {
        let (inside, disk, keeping) = (Arc::clone(&spool.inside), Arc::clone(&spool.disk), spool.keeping);
        let drain = Drain::new(
            Arc::clone(&inside),
            Arc::clone(&disk),
            Arc::clone(&inner),
            Arc::clone(&clock),
            keeping,
        );
        let mut work = vec![tokio::spawn(drain.run())];
        if keeping.is_on() {
            let inner = Arc::clone(&inner);
            work.push(tokio::spawn(Lookback { inside, disk, inner, clock, keeping }.run()));
        }
        Self { inner, spool: Arc::new(spool), work: Mutex::new(work), pace: Pace::default() }
    }

    /// What waits.
    pub fn state(&self) -> SpoolState {
        SpoolState(Arc::clone(&self.spool.inside))
    }

    /// Waits up to `patience` until the store has everything, ends the spool, and tells how many rows are left for the
    /// next process. Nothing can be booked afterwards but straight into the store.
    pub async fn close(&self, patience: Duration) -> u64 {
        self.spool.inside.hurry();
        // What is not taken in time is durable where it is.
        let _ = timeout(patience, self.spool.inside.drained()).await;
        let work = std::mem::take(&mut *self.work.lock());
        for task in work {
            task.abort();
            let _ended = task.await;
        }
        let spool = Arc::clone(&self.spool);
        let ended = spawn_blocking(move || {
            spool.end();
            // Under the lock still, or a process that starts at this moment would lose its own files.
            let tidied = spool.tidy();
            spool.unlock();
            tidied
        });
        if let Ok(Err(error)) = ended.await {
            tracing::warn!(%error, "the spool could not be tidied up; nothing is lost");
        }
        self.spool.inside.waiting_rows()
    }

    /// The way for rows that the spool does not take.
    async fn straight(&self, rows: &[AttemptRow], why: SpoolError) -> Result<(), StorageError> {
        self.spool.inside.note_failing(true);
        if self.pace.is_due() {
            tracing::error!(
                error = &why as &dyn std::error::Error,
                "the spool takes no rows; they go straight to the shared ledger, as long as that takes them"
            );
        }
        match self.inner.append(rows).await {
            Ok(()) => Ok(()),
            Err(error) => {
                tracing::debug!(%error, "nor does the shared ledger take rows");
                Err(StorageError::unavailable("putting ledger rows into the spool", why))
            }
        }
    }

    /// Lets questions see what was booked before them.
    async fn caught_up(&self) {
        // Whoever asks for longer than this is answered with what is there.
        let _ = timeout(CATCHING_UP, self.spool.inside.caught_up()).await;
    }
}

impl Drop for SpooledLedger {
    fn drop(&mut self) {
        self.work.get_mut().iter().for_each(JoinHandle::abort);
        self.spool.end();
        self.spool.unlock();
    }
}

#[async_trait]
impl LedgerStore for SpooledLedger {
    async fn append(&self, rows: &[AttemptRow]) -> Result<(), StorageError> {
        if rows.is_empty() {
            return Ok(());
        }
        match self.spool.put(rows).await {
            Ok(()) => {
                if self.spool.inside.note_failing(false) {
                    self.pace.reset();
                    tracing::info!("the spool takes rows again");
                }
                Ok(())
            }
            Err(why) => self.straight(rows, why).await,
        }
    }

    async fn attempts(&self, request: RequestId) -> Result<Vec<AttemptRow>, StorageError> {
        self.caught_up().await;
        self.inner.attempts(request).await
    }

    async fn missing(&self, rows: &[(RequestId, u16)]) -> Result<Vec<(RequestId, u16)>, StorageError> {
        self.caught_up().await;
        self.inner.missing(rows).await
    }

    async fn recent(&self, key: Option<ClientKeyId>, limit: usize) -> Result<Vec<AttemptRow>, StorageError> {
        self.caught_up().await;
        self.inner.recent(key, limit).await
    }

    async fn rows_after(
        &self,
        after: Option<(RequestId, u16)>,
        limit: usize,
    ) -> Result<Vec<AttemptRow>, StorageError> {
        self.caught_up().await;
        self.inner.rows_after(after, limit).await
    }

    async fn usage(&self, query: &UsageQuery) -> Result<Vec<RollupRow>, StorageError> {
        self.caught_up().await;
        self.inner.usage(query).await
    }

    async fn sums(&self, query: &UsageQuery, by: &[Dimension]) -> Result<Vec<GroupSums>, StorageError> {
        self.caught_up().await;
        self.inner.sums(query, by).await
    }

    async fn sums_of(
        &self,
        query: &UsageQuery,
        of: Dimension,
        ids: &[Uuid],
    ) -> Result<Vec<GroupSums>, StorageError> {
        self.caught_up().await;
        self.inner.sums_of(query, of, ids).await
    }

    async fn last_use(&self, by: Dimension, ids: &[Uuid]) -> Result<Vec<Option<Timestamp>>, StorageError> {
        self.caught_up().await;
        self.inner.last_use(by, ids).await
    }

    async fn carry_over(&self, rollups: &[RollupRow]) -> Result<(), StorageError> {
        self.caught_up().await;
        self.inner.carry_over(rollups).await
    }

    async fn correct(&self, corrections: &[Correction]) -> Result<Vec<(RequestId, u16)>, StorageError> {
        self.caught_up().await;
        self.inner.correct(corrections).await
    }

    async fn count(&self) -> Result<u64, StorageError> {
        self.caught_up().await;
        self.inner.count().await
    }

    async fn forget_rows(&self, before: Timestamp, most: usize) -> Result<usize, StorageError> {
        self.caught_up().await;
        self.inner.forget_rows(before, most).await
    }

    async fn forget_rollups(
        &self,
        period: RollupPeriod,
        before: Timestamp,
        most: usize,
    ) -> Result<usize, StorageError> {
        self.caught_up().await;
        self.inner.forget_rollups(period, before, most).await
    }
}

/// What the way through the spool takes at most, with a sound store.
const CATCHING_UP: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
