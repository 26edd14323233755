//! The records of requests: a key each, with a time to live, and beside them their order, over all client keys and of each.
//!
//! A record is written before the orders name it, and forgotten before they do, so that what an order names may be missing;
//! readers pass over that. The keys' own times to live sweep what nobody forgets.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use fred::{
    interfaces::{KeysInterface, SortedSetsInterface},
    types::{Expiration, Value},
};
use futures_util::{StreamExt, TryStreamExt, stream};
use posthaste_core::{ClientKeyId, RequestId, RequestRecord, Timestamp};
use posthaste_storage::{KeptRequest, RequestStore, StorageError, pack_kept_request, unpack_kept_request};

use crate::{error::CallError, keys::Keys, link::Link, reply, script::ttl_millis};

/// Keeps the records.
#[derive(Clone)]
pub(crate) struct RedisRequests {
    link: Link,
    keys: Keys,
}

/// A request's name in the order over all client keys.
#[derive(Clone, Copy)]
struct Name {
    request: RequestId,
    key: ClientKeyId,
}

#[async_trait]
impl RequestStore for RedisRequests {
    async fn put(&self, requests: &[KeptRequest], keep: Duration) -> Result<(), StorageError> {
        if requests.is_empty() {
            return Ok(());
        }
        let packed: Vec<_> = requests
            .iter()
            .map(|kept| (self.keys.request(kept.record.id), pack_kept_request(kept).into()))
            .collect();
        let writes = stream::iter(packed).map(|(key, bytes)| self.write(key, bytes, keep));
        writes.buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await?;
        let mut by_key: BTreeMap<ClientKeyId, Vec<String>> = BTreeMap::new();
        for KeptRequest { record, .. } in requests {
            by_key.entry(record.key_id).or_default().push(record.id.to_string());
        }
        let orders = by_key.into_iter().map(|(key, ids)| self.order(self.keys.requests_of(key), ids, keep));
        stream::iter(orders).buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await?;
        let names =
            requests.iter().map(|KeptRequest { record, .. }| format!("{}:{}", record.id, record.key_id));
        self.order(self.keys.requests(), names.collect(), keep).await
    }

    async fn find(&self, request: RequestId) -> Result<Option<KeptRequest>, StorageError> {
        let key = self.keys.request(request);
        let found: Value = self.link.call(READING, |client| async move { client.get(key).await }).await?;
        let found = reply::optional_bytes(found).map_err(|error| error.during(READING))?;
        found.map(|bytes| read(request, &bytes)).transpose()
    }

    async fn latest(
        &self,
        key: Option<ClientKeyId>,
        limit: usize,
    ) -> Result<Vec<RequestRecord>, StorageError> {
        let order = key.map_or_else(|| self.keys.requests(), |key| self.keys.requests_of(key));
        let mut records = Vec::new();
        let mut before = "+".to_owned();
        while records.len() < limit {
            let chunk = Some((0, i64::try_from(CHUNK.min(limit)).unwrap_or(i64::MAX)));
            let (order, newest) = (order.clone(), before);
            let found: Value = self
                .link
                .call(READING, |client| async move { client.zrevrangebylex(order, newest, "-", chunk).await })
                .await?;
            let names = reply::each(found, reply::text).map_err(|error| error.during(READING))?;
            let Some(last) = names.last() else { break };
            before = format!("({last}");
            let ids = names.iter().map(|name| id(name)).collect::<Result<Vec<_>, _>>();
            let ids = ids.map_err(|error| error.during(READING))?;
            let found = stream::iter(ids).map(|id| self.find(id)).buffered(AT_ONCE);
            let found: Vec<_> = found.try_collect().await?;
            records.extend(found.into_iter().flatten().map(|kept| kept.record));
        }
        records.truncate(limit);
        Ok(records)
    }

