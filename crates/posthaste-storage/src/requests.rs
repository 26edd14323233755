//! The records of requests, kept for a while so that they can be explained.

use std::time::Duration;

use async_trait::async_trait;
use posthaste_core::{ClientKeyId, RequestId, RequestRecord, Sealed, Timestamp};
use serde::Deserialize;

use crate::StorageError;

/// A request's record as it is kept.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct KeptRequest {
    /// The record.
    pub record: RequestRecord,
    /// The sealed bodies, where the client key asked for them.
    pub bodies: Option<Sealed>,
}

/// Records of requests. They explain and prove nothing: what is lost with one is no money.
#[async_trait]
pub trait RequestStore: Send + Sync + 'static {
    /// Keeps records; one whose request is known already takes the place of the earlier one. `keep` is how long they are
    /// wanted: a store that can forget by itself does so then.
    async fn put(&self, requests: &[KeptRequest], keep: Duration) -> Result<(), StorageError>;

    /// One request, if it is still there.
    async fn find(&self, request: RequestId) -> Result<Option<KeptRequest>, StorageError>;

    /// The latest requests, newest first, at most `limit`; only one key's when `key` is given. The order is that of their
    /// identities, which grow with time.
    async fn latest(
        &self,
        key: Option<ClientKeyId>,
        limit: usize,
    ) -> Result<Vec<RequestRecord>, StorageError>;

    /// The requests that came before one, newest first, at most `limit`; the latest ones without `before`. A store that has no
    /// better way looks through all.
    async fn before(
        &self,
        before: Option<RequestId>,
        limit: usize,
    ) -> Result<Vec<RequestRecord>, StorageError> {
        let mut all = self.latest(None, usize::MAX).await?;
        all.retain(|record| before.is_none_or(|before| record.id < before));
        all.truncate(limit);
        Ok(all)
    }

    /// Forgets requests that came before `before`, and the oldest ones beyond `most`. It does a bounded part of that and
    /// tells how many it forgot: repeat it until that is none.
    async fn trim(&self, before: Timestamp, most: u64) -> Result<u64, StorageError>;
}
