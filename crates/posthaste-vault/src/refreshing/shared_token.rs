//! One refresh for all instances.
//!
//! Most issuers take a refresh token once and give the next one along with the access token. So of all instances one
//! asks, under a lock; it leaves a mark in the account's record before, and puts the new tokens into the record only
//! while its own mark is still there. That mark is the fence: a holder that was suspended for longer than its lock
//! finds another's mark, or another generation, and changes nothing. A mark without an end tells the next holder that a
//! refresh was cut off, so that a refusal then has its explanation.

use std::time::Duration;

use posthaste_core::{Account, AccountId, AuthForm, Credential, Timestamp};
use posthaste_storage::{Fence, StorageError, Versioned};
use tokio::time::{Instant, sleep, timeout};

use super::{Shared, Want, slot::Held};
use crate::{
    CredentialSource, GrantRefused, RefreshMark, StoredCredential, StoredToken, VaultError, oauth::OAuthError,
};

/// The record as it is now.
struct Found {
    version: u64,
    account: Account,
    token: StoredToken,
}

impl Shared {
    /// A token that is what is wanted: the stored one, when another instance was faster, else a refreshed one.
    pub(super) async fn shared_token(&self, account: AccountId, want: &Want) -> Result<Held, OAuthError> {
        let name = format!("token_refresh:{account}");
        let begun = Instant::now();
        loop {
            let found = self.found(account).await?;
            if let Some(held) = self.as_wanted(&found, want) {
                return Ok(held);
            }
            refreshable(&found.token, want)?;
            // What only an operator can mend leaves no trace in the record.
            self.flows.clients().client(&found.token.provider)?;
            let locked = self.locks.acquire(&name, self.holder, LOCK_LIFE, self.now()).await;
            if let Some(fence) = locked.map_err(|error| OAuthError::from_store(&error))? {
                let refreshed = self.as_holder(account, &name, fence, want).await;
                if let Err(error) = self.locks.release(&name, self.holder).await {
                    // It lapses by itself.
                    tracing::warn!(%account, %error, "the lock of a refresh could not be given back");
                }
                return refreshed;
            }
            if begun.elapsed() > LOCK_LIFE {
                return Err(OAuthError::store(
                    "another instance refreshes the token and does not come to an end",
                ));
            }
            sleep(if matches!(want, Want::Ahead) { POLL_AHEAD } else { POLL }).await;
        }
    }

    async fn as_holder(
        &self,
        account: AccountId,
        lock: &str,
        fence: Fence,
        want: &Want,
    ) -> Result<Held, OAuthError> {
        let mark = RefreshMark { holder: self.holder, fence: fence.0, since: self.now() };
        let found = loop {
            // The one before may have finished while the lock was waited for.
            let found = self.found(account).await?;
            if let Some(held) = self.as_wanted(&found, want) {
                return Ok(held);
            }
            refreshable(&found.token, want)?;
            let cut_off = found.token.refreshing.map(|mark| mark.since);
            let marked = StoredToken { refreshing: Some(mark), ..found.token.clone() };
            match self.write(found, marked).await? {
                Some(found) => break (found, cut_off),
                None => self.still_held(lock, fence).await?,
            }
        };
        let (Found { account: record, token, .. }, cut_off) = found;
        let egress = self.fixed.egress(&record).await.map_err(OAuthError::from_vault)?;
        let asked = timeout(LONGEST_REFRESH, self.flows.refresh(&token, &egress)).await;
        let asked = asked.unwrap_or_else(|_| {
            let host = self.flows.clients().token_host(&token.provider);
            Err(OAuthError::Unreachable { host, why: "no answer came in time".to_owned(), unsent: false })
        });
        match asked {
            Ok(fresh) => {
                let held = self.finish(account, mark, want, |_| fresh.clone()).await?;
                tracing::info!(account = %record.name, generation = fresh.generation, "token refreshed");
                Ok(held)
            }
            Err(error) if error.needs_login() => {
                let error = explained(error, cut_off);
                let refused = GrantRefused { at: self.now(), why: error.reason() };
                let refuse = |token: StoredToken| StoredToken {
                    refreshing: None,
                    refused: Some(refused.clone()),
                    ..token
                };
                self.end_in_refusal(account, mark, want, error, refuse).await
            }
            Err(error) if error.did_nothing() => {
                self.unmark(account, mark).await;
                Err(error)
            }
            // Nobody knows what the server did: the mark stays.
            Err(error) => Err(error),
        }
    }

