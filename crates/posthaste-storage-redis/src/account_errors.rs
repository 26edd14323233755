//! What went wrong at accounts: a list of each account, the newest in front, with a time to live.

use std::collections::BTreeMap;

use async_trait::async_trait;
use fred::{
    interfaces::{KeysInterface, ListInterface},
    types::Value,
};
use posthaste_core::{AccountError, AccountId, Timestamp};
use posthaste_storage::{AccountErrorStore, ErrorBounds, StorageError};

use crate::{
    error::CallError,
    keys::Keys,
    link::{Link, Repeat},
    reply,
    script::{self, ttl_millis},
};

/// Keeps the errors.
pub(crate) struct RedisAccountErrors {
    link: Link,
    keys: Keys,
}

impl RedisAccountErrors {
    pub(crate) fn new(link: Link, keys: Keys) -> Self {
        Self { link, keys }
    }
}

#[async_trait]
impl AccountErrorStore for RedisAccountErrors {
    async fn note(&self, errors: &[AccountError], bounds: ErrorBounds) -> Result<(), StorageError> {
        let mut of: BTreeMap<AccountId, Vec<Value>> = BTreeMap::new();
        for error in errors {
            of.entry(error.account).or_default().push(Value::from(written(error)?));
        }
        for (account, written) in of {
            let mut arguments =
                vec![Value::from(bounds.most.to_string()), Value::from(ttl_millis(bounds.keep).to_string())];
            let beyond = written.len().saturating_sub(bounds.most);
            arguments.extend(written.into_iter().skip(beyond));
            let keys = vec![self.keys.account_errors(account)];
            // Once too often is better than not at all.
            self.link.eval(NOTING, &script::ACCOUNT_ERRORS_NOTE, Repeat::Harmless, keys, arguments).await?;
        }
        Ok(())
    }

    async fn latest(
        &self,
        account: AccountId,
        since: Timestamp,
        limit: usize,
    ) -> Result<Vec<AccountError>, StorageError> {
        let key = self.keys.account_errors(account);
        let found: Value =
            self.link.call(READING, |client| async move { client.lrange(key, 0, -1).await }).await?;
        let found = reply::each(found, error).map_err(|error| error.during(READING))?;
        Ok(found.into_iter().filter(|error| error.at >= since).take(limit).collect())
    }

    async fn clear(&self, account: AccountId) -> Result<u64, StorageError> {
        let (what, key) = ("clearing errors of an account", self.keys.account_errors(account));
        let list = key.clone();
        let length: u64 = self.link.call(what, |client| async move { client.llen(list).await }).await?;
        self.link.call::<(), _>(what, |client| async move { client.del(key).await }).await?;
        Ok(length)
    }

    /// Each list has its time to live, and its length.
    async fn trim(&self, _before: Timestamp, _limit: usize) -> Result<usize, StorageError> {
        Ok(0)
    }
}

fn written(error: &AccountError) -> Result<String, StorageError> {
    serde_json::to_string(error).map_err(|error| StorageError::corrupt("an account's error", error))
}

fn error(found: Value) -> Result<AccountError, CallError> {
    let text = reply::text(found)?;
    serde_json::from_str(&text).map_err(|_| CallError::Unreadable("not an account's error".into()))
}

const NOTING: &str = "noting errors of accounts";
const READING: &str = "reading errors of an account";
