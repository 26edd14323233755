//! Logins under way.

use std::{collections::HashMap, sync::Arc, time::Duration};

use parking_lot::Mutex;
use posthaste_core::{Account, AccountId, Timestamp};
use posthaste_vault::{StoredToken, oauth::LoginTicket};
use tokio::sync::Mutex as AsyncMutex;
use uuid::Uuid;

use crate::AdminError;

/// The logins that were begun in this process, and not finished yet.
#[derive(Default)]
pub(crate) struct Logins(Mutex<HashMap<Uuid, Entry>>);

struct Entry {
    expires_at: Timestamp,
    pending: Arc<AsyncMutex<Pending>>,
}

/// A login under way.
pub(super) struct Pending {
    purpose: Purpose,
    flow: Flow,
    /// What the vendor gave, until it is kept in the store.
    token: Option<StoredToken>,
    /// Whoever waited for the lock finds that there is nothing left to do.
    over: bool,
}

/// What comes of a login.
#[derive(Clone)]
pub(super) enum Purpose {
    Add(Box<Account>),
    Renew(AccountId),
}

pub(super) enum Flow {
    Code(LoginTicket),
    Device { ticket: LoginTicket, next_poll: Timestamp },
}

impl Logins {
    /// Takes in a login and gives its name.
    pub(super) fn begin(
        &self,
        pending: Pending,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<String, AdminError> {
        let mut entries = self.0.lock();
        entries.retain(|_, entry| entry.expires_at.plus(REMEMBERED) > now);
        if entries.len() >= MOST {
            entries.retain(|_, entry| entry.expires_at > now);
        }
        if entries.len() >= MOST {
            let what = format!("{MOST} logins are under way already; finish some, or wait until they end");
            return Err(AdminError::Conflict { what });
        }
        // Not to be guessed: unlike other ids this one is random as a whole.
        let id = Uuid::new_v4();
        entries.insert(id, Entry { expires_at, pending: Arc::new(AsyncMutex::new(pending)) });
        Ok(id.to_string())
    }

    pub(super) fn find(&self, login: &str) -> Result<Arc<AsyncMutex<Pending>>, AdminError> {
        let id = Uuid::try_parse(login).ok();
        let entries = self.0.lock();
        let entry = id.and_then(|id| entries.get(&id)).ok_or_else(unknown)?;
        Ok(Arc::clone(&entry.pending))
    }

    pub(super) fn forget(&self, login: &str) {
        if let Ok(id) = Uuid::try_parse(login) {
            self.0.lock().remove(&id);
        }
    }
}

impl Pending {
    pub(super) const fn new(purpose: Purpose, flow: Flow) -> Self {
        Self { purpose, flow, token: None, over: false }
    }

    pub(super) const fn purpose(&self) -> &Purpose {
        &self.purpose
    }

    /// The flow, while the login is under way.
    pub(super) fn flow(&self) -> Result<&Flow, AdminError> {
        if self.over { Err(unknown()) } else { Ok(&self.flow) }
    }

    pub(super) const fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// What the vendor gave.
    pub(super) const fn token(&self) -> Option<&StoredToken> {
        self.token.as_ref()
    }

    pub(super) fn keep(&mut self, token: StoredToken) {
        self.token = Some(token);
    }

    pub(super) fn wait(&mut self, ticket: LoginTicket, next_poll: Timestamp) {
        self.flow = Flow::Device { ticket, next_poll };
    }

    pub(super) fn end(&mut self) {
        self.over = true;
    }
}

fn unknown() -> AdminError {
    let what =
        "login of this name under way; it was finished, given up or begun in another process".to_owned();
    AdminError::NotFound { what }
}

/// More than operators do at once.
const MOST: usize = 100;
/// How long a login that has ended is remembered, to say so.
const REMEMBERED: Duration = Duration::from_secs(10 * 60);