    /// The refusal is written down for all instances; unless another one has a newer token, then that is taken.
    async fn end_in_refusal(
        &self,
        account: AccountId,
        mark: RefreshMark,
        want: &Want,
        error: OAuthError,
        refuse: impl Fn(StoredToken) -> StoredToken,
    ) -> Result<Held, OAuthError> {
        match self.finish(account, mark, want, refuse).await {
            Ok(held) if held.is_dead() => Err(error),
            Ok(held) => Ok(held),
            Err(OAuthError::Store { what }) => {
                tracing::error!(%account, %what, "a refused refresh token could not be written down");
                Err(error)
            }
            Err(other) => Err(other),
        }
    }

    /// Writes what came of the refresh. New tokens are tried to be kept for as long as the store takes to come back: the
    /// old refresh token may be dead.
    async fn finish(
        &self,
        account: AccountId,
        mark: RefreshMark,
        want: &Want,
        change: impl Fn(StoredToken) -> StoredToken,
    ) -> Result<Held, OAuthError> {
        let begun = Instant::now();
        let mut pause = FIRST_WRITE_PAUSE;
        loop {
            match self.try_finish(account, mark, want, &change).await {
                Err(OAuthError::Store { what }) if begun.elapsed() < LONGEST_WRITE => {
                    tracing::error!(%account, %what, "refreshed tokens are not in the store yet; trying again");
                    sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_WRITE_PAUSE);
                }
                result => return result,
            }
        }
    }

    async fn try_finish(
        &self,
        account: AccountId,
        mark: RefreshMark,
        want: &Want,
        change: &impl Fn(StoredToken) -> StoredToken,
    ) -> Result<Held, OAuthError> {
        loop {
            let found = self.found(account).await?;
            if found.token.refreshing != Some(mark) {
                // Another login, or another holder after this one's lock had lapsed.
                let superseded = || OAuthError::Superseded;
                return self.as_wanted(&found, want).ok_or_else(superseded);
            }
            let changed = change(found.token.clone());
            if let Some(found) = self.write(found, changed).await? {
                return self.held(&found);
            }
        }
    }

    /// Takes the mark away after a refresh that did nothing. If that fails the next holder only thinks that this one
    /// was cut off.
    async fn unmark(&self, account: AccountId, mark: RefreshMark) {
        let clear = |token: StoredToken| StoredToken { refreshing: None, ..token };
        if let Err(error) = self.try_finish(account, mark, &Want::Now, &clear).await {
            tracing::debug!(%account, %error, "the mark of a refresh stays");
        }
    }

    async fn found(&self, account: AccountId) -> Result<Found, OAuthError> {
        let found = self.accounts.account(account).await.map_err(|error| OAuthError::from_store(&error))?;
        let Some(Versioned { version, value }) = found else { return Err(OAuthError::Gone) };
        match &value.credential {
            Some(sealed) if value.auth == AuthForm::OAuth => {
                let (token, _) = self.open(account, sealed).map_err(OAuthError::from_vault)?;
                Ok(Found { version, account: value, token })
            }
            _ => Err(OAuthError::NotLoggedIn),
        }
    }

    /// Replaces only the credential of the record as it was found; `None` when somebody else wrote in between. So an
    /// operator's change is neither lost nor kept waiting.
    async fn write(&self, found: Found, token: StoredToken) -> Result<Option<Found>, OAuthError> {
        let Found { version, mut account, .. } = found;
        let sealed = token.seal(self.flows.vault(), account.id).map_err(OAuthError::from_vault)?;
        account.credential = Some(sealed);
        match self.accounts.replace(account, version).await {
            Ok(Versioned { version, value }) => Ok(Some(Found { version, account: value, token })),
            Err(StorageError::Conflict { .. }) => Ok(None),
            Err(error) => Err(OAuthError::from_store(&error)),
        }
    }

    async fn still_held(&self, lock: &str, fence: Fence) -> Result<(), OAuthError> {
        let again = self.locks.acquire(lock, self.holder, LOCK_LIFE, self.now()).await;
        match again.map_err(|error| OAuthError::from_store(&error))? {
            Some(again) if again == fence => Ok(()),
            _ => Err(OAuthError::Superseded),
        }
    }

    fn as_wanted(&self, found: &Found, want: &Want) -> Option<Held> {
        let token = &found.token;
        let held = self.held(found).ok()?;
        let (now, ended) = (self.now(), held.has_ended(self.now()));
        let wanted = match want {
            Want::Ahead | Want::Now => !ended && held.renew_at.is_none_or(|at| at > now),
            Want::InsteadOf(refused) => !ended && !is_same(refused, token),
            Want::After(generation) => !ended && token.generation > *generation,
        };
        wanted.then_some(held)
    }

    fn held(&self, found: &Found) -> Result<Held, OAuthError> {
        let sealed = found.account.credential.clone().ok_or(OAuthError::NotLoggedIn)?;
        let window = self.flows.clients().refresh_window(&found.token.provider);
        Ok(Held::stored(sealed, &found.token, window))
    }
}

