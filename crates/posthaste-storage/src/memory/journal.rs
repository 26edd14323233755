//! Journals in memory.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use parking_lot::Mutex;

use crate::{JournalEntry, JournalStore, StorageError};

/// Keeps the journals.
#[derive(Default)]
pub(super) struct MemoryJournals {
    kept: Mutex<HashMap<String, BTreeMap<u64, JournalEntry>>>,
}

#[async_trait]
impl JournalStore for MemoryJournals {
    async fn append(&self, journal: &str, entry: &JournalEntry) -> Result<(), StorageError> {
        self.put(journal, entry, 1)
    }

    async fn carry_over(&self, journal: &str, entry: &JournalEntry) -> Result<(), StorageError> {
        self.put(journal, entry, entry.number)
    }

    async fn last(&self, journal: &str) -> Result<Option<JournalEntry>, StorageError> {
        let kept = self.kept.lock();
        Ok(kept.get(journal).and_then(|entries| entries.values().next_back()).cloned())
    }

    async fn latest(
        &self,
        journal: &str,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<JournalEntry>, StorageError> {
        let kept = self.kept.lock();
        let Some(entries) = kept.get(journal) else { return Ok(Vec::new()) };
        let found = entries.range(..before.unwrap_or(u64::MAX)).rev().take(limit);
        Ok(found.map(|(_, entry)| entry.clone()).collect())
    }

    async fn after(
        &self,
        journal: &str,
        after: u64,
        limit: usize,
    ) -> Result<Vec<JournalEntry>, StorageError> {
        let kept = self.kept.lock();
        let Some(entries) = kept.get(journal) else { return Ok(Vec::new()) };
        Ok(entries.range(after.saturating_add(1)..).take(limit).map(|(_, entry)| entry.clone()).collect())
    }

    async fn forget(&self, journal: &str, through: u64) -> Result<u64, StorageError> {
        let mut kept = self.kept.lock();
        let Some(entries) = kept.get_mut(journal) else { return Ok(0) };
        let before = entries.len();
        let last = entries.last_key_value().map_or(0, |(number, _)| *number);
        entries.retain(|number, _| *number > through || *number == last);
        Ok((before - entries.len()) as u64)
    }
}

impl MemoryJournals {
    /// Writes an entry behind the last one, or as the first one where `first` is its number.
    fn put(&self, journal: &str, entry: &JournalEntry, first: u64) -> Result<(), StorageError> {
        let mut kept = self.kept.lock();
        let entries = kept.entry(journal.to_owned()).or_default();
        let last = entries.values().next_back();
        if last == Some(entry) {
            return Ok(());
        }
        if entry.number != last.map_or(first, |last| last.number + 1) {
            return Err(StorageError::Conflict { what: format!("the journal {journal}") });
        }
        entries.insert(entry.number, entry.clone());
        Ok(())
    }
}
