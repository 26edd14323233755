//! The books.
//!
//! A client key's rows and sums share its slot, so that one script books rows together with their sums. Beside them an
//! index over all client keys, in a slot of its own, tells whose row a request's attempt is. It is written first: what it
//! names may be missing when booking failed, and readers pass over that; a repeated append completes it.

mod booking;
mod correcting;
mod missing;
mod rollup;

use std::collections::BTreeMap;

use async_trait::async_trait;
use bytes::Bytes;
use fred::{interfaces::SetsInterface, types::Value};
use futures_util::{StreamExt, TryStreamExt, stream};
use posthaste_core::{AttemptRow, ClientKeyId, RequestId, Timestamp};
use posthaste_storage::{
    Correction, Dimension, GroupSums, Grouped, LedgerStore, RollupPeriod, RollupRow, StorageError,
    UsageQuery, first_request, unpack_row,
};
use uuid::Uuid;

use self::booking::{Batch, ROW, RowId};
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
            let mut bookings = Vec::new();
            for batch in Batch::by_key(own) {
                bookings.push(self.book(batch));
            }
            stream::iter(bookings).buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await?;
        }
        Ok(())
    }

    async fn attempts(&self, request: RequestId) -> Result<Vec<AttemptRow>, StorageError> {
        let id = request.uuid().into_bytes();
        let names = self
            .names(
                "ZRANGEBYLEX",
                self.keys.ledger_index(),
                bound(b"[", &id),
                bound(b"[", &[&id[..], LAST].concat()),
                None,
            )
            .await?;
        let found = located(None, &names).map_err(|error| error.during(READING))?;
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
        // A client key's order names its roll-ups too.
        let (order, first, mut before) = match key {
            Some(key) => (self.keys.ledger_order(key), bound(b"[", &[ROW]), bound(b"(", &[ROW + 1])),
            None => (self.keys.ledger_index(), Bytes::from_static(b"-"), Bytes::from_static(b"+")),
        };
        let mut rows = Vec::new();
        while rows.len() < limit {
            let names =
                self.names("ZREVRANGEBYLEX", order.clone(), before, first.clone(), Some(CHUNK)).await?;
            let Some(last) = names.last() else { break };
            before = bound(b"(", last);
            let (full, found) = (names.len() == CHUNK, located(key, &names));
            rows.extend(self.rows(&found.map_err(|error| error.during(READING))?).await?);
            if !full {
                break;
            }
        }
        rows.truncate(limit);
        Ok(rows)
    }

    async fn rows_after(
        &self,
        after: Option<(RequestId, u16)>,
        limit: usize,
    ) -> Result<Vec<AttemptRow>, StorageError> {
        let mut from = match after {
            None => Bytes::from_static(b"-"),
            Some((request, attempt)) => {
                let name = [&RowId::new(request, attempt).name()[1..], &LAST[1..]].concat();
                bound(b"(", &name)
            }
        };
        let most = limit.clamp(1, CHUNK);
        loop {
            let index = self.keys.ledger_index();
            let names = self.names("ZRANGEBYLEX", index, from, Bytes::from_static(b"+"), Some(most)).await?;
            let Some(last) = names.last() else { return Ok(Vec::new()) };
            from = bound(b"(", last);
            let rows = self.rows(&located(None, &names).map_err(|error| error.during(READING))?).await?;
            // What is in the index need not be booked.
            if !rows.is_empty() {
                return Ok(rows);
            }
        }
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
        self.sums_of_keys(query, keys, by).await
    }

    /// Roll-ups lie by client key: those of the others need not be read.
    async fn sums_of(
        &self,
        query: &UsageQuery,
        of: Dimension,
        ids: &[Uuid],
    ) -> Result<Vec<GroupSums>, StorageError> {
        if of == Dimension::Key && query.key_id.is_none() {
            let keys = ids.iter().copied().map(ClientKeyId::from_uuid).collect();
            return self.sums_of_keys(query, keys, &[of]).await;
        }
        let mut groups = self.sums(query, &[of]).await?;
        groups.retain(|group| group.group.id().is_some_and(|id| ids.contains(&id)));
        Ok(groups)
    }

    async fn carry_over(&self, rollups: &[RollupRow]) -> Result<(), StorageError> {
        let each = stream::iter(rollups.to_vec()).map(|rollup| self.put(rollup));
        each.buffer_unordered(AT_ONCE).try_collect().await
    }

    async fn correct(&self, corrections: &[Correction]) -> Result<Vec<(RequestId, u16)>, StorageError> {
        let mut changed = Vec::new();
        for chunk in corrections.chunks(CHUNK) {
            changed.extend(self.correct_some(chunk).await?);
        }
        Ok(changed)
    }

    async fn count(&self) -> Result<u64, StorageError> {
        let counts = stream::iter(self.callers().await?).map(|key| async move {
            let arguments = vec![
                Value::from(self.keys.ledger_order(key)),
                Value::Bytes(bound(b"[", &[ROW])),
                Value::Bytes(bound(b"(", &[ROW + 1])),
            ];
            let count = self.link.command(READING, "ZLEXCOUNT", arguments).await?;
            reply::number::<u64>(count).map_err(|error| error.during(READING))
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
            forgotten += names.len();
            let mut members = vec![Value::from(self.keys.ledger_index())];
            members.extend(names.into_iter().map(Value::Bytes));
            self.link.command(FORGETTING, "ZREM", members).await?;
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
            forgotten += self.forget_key_rollups(key, period, before, most - forgotten).await?;
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
        let names: Vec<u8> = rows.iter().flat_map(|row| RowId::of(row).indexed(row.key_id)).collect();
        let names = vec![Value::Bytes(names.into())];
        let foreign = self.link.eval(BOOKING, &script::LEDGER_INDEX, Repeat::Harmless, keys, names).await?;
        let foreign = numbers(foreign).map_err(|error| error.during(BOOKING))?;
        let own = rows.iter().enumerate().filter(|(number, _)| !foreign.contains(number));
        Ok(own.map(|(_, row)| row).collect())
    }

    /// Books a batch with its sums; leaves out rows that turn out to be booked and tries again until none is left.
    async fn book(&self, mut batch: Batch<'_>) -> Result<(), StorageError> {
        while !batch.is_empty() {
            let keys = vec![self.keys.ledger_books(batch.key), self.keys.ledger_order(batch.key)];
            let arguments = vec![Value::Bytes(batch.packed())];
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

    async fn sums_of_keys(
        &self,
        query: &UsageQuery,
        keys: Vec<ClientKeyId>,
        by: &[Dimension],
    ) -> Result<Vec<GroupSums>, StorageError> {
        let mut grouped = Grouped::by(by);
        let mut read = stream::iter(keys).map(|key| self.key_usage(key, query)).buffer_unordered(FEW_AT_ONCE);
        while let Some(rollups) = read.try_next().await? {
            rollups.iter().for_each(|rollup| grouped.add(&rollup.key, &rollup.sums));
        }
        Ok(grouped.finish())
    }

    async fn callers(&self) -> Result<Vec<ClientKeyId>, StorageError> {
        let callers = self.keys.ledger_callers();
        let found: Value =
            self.link.call(READING, |client| async move { client.smembers(callers).await }).await?;
        reply::each(found, caller).map_err(|error| error.during(READING))
    }

    /// Names in an order between two bounds, all of them or the first ones.
    async fn names(
        &self,
        command: &'static str,
        order: String,
        from: Bytes,
        until: Bytes,
        most: Option<usize>,
    ) -> Result<Vec<Bytes>, StorageError> {
        let mut arguments = vec![Value::from(order), Value::Bytes(from), Value::Bytes(until)];
        if let Some(most) = most {
            arguments.extend(["LIMIT".to_owned(), "0".to_owned(), most.to_string()].map(Value::from));
        }
        let found = self.link.command(READING, command, arguments).await?;
        reply::each(found, reply::bytes).map_err(|error| error.during(READING))
    }

    /// The first names in the index over all client keys, of requests that were made before a moment.
    async fn oldest(&self, before: Timestamp, most: usize) -> Result<Vec<Bytes>, StorageError> {
        let before = bound(b"(", first_request(before).uuid().as_bytes());
        self.names("ZRANGEBYLEX", self.keys.ledger_index(), Bytes::from_static(b"-"), before, Some(most))
            .await
    }

    /// Forgets rows, each client key's in one step.
    async fn forget(&self, rows: Vec<(RowId, ClientKeyId)>) -> Result<(), StorageError> {
        let mut by_key: BTreeMap<ClientKeyId, Vec<Bytes>> = BTreeMap::new();
        for (row, key) in rows {
            by_key.entry(key).or_default().push(Bytes::copy_from_slice(&row.name()));
        }
        let each = stream::iter(by_key).map(|(key, names)| self.forget_names(key, names));
        each.buffer_unordered(AT_ONCE).try_collect().await
    }

    /// Forgets rows or roll-ups of one client key.
    async fn forget_names(&self, key: ClientKeyId, names: Vec<Bytes>) -> Result<(), StorageError> {
        let keys = vec![self.keys.ledger_books(key), self.keys.ledger_order(key)];
        let names = names.into_iter().map(Value::Bytes).collect();
        self.link.eval(FORGETTING, &script::LEDGER_FORGET, Repeat::Harmless, keys, names).await.map(drop)
    }

    /// What a client key's books hold under some names.
    async fn held(&self, key: ClientKeyId, names: &[Bytes]) -> Result<Vec<Option<Bytes>>, StorageError> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let mut arguments = vec![Value::from(self.keys.ledger_books(key))];
        arguments.extend(names.iter().cloned().map(Value::Bytes));
        let found = self.link.command(READING, "HMGET", arguments).await?;
        reply::each(found, reply::optional_bytes).map_err(|error| error.during(READING))
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
        let names: Vec<_> =
            places.iter().map(|&place| Bytes::copy_from_slice(&wanted[place].0.name())).collect();
        let found = self.held(key, &names).await?;
        let booked = places.into_iter().zip(found).filter_map(|(place, row)| Some((place, row?)));
        booked
            .map(|(place, row)| {
                let id = wanted[place].0;
                let row = unpack_row(&row, (id.request, id.attempt, key));
                let row = row.map_err(|error| StorageError::corrupt(format!("ledger row {id}"), error))?;
                Ok((place, row))
            })
            .collect()
    }
}

/// Whether a name in the index over all client keys can be read.
pub(crate) fn is_indexed(name: &[u8]) -> bool {
    RowId::parse_indexed(name).is_some()
}

/// A bound of names: `[` for one that is included, `(` for one that is not, then the name or its beginning.
fn bound(kind: &[u8; 1], name: &[u8]) -> Bytes {
    [kind, name].concat().into()
}

/// Reads names in an order: one key's, or those in the index over all client keys.
fn located(key: Option<ClientKeyId>, names: &[Bytes]) -> Result<Vec<(RowId, ClientKeyId)>, CallError> {
    let located = names.iter().map(|name| match key {
        Some(key) => Some((RowId::parse(name)?, key)),
        None => RowId::parse_indexed(name),
    });
    located.collect::<Option<_>>().ok_or_else(|| CallError::Unreadable("not a row's name".into()))
}

fn caller(found: Value) -> Result<ClientKeyId, CallError> {
    let id = Uuid::from_slice(&reply::bytes(found)?);
    id.map(ClientKeyId::from_uuid).map_err(|_| CallError::Unreadable("not a client key's identity".into()))
}

fn numbers(found: Value) -> Result<Vec<usize>, CallError> {
    reply::each(found, reply::number)
}

/// Rows in one script or answer: few enough that others do not wait long, enough that round trips do not matter.
const CHUNK: usize = 200;

/// Comes after every name of a request's rows in the index.
const LAST: &[u8] = &[0xff; 18];

/// Calls under way at the same time, sharing the connection.
const AT_ONCE: usize = 64;

/// Client keys whose roll-ups are held at the same time while they are added up.
const FEW_AT_ONCE: usize = 4;

const FORGETTING: &str = "forgetting old books";
const CORRECTING: &str = "putting amounts right";
const CARRYING: &str = "carrying roll-ups over";
const BOOKING: &str = "booking ledger rows";
const READING: &str = "reading the ledger";
