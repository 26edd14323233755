//! Locks: one hash each, which outlives its holder so that the numbers go on growing.

use std::time::Duration;

use async_trait::async_trait;
use fred::types::Value;
use posthaste_core::Timestamp;
use posthaste_storage::{Fence, LockStore, StorageError};
use uuid::Uuid;

use crate::{
    keys::Keys,
    link::{Link, Repeat},
    reply, script,
    script::ttl_millis,
};

/// Keeps the locks.
pub(crate) struct RedisLocks {
    link: Link,
    keys: Keys,
}

impl RedisLocks {
    pub(crate) fn new(link: Link, keys: Keys) -> Self {
        Self { link, keys }
    }
}

#[async_trait]
impl LockStore for RedisLocks {
    async fn acquire(
        &self,
        name: &str,
        holder: Uuid,
        ttl: Duration,
        now: Timestamp,
    ) -> Result<Option<Fence>, StorageError> {
        let arguments = vec![
            Value::from(holder.to_string()),
            Value::from(now.as_micros().to_string()),
            Value::from(now.plus(ttl).as_micros().to_string()),
            Value::from(now.as_micros().clamp(1, GREATEST_FLOOR).to_string()),
            Value::from(ttl_millis(ttl.saturating_add(REMEMBERED)).to_string()),
        ];
        let keys = vec![self.keys.lock(name)];
        let answer = self.link.eval(TAKING, &script::LOCK_ACQUIRE, Repeat::Harmless, keys, arguments).await?;
        if answer.is_null() {
            return Ok(None);
        }
        reply::number(answer).map(|fence| Some(Fence(fence))).map_err(|error| error.during(TAKING))
    }

    async fn release(&self, name: &str, holder: Uuid) -> Result<(), StorageError> {
        let (keys, arguments) = (vec![self.keys.lock(name)], vec![Value::from(holder.to_string())]);
        let what = "giving a lock back";
        self.link.eval(what, &script::LOCK_RELEASE, Repeat::Harmless, keys, arguments).await.map(drop)
    }
}

/// How long a lapsed lock's number is kept. Forgetting it is safe, since numbers never lie below the clock.
const REMEMBERED: Duration = Duration::from_secs(24 * 3_600);

/// The scripts count numbers in doubles, which are exact up to 2^53; the clock reaches half of that in 2112.
const GREATEST_FLOOR: i64 = 1 << 52;

const TAKING: &str = "taking a lock";
