//! Conversations' homes in memory.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use async_trait::async_trait;
use parking_lot::Mutex;
use posthaste_core::{AccountId, Timestamp};

use crate::{AffinityKey, AffinityStore, StorageError};

/// Keeps the homes, and beside them the order in which they are forgotten.
#[derive(Default)]
pub(super) struct MemoryAffinity {
    homes: Mutex<Homes>,
}

#[derive(Default)]
struct Homes {
    by_key: HashMap<AffinityKey, (AccountId, Timestamp)>,
    by_end: BTreeSet<(Timestamp, AffinityKey)>,
}

#[async_trait]
impl AffinityStore for MemoryAffinity {
    async fn home(&self, key: AffinityKey, now: Timestamp) -> Result<Option<AccountId>, StorageError> {
        let homes = self.homes.lock();
        Ok(homes.by_key.get(&key).filter(|(_, until)| *until > now).map(|(account, _)| *account))
    }

    async fn settle_at(
        &self,
        key: AffinityKey,
        account: AccountId,
        ttl: Duration,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        let mut homes = self.homes.lock();
        homes.forget(key);
        homes.by_key.insert(key, (account, now.plus(ttl)));
        homes.by_end.insert((now.plus(ttl), key));
        homes.trim(now);
        Ok(())
    }

    async fn forget(&self, key: AffinityKey) -> Result<(), StorageError> {
        self.homes.lock().forget(key);
        Ok(())
    }
}

impl Homes {
    fn forget(&mut self, key: AffinityKey) {
        if let Some((_, until)) = self.by_key.remove(&key) {
            self.by_end.remove(&(until, key));
        }
    }

    /// Forgets what has ended, and beyond the cap what would end soonest.
    fn trim(&mut self, now: Timestamp) {
        while let Some(&(until, key)) = self.by_end.first()
            && (until <= now || self.by_key.len() > MOST_HOMES)
        {
            self.forget(key);
        }
    }
}

const MOST_HOMES: usize = 200_000;
