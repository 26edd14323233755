//! The books.

use std::sync::Arc;

use async_trait::async_trait;
use posthaste_core::{AttemptRow, ClientKeyId, RequestId, Timestamp};
use uuid::Uuid;

use super::Watch;
use crate::{
    Correction, Dimension, GroupSums, LedgerStore, RollupPeriod, RollupRow, StorageError, UsageQuery,
};

pub(super) struct TimedLedger {
    store: Arc<dyn LedgerStore>,
    append: Watch,
    correct: Watch,
    read: Watch,
    report: Watch,
    forget: Watch,
}

impl TimedLedger {
    pub(super) fn new(store: Arc<dyn LedgerStore>, watch: impl Fn(&'static str) -> Watch) -> Self {
        Self {
            store,
            append: watch("ledger_append"),
            correct: watch("ledger_correct"),
            read: watch("ledger_read"),
            report: watch("ledger_report"),
            forget: watch("ledger_forget"),
        }
    }
}

#[async_trait]
impl LedgerStore for TimedLedger {
    async fn append(&self, rows: &[AttemptRow]) -> Result<(), StorageError> {
        self.append.time(self.store.append(rows)).await
    }

    async fn correct(&self, corrections: &[Correction]) -> Result<Vec<(RequestId, u16)>, StorageError> {
        self.correct.time(self.store.correct(corrections)).await
    }

    async fn attempts(&self, request: RequestId) -> Result<Vec<AttemptRow>, StorageError> {
        self.read.time(self.store.attempts(request)).await
    }

    async fn missing(&self, rows: &[(RequestId, u16)]) -> Result<Vec<(RequestId, u16)>, StorageError> {
        self.read.time(self.store.missing(rows)).await
    }

    async fn recent(&self, key: Option<ClientKeyId>, limit: usize) -> Result<Vec<AttemptRow>, StorageError> {
        self.read.time(self.store.recent(key, limit)).await
    }

    async fn rows_after(
        &self,
        after: Option<(RequestId, u16)>,
        limit: usize,
    ) -> Result<Vec<AttemptRow>, StorageError> {
        self.read.time(self.store.rows_after(after, limit)).await
    }

    async fn usage(&self, query: &UsageQuery) -> Result<Vec<RollupRow>, StorageError> {
        self.report.time(self.store.usage(query)).await
    }

    async fn sums(&self, query: &UsageQuery, by: &[Dimension]) -> Result<Vec<GroupSums>, StorageError> {
        self.report.time(self.store.sums(query, by)).await
    }

    async fn sums_of(
        &self,
        query: &UsageQuery,
        of: Dimension,
        ids: &[Uuid],
    ) -> Result<Vec<GroupSums>, StorageError> {
        self.report.time(self.store.sums_of(query, of, ids)).await
    }

    async fn last_use(&self, by: Dimension, ids: &[Uuid]) -> Result<Vec<Option<Timestamp>>, StorageError> {
        self.report.time(self.store.last_use(by, ids)).await
    }

    async fn carry_over(&self, rollups: &[RollupRow]) -> Result<(), StorageError> {
        self.store.carry_over(rollups).await
    }

    async fn count(&self) -> Result<u64, StorageError> {
        self.read.time(self.store.count()).await
    }

    async fn forget_rows(&self, before: Timestamp, most: usize) -> Result<usize, StorageError> {
        self.forget.time(self.store.forget_rows(before, most)).await
    }

    async fn forget_rollups(
        &self,
        period: RollupPeriod,
        before: Timestamp,
        most: usize,
    ) -> Result<usize, StorageError> {
        self.forget.time(self.store.forget_rollups(period, before, most)).await
    }
}
