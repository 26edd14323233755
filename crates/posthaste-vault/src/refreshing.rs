//! Credentials that end, and are renewed before they do.
//!
//! A request takes the token that is held in memory. Some time before its end a task gets the next one, while the old
//! one still serves; only a request that finds it ended or refused waits. Tokens of a login are refreshed by one
//! instance for all: see `shared_token.rs`. Others, such as Entra's, each instance gets for itself.

mod entra;
mod idle;
mod issuer;
mod machine_keys;
mod shared_token;
mod slot;

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use parking_lot::{Mutex, RwLock};
use posthaste_core::{Account, AccountId, AuthForm, Credential, Egress, Sealed, Timestamp};
use posthaste_storage::{LockStore, Repository, StorageError, Stores, Versioned};
use tokio::{task::JoinSet, time::timeout};
use uuid::Uuid;

pub use entra::{Entra, EntraSettings};
pub use issuer::{Issued, Issuer};
pub use slot::TokenReport;

use crate::{
    CredentialSource, StaticCredentials, StoredCredential, StoredToken, VaultError,
    oauth::{OAuthError, OAuthFlows},
};
use slot::{Flight, Held, Look, Slot};

/// Every account's credential, fresh. Clones share what is held; a process needs one.
#[derive(Clone)]
pub struct RefreshingCredentials {
    shared: Arc<Shared>,
}

/// What the tasks share.
struct Shared {
    fixed: StaticCredentials,
    flows: OAuthFlows,
    accounts: Repository<Account>,
    locks: Arc<dyn LockStore>,
    /// This instance, as holder of locks.
    holder: Uuid,
    issuers: Vec<(AuthForm, Arc<dyn Issuer>)>,
    slots: RwLock<HashMap<AccountId, Arc<Slot>>>,
    flights: Mutex<JoinSet<()>>,
}

/// Why a token is wanted that is not at hand.
#[derive(Clone, Debug)]
enum Want {
    /// The one at hand ends soon: nobody waits.
    Ahead,
    /// The one at hand has ended, or there is none.
    Now,
    /// The upstream refused this one.
    InsteadOf(Arc<Credential>),
    /// An operator asks for another than this one's generation.
    After(u64),
}

