//! Journals: a stream each, whose entries' identities are their numbers.

use async_trait::async_trait;
use fred::{interfaces::StreamsInterface, types::Value};
use posthaste_core::Timestamp;
use posthaste_storage::{JournalEntry, JournalStore, StorageError};

use crate::{
    error::CallError,
    keys::Keys,
    link::{Link, Repeat},
    reply, script,
};

/// Keeps the journals.
pub(crate) struct RedisJournals {
    link: Link,
    keys: Keys,
}

impl RedisJournals {
    pub(crate) fn new(link: Link, keys: Keys) -> Self {
        Self { link, keys }
    }

    /// Writes an entry behind the last one, or as the first one where `first` is its number.
    async fn put(&self, journal: &str, entry: &JournalEntry, first: u64) -> Result<(), StorageError> {
        let arguments = vec![
            Value::from(entry.number.to_string()),
            Value::from(entry.at.as_micros().to_string()),
            Value::from(entry.text.as_str()),
            Value::from(first.to_string()),
        ];
        let keys = vec![self.keys.journal(journal)];
        let answer =
            self.link.eval(WRITING, &script::JOURNAL_APPEND, Repeat::Harmless, keys, arguments).await?;
        match reply::number::<u64>(answer).map_err(|error| error.during(WRITING))? {
            0 => Err(StorageError::Conflict { what: format!("the journal {journal}") }),
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl JournalStore for RedisJournals {
    async fn append(&self, journal: &str, entry: &JournalEntry) -> Result<(), StorageError> {
        self.put(journal, entry, 1).await
    }

    async fn carry_over(&self, journal: &str, entry: &JournalEntry) -> Result<(), StorageError> {
        self.put(journal, entry, entry.number).await
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
        let newest = match before {
            Some(0) => return Ok(Vec::new()),
            // Without a second part the whole number is meant, whose entries all have 0 there.
            Some(before) => (before - 1).to_string(),
            None => "+".to_owned(),
        };
        let (key, most) = (self.keys.journal(journal), Some(limit as u64));
        let found: Value = self
            .link
            .call(READING, |client| async move { client.xrevrange(key, newest, "-", most).await })
            .await?;
        reply::each(found, entry).map_err(|error| error.during(READING))
    }

    async fn after(
        &self,
        journal: &str,
        after: u64,
        limit: usize,
    ) -> Result<Vec<JournalEntry>, StorageError> {
        let Some(first) = after.checked_add(1) else { return Ok(Vec::new()) };
        let (key, most) = (self.keys.journal(journal), Some(limit as u64));
        let found: Value = self
            .link
            .call(READING, |client| async move { client.xrange(key, first.to_string(), "+", most).await })
            .await?;
        reply::each(found, entry).map_err(|error| error.during(READING))
    }

    async fn forget(&self, journal: &str, through: u64) -> Result<u64, StorageError> {
        let what = "forgetting entries of a journal";
        let (keys, arguments) = (vec![self.keys.journal(journal)], vec![Value::from(through.to_string())]);
        let answer = self.link.eval(what, &script::JOURNAL_FORGET, Repeat::Harmless, keys, arguments).await?;
        reply::number(answer).map_err(|error| error.during(what))
    }
}

/// An entry is its identity and a list of fields with their values: `at`, its moment, `text`, its text.
fn entry(found: Value) -> Result<JournalEntry, CallError> {
    let [id, fields] = reply::tuple(found)?;
    let [_, at, _, text] = reply::tuple(fields)?;
    let id = reply::text(id)?;
    let number = id.split('-').next().and_then(|number| number.parse().ok());
    let number = number.ok_or_else(|| CallError::Unreadable("not an entry's number".into()))?;
    Ok(JournalEntry { number, at: Timestamp::from_micros(reply::number(at)?), text: reply::text(text)? })
}

const READING: &str = "reading a journal";
const WRITING: &str = "writing a journal";
