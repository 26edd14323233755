//! The records of requests: those of an hour together in one set, in their order, which lies in a slot of its own, and beside
//! them which hours there are. A request's identity tells its hour.
//!
//! A record with bodies lies under a key of its own, and in the set without them, so that lists do not carry them. What is
//! kept is written before what names it, and forgotten after; readers pass over what is missing. The keys' own times to live
//! sweep what nobody forgets.

mod member;

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::Bytes;
use fred::{
    interfaces::{KeysInterface, SortedSetsInterface},
    types::{Expiration, Value},
};
use futures_util::{StreamExt, TryStreamExt, stream};
use parking_lot::Mutex;
use posthaste_core::{ClientKeyId, RequestId, RequestRecord, Timestamp};
use posthaste_storage::{KeptRequest, RequestStore, StorageError, pack_kept_request, unpack_kept_request};

use self::member::{Hour, Member, above, below, from};
use crate::{
    keys::Keys,
    link::{Link, Repeat},
    reply, script,
    script::ttl_millis,
};

/// Keeps the records.
pub(crate) struct RedisRequests {
    link: Link,
    keys: Keys,
    /// The hours that were noted last, and when.
    noted: Mutex<BTreeMap<Hour, Instant>>,
}

#[async_trait]
impl RequestStore for RedisRequests {
    async fn put(&self, requests: &[KeptRequest], keep: Duration) -> Result<(), StorageError> {
        // Of records of the same request the last one counts.
        let mut hours: BTreeMap<Hour, BTreeMap<RequestId, &KeptRequest>> = BTreeMap::new();
        for kept in requests {
            hours.entry(Hour::of(kept.record.id)).or_default().insert(kept.record.id, kept);
        }
        for (hour, requests) in hours {
            let requests: Vec<_> = requests.into_values().collect();
            for part in requests.chunks(CHUNK) {
                self.put_in(hour, part, keep).await?;
            }
        }
        Ok(())
    }

    async fn find(&self, request: RequestId) -> Result<Option<KeptRequest>, StorageError> {
        let (hour, id) = (self.keys.requests_in(Hour::of(request).0), request.uuid().into_bytes());
        let found = self.members("ZRANGEBYLEX", hour, from(&id), above(&id), 1).await?;
        let Some(member) = found.first() else { return Ok(None) };
        if member.is_apart()
            && let Some(kept) = self.apart(request).await?
        {
            return Ok(Some(kept));
        }
        Ok(Some(KeptRequest { record: member.record()?, bodies: None }))
    }

    async fn latest(
        &self,
        key: Option<ClientKeyId>,
        limit: usize,
    ) -> Result<Vec<RequestRecord>, StorageError> {
        let mut records = Vec::new();
        if limit == 0 {
            return Ok(records);
        }
        for hour in self.hours().await?.into_iter().rev() {
            let mut before = Some(Bytes::from_static(b"+"));
            while let Some(bound) = before.take() {
                let most = limit - records.len();
                let (page, next) = match key {
                    Some(key) => self.page_of(key, hour, bound, most.min(CHUNK)).await?,
                    None => self.page(hour, bound, most.min(CHUNK)).await?,
                };
                for member in page {
                    records.push(member.record()?);
                }
                if records.len() >= limit {
                    records.truncate(limit);
                    return Ok(records);
                }
                before = next;
            }
        }
        Ok(records)
    }

    async fn before(
        &self,
        before: Option<RequestId>,
        limit: usize,
    ) -> Result<Vec<RequestRecord>, StorageError> {
        let Some(request) = before else { return self.latest(None, limit).await };
        let mut records = Vec::new();
        for hour in self.hours().await?.into_iter().rev().filter(|hour| *hour <= Hour::of(request)) {
            let whole = hour < Hour::of(request);
            let mut bound =
                Some(if whole { Bytes::from_static(b"+") } else { below(request.uuid().as_bytes()) });
            while let Some(from) = bound.take() {
                let most = limit - records.len();
                if most == 0 {
                    return Ok(records);
                }
                let (page, next) = self.page(hour, from, most.min(CHUNK)).await?;
                for member in page {
                    records.push(member.record()?);
                }
                bound = next;
            }
        }
        Ok(records)
    }