    async fn trim(&self, before: Timestamp, most: u64) -> Result<u64, StorageError> {
        let (order, count) = (self.keys.requests(), self.keys.requests());
        let kept: u64 = self.link.call(TRIMMING, |client| async move { client.zcard(count).await }).await?;
        let beyond = usize::try_from(kept.saturating_sub(most)).unwrap_or(usize::MAX);
        let last = i64::try_from(CHUNK).unwrap_or(i64::MAX) - 1;
        let oldest: Value =
            self.link
                .call(TRIMMING, |client| async move {
                    client.zrange(order, 0, last, None, false, None, false).await
                })
                .await?;
        let names = reply::each(oldest, name).map_err(|error| error.during(TRIMMING))?;
        let bound = RequestId::least_at(before);
        let doomed = names.into_iter().enumerate();
        let doomed: Vec<_> = doomed
            .filter(|(place, name)| *place < beyond || name.request < bound)
            .map(|(_, name)| name)
            .collect();
        if !doomed.is_empty() {
            self.forget(&doomed).await?;
        }
        Ok(doomed.len() as u64)
    }
}

impl RedisRequests {
    pub(crate) fn new(link: Link, keys: Keys) -> Self {
        Self { link, keys }
    }

    async fn write(&self, key: String, record: Bytes, keep: Duration) -> Result<(), StorageError> {
        let sweep = Some(Expiration::PX(ttl_millis(keep)));
        self.link
            .call(KEEPING, |client| async move { client.set(key, record, sweep, None, false).await })
            .await
    }

    /// Notes names in an order, which is forgotten when nothing was noted for as long as records are kept.
    async fn order(&self, order: String, names: Vec<String>, keep: Duration) -> Result<(), StorageError> {
        let members: Vec<_> = names.into_iter().map(|name| (0.0, name)).collect();
        let (swept, ttl) = (order.clone(), ttl_millis(keep));
        self.link
            .call::<(), _>(KEEPING, |client| async move {
                client.zadd(order, None, None, false, false, members).await
            })
            .await?;
        self.link.call(KEEPING, |client| async move { client.pexpire(swept, ttl, None).await }).await
    }

    async fn forget(&self, doomed: &[Name]) -> Result<(), StorageError> {
        let records: Vec<_> = doomed.iter().map(|name| self.keys.request(name.request)).collect();
        let removals = stream::iter(records).map(|key| self.remove(key));
        removals.buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await?;
        let mut by_key: BTreeMap<ClientKeyId, Vec<String>> = BTreeMap::new();
        for name in doomed {
            by_key.entry(name.key).or_default().push(name.request.to_string());
        }
        let orders = by_key.into_iter().map(|(key, ids)| self.leave_out(self.keys.requests_of(key), ids));
        stream::iter(orders).buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await?;
        let names = doomed.iter().map(|name| format!("{}:{}", name.request, name.key)).collect();
        self.leave_out(self.keys.requests(), names).await
    }

    async fn remove(&self, key: String) -> Result<(), StorageError> {
        self.link.call(TRIMMING, |client| async move { client.del(key).await }).await
    }

    async fn leave_out(&self, order: String, names: Vec<String>) -> Result<(), StorageError> {
        self.link.call(TRIMMING, |client| async move { client.zrem(order, names).await }).await
    }
}

fn read(request: RequestId, bytes: &[u8]) -> Result<KeptRequest, StorageError> {
    let corrupt = |error| StorageError::corrupt(format!("the record of request {request}"), error);
    unpack_kept_request(bytes).map_err(corrupt)
}

/// The request that a name in either order begins with.
fn id(name: &str) -> Result<RequestId, CallError> {
    let id = name.split(':').next().unwrap_or_default();
    id.parse().map_err(|_| CallError::Unreadable("not a request's identity".into()))
}

fn name(found: Value) -> Result<Name, CallError> {
    let text = reply::text(found)?;
    let parts = text
        .split_once(':')
        .and_then(|(request, key)| Some(Name { request: request.parse().ok()?, key: key.parse().ok()? }));
    parts.ok_or_else(|| CallError::Unreadable("not a request's name".into()))
}

/// Names read at once, and requests forgotten at once.
const CHUNK: usize = 500;

/// Calls under way at the same time, sharing the connection.
const AT_ONCE: usize = 64;

const KEEPING: &str = "keeping records of requests";
const READING: &str = "reading records of requests";
const TRIMMING: &str = "forgetting requests";
