//! Records of requests.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use posthaste_core::{ClientKeyId, RequestId, RequestRecord, Timestamp};

use super::Watch;
use crate::{KeptRequest, RequestStore, StorageError};

pub(super) struct TimedRequests {
    store: Arc<dyn RequestStore>,
    put: Watch,
    read: Watch,
    trim: Watch,
}

impl TimedRequests {
    pub(super) fn new(store: Arc<dyn RequestStore>, watch: impl Fn(&'static str) -> Watch) -> Self {
        Self { store, put: watch("requests_put"), read: watch("requests_read"), trim: watch("requests_trim") }
    }
}

#[async_trait]
impl RequestStore for TimedRequests {
    async fn put(&self, requests: &[KeptRequest], keep: Duration) -> Result<(), StorageError> {
        self.put.time(self.store.put(requests, keep)).await
    }

    async fn find(&self, request: RequestId) -> Result<Option<KeptRequest>, StorageError> {
        self.read.time(self.store.find(request)).await
    }

    async fn latest(
        &self,
        key: Option<ClientKeyId>,
        limit: usize,
    ) -> Result<Vec<RequestRecord>, StorageError> {
        self.read.time(self.store.latest(key, limit)).await
    }

    async fn before(
        &self,
        before: Option<RequestId>,
        limit: usize,
    ) -> Result<Vec<RequestRecord>, StorageError> {
        self.read.time(self.store.before(before, limit)).await
    }

    async fn trim(&self, before: Timestamp, most: u64) -> Result<u64, StorageError> {
        self.trim.time(self.store.trim(before, most)).await
    }
}