    async fn trim(&self, before: Timestamp, most: u64) -> Result<u64, StorageError> {
        let counts = stream::iter(self.hours().await?).map(|hour| async move {
            let records = self.keys.requests_in(hour.0);
            let count: u64 =
                self.link.call(TRIMMING, |client| async move { client.zcard(records).await }).await?;
            Ok::<_, StorageError>((hour, count))
        });
        let counts: Vec<_> = counts.buffered(AT_ONCE).try_collect().await?;
        let kept: u64 = counts.iter().map(|(_, count)| count).sum();
        let mut beyond = kept.saturating_sub(most);
        let mut forgotten = 0;
        for (hour, count) in counts {
            let mut left = count.min(self.older(hour, count, before).await?.max(beyond));
            beyond = beyond.saturating_sub(left);
            while left > 0 && forgotten < ONE_PART {
                let some = left.min(CHUNK as u64);
                self.forget(hour, some).await?;
                (left, forgotten) = (left - some, forgotten + some);
            }
            if left > 0 || forgotten >= ONE_PART {
                break;
            }
            if count == 0 {
                self.forget_hour(hour).await?;
            }
        }
        Ok(forgotten)
    }
}

impl RedisRequests {
    pub(crate) fn new(link: Link, keys: Keys) -> Self {
        Self { link, keys, noted: Mutex::default() }
    }

    async fn put_in(
        &self,
        hour: Hour,
        requests: &[&KeptRequest],
        keep: Duration,
    ) -> Result<(), StorageError> {
        let apart = requests.iter().filter(|kept| kept.bodies.is_some());
        let mut writes = Vec::new();
        for kept in apart {
            writes.push(self.put_apart(kept, keep));
        }
        stream::iter(writes).buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await?;
        let mut arguments = vec![Value::from(ttl_millis(keep).to_string())];
        arguments.extend(requests.iter().map(|kept| Value::Bytes(Member::pack(kept))));
        let keys = vec![self.keys.requests_in(hour.0)];
        let fresh = self.link.eval(KEEPING, &script::REQUESTS_PUT, Repeat::Harmless, keys, arguments).await?;
        let fresh = reply::number::<u8>(fresh).map_err(|error| error.during(KEEPING))? == 1;
        if fresh || !self.is_noted(hour, keep) {
            self.note(hour, keep).await?;
        }
        Ok(())
    }

    async fn put_apart(&self, kept: &KeptRequest, keep: Duration) -> Result<(), StorageError> {
        let (key, bytes) = (self.keys.request(kept.record.id), Bytes::from(pack_kept_request(kept)));
        let sweep = Some(Expiration::PX(ttl_millis(keep)));
        self.link
            .call(KEEPING, |client| async move { client.set(key, bytes, sweep, None, false).await })
            .await
    }

    /// Whether an hour needs no note: it had one so short a while ago that the time to live of the hours is as good as new.
    fn is_noted(&self, hour: Hour, keep: Duration) -> bool {
        let lately = (keep / 64).min(Duration::from_secs(60));
        self.noted.lock().get(&hour).is_some_and(|noted| noted.elapsed() < lately)
    }

    async fn note(&self, hour: Hour, keep: Duration) -> Result<(), StorageError> {
        let (hours, swept, ttl) = (self.keys.requests(), self.keys.requests(), ttl_millis(keep));
        let member = (hour.0 as f64, hour.0.to_string());
        self.link
            .call::<(), _>(KEEPING, |client| async move {
                client.zadd(hours, None, None, false, false, member).await
            })
            .await?;
        let () =
            self.link.call(KEEPING, |client| async move { client.pexpire(swept, ttl, None).await }).await?;
        let mut noted = self.noted.lock();
        noted.insert(hour, Instant::now());
        while noted.len() > HOURS_NOTED {
            noted.pop_first();
        }
        Ok(())
    }

    /// The hours that have records, the oldest first.
    async fn hours(&self) -> Result<Vec<Hour>, StorageError> {
        let hours = self.keys.requests();
        let found: Value = self
            .link
            .call(
                READING,
                |client| async move { client.zrange(hours, 0, -1, None, false, None, false).await },
            )
            .await?;
        reply::each(found, |hour| reply::number(hour).map(Hour)).map_err(|error| error.during(READING))
    }

    /// A record with bodies.
    async fn apart(&self, request: RequestId) -> Result<Option<KeptRequest>, StorageError> {
        let key = self.keys.request(request);
        let found: Value = self.link.call(READING, |client| async move { client.get(key).await }).await?;
        let found = reply::optional_bytes(found).map_err(|error| error.during(READING))?;
        let corrupt = |error| StorageError::corrupt(format!("the record of request {request}"), error);
        found.map(|bytes| unpack_kept_request(&bytes).map_err(corrupt)).transpose()
    }

