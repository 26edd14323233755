//! The records of requests in memory.

use std::{collections::BTreeMap, ops::Bound, time::Duration};

use async_trait::async_trait;
use parking_lot::Mutex;
use posthaste_core::{ClientKeyId, RequestId, RequestRecord, Timestamp};

use crate::{KeptRequest, RequestStore, StorageError};

/// Keeps the latest.
#[derive(Default)]
pub(super) struct MemoryRequests {
    kept: Mutex<BTreeMap<RequestId, KeptRequest>>,
}

#[async_trait]
impl RequestStore for MemoryRequests {
    async fn put(&self, requests: &[KeptRequest], _keep: Duration) -> Result<(), StorageError> {
        let mut kept = self.kept.lock();
        for request in requests {
            kept.insert(request.record.id, request.clone());
        }
        while kept.len() > MOST_REQUESTS {
            kept.pop_first();
        }
        Ok(())
    }

    async fn find(&self, request: RequestId) -> Result<Option<KeptRequest>, StorageError> {
        Ok(self.kept.lock().get(&request).cloned())
    }

    async fn latest(
        &self,
        key: Option<ClientKeyId>,
        limit: usize,
    ) -> Result<Vec<RequestRecord>, StorageError> {
        let kept = self.kept.lock();
        let records = kept.values().rev().map(|kept| &kept.record);
        let wanted = records.filter(|record| key.is_none_or(|key| record.key_id == key));
        Ok(wanted.take(limit).cloned().collect())
    }

    async fn before(
        &self,
        before: Option<RequestId>,
        limit: usize,
    ) -> Result<Vec<RequestRecord>, StorageError> {
        let bound = before.map_or(Bound::Unbounded, Bound::Excluded);
        let kept = self.kept.lock();
        let earlier = kept.range((Bound::Unbounded, bound)).rev().map(|(_, kept)| &kept.record);
        Ok(earlier.take(limit).cloned().collect())
    }

    async fn trim(&self, before: Timestamp, most: u64) -> Result<u64, StorageError> {
        let mut kept = self.kept.lock();
        let bound = RequestId::least_at(before);
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let mut forgotten = 0;
        while let Some(first) = kept.first_entry()
            && *first.key() < bound
        {
            first.remove();
            forgotten += 1;
        }
        while kept.len() > most {
            kept.pop_first();
            forgotten += 1;
        }
        Ok(forgotten)
    }
}

/// Some 60 MB.
const MOST_REQUESTS: usize = 20_000;
