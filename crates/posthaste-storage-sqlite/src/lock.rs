//! Locks with fencing numbers.

use std::time::Duration;

use async_trait::async_trait;
use posthaste_core::Timestamp;
use posthaste_storage::{Fence, LockStore, StorageError};
use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use crate::{error::Failure, stores::Database};

#[async_trait]
impl LockStore for Database {
    async fn acquire(
        &self,
        name: &str,
        holder: Uuid,
        ttl: Duration,
        now: Timestamp,
    ) -> Result<Option<Fence>, StorageError> {
        let name = name.to_owned();
        let write = move |connection: &Connection| {
            forget_lapsed(connection, now)?;
            let until = now.plus(ttl);
            match present(connection, &name)? {
                Some((present, fence)) if present == holder => {
                    hold(connection, &name, holder, fence, until)?;
                    Ok(Some(fence))
                }
                Some(_) => Ok(None),
                None => {
                    let fence = next_fence(connection)?;
                    hold(connection, &name, holder, fence, until)?;
                    Ok(Some(fence))
                }
            }
        };
        self.writer.write("taking a lock", write).await
    }

    async fn release(&self, name: &str, holder: Uuid) -> Result<(), StorageError> {
        let name = name.to_owned();
        let write = move |connection: &Connection| {
            connection
                .prepare_cached("DELETE FROM lock WHERE name = ?1 AND holder = ?2")?
                .execute(params![name, holder])?;
            Ok(())
        };
        self.writer.write("giving back a lock", write).await
    }
}

fn forget_lapsed(connection: &Connection, now: Timestamp) -> Result<(), Failure> {
    connection.prepare_cached("DELETE FROM lock WHERE until <= ?1")?.execute([now.as_micros()])?;
    Ok(())
}

fn present(connection: &Connection, name: &str) -> Result<Option<(Uuid, Fence)>, Failure> {
    let mut select = connection.prepare_cached("SELECT holder, fence FROM lock WHERE name = ?1")?;
    let lock = select.query_row([name], |row| {
        let fence: i64 = row.get(1)?;
        Ok((row.get(0)?, Fence(fence.cast_unsigned())))
    });
    Ok(lock.optional()?)
}

fn next_fence(connection: &Connection) -> Result<Fence, Failure> {
    let mut advance = connection.prepare_cached("UPDATE fence SET last = last + 1 RETURNING last")?;
    let last: i64 = advance.query_row([], |row| row.get(0))?;
    Ok(Fence(last.cast_unsigned()))
}

fn hold(
    connection: &Connection,
    name: &str,
    holder: Uuid,
    fence: Fence,
    until: Timestamp,
) -> Result<(), Failure> {
    connection.prepare_cached(HOLD)?.execute(params![
        name,
        holder,
        fence.0.cast_signed(),
        until.as_micros()
    ])?;
    Ok(())
}

const HOLD: &str = "
    INSERT INTO lock (name, holder, fence, until) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, fence = excluded.fence, until = excluded.until";
