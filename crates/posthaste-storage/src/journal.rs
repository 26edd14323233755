//! Journals: what happened, one entry behind the other.

use async_trait::async_trait;
use posthaste_core::Timestamp;

use crate::StorageError;

/// What happened, as it was written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalEntry {
    /// Its place, from 1 on, without gaps.
    pub number: u64,
    /// When it was written.
    pub at: Timestamp,
    /// The writer's own text.
    pub text: String,
}

/// Named journals. An entry is durable when it was written, and never changed.
#[async_trait]
pub trait JournalStore: Send + Sync + 'static {
    /// Writes an entry behind the last one, whose number is `entry.number - 1`; [`StorageError::Conflict`] when another
    /// writer was there first: read [`last`](Self::last) and try again. Writing the very entry that is the last one again
    /// changes nothing.
    async fn append(&self, journal: &str, entry: &JournalEntry) -> Result<(), StorageError>;

    /// As [`append`](Self::append), but a journal without entries begins with this one, whatever its number: for one that
    /// comes from another store, where older entries were forgotten.
    async fn carry_over(&self, journal: &str, entry: &JournalEntry) -> Result<(), StorageError>;

    /// The last entry. It stays readable when older ones are forgotten, for as long as anything is kept.
    async fn last(&self, journal: &str) -> Result<Option<JournalEntry>, StorageError>;

    /// The latest entries whose number is below `before`, the newest first, at most `limit`; without `before` from the
    /// last one on.
    async fn latest(
        &self,
        journal: &str,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<JournalEntry>, StorageError>;

    /// The entries whose number is above `after`, the oldest first, at most `limit`.
    async fn after(&self, journal: &str, after: u64, limit: usize)
    -> Result<Vec<JournalEntry>, StorageError>;

    /// Forgets the entries whose number is not above `through`, except for the last one. Tells how many those were.
    async fn forget(&self, journal: &str, through: u64) -> Result<u64, StorageError>;

    /// Writes `text` behind whatever is the last entry.
    async fn note(&self, journal: &str, at: Timestamp, text: String) -> Result<JournalEntry, StorageError> {
        let mut entry = JournalEntry { number: 0, at, text };
        let mut tries = 0;
        loop {
            entry.number = self.last(journal).await?.map_or(1, |last| last.number + 1);
            match self.append(journal, &entry).await {
                Err(StorageError::Conflict { .. }) if tries < MOST_REPEATS => tries += 1,
                Err(error) => return Err(error),
                Ok(()) => return Ok(entry),
            }
        }
    }
}

/// Writers of one journal at the same moment are few: operators, and a relay's own tasks.
const MOST_REPEATS: u32 = 64;