    /// Records of an hour, the newest first, and where to go on.
    async fn page(
        &self,
        hour: Hour,
        before: Bytes,
        most: usize,
    ) -> Result<(Vec<Member>, Option<Bytes>), StorageError> {
        let (records, first) = (self.keys.requests_in(hour.0), Bytes::from_static(b"-"));
        let page = self.members("ZREVRANGEBYLEX", records, before, first, most).await?;
        let next = page.last().filter(|_| page.len() == most).map(|last| below(&last.0));
        Ok((page, next))
    }

    /// The same of one client key.
    async fn page_of(
        &self,
        key: ClientKeyId,
        hour: Hour,
        before: Bytes,
        most: usize,
    ) -> Result<(Vec<Member>, Option<Bytes>), StorageError> {
        let keys = vec![self.keys.requests_in(hour.0)];
        let arguments = vec![
            Value::Bytes(before),
            Value::Bytes(Bytes::copy_from_slice(key.uuid().as_bytes())),
            Value::from(most.to_string()),
            Value::from(LOOKED_AT.to_string()),
        ];
        let found = self.link.eval(READING, &script::REQUESTS_OF, Repeat::Harmless, keys, arguments).await?;
        let mut found = reply::each(found, reply::bytes).map_err(|error| error.during(READING))?;
        let next = if found.is_empty() { Bytes::new() } else { found.remove(0) };
        Ok((found.into_iter().map(Member).collect(), Some(next).filter(|next| !next.is_empty())))
    }

    async fn members(
        &self,
        command: &'static str,
        records: String,
        first: Bytes,
        last: Bytes,
        most: usize,
    ) -> Result<Vec<Member>, StorageError> {
        let mut arguments = vec![Value::from(records), Value::Bytes(first), Value::Bytes(last)];
        arguments.extend(["LIMIT".to_owned(), "0".to_owned(), most.to_string()].map(Value::from));
        let found = self.link.command(READING, command, arguments).await?;
        reply::each(found, |member| reply::bytes(member).map(Member)).map_err(|error| error.during(READING))
    }

    /// How many of an hour's records came before a moment.
    async fn older(&self, hour: Hour, count: u64, before: Timestamp) -> Result<u64, StorageError> {
        let least = RequestId::least_at(before);
        if hour < Hour::of(least) {
            return Ok(count);
        }
        if hour > Hour::of(least) || count == 0 {
            return Ok(0);
        }
        let arguments = vec![
            Value::from(self.keys.requests_in(hour.0)),
            Value::Bytes(Bytes::from_static(b"-")),
            Value::Bytes(below(least.uuid().as_bytes())),
        ];
        let older = self.link.command(TRIMMING, "ZLEXCOUNT", arguments).await?;
        reply::number(older).map_err(|error| error.during(TRIMMING))
    }

    /// Forgets the oldest records of an hour.
    async fn forget(&self, hour: Hour, count: u64) -> Result<(), StorageError> {
        let (keys, arguments) = (vec![self.keys.requests_in(hour.0)], vec![Value::from(count.to_string())]);
        let apart =
            self.link.eval(TRIMMING, &script::REQUESTS_TRIM, Repeat::Harmless, keys, arguments).await?;
        let apart = reply::bytes(apart).map_err(|error| error.during(TRIMMING))?;
        let removals = stream::iter(member::identities(&apart)).map(|request| async move {
            let key = self.keys.request(request);
            self.link.call::<(), _>(TRIMMING, |client| async move { client.del(key).await }).await
        });
        removals.buffer_unordered(AT_ONCE).try_collect().await
    }

    async fn forget_hour(&self, hour: Hour) -> Result<(), StorageError> {
        let hours = self.keys.requests();
        self.link.call(TRIMMING, |client| async move { client.zrem(hours, hour.0.to_string()).await }).await
    }
}

/// Records in one script or answer.
const CHUNK: usize = 200;

/// Records that a script looks at for one client key's, so that others do not wait long.
const LOOKED_AT: usize = 5_000;

/// Records forgotten in one call.
const ONE_PART: u64 = 5_000;

/// Calls under way at the same time, sharing the connection.
const AT_ONCE: usize = 64;

/// Hours whose notes are remembered: records come in the hour in which they are kept, or in the one before.
const HOURS_NOTED: usize = 4;

const KEEPING: &str = "keeping records of requests";
const READING: &str = "reading records of requests";
const TRIMMING: &str = "forgetting requests";
