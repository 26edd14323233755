//! Locks in memory.

use std::{collections::HashMap, time::Duration};

use async_trait::async_trait;
use parking_lot::Mutex;
use posthaste_core::Timestamp;
use uuid::Uuid;

use crate::{Fence, LockStore, StorageError};

/// Keeps the held locks. All locks draw their numbers from one row, so that a forgotten lock's numbers still grow.
#[derive(Default)]
pub(super) struct MemoryLocks {
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    last: u64,
    locks: HashMap<String, Lock>,
}

struct Lock {
    holder: Uuid,
    fence: Fence,
    until: Timestamp,
}

#[async_trait]
impl LockStore for MemoryLocks {
    async fn acquire(
        &self,
        name: &str,
        holder: Uuid,
        ttl: Duration,
        now: Timestamp,
    ) -> Result<Option<Fence>, StorageError> {
        let mut held = self.held.lock();
        held.locks.retain(|_, lock| lock.until > now);
        let until = now.plus(ttl);
        if let Some(lock) = held.locks.get_mut(name) {
            if lock.holder != holder {
                return Ok(None);
            }
            lock.until = until;
            return Ok(Some(lock.fence));
        }
        held.last += 1;
        let fence = Fence(held.last);
        held.locks.insert(name.to_owned(), Lock { holder, fence, until });
        Ok(Some(fence))
    }

    async fn release(&self, name: &str, holder: Uuid) -> Result<(), StorageError> {
        let mut held = self.held.lock();
        if held.locks.get(name).is_some_and(|lock| lock.holder == holder) {
            held.locks.remove(name);
        }
        Ok(())
    }
}
