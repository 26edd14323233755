//! What the provider says of itself: where it is asked what, and the keys that it signs with.

use std::{sync::Arc, time::Duration};

use openidconnect::{DiscoveryError, IssuerUrl, core::CoreProviderMetadata};
use posthaste_admin::DirectoryError;
use tokio::{
    sync::{Mutex, MutexGuard},
    time::Instant,
};
use url::Url;

use super::{asking::Asking, short};

/// A provider, and what is known of it for a while.
#[derive(Debug)]
pub(super) struct Provider {
    issuer: IssuerUrl,
    asking: Asking,
    state: Mutex<State>,
}

/// What it said.
#[derive(Debug)]
pub(super) struct Known {
    /// Its description, with its keys.
    pub(super) metadata: CoreProviderMetadata,
    read_at: Instant,
}

impl Known {
    /// What it has just said.
    pub(super) fn of(metadata: CoreProviderMetadata) -> Self {
        Self { metadata, read_at: Instant::now() }
    }
}

#[derive(Debug, Default)]
struct State {
    known: Option<Arc<Known>>,
    /// When it was last asked in vain.
    failed_at: Option<Instant>,
    /// When it was last asked for the sake of a key.
    refreshed_at: Option<Instant>,
}

impl Provider {
    pub(super) fn new(issuer: IssuerUrl, asking: Asking) -> Self {
        Self { issuer, asking, state: Mutex::default() }
    }

    /// Where it describes itself (OpenID Connect Discovery 1.0, section 4).
    pub(super) fn description_url(&self) -> Result<Url, DirectoryError> {
        let url = self.issuer.join(".well-known/openid-configuration");
        url.map_err(|error| DirectoryError::new("the provider's address", error))
    }

    pub(super) const fn asking(&self) -> &Asking {
        &self.asking
    }

    /// What is known, asked for anew when it is old. Whoever comes meanwhile waits for the same answer.
    pub(super) async fn known(&self) -> Result<Arc<Known>, DirectoryError> {
        let state = self.state.lock().await;
        if let Some(known) = state.known.as_ref().filter(|known| known.read_at.elapsed() < LIFETIME) {
            return Ok(Arc::clone(known));
        }
        if state.failed_at.is_some_and(|at| at.elapsed() < PAUSE) {
            return Err(DirectoryError::unfit("the provider was asked a moment ago, in vain"));
        }
        self.read(state).await
    }

    /// What is known after `used`, in which a key is missing; `None` when nothing else is to be had now. Anybody can name a key that
    /// does not exist, so it is not asked for often.
    pub(super) async fn refreshed(&self, used: &Arc<Known>) -> Option<Arc<Known>> {
        let mut state = self.state.lock().await;
        if let Some(known) = state.known.as_ref().filter(|known| !Arc::ptr_eq(known, used)) {
            return Some(Arc::clone(known));
        }
        if state.refreshed_at.is_some_and(|at| at.elapsed() < REFRESH_EVERY) {
            return None;
        }
        state.refreshed_at = Some(Instant::now());
        let read = self.read(state).await;
        read.inspect_err(|error| tracing::warn!(%error, "the identity provider's keys cannot be read")).ok()
    }

    async fn read(&self, mut state: MutexGuard<'_, State>) -> Result<Arc<Known>, DirectoryError> {
        let read = CoreProviderMetadata::discover_async(self.issuer.clone(), &self.asking).await;
        let checked = read.map_err(unfit).and_then(|metadata| self.checked(metadata));
        state.failed_at = checked.is_err().then(Instant::now);
        let known = Arc::new(Known::of(checked?));
        state.known = Some(Arc::clone(&known));
        Ok(known)
    }

    /// Refuses a description with which browsers or codes would be sent in the clear.
    fn checked(&self, metadata: CoreProviderMetadata) -> Result<CoreProviderMetadata, DirectoryError> {
        self.asking.check(metadata.authorization_endpoint().url())?;
        match metadata.token_endpoint() {
            Some(token) => self.asking.check(token.url())?,
            None => return Err(DirectoryError::unfit("the provider names no token endpoint")),
        }
        Ok(metadata)
    }
}

/// Without what the provider's answer holds beyond a line.
fn unfit(error: DiscoveryError<DirectoryError>) -> DirectoryError {
    match error {
        DiscoveryError::Request(error) => error,
        DiscoveryError::Parse(fault) => {
            let at = short(&fault.path().to_string());
            DirectoryError::unfit(format!("the provider's description or its keys cannot be read at `{at}`"))
        }
        error => DirectoryError::unfit(short(&error.to_string())),
    }
}

/// So long what it says is believed without asking again: a key that the provider withdraws holds no longer.
const LIFETIME: Duration = Duration::from_secs(60 * 60);

/// It is not asked more often than that while it cannot be asked.
const PAUSE: Duration = Duration::from_secs(2);

/// It is not asked more often than that for a key which it did not name.
const REFRESH_EVERY: Duration = Duration::from_secs(60);
