//! From an account to the credential that it presents.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use moka::sync::Cache;
use posthaste_core::{Account, AccountId, Sealed, Secret};

use crate::{Vault, VaultError, account_credential_place};

/// Hands out credentials, opened and fresh.
#[async_trait]
pub trait CredentialSource: Send + Sync {
    /// The account's credential; `None` for an account that needs none.
    async fn credential(&self, account: &Account) -> Result<Option<Arc<Secret>>, VaultError>;

    /// Forgets what is held for the account, since its upstream refused it or the account was changed.
    fn invalidate(&self, account: AccountId);
}

/// Credentials that stay as they are until an operator changes them, such as API keys.
///
/// An opened credential is kept as long as the account's sealed one is the same text, at most an hour without use.
pub struct StaticCredentials {
    vault: Arc<Vault>,
    opened: Cache<AccountId, Opened>,
}

#[derive(Clone)]
struct Opened {
    from: Sealed,
    secret: Arc<Secret>,
}

impl StaticCredentials {
    /// Credentials opened by `vault`.
    pub fn new(vault: Arc<Vault>) -> Self {
        let opened = Cache::builder().max_capacity(MOST_OPENED).time_to_idle(LONGEST_IDLE).build();
        Self { vault, opened }
    }
}

#[async_trait]
impl CredentialSource for StaticCredentials {
    async fn credential(&self, account: &Account) -> Result<Option<Arc<Secret>>, VaultError> {
        let Some(sealed) = &account.credential else { return Ok(None) };
        if let Some(opened) = self.opened.get(&account.id)
            && opened.from == *sealed
        {
            return Ok(Some(opened.secret));
        }
        let secret = Arc::new(self.vault.unseal(&account_credential_place(account.id), sealed)?);
        self.opened.insert(account.id, Opened { from: sealed.clone(), secret: Arc::clone(&secret) });
        Ok(Some(secret))
    }

    fn invalidate(&self, account: AccountId) {
        self.opened.invalidate(&account);
    }
}

impl fmt::Debug for StaticCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StaticCredentials(…)")
    }
}

/// More than a large fleet has accounts; opening one again costs microseconds.
const MOST_OPENED: u64 = 10_000;

const LONGEST_IDLE: Duration = Duration::from_secs(60 * 60);
