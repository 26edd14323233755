//! A store behind the spool that fails as a test says.

use super::*;

/// A store that is away, or fails at some calls before or after it took the rows.
pub(super) struct Moody {
    inner: Mutex<Arc<dyn LedgerStore>>,
    pub(super) away: AtomicBool,
    pub(super) calls: AtomicU64,
    /// Call by call: fails before the rows are taken, after a half of them, after all of them.
    moods: Vec<Mood>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Mood {
    Takes,
    Refuses,
    TakesHalf,
    TakesAndFails,
}

impl Moody {
    pub(super) fn with(moods: Vec<Mood>) -> Arc<Self> {
        let inner = Mutex::new(MemoryStores::stores().ledger);
        Arc::new(Self { inner, away: AtomicBool::new(false), calls: AtomicU64::new(0), moods })
    }

    pub(super) fn away() -> Arc<Self> {
        let moody = Self::with(Vec::new());
        moody.away.store(true, Ordering::SeqCst);
        moody
    }

    pub(super) fn inner(&self) -> Arc<dyn LedgerStore> {
        Arc::clone(&self.inner.lock())
    }

    /// Puts another store in its place, as a fail-over does.
    pub(super) fn fail_over(&self, to: Arc<dyn LedgerStore>) {
        *self.inner.lock() = to;
    }

    fn failure() -> StorageError {
        StorageError::unavailable("a test", "the store is away")
    }
}

#[async_trait]
impl LedgerStore for Moody {
    async fn append(&self, rows: &[AttemptRow]) -> Result<(), StorageError> {
        if self.away.load(Ordering::SeqCst) {
            return Err(Self::failure());
        }
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        match self.moods.get(usize::try_from(call).unwrap()).unwrap_or(&Mood::Takes) {
            Mood::Takes => self.inner().append(rows).await,
            Mood::Refuses => Err(Self::failure()),
            Mood::TakesHalf => {
                self.inner().append(&rows[..rows.len() / 2]).await?;
                Err(Self::failure())
            }
            Mood::TakesAndFails => {
                self.inner().append(rows).await?;
                Err(Self::failure())
            }
        }
    }

    async fn attempts(&self, request: RequestId) -> Result<Vec<AttemptRow>, StorageError> {
        self.inner().attempts(request).await
    }

    async fn missing(&self, rows: &[(RequestId, u16)]) -> Result<Vec<(RequestId, u16)>, StorageError> {
        self.inner().missing(rows).await
    }

    async fn recent(&self, key: Option<ClientKeyId>, limit: usize) -> Result<Vec<AttemptRow>, StorageError> {
        self.inner().recent(key, limit).await
    }

    async fn usage(&self, query: &UsageQuery) -> Result<Vec<RollupRow>, StorageError> {
        self.inner().usage(query).await
    }

    async fn sums(&self, query: &UsageQuery, by: &[Dimension]) -> Result<Vec<GroupSums>, StorageError> {
        self.inner().sums(query, by).await
    }

    async fn carry_over(&self, rollups: &[RollupRow]) -> Result<(), StorageError> {
        self.inner().carry_over(rollups).await
    }

    async fn correct(&self, corrections: &[Correction]) -> Result<Vec<(RequestId, u16)>, StorageError> {
        self.inner().correct(corrections).await
    }

    async fn count(&self) -> Result<u64, StorageError> {
        self.inner().count().await
    }

    async fn forget_rows(&self, before: Timestamp, most: usize) -> Result<usize, StorageError> {
        self.inner().forget_rows(before, most).await
    }

    async fn forget_rollups(
        &self,
        period: RollupPeriod,
        before: Timestamp,
        most: usize,
    ) -> Result<usize, StorageError> {
        self.inner().forget_rollups(period, before, most).await
    }
}
