//! From an account to the credential that it presents.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use moka::sync::Cache;
use posthaste_core::{
    Account, AccountId, AuthForm, Credential, Egress, Proxy, ProxyLogin, ProxySettings, Sealed, Secret,
};

use crate::{
    StoredAwsKeys, StoredCredential, Vault, VaultError, account_credential_place, account_proxy_place,
    stored::ANOTHER_KIND,
};

/// Hands out credentials, opened and fresh.
#[async_trait]
pub trait CredentialSource: Send + Sync {
    /// The account's credential; `None` for an account that needs none.
    async fn credential(&self, account: &Account) -> Result<Option<Arc<Credential>>, VaultError>;

    /// Gets another credential for an account whose upstream refused `refused`; `None` where there is no other.
    async fn renew(
        &self,
        account: &Account,
        refused: &Credential,
    ) -> Result<Option<Arc<Credential>>, VaultError> {
        let _ = (account, refused);
        Ok(None)
    }

    /// The account's way out, with its proxy's password opened.
    async fn egress(&self, account: &Account) -> Result<Egress, VaultError>;

    /// Forgets what is held for the account, since its upstream refused it or the account was changed.
    fn invalidate(&self, account: AccountId);
}

/// Credentials that stay as they are until an operator changes them, such as API keys.
///
/// An opened credential is kept as long as the account's sealed one is the same text, at most an hour without use.
pub struct StaticCredentials {
    vault: Arc<Vault>,
    opened: Cache<AccountId, Opened<Credential>>,
    passwords: Cache<AccountId, Opened<Proxy>>,
}

struct Opened<T> {
    from: Sealed,
    plain: Arc<T>,
}

impl<T> Clone for Opened<T> {
    fn clone(&self) -> Self {
        Self { from: self.from.clone(), plain: Arc::clone(&self.plain) }
    }
}

impl StaticCredentials {
    /// Credentials opened by `vault`.
    pub fn new(vault: Arc<Vault>) -> Self {
        Self { vault, opened: cache(), passwords: cache() }
    }

    fn open(&self, account: &Account, sealed: &Sealed) -> Result<Credential, VaultError> {
        let place = account_credential_place(account.id);
        match account.auth {
            AuthForm::AwsKeys => {
                Ok(Credential::Aws(StoredAwsKeys::open(&self.vault, account.id, sealed)?.into()))
            }
            AuthForm::XApiKey | AuthForm::Bearer | AuthForm::XGoogApiKey | AuthForm::ApiKey => {
                Ok(Credential::Key(self.vault.unseal(&place, sealed)?))
            }
            AuthForm::OAuth | AuthForm::Entra | AuthForm::AwsChain | AuthForm::None => {
                Err(VaultError::Unsealable { place: place.to_string(), what: ANOTHER_KIND })
            }
        }
    }
}

fn cache<T: Send + Sync + 'static>() -> Cache<AccountId, Opened<T>> {
    Cache::builder().max_capacity(MOST_OPENED).time_to_idle(LONGEST_IDLE).build()
}

#[async_trait]
impl CredentialSource for StaticCredentials {
    async fn credential(&self, account: &Account) -> Result<Option<Arc<Credential>>, VaultError> {
        let Some(sealed) = &account.credential else { return Ok(None) };
        if let Some(opened) = self.opened.get(&account.id)
            && opened.from == *sealed
        {
            return Ok(Some(opened.plain));
        }
        let plain = Arc::new(self.open(account, sealed)?);
        self.opened.insert(account.id, Opened { from: sealed.clone(), plain: Arc::clone(&plain) });
        Ok(Some(plain))
    }

    async fn egress(&self, account: &Account) -> Result<Egress, VaultError> {
        let allow_private = account.private_address.is_some();
        let Some(settings) = &account.proxy else { return Ok(Egress::direct(allow_private)) };
        let sealed = settings.password.as_ref();
        if let Some(opened) = self.passwords.get(&account.id)
            && Some(&opened.from) == sealed
            && is_of(&opened.plain, settings)
        {
            return Ok(Egress::through(opened.plain, allow_private));
        }
        let password =
            sealed.map(|sealed| self.vault.unseal(&account_proxy_place(account.id), sealed)).transpose()?;
        let proxy = Arc::new(Proxy {
            scheme: settings.scheme,
            host: settings.host.clone(),
            port: settings.port,
            login: settings.username.clone().map(|username| ProxyLogin {
                username,
                password: password.unwrap_or_else(|| Secret::new("")),
            }),
        });
        if let Some(sealed) = sealed {
            self.passwords.insert(account.id, Opened { from: sealed.clone(), plain: Arc::clone(&proxy) });
        }
        Ok(Egress::through(proxy, allow_private))
    }

    fn invalidate(&self, account: AccountId) {
        self.opened.invalidate(&account);
        self.passwords.invalidate(&account);
    }
}

fn is_of(proxy: &Proxy, settings: &ProxySettings) -> bool {
    proxy.scheme == settings.scheme
        && proxy.host == settings.host
        && proxy.port == settings.port
        && proxy.login.as_ref().map(|login| &login.username) == settings.username.as_ref()
}

impl fmt::Debug for StaticCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StaticCredentials(…)")
    }
}

/// More than a large fleet has accounts; opening one again costs microseconds.
const MOST_OPENED: u64 = 10_000;

const LONGEST_IDLE: Duration = Duration::from_secs(60 * 60);
