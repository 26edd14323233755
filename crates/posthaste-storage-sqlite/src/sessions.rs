//! Persons' sessions.

use async_trait::async_trait;
use posthaste_core::{Session, Timestamp, TokenHash, UserId};
use posthaste_storage::{SessionStore, StorageError};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::{error::unreadable, stores::Database};

#[async_trait]
impl SessionStore for Database {
    async fn begin(&self, session: &Session) -> Result<(), StorageError> {
        let (session, body) = (session.clone(), written(session)?);
        let write = move |connection: &Connection| {
            connection
                .prepare_cached(SWEEP)?
                .execute(params![session.began_at.as_micros(), SWEPT_AT_ONCE])?;
            let mut insert = connection.prepare_cached(BEGIN)?;
            let (until, began_at) = (session.until.as_micros(), session.began_at.as_micros());
            insert.execute(params![session.token.bytes(), session.user.uuid(), until, began_at, body])?;
            Ok(())
        };
        self.writer.write("beginning a session", write).await
    }

    async fn find(&self, token: TokenHash, now: Timestamp) -> Result<Option<Session>, StorageError> {
        let read = move |connection: &Connection| {
            let mut select = connection.prepare_cached(FIND)?;
            Ok(select.query_row(params![token.bytes(), now.as_micros()], session).optional()?)
        };
        self.readers.read("reading a session", read).await
    }

    async fn renew(&self, session: &Session, now: Timestamp) -> Result<bool, StorageError> {
        let (token, until, body) = (session.token, session.until.as_micros(), written(session)?);
        let write = move |connection: &Connection| {
            let mut update = connection.prepare_cached(RENEW)?;
            Ok(update.execute(params![token.bytes(), until, body, now.as_micros()])? > 0)
        };
        self.writer.write("renewing a session", write).await
    }

    async fn end(&self, token: TokenHash) -> Result<bool, StorageError> {
        let write = move |connection: &Connection| {
            Ok(connection.prepare_cached("DELETE FROM session WHERE token = ?1")?.execute([token.bytes()])?
                > 0)
        };
        self.writer.write("ending a session", write).await
    }

    async fn of(&self, user: UserId, now: Timestamp) -> Result<Vec<Session>, StorageError> {
        let read = move |connection: &Connection| {
            let mut select = connection.prepare_cached(OF_USER)?;
            let found = select.query_map(params![user.uuid(), now.as_micros()], session)?;
            Ok(found.collect::<Result<_, _>>()?)
        };
        self.readers.read("reading a person's sessions", read).await
    }

    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<usize, StorageError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let write = move |connection: &Connection| {
            Ok(connection.prepare_cached(SWEEP)?.execute(params![now.as_micros(), limit])?)
        };
        self.writer.write("dropping lapsed sessions", write).await
    }
}

fn written(session: &Session) -> Result<String, StorageError> {
    serde_json::to_string(session).map_err(|error| StorageError::corrupt("a session", error))
}

fn session(row: &Row<'_>) -> Result<Session, rusqlite::Error> {
    serde_json::from_str(row.get_ref(0)?.as_str()?).map_err(unreadable)
}

const SWEEP: &str = "DELETE FROM session WHERE token IN (SELECT token FROM session WHERE until <= ?1 ORDER BY until LIMIT ?2)";

/// Who logs in sweeps a little; the rest is left to the retention.
const SWEPT_AT_ONCE: i64 = 100;

const BEGIN: &str = "
    INSERT INTO session (token, user, until, began_at, body) VALUES (?1, ?2, ?3, ?4, ?5)
    ON CONFLICT (token) DO UPDATE
    SET user = excluded.user, until = excluded.until, began_at = excluded.began_at, body = excluded.body";

const FIND: &str = "SELECT body FROM session WHERE token = ?1 AND until > ?2";

const RENEW: &str = "UPDATE session SET until = ?2, body = ?3 WHERE token = ?1 AND until > ?4";

const OF_USER: &str = "SELECT body FROM session WHERE user = ?1 AND until > ?2 ORDER BY began_at, token";
