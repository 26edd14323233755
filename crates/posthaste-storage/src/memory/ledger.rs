//! The books in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use parking_lot::Mutex;
use posthaste_core::{AttemptRow, ClientKeyId, RequestId};

use crate::{LedgerStore, RollupRow, Rollups, StorageError, UsageQuery};

/// Keeps the latest rows, by request and attempt, and the roll-ups of all.
#[derive(Default)]
pub(super) struct MemoryLedger {
    books: Mutex<Books>,
}

#[derive(Default)]
struct Books {
    rows: BTreeMap<(RequestId, u16), AttemptRow>,
    rollups: Rollups,
    booked: u64,
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

    async fn recent(&self, key: Option<ClientKeyId>, limit: usize) -> Result<Vec<AttemptRow>, StorageError> {
        let books = self.books.lock();
        let newest = books.rows.values().rev().filter(|row| key.is_none_or(|key| row.key_id == key));
        Ok(newest.take(limit).cloned().collect())
    }

    async fn usage(&self, query: &UsageQuery) -> Result<Vec<RollupRow>, StorageError> {
        let books = self.books.lock();
        Ok(books.rollups.rows().filter(|row| wanted(query, row)).cloned().collect())
    }

    async fn count(&self) -> Result<u64, StorageError> {
        Ok(self.books.lock().booked)
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
            self.booked += 1;
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

fn wanted(query: &UsageQuery, row: &RollupRow) -> bool {
    row.period == query.period
        && query.key_id.is_none_or(|key| row.key_id == key)
        && query.account_id.is_none_or(|account| row.account_id == account)
        && query.from.is_none_or(|from| row.start >= from)
        && query.until.is_none_or(|until| row.start < until)
}

const MOST_ROWS: usize = 200_000;

const MOST_ROLLUPS: usize = 200_000;
