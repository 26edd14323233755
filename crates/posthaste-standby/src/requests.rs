//! Records of requests: nobody waits for them, so the store's own time-outs hold; while it is away they fail at once.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use posthaste_core::{ClientKeyId, RequestId, RequestRecord, Timestamp};
use posthaste_storage::{KeptRequest, RequestStore, StorageError};

use crate::breaker::{Breaker, Does};

pub(crate) struct StandbyRequests {
    pub(crate) store: Arc<dyn RequestStore>,
    pub(crate) breaker: Arc<Breaker>,
}

impl StandbyRequests {
    async fn call<T>(
        &self,
        (does, what): (Does, &str),
        call: impl Future<Output = Result<T, StorageError>>,
    ) -> Result<T, StorageError> {
        self.breaker.patient_call(does, call).await.map_err(|missed| missed.into_error(what))
    }
}

#[async_trait]
impl RequestStore for StandbyRequests {
    async fn put(&self, requests: &[KeptRequest], keep: Duration) -> Result<(), StorageError> {
        self.call((Does::Write, "recording requests"), self.store.put(requests, keep)).await
    }

    async fn find(&self, request: RequestId) -> Result<Option<KeptRequest>, StorageError> {
        self.call((Does::Read, "reading a request's record"), self.store.find(request)).await
    }

    async fn latest(
        &self,
        key: Option<ClientKeyId>,
        limit: usize,
    ) -> Result<Vec<RequestRecord>, StorageError> {
        self.call((Does::Read, "reading the latest requests"), self.store.latest(key, limit)).await
    }

    async fn before(
        &self,
        before: Option<RequestId>,
        limit: usize,
    ) -> Result<Vec<RequestRecord>, StorageError> {
        self.call((Does::Read, "reading earlier requests"), self.store.before(before, limit)).await
    }

    async fn trim(&self, before: Timestamp, most: u64) -> Result<u64, StorageError> {
        self.call((Does::Write, "forgetting old requests"), self.store.trim(before, most)).await
    }
}
