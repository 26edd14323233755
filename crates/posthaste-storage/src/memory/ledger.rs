//! The books in memory.

use std::{collections::BTreeMap, ops::Bound};

use async_trait::async_trait;
use parking_lot::Mutex;
use posthaste_core::{AttemptRow, ClientKeyId, RequestId, Timestamp};

use crate::{
    Correction, Dimension, GroupSums, Grouped, LedgerStore, RollupPeriod, RollupRow, Rollups, Shifts,
    StorageError, UsageQuery, retention::first_request,
};

/// Keeps the latest rows, by request and attempt, and the roll-ups of all.
#[derive(Default)]
pub(super) struct MemoryLedger {
    books: Mutex<Books>,
}

#[derive(Default)]
struct Books {
    rows: BTreeMap<(RequestId, u16), AttemptRow>,
    rollups: Rollups,
}

#[async_trait]
impl LedgerStore for MemoryLedger {
    async fn append(&self, rows: &[AttemptRow]) -> Result<(), StorageError> {
        self.books.lock().append(rows);
        Ok(())
    }

    async fn attempts(&self, request: RequestId) -> Result<Vec<AttemptRow>, StorageError> {
        let books = self.books.lock();
        let attempts = books.rows.range((request, 0)..=(request, u16::MAX));
        Ok(attempts.map(|(_, row)| row.clone()).collect())
    }

    async fn missing(&self, rows: &[(RequestId, u16)]) -> Result<Vec<(RequestId, u16)>, StorageError> {
        let books = self.books.lock();
        Ok(rows.iter().filter(|row| !books.rows.contains_key(row)).copied().collect())
    }

    async fn recent(&self, key: Option<ClientKeyId>, limit: usize) -> Result<Vec<AttemptRow>, StorageError> {
        let books = self.books.lock();
        let newest = books.rows.values().rev().filter(|row| key.is_none_or(|key| row.key_id == key));
        Ok(newest.take(limit).cloned().collect())
    }

    async fn rows_after(
        &self,
        after: Option<(RequestId, u16)>,
        limit: usize,
    ) -> Result<Vec<AttemptRow>, StorageError> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let books = self.books.lock();
        Ok(books.rows.range((from, Bound::Unbounded)).take(limit).map(|(_, row)| row.clone()).collect())
    }

    async fn usage(&self, query: &UsageQuery) -> Result<Vec<RollupRow>, StorageError> {
        let books = self.books.lock();
        let wanted = books.rollups.iter().filter(|(key, _)| query.wants(key));
        Ok(wanted.map(|(key, sums)| RollupRow { key: key.clone(), sums: sums.clone() }).collect())
    }

    async fn sums(&self, query: &UsageQuery, by: &[Dimension]) -> Result<Vec<GroupSums>, StorageError> {
        let mut grouped = Grouped::by(by);
        let books = self.books.lock();
        books
            .rollups
            .iter()
            .filter(|(key, _)| query.wants(key))
            .for_each(|(key, sums)| grouped.add(key, sums));
        Ok(grouped.finish())
    }

    async fn carry_over(&self, rollups: &[RollupRow]) -> Result<(), StorageError> {
        let mut books = self.books.lock();
        rollups.iter().for_each(|RollupRow { key, sums }| books.rollups.put(key, sums));
        books.trim();
        Ok(())
    }

    async fn correct(&self, corrections: &[Correction]) -> Result<Vec<(RequestId, u16)>, StorageError> {
        let mut books = self.books.lock();
        let (mut changed, mut shifts) = (Vec::new(), Shifts::default());
        for correction in corrections {
            if let Some(row) = books.rows.get_mut(&correction.name()).filter(|row| correction.fits(row)) {
                shifts.add(row, correction);
                correction.is.put_into(row);
                changed.push(correction.name());
            }
        }
        books.rollups.shift(&shifts);
        Ok(changed)
    }

    async fn count(&self) -> Result<u64, StorageError> {
        Ok(self.books.lock().rows.len() as u64)
    }

    async fn forget_rows(&self, before: Timestamp, most: usize) -> Result<usize, StorageError> {
        let mut books = self.books.lock();
        let old = books.rows.range(..(first_request(before), 0)).take(most);
        let old: Vec<_> = old.map(|(identity, _)| *identity).collect();
        for identity in &old {
            books.rows.remove(identity);
        }
        Ok(old.len())
    }

    async fn forget_rollups(
        &self,
        period: RollupPeriod,
        before: Timestamp,
        most: usize,
    ) -> Result<usize, StorageError> {
        Ok(self.books.lock().rollups.forget(period, before, most))
    }
}

impl Books {
    fn append(&mut self, rows: &[AttemptRow]) {
        let mut new = Rollups::default();
        for row in rows {
            let identity = (row.request_id, row.attempt);
            if self.rows.contains_key(&identity) {
                continue;
            }
            new.add(row);
            self.rows.insert(identity, row.clone());
        }
        self.rollups.merge(&new);
        self.trim();
    }

    fn trim(&mut self) {
        while self.rows.len() > MOST_ROWS {
            self.rows.pop_first();
        }
        self.rollups.trim(MOST_ROLLUPS);
    }
}

const MOST_ROWS: usize = 200_000;

const MOST_ROLLUPS: usize = 200_000;
