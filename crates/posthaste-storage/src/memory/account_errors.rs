//! What went wrong at accounts, in memory.

use std::collections::{HashMap, VecDeque};

use async_trait::async_trait;
use parking_lot::Mutex;
use posthaste_core::{AccountError, AccountId, Timestamp};

use crate::{AccountErrorStore, ErrorBounds, StorageError};

/// Keeps the latest of each account.
#[derive(Default)]
pub(super) struct MemoryAccountErrors {
    kept: Mutex<HashMap<AccountId, VecDeque<AccountError>>>,
}

#[async_trait]
impl AccountErrorStore for MemoryAccountErrors {
    async fn note(&self, errors: &[AccountError], bounds: ErrorBounds) -> Result<(), StorageError> {
        let mut kept = self.kept.lock();
        for error in errors {
            let own = kept.entry(error.account).or_default();
            own.push_back(error.clone());
            while own.len() > bounds.most {
                own.pop_front();
            }
        }
        Ok(())
    }

    async fn latest(
        &self,
        account: AccountId,
        since: Timestamp,
        limit: usize,
    ) -> Result<Vec<AccountError>, StorageError> {
        let kept = self.kept.lock();
        let Some(own) = kept.get(&account) else { return Ok(Vec::new()) };
        Ok(own.iter().rev().filter(|error| error.at >= since).take(limit).cloned().collect())
    }

    async fn clear(&self, account: AccountId) -> Result<u64, StorageError> {
        Ok(self.kept.lock().remove(&account).map_or(0, |own| own.len() as u64))
    }

    async fn trim(&self, before: Timestamp, limit: usize) -> Result<usize, StorageError> {
        let (mut kept, mut dropped) = (self.kept.lock(), 0);
        kept.retain(|_, own| {
            own.retain(|error| {
                let goes = error.at < before && dropped < limit;
                dropped += usize::from(goes);
                !goes
            });
            !own.is_empty()
        });
        Ok(dropped)
    }
}
