//! The books.

mod correct;
mod grouped;
mod rollup;
pub(crate) mod row;

use async_trait::async_trait;
use posthaste_core::{AttemptRow, ClientKeyId, RequestId, Timestamp};
use posthaste_storage::{
    Correction, Dimension, GroupSums, LedgerStore, RollupPeriod, RollupRow, Rollups, StorageError,
    UsageQuery, first_request, last_spans,
};
use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use crate::{error::Failure, stores::Database};

#[async_trait]
impl LedgerStore for Database {
    async fn append(&self, rows: &[AttemptRow]) -> Result<(), StorageError> {
        if rows.is_empty() {
            return Ok(());
        }
        let rows = rows.to_vec();
        self.writer.write("appending to the ledger", move |connection| append(connection, &rows)).await
    }

    async fn attempts(&self, request: RequestId) -> Result<Vec<AttemptRow>, StorageError> {
        let read = move |connection: &Connection| {
            let mut select =
                connection.prepare_cached("SELECT * FROM attempt WHERE request_id = ?1 ORDER BY attempt")?;
            Ok(select.query_map([request.uuid()], row::read)?.collect::<Result<_, _>>()?)
        };
        self.readers.read("reading attempts", read).await
    }

    async fn missing(&self, rows: &[(RequestId, u16)]) -> Result<Vec<(RequestId, u16)>, StorageError> {
        let rows = rows.to_vec();
        let read = move |connection: &Connection| {
            let mut select =
                connection.prepare_cached("SELECT 1 FROM attempt WHERE request_id = ?1 AND attempt = ?2")?;
            let mut missing = Vec::new();
            for (request, attempt) in rows {
                if !select.exists(params![request.uuid(), attempt])? {
                    missing.push((request, attempt));
                }
            }
            Ok(missing)
        };
        self.readers.read("looking attempts up", read).await
    }

    async fn recent(&self, key: Option<ClientKeyId>, limit: usize) -> Result<Vec<AttemptRow>, StorageError> {
        let read = move |connection: &Connection| match key {
            Some(key) => {
                let mut select = connection.prepare_cached(RECENT_OF_KEY)?;
                Ok(row::read_whole(select.query([key.uuid()])?, limit)?)
            }
            None => {
                let mut select = connection.prepare_cached(RECENT)?;
                Ok(row::read_whole(select.query([])?, limit)?)
            }
        };
        self.reports.read("reading the latest attempts", read).await
    }

    async fn rows_after(
        &self,
        after: Option<(RequestId, u16)>,
        limit: usize,
    ) -> Result<Vec<AttemptRow>, StorageError> {
        // No request has the least identity.
        let (request, attempt) =
            after.map_or((Uuid::nil(), 0), |(request, attempt)| (request.uuid(), attempt));
        let read = move |connection: &Connection| {
            let mut select = connection.prepare_cached(AFTER)?;
            Ok(row::read_whole(select.query(params![request, attempt])?, limit)?)
        };
        self.readers.read("reading attempts", read).await
    }

    async fn usage(&self, query: &UsageQuery) -> Result<Vec<RollupRow>, StorageError> {
        let query = query.clone();
        self.reports.read("reading roll-ups", move |connection| rollup::select(connection, &query)).await
    }

    async fn sums(&self, query: &UsageQuery, by: &[Dimension]) -> Result<Vec<GroupSums>, StorageError> {
        let (query, by) = (query.clone(), by.to_vec());
        self.reports
            .read("adding up roll-ups", move |connection| grouped::select(connection, &query, &by))
            .await
    }

    async fn sums_of(
        &self,
        query: &UsageQuery,
        of: Dimension,
        ids: &[Uuid],
    ) -> Result<Vec<GroupSums>, StorageError> {
        let (query, ids) = (query.clone(), ids.to_vec());
        self.reports
            .read("adding up some roll-ups", move |connection| {
                grouped::select_of(connection, &query, of, &ids)
            })
            .await
    }

    async fn last_use(&self, by: Dimension, ids: &[Uuid]) -> Result<Vec<Option<Timestamp>>, StorageError> {
        let ids = ids.to_vec();
        let read = match by {
            Dimension::Key => last_of_keys,
            Dimension::Account => last_of_accounts,
            _ => return last_spans(self, by, &ids).await,
        };
        let read = move |connection: &Connection| read(connection, &ids);
        self.reports.read("looking when was the last use", read).await
    }

