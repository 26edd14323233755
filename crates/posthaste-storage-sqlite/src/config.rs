//! Configuration records.

use std::time::Duration;

use async_trait::async_trait;
use posthaste_storage::{
    Change, Changes, ConfigStore, Expect, Page, Record, RecordKind, Revision, StorageError,
};
use rusqlite::{Connection, OptionalExtension, Row, params};
use tokio::time::sleep;
use uuid::Uuid;

use crate::{
    checksum,
    error::{Failure, UnknownName},
    stores::Database,
};

#[async_trait]
impl ConfigStore for Database {
    async fn get(&self, kind: RecordKind, id: Uuid) -> Result<Option<Record>, StorageError> {
        let read = move |connection: &Connection| {
            let mut select = connection.prepare_cached(
                "SELECT id, version, lookup, body, sum FROM record WHERE kind = ?1 AND id = ?2",
            )?;
            Ok(select.query_row(params![kind.as_str(), id], |row| record(kind, row)).optional()?)
        };
        self.readers.read("reading a record", read).await
    }

    async fn find(&self, kind: RecordKind, lookup: &str) -> Result<Option<Record>, StorageError> {
        let lookup = lookup.to_owned();
        let read = move |connection: &Connection| {
            let mut select = connection.prepare_cached(
                "SELECT id, version, lookup, body, sum FROM record WHERE kind = ?1 AND lookup = ?2",
            )?;
            Ok(select.query_row(params![kind.as_str(), lookup], |row| record(kind, row)).optional()?)
        };
        self.readers.read("finding a record", read).await
    }

    async fn list(&self, kind: RecordKind, after: Option<Uuid>, limit: usize) -> Result<Page, StorageError> {
        self.readers
            .read("listing records", move |connection| list(connection, kind, after, limit.max(1)))
            .await
    }

    async fn put(
        &self,
        kind: RecordKind,
        id: Uuid,
        lookup: Option<String>,
        body: String,
        expect: Expect,
    ) -> Result<u64, StorageError> {
        let write = move |connection: &Connection| {
            let version = next_version(connection, kind, id, expect)?;
            check_lookup(connection, kind, id, lookup.as_deref())?;
            connection.prepare_cached(PUT)?.execute(params![
                kind.as_str(),
                id,
                version.cast_signed(),
                lookup,
                body,
                sum_of(kind, id, version, lookup.as_deref(), &body),
            ])?;
            tell(connection, kind, id)?;
            Ok(version)
        };
        let version = self.writer.write("writing a record", write).await?;
        self.record_written.notify_waiters();
        Ok(version)
    }

    async fn delete(&self, kind: RecordKind, id: Uuid, version: u64) -> Result<(), StorageError> {
        let write = move |connection: &Connection| {
            next_version(connection, kind, id, Expect::Version(version))?;
            connection
                .prepare_cached("DELETE FROM record WHERE kind = ?1 AND id = ?2")?
                .execute(params![kind.as_str(), id])?;
            tell(connection, kind, id)
        };
        self.writer.write("removing a record", write).await?;
        self.record_written.notify_waiters();
        Ok(())
    }

    async fn revision(&self) -> Result<Revision, StorageError> {
        let read = |connection: &Connection| Ok(feed(connection)?.0);
        self.readers.read("reading the revision", read).await
    }

    async fn changes(&self, since: Revision) -> Result<Changes, StorageError> {
        self.readers.read("reading changes", move |connection| changes(connection, since)).await
    }

    async fn changed(&self, since: Revision) -> Result<(), StorageError> {
        loop {
            // Listening begins before looking, so that a write between the two is not missed.
            let written = self.record_written.notified();
            if self.revision().await? > since {
                return Ok(());
            }
            // Another process's writes make no sound.
            tokio::select! {
                () = written => {}
                () = sleep(LOOK_EVERY) => {}
            }
        }
    }
}

fn list(
    connection: &Connection,
    kind: RecordKind,
    after: Option<Uuid>,
    limit: usize,
) -> Result<Page, Failure> {
    let after: &[u8] = after.as_ref().map_or(&[], |id| id.as_bytes());
    let one_more = i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX);
    let mut select = connection.prepare_cached(
        "SELECT id, version, lookup, body, sum FROM record WHERE kind = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
    )?;
    let found = select.query_map(params![kind.as_str(), after, one_more], |row| record(kind, row))?;
    let mut records = found.collect::<Result<Vec<Record>, _>>()?;
    let more = records.len() > limit;
    records.truncate(limit);
    let next = records.last().filter(|_| more).map(|record| record.id);
    Ok(Page { records, next })
}

fn record(kind: RecordKind, row: &Row<'_>) -> Result<Record, rusqlite::Error> {
    let version: i64 = row.get("version")?;
    let (id, version): (_, u64) = (row.get("id")?, version.cast_unsigned());
    let (lookup, body): (Option<String>, String) = (row.get("lookup")?, row.get("body")?);
    let sum = sum_of(kind, id, version, lookup.as_deref(), &body);
    let intact = row.get::<_, Option<i64>>("sum")? == Some(sum.into());
    Ok(Record { kind, id, version, lookup, body, intact })
}

