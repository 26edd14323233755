//! The books.
//!
//! A client key's rows and sums share its slot, so that one script books rows together with their sums. Beside them an
//! index over all client keys, in a slot of its own, tells whose row a request's attempt is. It is written first: what it
//! names may be missing when booking failed, and readers pass over that; a repeated append completes it.

mod booking;
mod missing;
mod rollup;

use std::collections::BTreeMap;

use async_trait::async_trait;
use fred::{
    interfaces::{HashesInterface, SetsInterface, SortedSetsInterface},
    types::Value,
};
use futures_util::{StreamExt, TryStreamExt, stream};
use posthaste_core::{AttemptRow, ClientKeyId, RequestId, Timestamp};
use posthaste_storage::{
    Dimension, GroupSums, Grouped, LedgerStore, RollupPeriod, RollupRow, StorageError, UsageQuery,
    first_request,
};

use self::booking::{Batch, RowId};
use crate::{
    error::CallError,
    keys::Keys,
    link::{Link, Repeat},
    reply, script,
};

/// Keeps rows and sums.
#[derive(Clone)]
pub(crate) struct RedisLedger {
    link: Link,
    keys: Keys,
}

#[async_trait]
impl LedgerStore for RedisLedger {
    async fn append(&self, rows: &[AttemptRow]) -> Result<(), StorageError> {
        for chunk in rows.chunks(CHUNK) {
            let own = self.index(chunk).await?;
            let batches = Batch::by_key(own).map_err(|error| error.during(BOOKING))?;
            stream::iter(batches)
                .map(|batch| self.book(batch))
                .buffer_unordered(AT_ONCE)
                .try_collect::<Vec<()>>()
                .await?;
        }
        Ok(())
    }

    async fn attempts(&self, request: RequestId) -> Result<Vec<AttemptRow>, StorageError> {
        let index = self.keys.ledger_index();
        let (from, until) = (format!("[{request}:"), format!("({request};"));
        let found: Value = self
            .link
            .call(READING, |client| async move { client.zrangebylex(index, from, until, None).await })
            .await?;
        let found = indexed(found).map_err(|error| error.during(READING))?;
        let mut rows = self.rows(&found).await?;
        rows.sort_by_key(|row| row.attempt);
        Ok(rows)
    }

    async fn missing(&self, rows: &[(RequestId, u16)]) -> Result<Vec<(RequestId, u16)>, StorageError> {
        let mut missing = Vec::new();
        for chunk in rows.chunks(missing::CHUNK) {
            missing.extend(self.missing_of(chunk).await?);
        }
        Ok(missing)
    }

    async fn recent(&self, key: Option<ClientKeyId>, limit: usize) -> Result<Vec<AttemptRow>, StorageError> {
        let order = key.map_or_else(|| self.keys.ledger_index(), |key| self.keys.ledger_order(key));
        let mut rows = Vec::new();
        let mut before = "+".to_owned();
        while rows.len() < limit {
            let names = self.newest(order.clone(), before).await?;
            let Some(last) = names.last() else { break };
            before = format!("({last}");
            let (full, found) = (names.len() == CHUNK, located(key, &names));
            rows.extend(self.rows(&found.map_err(|error| error.during(READING))?).await?);
            if !full {
                break;
            }
        }
        rows.truncate(limit);
        Ok(rows)
    }

    async fn usage(&self, query: &UsageQuery) -> Result<Vec<RollupRow>, StorageError> {
        let keys = match query.key_id {
            Some(key) => vec![key],
            None => self.callers().await?,
        };
        let mut rollups: Vec<RollupRow> = stream::iter(keys)
            .map(|key| self.key_usage(key, query))
            .buffer_unordered(AT_ONCE)
            .try_concat()
            .await?;
        rollups.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(rollups)
    }

    async fn sums(&self, query: &UsageQuery, by: &[Dimension]) -> Result<Vec<GroupSums>, StorageError> {
        let keys = match query.key_id {
            Some(key) => vec![key],
            None => self.callers().await?,
        };
        let mut grouped = Grouped::by(by);
        let mut read = stream::iter(keys).map(|key| self.key_usage(key, query)).buffer_unordered(FEW_AT_ONCE);
        while let Some(rollups) = read.try_next().await? {
            rollups.iter().for_each(|rollup| grouped.add(&rollup.key, &rollup.sums));
        }
        Ok(grouped.finish())
    }