    async fn carry_over(&self, rollups: &[RollupRow]) -> Result<(), StorageError> {
        let rollups = rollups.to_vec();
        let write = move |connection: &Connection| rollup::put(connection, &rollups);
        self.writer.write("carrying roll-ups over", write).await
    }

    async fn correct(&self, corrections: &[Correction]) -> Result<Vec<(RequestId, u16)>, StorageError> {
        let corrections = corrections.to_vec();
        let write = move |connection: &Connection| correct::correct(connection, &corrections);
        self.writer.write("putting amounts right", write).await
    }

    async fn count(&self) -> Result<u64, StorageError> {
        let read = |connection: &Connection| {
            let mut select = connection.prepare_cached("SELECT booked FROM ledger")?;
            let booked: i64 = select.query_row([], |row| row.get(0))?;
            Ok(booked.cast_unsigned())
        };
        self.readers.read("counting attempts", read).await
    }

    async fn forget_rows(&self, before: Timestamp, most: usize) -> Result<usize, StorageError> {
        let (before, most) = (first_request(before), i64::try_from(most).unwrap_or(i64::MAX));
        let forget = move |connection: &Connection| {
            let forgotten = connection.prepare_cached(FORGET)?.execute(params![before.uuid(), most])?;
            let fewer = i64::try_from(forgotten).unwrap_or(i64::MAX);
            connection.prepare_cached("UPDATE ledger SET booked = booked - ?1")?.execute([fewer])?;
            Ok(forgotten)
        };
        self.writer.write("forgetting old attempts", forget).await
    }

    async fn forget_rollups(
        &self,
        period: RollupPeriod,
        before: Timestamp,
        most: usize,
    ) -> Result<usize, StorageError> {
        let forget = move |connection: &Connection| rollup::forget(connection, period, before, most);
        self.writer.write("forgetting old roll-ups", forget).await
    }
}

/// Books what is new; what is new alone reaches the roll-ups.
fn append(connection: &Connection, rows: &[AttemptRow]) -> Result<(), Failure> {
    let mut insert = connection.prepare_cached(row::INSERT)?;
    let mut new = Rollups::default();
    let mut booked: i64 = 0;
    for row in rows {
        if row::insert(&mut insert, row)? {
            new.add(row);
            booked += 1;
        }
    }
    rollup::add(connection, &new)?;
    connection.prepare_cached("UPDATE ledger SET booked = booked + ?1")?.execute([booked])?;
    Ok(())
}

/// By the latest row of each that can be read.
fn last_of_keys(connection: &Connection, keys: &[Uuid]) -> Result<Vec<Option<Timestamp>>, Failure> {
    let mut select = connection.prepare_cached(RECENT_OF_KEY)?;
    let mut last = Vec::with_capacity(keys.len());
    for key in keys {
        let latest = row::read_whole(select.query([key])?, 1)?;
        last.push(latest.first().map(|row| row.started_at));
    }
    Ok(last)
}

fn last_of_accounts(connection: &Connection, accounts: &[Uuid]) -> Result<Vec<Option<Timestamp>>, Failure> {
    let mut select = connection.prepare_cached(LAST_OF_ACCOUNT)?;
    let last = |id: &Uuid| select.query_row([id], |row| row.get(0).map(Timestamp::from_micros)).optional();
    Ok(accounts.iter().map(last).collect::<Result<_, _>>()?)
}

/// Identities begin with the time, so that the oldest rows are the first ones of the table.
const FORGET: &str = "
    DELETE FROM attempt WHERE (request_id, attempt) IN (
        SELECT request_id, attempt FROM attempt WHERE request_id < ?1 ORDER BY request_id, attempt LIMIT ?2
    )";

const AFTER: &str =
    "SELECT * FROM attempt WHERE (request_id, attempt) > (?1, ?2) ORDER BY request_id, attempt";

const RECENT: &str = "SELECT * FROM attempt ORDER BY request_id DESC, attempt DESC";

/// Rows are found by key, roll-ups by account.
const LAST_OF_ACCOUNT: &str = "
    SELECT start FROM rollup INDEXED BY rollup_of_account WHERE account_id = ?1 AND period = 'hour'
    ORDER BY start DESC LIMIT 1";

/// The index over client keys has the requests' identities, which grow with time.
const RECENT_OF_KEY: &str = "SELECT * FROM attempt WHERE key_id = ?1 ORDER BY request_id DESC, attempt DESC";
