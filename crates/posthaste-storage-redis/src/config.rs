//! Configuration records.
//!
//! All of them share one slot: they are few and seldom written, and a write touches the record, its look-up name, the
//! revision and the feed in one step. The feed is a stream whose entry ids are the revisions.

mod feed;

use std::sync::Arc;

use async_trait::async_trait;
use fred::{interfaces::HashesInterface, types::Value};
use posthaste_storage::{
    Change, Changes, ConfigStore, Expect, Page, Record, RecordKind, Revision, StorageError,
};
use uuid::Uuid;

pub(crate) use self::feed::Feed;
use crate::{
    error::CallError,
    keys::Keys,
    link::{Link, Repeat},
    reply, script,
};

/// Keeps each record as three fields of its kind's hash.
pub(crate) struct RedisConfig {
    link: Link,
    keys: Keys,
    feed: Arc<Feed>,
}

impl RedisConfig {
    pub(crate) fn new(link: Link, keys: Keys, feed: Arc<Feed>) -> Self {
        Self { link, keys, feed }
    }

    /// The keys that a write touches, in the scripts' order.
    fn written(&self, kind: RecordKind) -> Vec<String> {
        let keys = &self.keys;
        vec![keys.records(kind), keys.lookups(kind), keys.ids(kind), keys.revision(), keys.changes()]
    }
}

#[async_trait]
impl ConfigStore for RedisConfig {
    async fn get(&self, kind: RecordKind, id: Uuid) -> Result<Option<Record>, StorageError> {
        let key = self.keys.records(kind);
        let fields = vec![format!("{id}:version"), format!("{id}:lookup"), format!("{id}:body")];
        let found: Value =
            self.link.call(READING, |client| async move { client.hmget(key, fields).await }).await?;
        let read = || {
            let [version, lookup, body] = reply::tuple(found)?;
            if version.is_null() { Ok(None) } else { record(kind, id, version, lookup, body).map(Some) }
        };
        read().map_err(|error: CallError| error.during(READING))
    }

    async fn find(&self, kind: RecordKind, lookup: &str) -> Result<Option<Record>, StorageError> {
        let keys = vec![self.keys.records(kind), self.keys.lookups(kind)];
        let arguments = vec![Value::from(lookup)];
        let found = self.link.eval(READING, &script::CONFIG_FIND, Repeat::Harmless, keys, arguments).await?;
        let read = || match reply::list(found)? {
            nothing if nothing.is_empty() => Ok(None),
            found => listed(kind, Value::Array(found)).map(Some),
        };
        read().map_err(|error: CallError| error.during(READING))
    }

    async fn list(&self, kind: RecordKind, after: Option<Uuid>, limit: usize) -> Result<Page, StorageError> {
        let limit = limit.clamp(1, LONGEST_PAGE);
        let from = after.map_or_else(|| "-".to_owned(), |id| format!("({id}"));
        let keys = vec![self.keys.records(kind), self.keys.ids(kind)];
        let arguments = vec![Value::from(from), Value::from((limit + 1).to_string())];
        let found = self.link.eval(LISTING, &script::CONFIG_LIST, Repeat::Harmless, keys, arguments).await?;
        let mut records =
            reply::each(found, |found| listed(kind, found)).map_err(|error| error.during(LISTING))?;
        let more = records.len() > limit;
        records.truncate(limit);
        let next = records.last().filter(|_| more).map(|record| record.id);
        Ok(Page { records, next })
    }

    async fn put(
        &self,
        kind: RecordKind,
        id: Uuid,
        lookup: Option<String>,
        body: String,
        expect: Expect,
    ) -> Result<u64, StorageError> {
        let (expected, version) = match expect {
            Expect::Absent => (String::new(), 1),
            Expect::Version(version) => (version.to_string(), version.saturating_add(1)),
        };
        let arguments = vec![
            Value::from(id.to_string()),
            Value::from(expected),
            Value::from(version.to_string()),
            Value::from(if lookup.is_some() { "1" } else { "0" }),
            Value::from(lookup.unwrap_or_default()),
            Value::from(body),
            Value::from(kind.as_str()),
            Value::from(FEED_LENGTH),
        ];
        let written = self.written(kind);
        let outcome = self.link.eval(WRITING, &script::CONFIG_PUT, Repeat::Never, written, arguments).await?;
        check(outcome, kind, id).map(|()| version)
    }

    async fn delete(&self, kind: RecordKind, id: Uuid, version: u64) -> Result<(), StorageError> {
        let arguments = vec![
            Value::from(id.to_string()),
            Value::from(version.to_string()),
            Value::from(kind.as_str()),
            Value::from(FEED_LENGTH),
        ];
        let written = self.written(kind);
        let outcome =
            self.link.eval(WRITING, &script::CONFIG_DELETE, Repeat::Never, written, arguments).await?;
        check(outcome, kind, id)
    }

