//! The services together.

use std::sync::Arc;

use posthaste_core::{Account, ClientKey, Clock, Transport};
use posthaste_metering::PriceBook;
use posthaste_storage::{Repository, Stores};
use posthaste_vault::{
    StaticCredentials, Vault,
    oauth::{OAuthClients, OAuthFlows},
};

use crate::{
    AccountService, AdminError, Command, KeyService, Reply, Runtime, StatusView, accounts::Logins, command,
    status,
};

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
    /// The operator's clients for logging accounts in.
    pub oauth: Arc<OAuthClients>,
    /// Carries the requests of logins and of accounts' tests.
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
    flows: OAuthFlows,
    logins: Arc<Logins>,
}

impl Admin {
    /// Puts the services together.
    pub fn new(parts: AdminParts) -> Self {
        let credentials = Arc::new(StaticCredentials::new(Arc::clone(&parts.vault)));
        let flows = OAuthFlows::new(
            Arc::clone(&parts.oauth),
            Arc::clone(&parts.vault),
            Arc::clone(&parts.transport),
            Arc::clone(&parts.clock),
        );
        Self { parts: Arc::new(parts), credentials, flows, logins: Arc::default() }
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

    pub(crate) const fn flows(&self) -> &OAuthFlows {
        &self.flows
    }

    pub(crate) fn logins(&self) -> &Logins {
        &self.logins
    }

    pub(crate) fn account_records(&self) -> Repository<Account> {
        Repository::new(Arc::clone(&self.parts.stores.config))
    }

    pub(crate) fn key_records(&self) -> Repository<ClientKey> {
        Repository::new(Arc::clone(&self.parts.stores.config))
    }
}