impl RefreshingCredentials {
    /// Credentials of the accounts in `stores`; `issuers` serve the forms that they are named for.
    pub fn new(
        stores: &Stores,
        flows: OAuthFlows,
        issuers: impl IntoIterator<Item = (AuthForm, Arc<dyn Issuer>)>,
    ) -> Self {
        let shared = Shared {
            fixed: StaticCredentials::new(Arc::clone(flows.vault())),
            flows,
            accounts: Repository::new(Arc::clone(&stores.config)),
            locks: Arc::clone(&stores.locks),
            holder: Uuid::now_v7(),
            issuers: issuers.into_iter().collect(),
            slots: RwLock::default(),
            flights: Mutex::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// The flows that it refreshes with.
    pub fn flows(&self) -> &OAuthFlows {
        &self.shared.flows
    }

    /// Gets a new token now, whatever is held, and tells of it. It also tries a refresh token that was refused before.
    ///
    /// # Errors
    /// [`VaultError::OAuth`]; [`VaultError::Unsealable`] when the account has no token of a login.
    pub async fn refresh(&self, account: &Account) -> Result<TokenReport, VaultError> {
        let slot = self.slot(account)?;
        let generation = slot.generation();
        self.flight(account, &slot, Want::After(generation)).await?;
        slot.report().ok_or_else(|| VaultError::from(OAuthError::store("the token was forgotten meanwhile")))
    }

    /// Puts what a login gave into an account, past whatever token it had before, and forgets what was held.
    ///
    /// # Errors
    /// When the account is gone, presents something else than a login's token, or the store fails.
    pub async fn store_login(
        &self,
        account: AccountId,
        token: StoredToken,
    ) -> Result<Versioned<Account>, VaultError> {
        let saved = self.shared.store_login(account, token).await?;
        self.invalidate(account);
        Ok(saved)
    }

    /// Waits until no refresh is under way: what a token server has answered is in the store then. For an orderly end.
    pub async fn settle(&self) {
        loop {
            let mut flights = std::mem::take(&mut *self.shared.flights.lock());
            if flights.is_empty() {
                return;
            }
            while flights.join_next().await.is_some() {}
        }
    }

    /// The account's slot, in step with its record.
    fn slot(&self, account: &Account) -> Result<Arc<Slot>, VaultError> {
        let found = self.shared.slots.read().get(&account.id).map(Arc::clone);
        let slot =
            found.unwrap_or_else(|| Arc::clone(self.shared.slots.write().entry(account.id).or_default()));
        if account.auth == AuthForm::OAuth {
            if let Some(sealed) = &account.credential {
                slot.look_at(sealed, || self.shared.open(account.id, sealed))?;
            }
        } else {
            slot.keep_if_issued_for(account);
        }
        Ok(slot)
    }

    async fn current(&self, account: &Account) -> Result<Arc<Credential>, VaultError> {
        let slot = self.slot(account)?;
        match slot.look(self.shared.now()) {
            Look::Fresh(credential) => Ok(credential),
            Look::Ahead(credential) => {
                // Whoever comes next looks again; a flight that cannot begin yet is none of this request's business.
                let _ = self.begin(account, &slot, Want::Ahead);
                Ok(credential)
            }
            Look::Now => self.flight(account, &slot, Want::Now).await,
        }
    }

    /// Waits for the flight that is under way, or for a new one.
    async fn flight(
        &self,
        account: &Account,
        slot: &Arc<Slot>,
        want: Want,
    ) -> Result<Arc<Credential>, VaultError> {
        let flight = self.begin(account, slot, want)?;
        match timeout(LONGEST_WAIT, flight.landed()).await {
            Ok(landed) => landed,
            Err(_) => Err(OAuthError::store("the next token is not here yet").into()),
        }
    }

    /// Joins the flight that is under way, or begins one in a task of its own: a client that leaves must not cut off a
    /// refresh whose answer is not in the store yet.
    fn begin(&self, account: &Account, slot: &Arc<Slot>, want: Want) -> Result<Flight, VaultError> {
        let asked = matches!(want, Want::After(_));
        slot.fly(asked, |landing| {
            let (shared, slot, account) = (Arc::clone(&self.shared), Arc::clone(slot), account.clone());
            let mut flights = self.shared.flights.lock();
            while flights.try_join_next().is_some() {}
            flights.spawn(async move {
                let found = shared.fetch(&account, &want).await;
                if let Err(error) = &found {
                    tracing::warn!(account = %account.name, %error, advice = %error.advice(), "no new token");
                }
                slot.land(account.id, found, landing);
            });
        })
    }
}

#[async_trait]
impl CredentialSource for RefreshingCredentials {
    async fn credential(&self, account: &Account) -> Result<Option<Arc<Credential>>, VaultError> {
        if account.auth == AuthForm::OAuth && account.credential.is_none() {
            return Err(OAuthError::NotLoggedIn.into());
        }
        if self.shared.renews(account.auth) {
            return self.current(account).await.map(Some);
        }
        self.shared.fixed.credential(account).await
    }

    async fn renew(
        &self,
        account: &Account,
        refused: &Credential,
    ) -> Result<Option<Arc<Credential>>, VaultError> {
        if !self.shared.renews(account.auth) {
            return self.shared.fixed.renew(account, refused).await;
        }
        let slot = self.slot(account)?;
        match slot.other_than(refused, self.shared.now()) {
            slot::Other::Held(credential) => Ok(Some(credential)),
            slot::Other::TooSoon => Ok(None),
            slot::Other::None => {
                let want = Want::InsteadOf(Arc::new(refused.clone()));
                let credential = self.flight(account, &slot, want).await?;
                // A flight that was under way already may have landed with what was refused.
                Ok((*credential != *refused).then_some(credential))
            }
        }
    }

    async fn egress(&self, account: &Account) -> Result<Egress, VaultError> {
        self.shared.fixed.egress(account).await
    }

    fn invalidate(&self, account: AccountId) {
        self.shared.fixed.invalidate(account);
        if let Some(slot) = self.shared.slots.read().get(&account) {
            slot.forget();
        }
    }
}

impl Shared {
    fn now(&self) -> Timestamp {
        self.flows.clock().now()
    }

    fn renews(&self, auth: AuthForm) -> bool {
        auth == AuthForm::OAuth || self.issuer(auth).is_some()
    }

    fn issuer(&self, auth: AuthForm) -> Option<&dyn Issuer> {
        self.issuers.iter().find(|(form, _)| *form == auth).map(|(_, issuer)| &**issuer)
    }

    async fn fetch(&self, account: &Account, want: &Want) -> Result<Held, OAuthError> {
        match self.issuer(account.auth) {
            Some(issuer) => {
                let egress = self.fixed.egress(account).await.map_err(OAuthError::from_vault)?;
                let began = self.now();
                let issued = issuer.issue(account, &egress).await?;
                Ok(Held::issued(account, issued, began))
            }
            None => self.shared_token(account.id, want).await,
        }
    }

    fn open(&self, account: AccountId, sealed: &Sealed) -> Result<(StoredToken, Duration), VaultError> {
        let token = StoredToken::open(self.flows.vault(), account, sealed)?;
        let window = self.flows.clients().refresh_window(&token.provider);
        Ok((token, window))
    }

    async fn store_login(
        &self,
        account: AccountId,
        mut token: StoredToken,
    ) -> Result<Versioned<Account>, VaultError> {
        loop {
            let gone = || VaultError::from(OAuthError::store("the account is gone"));
            let Versioned { version, mut value } = self.accounts.account(account).await?.ok_or_else(gone)?;
            if value.auth != AuthForm::OAuth {
                return Err(OAuthError::store("the account does not present the token of a login").into());
            }
            // A credential that cannot be opened is replaced: a login is what mends it.
            let before = value.credential.as_ref();
            let before = before.and_then(|sealed| {
                StoredToken::open(self.flows.vault(), account, sealed).ok().map(|token| token.generation)
            });
            token.generation = before.map_or(1, |generation| generation.saturating_add(1));
            value.credential = Some(token.seal(self.flows.vault(), account)?);
            value.updated_at = self.now();
            match self.accounts.replace(value, version).await {
                Err(StorageError::Conflict { .. }) => {}
                saved => return saved.map_err(VaultError::from),
            }
        }
    }
}

impl fmt::Debug for RefreshingCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshingCredentials(…)")
    }
}

/// How long a request waits for a token; there may be other accounts, and the flight goes on without it.
const LONGEST_WAIT: Duration = Duration::from_secs(20);
