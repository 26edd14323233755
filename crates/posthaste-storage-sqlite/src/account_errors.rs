//! What went wrong at accounts.

use std::collections::BTreeSet;

use async_trait::async_trait;
use posthaste_core::{AccountError, AccountId, Timestamp};
use posthaste_storage::{AccountErrorStore, ErrorBounds, StorageError};
use rusqlite::{Connection, Row, params};

use crate::{error::unreadable, stores::Database};

#[async_trait]
impl AccountErrorStore for Database {
    async fn note(&self, errors: &[AccountError], bounds: ErrorBounds) -> Result<(), StorageError> {
        if errors.is_empty() {
            return Ok(());
        }
        let rows = errors.iter().map(|error| Ok((error.account, error.at.as_micros(), written(error)?)));
        let rows = rows.collect::<Result<Vec<_>, StorageError>>()?;
        let accounts: BTreeSet<_> = errors.iter().map(|error| error.account).collect();
        let most = i64::try_from(bounds.most).unwrap_or(i64::MAX);
        let write = move |connection: &Connection| {
            let mut insert = connection.prepare_cached(NOTE)?;
            for (account, at, body) in &rows {
                insert.execute(params![account.uuid(), at, body])?;
            }
            let mut cut = connection.prepare_cached(CUT)?;
            for account in &accounts {
                cut.execute(params![account.uuid(), most])?;
            }
            Ok(())
        };
        self.writer.write("noting errors of accounts", write).await
    }

    async fn latest(
        &self,
        account: AccountId,
        since: Timestamp,
        limit: usize,
    ) -> Result<Vec<AccountError>, StorageError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let read = move |connection: &Connection| {
            let mut select = connection.prepare_cached(LATEST)?;
            let found = select.query_map(params![account.uuid(), since.as_micros(), limit], error)?;
            Ok(found.collect::<Result<_, _>>()?)
        };
        self.readers.read("reading errors of an account", read).await
    }

    async fn clear(&self, account: AccountId) -> Result<u64, StorageError> {
        let write = move |connection: &Connection| {
            let mut clear = connection.prepare_cached("DELETE FROM account_error WHERE account = ?1")?;
            Ok(clear.execute([account.uuid()])? as u64)
        };
        self.writer.write("clearing errors of an account", write).await
    }

    async fn trim(&self, before: Timestamp, limit: usize) -> Result<usize, StorageError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let write = move |connection: &Connection| {
            Ok(connection.prepare_cached(TRIM)?.execute(params![before.as_micros(), limit])?)
        };
        self.writer.write("dropping old errors of accounts", write).await
    }
}

fn written(error: &AccountError) -> Result<String, StorageError> {
    serde_json::to_string(error).map_err(|error| StorageError::corrupt("an account's error", error))
}

fn error(row: &Row<'_>) -> Result<AccountError, rusqlite::Error> {
    serde_json::from_str(row.get_ref(0)?.as_str()?).map_err(unreadable)
}

const NOTE: &str = "INSERT INTO account_error (account, at, body) VALUES (?1, ?2, ?3)";

/// What lies behind the account's `?2` latest.
const CUT: &str = "
    DELETE FROM account_error WHERE account = ?1 AND number <= (
        SELECT number FROM account_error WHERE account = ?1 ORDER BY number DESC LIMIT 1 OFFSET ?2)";

const LATEST: &str =
    "SELECT body FROM account_error WHERE account = ?1 AND at >= ?2 ORDER BY number DESC LIMIT ?3";

const TRIM: &str = "
    DELETE FROM account_error WHERE number IN (
        SELECT number FROM account_error WHERE at < ?1 ORDER BY at LIMIT ?2)";