    async fn carry_over(&self, rollups: &[RollupRow]) -> Result<(), StorageError> {
        let each = stream::iter(rollups.to_vec()).map(|rollup| self.put(rollup));
        each.buffer_unordered(AT_ONCE).try_collect().await
    }

    async fn count(&self) -> Result<u64, StorageError> {
        let counts = stream::iter(self.callers().await?).map(|key| async move {
            let rows = self.keys.ledger_rows(key);
            self.link.call(READING, |client| async move { client.hlen::<u64, _>(rows).await }).await
        });
        counts.buffer_unordered(AT_ONCE).try_fold(0, |sum, count| async move { Ok(sum + count) }).await
    }

    async fn forget_rows(&self, before: Timestamp, most: usize) -> Result<usize, StorageError> {
        let mut forgotten = 0;
        while forgotten < most {
            let names = self.oldest(before, CHUNK.min(most - forgotten)).await?;
            if names.is_empty() {
                break;
            }
            let rows = located(None, &names).map_err(|error| error.during(FORGETTING))?;
            self.forget(rows).await?;
            // What the index names goes last: whoever is stopped in between is not left with rows that nobody finds.
            let (index, members) = (self.keys.ledger_index(), names.clone());
            let _: u64 =
                self.link.call(FORGETTING, |client| async move { client.zrem(index, members).await }).await?;
            forgotten += names.len();
        }
        Ok(forgotten)
    }

    async fn forget_rollups(
        &self,
        period: RollupPeriod,
        before: Timestamp,
        most: usize,
    ) -> Result<usize, StorageError> {
        let mut forgotten = 0;
        for key in self.callers().await? {
            if forgotten == most {
                break;
            }
            forgotten += self.forget_spans(key, period, before, most - forgotten).await?;
        }
        Ok(forgotten)
    }
}

impl RedisLedger {
    pub(crate) fn new(link: Link, keys: Keys) -> Self {
        Self { link, keys }
    }