/// A record's checksum.
pub(crate) fn sum_of(kind: RecordKind, id: Uuid, version: u64, lookup: Option<&str>, body: &str) -> u32 {
    let (version, has_lookup) = (version.to_le_bytes(), [u8::from(lookup.is_some())]);
    let lookup = lookup.unwrap_or_default().as_bytes();
    checksum::of([kind.as_str().as_bytes(), id.as_bytes(), &version, &has_lookup, lookup, body.as_bytes()])
}

/// The version after the one that is there, if `expect` holds.
fn next_version(connection: &Connection, kind: RecordKind, id: Uuid, expect: Expect) -> Result<u64, Failure> {
    let mut select = connection.prepare_cached("SELECT version FROM record WHERE kind = ?1 AND id = ?2")?;
    let present: Option<i64> = select.query_row(params![kind.as_str(), id], |row| row.get(0)).optional()?;
    match (expect, present.map(i64::cast_unsigned)) {
        (Expect::Absent, None) => Ok(1),
        (Expect::Version(expected), Some(version)) if expected == version => Ok(version + 1),
        _ => Err(StorageError::Conflict { what: format!("{kind} {id}") }.into()),
    }
}

fn check_lookup(
    connection: &Connection,
    kind: RecordKind,
    id: Uuid,
    lookup: Option<&str>,
) -> Result<(), Failure> {
    let Some(lookup) = lookup else { return Ok(()) };
    let mut select =
        connection.prepare_cached("SELECT 1 FROM record WHERE kind = ?1 AND lookup = ?2 AND id <> ?3")?;
    if select.exists(params![kind.as_str(), lookup, id])? {
        let what = format!("the look-up name of {kind} {id}");
        return Err(StorageError::Taken { what }.into());
    }
    Ok(())
}

/// Moves the feed on by one, and cuts what lies too far back.
fn tell(connection: &Connection, kind: RecordKind, id: Uuid) -> Result<(), Failure> {
    let revision: i64 = connection.prepare_cached(ADVANCE)?.query_row([FEED_LENGTH], |row| row.get(0))?;
    connection.prepare_cached(TELL)?.execute(params![kind.as_str(), id, revision])?;
    connection
        .prepare_cached("DELETE FROM change WHERE revision <= ?1")?
        .execute([revision - FEED_LENGTH])?;
    Ok(())
}

fn changes(connection: &Connection, since: Revision) -> Result<Changes, Failure> {
    // One snapshot for both statements: the revision told must be that of the changes told.
    let snapshot = connection.unchecked_transaction()?;
    let (revision, reach) = feed(&snapshot)?;
    let mut select = snapshot
        .prepare_cached("SELECT revision, kind, id FROM change WHERE revision > ?1 ORDER BY revision")?;
    let after = i64::try_from(since.0).unwrap_or(i64::MAX);
    let changes = select.query_map([after], change)?.collect::<Result<Vec<Change>, _>>()?;
    // A revision from the future was learnt from another store: what the reader knows is of no use here.
    Ok(Changes { revision, changes, truncated: since < reach || since > revision })
}

fn change(row: &Row<'_>) -> Result<Change, rusqlite::Error> {
    let kind: String = row.get("kind")?;
    let revision: i64 = row.get("revision")?;
    Ok(Change {
        revision: Revision(revision.cast_unsigned()),
        kind: RecordKind::parse(&kind).ok_or(UnknownName { column: "kind", text: kind })?,
        id: row.get("id")?,
    })
}

/// Where the feed stands, and from where on it is whole.
fn feed(connection: &Connection) -> Result<(Revision, Revision), rusqlite::Error> {
    let mut select = connection.prepare_cached("SELECT revision, reach FROM feed")?;
    let revision = |number: i64| Revision(number.cast_unsigned());
    select.query_row([], |row| Ok((revision(row.get(0)?), revision(row.get(1)?))))
}

const PUT: &str = "
    INSERT INTO record (kind, id, version, lookup, body, sum) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
    ON CONFLICT (kind, id) DO UPDATE SET
        version = excluded.version, lookup = excluded.lookup, body = excluded.body, sum = excluded.sum";

const ADVANCE: &str = "
    UPDATE feed SET revision = revision + 1, reach = max(reach, revision + 1 - ?1) RETURNING revision";

const TELL: &str = "
    INSERT INTO change (kind, id, revision) VALUES (?1, ?2, ?3)
    ON CONFLICT (kind, id) DO UPDATE SET revision = excluded.revision";

/// How many writes the feed reaches back.
const FEED_LENGTH: i64 = 100_000;

/// Half the time within which another process's write must be noticed.
const LOOK_EVERY: Duration = Duration::from_millis(500);
