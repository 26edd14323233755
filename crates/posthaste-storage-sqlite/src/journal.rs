//! Journals.

use async_trait::async_trait;
use posthaste_core::Timestamp;
use posthaste_storage::{JournalEntry, JournalStore, StorageError};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::stores::Database;

#[async_trait]
impl JournalStore for Database {
    async fn append(&self, journal: &str, entry: &JournalEntry) -> Result<(), StorageError> {
        self.put_entry(journal, entry, 1).await
    }

    async fn carry_over(&self, journal: &str, entry: &JournalEntry) -> Result<(), StorageError> {
        self.put_entry(journal, entry, entry.number).await
    }

    async fn last(&self, journal: &str) -> Result<Option<JournalEntry>, StorageError> {
        Ok(self.latest(journal, None, 1).await?.pop())
    }

    async fn latest(
        &self,
        journal: &str,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<JournalEntry>, StorageError> {
        self.entries(LATEST, journal, number(before.unwrap_or(u64::MAX)), limit).await
    }

    async fn after(
        &self,
        journal: &str,
        after: u64,
        limit: usize,
    ) -> Result<Vec<JournalEntry>, StorageError> {
        self.entries(AFTER, journal, number(after), limit).await
    }

    async fn forget(&self, journal: &str, through: u64) -> Result<u64, StorageError> {
        let (name, through) = (journal.to_owned(), number(through));
        let write = move |connection: &Connection| {
            Ok(connection.prepare_cached(FORGET)?.execute(params![name, through])? as u64)
        };
        self.writer.write("forgetting entries of a journal", write).await
    }
}

impl Database {
    /// Writes an entry behind the last one, or as the first one where `first` is its number.
    async fn put_entry(&self, journal: &str, entry: &JournalEntry, first: u64) -> Result<(), StorageError> {
        let (name, entry) = (journal.to_owned(), entry.clone());
        let write = move |connection: &Connection| {
            let mut select = connection.prepare_cached(LATEST)?;
            let last = select.query_row(params![name, i64::MAX, 1], self::entry).optional()?;
            if last.as_ref() == Some(&entry) {
                return Ok(());
            }
            if entry.number != last.map_or(first, |last| last.number + 1) {
                return Err(StorageError::Conflict { what: format!("the journal {name}") }.into());
            }
            let mut insert = connection.prepare_cached(APPEND)?;
            insert.execute(params![name, entry.number.cast_signed(), entry.at.as_micros(), entry.text])?;
            Ok(())
        };
        self.writer.write("writing a journal", write).await
    }

    async fn entries(
        &self,
        select: &'static str,
        journal: &str,
        from: i64,
        limit: usize,
    ) -> Result<Vec<JournalEntry>, StorageError> {
        let (name, limit) = (journal.to_owned(), i64::try_from(limit).unwrap_or(i64::MAX));
        let read = move |connection: &Connection| {
            let mut select = connection.prepare_cached(select)?;
            Ok(select.query_map(params![name, from, limit], entry)?.collect::<Result<_, _>>()?)
        };
        self.readers.read("reading a journal", read).await
    }
}

fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn entry(row: &Row<'_>) -> Result<JournalEntry, rusqlite::Error> {
    Ok(JournalEntry {
        number: row.get::<_, i64>(0)?.cast_unsigned(),
        at: Timestamp::from_micros(row.get(1)?),
        text: row.get(2)?,
    })
}

const APPEND: &str = "INSERT INTO journal (name, number, at, text) VALUES (?1, ?2, ?3, ?4)";

const LATEST: &str =
    "SELECT number, at, text FROM journal WHERE name = ?1 AND number < ?2 ORDER BY number DESC LIMIT ?3";

const AFTER: &str =
    "SELECT number, at, text FROM journal WHERE name = ?1 AND number > ?2 ORDER BY number LIMIT ?3";

const FORGET: &str = "
    DELETE FROM journal
    WHERE name = ?1 AND number <= ?2 AND number < (SELECT max(number) FROM journal WHERE name = ?1)";
