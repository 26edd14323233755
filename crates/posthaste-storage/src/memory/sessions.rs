//! Sessions in memory.

use std::collections::HashMap;

use async_trait::async_trait;
use parking_lot::Mutex;
use posthaste_core::{Session, Timestamp, TokenHash, UserId};

use crate::{SessionStore, StorageError};

/// Keeps the sessions. Each that begins sweeps what has lapsed.
#[derive(Default)]
pub(super) struct MemorySessions {
    kept: Mutex<HashMap<TokenHash, Session>>,
}

#[async_trait]
impl SessionStore for MemorySessions {
    async fn begin(&self, session: &Session) -> Result<(), StorageError> {
        let mut kept = self.kept.lock();
        kept.retain(|_, other| other.until > session.began_at);
        kept.insert(session.token, session.clone());
        Ok(())
    }

    async fn find(&self, token: TokenHash, now: Timestamp) -> Result<Option<Session>, StorageError> {
        Ok(self.kept.lock().get(&token).filter(|session| session.until > now).cloned())
    }

    async fn renew(&self, session: &Session, now: Timestamp) -> Result<bool, StorageError> {
        let mut kept = self.kept.lock();
        let present = kept.get_mut(&session.token).filter(|present| present.until > now);
        Ok(present.is_some_and(|present| {
            present.clone_from(session);
            true
        }))
    }

    async fn end(&self, token: TokenHash) -> Result<bool, StorageError> {
        Ok(self.kept.lock().remove(&token).is_some())
    }

    async fn of(&self, user: UserId, now: Timestamp) -> Result<Vec<Session>, StorageError> {
        let kept = self.kept.lock();
        let own = kept.values().filter(|session| session.user == user && session.until > now);
        let mut own: Vec<_> = own.cloned().collect();
        own.sort_unstable_by_key(|session| (session.began_at, session.token));
        Ok(own)
    }

    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<usize, StorageError> {
        let mut kept = self.kept.lock();
        let lapsed = kept.values().filter(|session| session.until <= now).map(|session| session.token);
        let lapsed: Vec<_> = lapsed.take(limit).collect();
        for token in &lapsed {
            kept.remove(token);
        }
        Ok(lapsed.len())
    }
}
