//! The services together.

use std::sync::Arc;

use posthaste_core::{Account, ClientKey, Clock, Transport};
use posthaste_metering::PriceBook;
use posthaste_storage::{Repository, Stores};
use posthaste_vault::{StaticCredentials, Vault};

use crate::{AccountService, AdminError, Command, KeyService, Reply, Runtime, StatusView, command, status};

/// What the services are made from.
#[derive(Clone)]
pub struct AdminParts {
    /// Where everything is kept.
    pub stores: Stores,
    /// What the stores are called, for the operator's eye.
    pub store_name: String,
    /// Seals credentials and makes client keys.
    pub vault: Arc<Vault>,
    /// Tells which models a provider offers.
    pub prices: Arc<PriceBook>,
    /// Carries the request of an account's test.
    pub transport: Arc<dyn Transport>,
    /// The present moment.
    pub clock: Arc<dyn Clock>,
    /// The running relay, when the services live in one.
    pub runtime: Option<Arc<dyn Runtime>>,
    /// What new client keys start with.
    pub key_prefix: String,
}

/// Operators' work. Cheap to clone.
#[derive(Clone)]
pub struct Admin {
    parts: Arc<AdminParts>,
    credentials: Arc<StaticCredentials>,
}

impl Admin {
    /// Puts the services together.
    pub fn new(parts: AdminParts) -> Self {
        let credentials = Arc::new(StaticCredentials::new(Arc::clone(&parts.vault)));
        Self { parts: Arc::new(parts), credentials }
    }

    /// Upstream accounts.
    pub fn accounts(&self) -> AccountService<'_> {
        AccountService::new(self)
    }

    /// Client keys.
    pub fn keys(&self) -> KeyService<'_> {
        KeyService::new(self)
    }

    /// The whole at a glance.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn status(&self) -> Result<StatusView, AdminError> {
        status::status(self).await
    }

    /// Carries out a command that travelled.
    ///
    /// # Errors
    /// As the service that it belongs to.
    pub async fn execute(&self, command: Command) -> Result<Reply, AdminError> {
        command::execute(self, command).await
    }

    pub(crate) fn parts(&self) -> &AdminParts {
        &self.parts
    }

    pub(crate) fn credentials(&self) -> &StaticCredentials {
        &self.credentials
    }

    pub(crate) fn account_records(&self) -> Repository<Account> {
        Repository::new(Arc::clone(&self.parts.stores.config))
    }

    pub(crate) fn key_records(&self) -> Repository<ClientKey> {
        Repository::new(Arc::clone(&self.parts.stores.config))
    }
}
