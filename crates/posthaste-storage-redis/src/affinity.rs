//! Conversations' homes: one key each, `<end in microseconds> <account>`.
//!
//! The end is compared with the caller's clock; the key's own time to live only sweeps.

use std::time::Duration;

use async_trait::async_trait;
use fred::{
    interfaces::KeysInterface,
    types::{Expiration, Value},
};
use posthaste_core::{AccountId, Timestamp};
use posthaste_storage::{AffinityKey, AffinityStore, StorageError};

use crate::{error::CallError, keys::Keys, link::Link, reply, script::ttl_millis};

/// Keeps the homes.
pub(crate) struct RedisAffinity {
    link: Link,
    keys: Keys,
}

impl RedisAffinity {
    pub(crate) fn new(link: Link, keys: Keys) -> Self {
        Self { link, keys }
    }
}

#[async_trait]
impl AffinityStore for RedisAffinity {
    async fn home(&self, key: AffinityKey, now: Timestamp) -> Result<Option<AccountId>, StorageError> {
        let key = self.keys.home(key);
        let found: Value = self.link.call(LOOKING, |client| async move { client.get(key).await }).await?;
        if found.is_null() {
            return Ok(None);
        }
        let (until, account) = reply::text(found)
            .and_then(|text| read(&text).ok_or_else(|| CallError::Unreadable("not a home".into())))
            .map_err(|error| error.during(LOOKING))?;
        Ok((until > now).then_some(account))
    }

    async fn settle_at(
        &self,
        key: AffinityKey,
        account: AccountId,
        ttl: Duration,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        let key = self.keys.home(key);
        let home = format!("{} {account}", now.plus(ttl).as_micros());
        let sweep = Some(Expiration::PX(ttl_millis(ttl)));
        self.link
            .call("noting a conversation's home", |client| async move {
                client.set(key, home, sweep, None, false).await
            })
            .await
    }

    async fn forget(&self, key: AffinityKey) -> Result<(), StorageError> {
        let key = self.keys.home(key);
        self.link
            .call("forgetting a conversation's home", |client| async move { client.del(key).await })
            .await
    }
}

fn read(home: &str) -> Option<(Timestamp, AccountId)> {
    let (until, account) = home.split_once(' ')?;
    Some((Timestamp::from_micros(until.parse().ok()?), account.parse().ok()?))
}

const LOOKING: &str = "looking up a conversation's home";