    async fn revision(&self) -> Result<Revision, StorageError> {
        feed::revision(&self.link, self.keys.revision()).await
    }

    async fn changes(&self, since: Revision) -> Result<Changes, StorageError> {
        let keys = vec![self.keys.revision(), self.keys.changes()];
        let arguments = vec![Value::from(since.0.saturating_add(1).to_string())];
        let found =
            self.link.eval(FOLLOWING, &script::CONFIG_CHANGES, Repeat::Harmless, keys, arguments).await?;
        changes(since, found).map_err(|error| error.during(FOLLOWING))
    }

    async fn changed(&self, since: Revision) -> Result<(), StorageError> {
        self.feed.changed(since).await
    }
}

fn check(outcome: Value, kind: RecordKind, id: Uuid) -> Result<(), StorageError> {
    match reply::text(outcome).map_err(|error| error.during(WRITING))?.as_str() {
        "done" => Ok(()),
        "taken" => Err(StorageError::Taken { what: format!("the look-up name of {kind} {id}") }),
        _ => Err(StorageError::Conflict { what: format!("{kind} {id}") }),
    }
}

fn listed(kind: RecordKind, found: Value) -> Result<Record, CallError> {
    let [id, version, lookup, body] = reply::tuple(found)?;
    record(kind, uuid(&reply::text(id)?)?, version, lookup, body)
}

fn record(
    kind: RecordKind,
    id: Uuid,
    version: Value,
    lookup: Value,
    body: Value,
) -> Result<Record, CallError> {
    Ok(Record {
        kind,
        id,
        version: reply::number(version)?,
        lookup: reply::optional_text(lookup)?,
        body: reply::text(body)?,
        // Redis checks its own files.
        intact: true,
    })
}

fn changes(since: Revision, found: Value) -> Result<Changes, CallError> {
    let [revision, first, entries] = reply::tuple(found)?;
    let revision = Revision(reply::number(revision)?);
    let first = reply::each(first, change)?.into_iter().next();
    let changes = reply::each(entries, change)?;
    // The feed is whole from the write before its first entry on; an empty one reaches back to nothing but now.
    let reach = first.map_or(revision, |first| Revision(first.revision.0.saturating_sub(1)));
    // A revision from the future was learnt from another store: what the reader knows is of no use here.
    let truncated = since < reach || since > revision;
    Ok(Changes { revision, changes, truncated })
}

fn change(entry: Value) -> Result<Change, CallError> {
    let [place, fields] = reply::tuple(entry)?;
    let [_, kind, _, id] = reply::tuple(fields)?;
    let place = reply::text(place)?;
    let revision = place.split('-').next().and_then(|revision| revision.parse().ok());
    let kind = RecordKind::parse(&reply::text(kind)?);
    Ok(Change {
        revision: Revision(revision.ok_or_else(|| CallError::Unreadable("no revision".into()))?),
        kind: kind.ok_or_else(|| CallError::Unreadable("an unknown kind of record".into()))?,
        id: uuid(&reply::text(id)?)?,
    })
}

fn uuid(text: &str) -> Result<Uuid, CallError> {
    Uuid::try_parse(text).map_err(|_| CallError::Unreadable("expected a UUID".into()))
}

/// The feed keeps about as many writes; the server trims in whole blocks, never below.
const FEED_LENGTH: &str = "10000";

/// What one answer may hold; a longer list is read in several pages.
const LONGEST_PAGE: usize = 1_000;

const READING: &str = "reading a configuration record";
const LISTING: &str = "listing configuration records";
const WRITING: &str = "writing a configuration record";
const FOLLOWING: &str = "reading configuration changes";

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(revision: u64) -> Value {
        let fields = ["kind", "account", "id", "0190c0de-0000-7000-8000-000000000001"];
        let fields = Value::Array(fields.into_iter().map(Value::from).collect());
        Value::Array(vec![Value::from(format!("{revision}-0")), fields])
    }

    fn feed(revision: u64, first: Option<u64>, entries: &[u64]) -> Value {
        let first = Value::Array(first.into_iter().map(entry).collect());
        let entries = Value::Array(entries.iter().map(|&revision| entry(revision)).collect());
        Value::Array(vec![Value::from(revision.to_string()), first, entries])
    }

    #[test]
    fn a_feed_that_no_longer_reaches_back_says_so() {
        let since = |since, feed| changes(Revision(since), feed).unwrap();
        assert!(!since(4, feed(6, Some(5), &[5, 6])).truncated);
        assert!(since(3, feed(6, Some(5), &[5, 6])).truncated);
        assert!(since(3, feed(6, None, &[])).truncated);
        assert!(since(9, feed(6, Some(1), &[])).truncated, "from another store");
        assert!(!since(0, feed(0, None, &[])).truncated, "nothing was ever written");
        assert_eq!(since(4, feed(6, Some(5), &[5, 6])).changes[1].revision, Revision(6));
    }
}
