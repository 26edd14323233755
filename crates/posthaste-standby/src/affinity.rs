//! Conversations' homes while the store is away: not known here, they are chosen anew.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use posthaste_core::{AccountId, ClientKeyId, Timestamp};
use posthaste_storage::{AffinityKey, AffinityStore, StorageError};

use crate::{
    bounded::bounded,
    breaker::{Breaker, Does, Missed},
};

/// Takes a home that cannot be read for one that is not known, and does not insist on keeping one: both cost a cache at the
/// vendor, and waiting or failing would cost more.
pub(crate) struct StandbyAffinity {
    pub(crate) store: Arc<dyn AffinityStore>,
    pub(crate) breaker: Arc<Breaker>,
}

impl StandbyAffinity {
    /// Whether the store takes a plain write again: one that is full may run scripts all the same.
    pub(crate) async fn probe(&self) -> bool {
        let key = AffinityKey { tenant: ClientKeyId::generate(), conversation: [0; 16] };
        let now = self.breaker.now();
        let write = self.store.settle_at(key, AccountId::generate(), PROBE_HOME, now);
        self.breaker.probe(bounded(write)).await
    }
}

#[async_trait]
impl AffinityStore for StandbyAffinity {
    async fn home(&self, key: AffinityKey, now: Timestamp) -> Result<Option<AccountId>, StorageError> {
        match self
            .breaker
            .call((Does::Read, "reading a conversation's home"), self.store.home(key, now))
            .await
        {
            Ok(home) => Ok(home),
            Err(Missed::Answered(error)) => Err(error),
            Err(Missed::NotAsked | Missed::Unknown(_)) => Ok(None),
        }
    }

    async fn settle_at(
        &self,
        key: AffinityKey,
        account: AccountId,
        ttl: Duration,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        let call = self.store.settle_at(key, account, ttl, now);
        answered(self.breaker.call((Does::Write, "keeping a conversation's home"), call).await)
    }

    async fn forget(&self, key: AffinityKey) -> Result<(), StorageError> {
        answered(
            self.breaker
                .call((Does::Write, "forgetting a conversation's home"), self.store.forget(key))
                .await,
        )
    }
}

fn answered(outcome: Result<(), Missed>) -> Result<(), StorageError> {
    match outcome {
        Ok(()) | Err(Missed::NotAsked | Missed::Unknown(_)) => Ok(()),
        Err(Missed::Answered(error)) => Err(error),
    }
}

/// What the probe leaves behind is forgotten by then.
const PROBE_HOME: Duration = Duration::from_secs(1);