/// Whether it makes sense to ask. An operator may ask in spite of a refusal.
fn refreshable(token: &StoredToken, want: &Want) -> Result<(), OAuthError> {
    match token.dead() {
        Some(OAuthError::InvalidGrant { .. }) if matches!(want, Want::After(_)) => Ok(()),
        Some(error) => Err(error),
        None => Ok(()),
    }
}

fn is_same(refused: &Credential, token: &StoredToken) -> bool {
    matches!(refused, Credential::Token(refused) if refused.secret == token.access_token)
}

/// A refusal after a refresh that was cut off: that one's answer held the next refresh token.
fn explained(error: OAuthError, cut_off: Option<Timestamp>) -> OAuthError {
    match (error, cut_off) {
        (OAuthError::InvalidGrant { provider, why }, Some(since)) => OAuthError::InvalidGrant {
            provider,
            why: format!(
                "{why} (a refresh that began at {since} was cut off before its answer could be stored)"
            ),
        },
        (error, _) => error,
    }
}

impl OAuthError {
    pub(super) fn from_vault(error: VaultError) -> Self {
        match error {
            VaultError::OAuth { error, .. } => error,
            VaultError::Store(error) => Self::from_store(&error),
            other => Self::Vault { what: other.to_string() },
        }
    }

    fn from_store(error: &StorageError) -> Self {
        Self::Store { what: error.to_string() }
    }
}

/// Longer than a refresh can take, so that a lock lapses only when its holder was suspended or is gone.
const LOCK_LIFE: Duration = Duration::from_secs(60);
/// The token servers together.
const LONGEST_REFRESH: Duration = Duration::from_secs(45);
/// How often those look whose requests wait for another instance.
const POLL: Duration = Duration::from_millis(40);
const POLL_AHEAD: Duration = Duration::from_millis(500);
const LONGEST_WRITE: Duration = Duration::from_secs(3600);
const FIRST_WRITE_PAUSE: Duration = Duration::from_millis(50);
/// Short, so that this instance is there before others try the old refresh token.
const LONGEST_WRITE_PAUSE: Duration = Duration::from_millis(250);
