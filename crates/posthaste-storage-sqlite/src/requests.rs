//! The records of requests.

use std::time::Duration;

use async_trait::async_trait;
use posthaste_core::{ClientKeyId, RequestId, RequestRecord, Sealed, Timestamp};
use posthaste_storage::{KeptRequest, RequestStore, StorageError, pack_request, unpack_request};
use rusqlite::{Connection, OptionalExtension, params};

use crate::{error::unreadable, stores::Database};

#[async_trait]
impl RequestStore for Database {
    async fn put(&self, requests: &[KeptRequest], _keep: Duration) -> Result<(), StorageError> {
        if requests.is_empty() {
            return Ok(());
        }
        // Written out here, so that the writer's thread only stores.
        let rows: Vec<_> = requests.iter().map(Row::of).collect();
        let write = move |connection: &Connection| {
            let mut insert = connection.prepare_cached(PUT)?;
            for row in &rows {
                insert.execute(params![row.id.uuid(), row.key_id.uuid(), row.record, row.bodies])?;
            }
            Ok(())
        };
        self.writer.write("keeping records of requests", write).await
    }

    async fn find(&self, request: RequestId) -> Result<Option<KeptRequest>, StorageError> {
        let read = move |connection: &Connection| {
            let mut select = connection.prepare_cached("SELECT record, bodies FROM request WHERE id = ?1")?;
            let kept = select.query_row([request.uuid()], |row| {
                let bodies: Option<String> = row.get(1)?;
                Ok(KeptRequest { record: record(row)?, bodies: bodies.map(Sealed::from_text) })
            });
            Ok(kept.optional()?)
        };
        self.readers.read("reading a request's record", read).await
    }

    async fn latest(
        &self,
        key: Option<ClientKeyId>,
        limit: usize,
    ) -> Result<Vec<RequestRecord>, StorageError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let read = move |connection: &Connection| match key {
            Some(key) => {
                let mut select = connection.prepare_cached(LATEST_OF_KEY)?;
                Ok(select.query_map(params![key.uuid(), limit], record)?.collect::<Result<_, _>>()?)
            }
            None => {
                let mut select = connection.prepare_cached(LATEST)?;
                Ok(select.query_map([limit], record)?.collect::<Result<_, _>>()?)
            }
        };
        self.reports.read("reading the latest requests", read).await
    }

    async fn before(
        &self,
        before: Option<RequestId>,
        limit: usize,
    ) -> Result<Vec<RequestRecord>, StorageError> {
        let Some(before) = before else { return self.latest(None, limit).await };
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let read = move |connection: &Connection| {
            let mut select = connection.prepare_cached(BEFORE)?;
            let found = select.query_map(params![before.uuid(), limit], record)?;
            Ok(found.collect::<Result<_, _>>()?)
        };
        self.reports.read("reading earlier requests", read).await
    }

    async fn trim(&self, before: Timestamp, most: u64) -> Result<u64, StorageError> {
        let bound = RequestId::least_at(before);
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        // Counting goes through the whole index, so it is left to a reader.
        let look = move |connection: &Connection| {
            let mut select = connection.prepare_cached(COUNT)?;
            Ok(select.query_row([bound.uuid()], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, bool>(1)?)))?)
        };
        let (kept, some_are_old) = self.reports.read("counting requests", look).await?;
        let beyond = kept.saturating_sub(most).clamp(0, FORGOTTEN_AT_ONCE);
        if beyond == 0 && !some_are_old {
            return Ok(0);
        }
        let write = move |connection: &Connection| {
            let old =
                connection.prepare_cached(FORGET_OLD)?.execute(params![bound.uuid(), FORGOTTEN_AT_ONCE])?;
            let old = i64::try_from(old).unwrap_or(i64::MAX);
            let more = connection.prepare_cached(FORGET)?.execute([beyond.saturating_sub(old).max(0)])?;
            Ok(old.cast_unsigned().saturating_add(more as u64))
        };
        self.writer.write("forgetting requests", write).await
    }
}

struct Row {
    id: RequestId,
    key_id: ClientKeyId,
    record: Vec<u8>,
    bodies: Option<String>,
}

impl Row {
    fn of(kept: &KeptRequest) -> Self {
        let bodies = kept.bodies.as_ref().map(|sealed| sealed.as_text().to_owned());
        Self { id: kept.record.id, key_id: kept.record.key_id, record: pack_request(&kept.record), bodies }
    }
}

fn record(row: &rusqlite::Row<'_>) -> Result<RequestRecord, rusqlite::Error> {
    unpack_request(row.get_ref(0)?.as_blob()?).map_err(unreadable)
}

const PUT: &str = "
    INSERT INTO request (id, key_id, record, bodies) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (id) DO UPDATE SET key_id = excluded.key_id, record = excluded.record, bodies = excluded.bodies";

const LATEST: &str = "SELECT record FROM request ORDER BY id DESC LIMIT ?1";

const LATEST_OF_KEY: &str = "SELECT record FROM request WHERE key_id = ?1 ORDER BY id DESC LIMIT ?2";

const BEFORE: &str = "SELECT record FROM request WHERE id < ?1 ORDER BY id DESC LIMIT ?2";

const COUNT: &str = "SELECT count(*), EXISTS (SELECT 1 FROM request WHERE id < ?1) FROM request";

const FORGET_OLD: &str =
    "DELETE FROM request WHERE id IN (SELECT id FROM request WHERE id < ?1 ORDER BY id LIMIT ?2)";

const FORGET: &str = "DELETE FROM request WHERE id IN (SELECT id FROM request ORDER BY id LIMIT ?1)";

/// So few that the writes of others do not wait long.
const FORGOTTEN_AT_ONCE: i64 = 500;
