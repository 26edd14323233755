//! Conversations' homes.

use std::time::Duration;

use async_trait::async_trait;
use posthaste_core::{AccountId, Timestamp};
use posthaste_storage::{AffinityKey, AffinityStore, StorageError};
use rusqlite::{Connection, OptionalExtension, params};

use crate::stores::Database;

#[async_trait]
impl AffinityStore for Database {
    async fn home(&self, key: AffinityKey, now: Timestamp) -> Result<Option<AccountId>, StorageError> {
        let read = move |connection: &Connection| {
            let mut select = connection.prepare_cached(
                "SELECT account FROM affinity WHERE tenant = ?1 AND conversation = ?2 AND until > ?3",
            )?;
            let home = params![key.tenant.uuid(), key.conversation.as_slice(), now.as_micros()];
            Ok(select.query_row(home, |row| row.get(0).map(AccountId::from_uuid)).optional()?)
        };
        self.readers.read("reading a conversation's home", read).await
    }

    async fn settle_at(
        &self,
        key: AffinityKey,
        account: AccountId,
        ttl: Duration,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        let write = move |connection: &Connection| {
            connection.prepare_cached(SETTLE)?.execute(params![
                key.tenant.uuid(),
                key.conversation.as_slice(),
                account.uuid(),
                now.plus(ttl).as_micros()
            ])?;
            connection.prepare_cached(FORGET_ENDED)?.execute(params![now.as_micros(), FORGOTTEN_AT_ONCE])?;
            Ok(())
        };
        self.writer.write("settling a conversation", write).await
    }

    async fn forget(&self, key: AffinityKey) -> Result<(), StorageError> {
        let write = move |connection: &Connection| {
            connection
                .prepare_cached("DELETE FROM affinity WHERE tenant = ?1 AND conversation = ?2")?
                .execute(params![key.tenant.uuid(), key.conversation.as_slice()])?;
            Ok(())
        };
        self.writer.write("forgetting a conversation", write).await
    }
}

const SETTLE: &str = "
    INSERT INTO affinity (tenant, conversation, account, until) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (tenant, conversation) DO UPDATE SET account = excluded.account, until = excluded.until";

const FORGET_ENDED: &str = "
    DELETE FROM affinity WHERE (tenant, conversation) IN
        (SELECT tenant, conversation FROM affinity WHERE until <= ?1 ORDER BY until LIMIT ?2)";

/// More than one, so that the table shrinks even while each write adds a conversation.
const FORGOTTEN_AT_ONCE: i64 = 8;