    /// Notes rows in the index; answers those whose identity no other client key has.
    async fn index<'a>(&self, rows: &'a [AttemptRow]) -> Result<Vec<&'a AttemptRow>, StorageError> {
        let keys = vec![self.keys.ledger_callers(), self.keys.ledger_index()];
        let arguments = rows.iter().flat_map(|row| [RowId::of(row).to_string(), row.key_id.to_string()]);
        let arguments = arguments.map(Value::from).collect();
        let foreign =
            self.link.eval(BOOKING, &script::LEDGER_INDEX, Repeat::Harmless, keys, arguments).await?;
        let foreign = numbers(foreign).map_err(|error| error.during(BOOKING))?;
        let own = rows.iter().enumerate().filter(|(number, _)| !foreign.contains(number));
        Ok(own.map(|(_, row)| row).collect())
    }

    /// Books a batch with its sums; leaves out rows that turn out to be booked and tries again until none is left.
    async fn book(&self, mut batch: Batch) -> Result<(), StorageError> {
        while !batch.is_empty() {
            let (keys, arguments) = batch.call(&self.keys);
            let booked =
                self.link.eval(BOOKING, &script::LEDGER_BOOK, Repeat::Harmless, keys, arguments).await?;
            let booked = numbers(booked).map_err(|error| error.during(BOOKING))?;
            if booked.is_empty() {
                return Ok(());
            }
            batch.leave_out(&booked);
        }
        Ok(())
    }

    async fn callers(&self) -> Result<Vec<ClientKeyId>, StorageError> {
        let callers = self.keys.ledger_callers();
        let found: Value =
            self.link.call(READING, |client| async move { client.smembers(callers).await }).await?;
        reply::each(found, caller).map_err(|error| error.during(READING))
    }

    /// A chunk of names in an index, the newest first, older than `before`.
    async fn newest(&self, index: String, before: String) -> Result<Vec<String>, StorageError> {
        let limit = Some((0, i64::try_from(CHUNK).unwrap_or(i64::MAX)));
        let found: Value = self
            .link
            .call(READING, |client| async move { client.zrevrangebylex(index, before, "-", limit).await })
            .await?;
        reply::each(found, reply::text).map_err(|error| error.during(READING))
    }

    /// The first names in the index over all client keys, of requests that were made before a moment.
    async fn oldest(&self, before: Timestamp, most: usize) -> Result<Vec<String>, StorageError> {
        let (index, before) = (self.keys.ledger_index(), format!("({}", first_request(before)));
        let limit = Some((0, i64::try_from(most).unwrap_or(i64::MAX)));
        let found: Value = self
            .link
            .call(FORGETTING, |client| async move { client.zrangebylex(index, "-", before, limit).await })
            .await?;
        reply::each(found, reply::text).map_err(|error| error.during(FORGETTING))
    }

    /// Forgets rows, each client key's in one step.
    async fn forget(&self, rows: Vec<(RowId, ClientKeyId)>) -> Result<(), StorageError> {
        let mut by_key: BTreeMap<ClientKeyId, Vec<Value>> = BTreeMap::new();
        for (row, key) in rows {
            by_key.entry(key).or_default().push(Value::from(row.to_string()));
        }
        let each = stream::iter(by_key).map(|(key, names)| async move {
            let keys = vec![self.keys.ledger_rows(key), self.keys.ledger_order(key)];
            let forget = &script::LEDGER_FORGET_ROWS;
            self.link.eval(FORGETTING, forget, Repeat::Harmless, keys, names).await.map(drop)
        });
        each.buffer_unordered(AT_ONCE).try_collect().await
    }

    /// The rows that are booked, in the order asked for.
    async fn rows(&self, wanted: &[(RowId, ClientKeyId)]) -> Result<Vec<AttemptRow>, StorageError> {
        let mut by_key: BTreeMap<ClientKeyId, Vec<usize>> = BTreeMap::new();
        for (place, (_, key)) in wanted.iter().enumerate() {
            by_key.entry(*key).or_default().push(place);
        }
        let found: Vec<(usize, AttemptRow)> = stream::iter(by_key)
            .map(|(key, places)| self.key_rows(key, places, wanted))
            .buffer_unordered(AT_ONCE)
            .try_concat()
            .await?;
        let found: BTreeMap<usize, AttemptRow> = found.into_iter().collect();
        Ok(found.into_values().collect())
    }

    async fn key_rows(
        &self,
        key: ClientKeyId,
        places: Vec<usize>,
        wanted: &[(RowId, ClientKeyId)],
    ) -> Result<Vec<(usize, AttemptRow)>, StorageError> {
        let rows = self.keys.ledger_rows(key);
        let names: Vec<String> = places.iter().map(|&place| wanted[place].0.to_string()).collect();
        let found: Value =
            self.link.call(READING, |client| async move { client.hmget(rows, names).await }).await?;
        let found = reply::list(found).map_err(|error| error.during(READING))?;
        let booked = places.into_iter().zip(found).filter(|(_, row)| !row.is_null());
        booked
            .map(|(place, row)| {
                let json = reply::text(row).map_err(|error| error.during(READING))?;
                let row = serde_json::from_str(&json).map_err(|error| {
                    StorageError::corrupt(format!("ledger row {}", wanted[place].0), error)
                })?;
                Ok((place, row))
            })
            .collect()
    }
}

/// Reads names in the index over all client keys: `<request>:<attempt>:<client key>`.
fn indexed(found: Value) -> Result<Vec<(RowId, ClientKeyId)>, CallError> {
    located(None, &reply::each(found, reply::text)?)
}

/// Reads names in an index: one key's, or that over all client keys.
fn located(key: Option<ClientKeyId>, names: &[String]) -> Result<Vec<(RowId, ClientKeyId)>, CallError> {
    let located = names.iter().map(|name| match key {
        Some(key) => Some((RowId::parse(name)?, key)),
        None => name.rsplit_once(':').and_then(|(row, key)| Some((RowId::parse(row)?, key.parse().ok()?))),
    });
    located.collect::<Option<_>>().ok_or_else(|| CallError::Unreadable("not a row's name".into()))
}

fn caller(found: Value) -> Result<ClientKeyId, CallError> {
    reply::text(found)?.parse().map_err(|_| CallError::Unreadable("not a client key's identity".into()))
}

fn numbers(found: Value) -> Result<Vec<usize>, CallError> {
    reply::each(found, reply::number)
}

/// Rows in one script or answer: few enough that others do not wait long, enough that round trips do not matter.
const CHUNK: usize = 200;

/// Calls under way at the same time, sharing the connection.
const AT_ONCE: usize = 64;

/// Client keys whose roll-ups are held at the same time while they are added up.
const FEW_AT_ONCE: usize = 4;

const FORGETTING: &str = "forgetting old books";
const CARRYING: &str = "carrying roll-ups over";
const BOOKING: &str = "booking ledger rows";
const READING: &str = "reading the ledger";
