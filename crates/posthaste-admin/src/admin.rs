//! The services together.

use std::sync::Arc;

use posthaste_core::{Account, ClientKey, Clock, Owner, Pool, Route, Team, Transport};
use posthaste_metering::PriceBook;
use posthaste_storage::{Repository, Stores};
use posthaste_vault::{RefreshingCredentials, Vault, oauth::OAuthFlows};

use crate::{
    AccountService, AdminError, Command, KeyService, OwnerService, PoolService, Reply, RequestService,
    RouteService, Runtime, StatsInput, StatsView, StatusView, accounts::Logins, command, stats, status,
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
    /// Logs accounts in and gives out their credentials: the relay's own, when the services live in one.
    pub credentials: RefreshingCredentials,
    /// Tells which models a provider offers.
    pub prices: Arc<PriceBook>,
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
    logins: Arc<Logins>,
}

impl Admin {
    /// Puts the services together.
    pub fn new(parts: AdminParts) -> Self {
        Self { parts: Arc::new(parts), logins: Arc::default() }
    }

    /// Upstream accounts.
    pub fn accounts(&self) -> AccountService<'_> {
        AccountService::new(self)
    }

    /// Client keys.
    pub fn keys(&self) -> KeyService<'_> {
        KeyService::new(self)
    }

    /// Pools of accounts.
    pub fn pools(&self) -> PoolService<'_> {
        PoolService::new(self)
    }

    /// Owners of client keys, and their teams.
    pub fn owners(&self) -> OwnerService<'_> {
        OwnerService::new(self)
    }

    /// Routes.
    pub fn routes(&self) -> RouteService<'_> {
        RouteService::new(self)
    }

    /// What became of requests.
    pub fn requests(&self) -> RequestService<'_> {
        RequestService::new(self)
    }

    /// The whole at a glance.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn status(&self) -> Result<StatusView, AdminError> {
        status::status(self).await
    }

    /// What was used and what it cost, told apart as asked.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] for a question that cannot be asked, [`AdminError::NotFound`] for a name of nobody.
    pub async fn stats(&self, input: &StatsInput) -> Result<StatsView, AdminError> {
        stats::stats(self, input).await
    }

    /// Carries out a command that travelled.
    ///
    /// # Errors
    /// As the service that it belongs to.
    pub async fn execute(&self, command: Command) -> Result<Reply, AdminError> {
        command::execute(self, command).await
    }

    /// Waits until what was begun beside the commands is in the store. For an orderly end.
    pub async fn settle(&self) {
        self.parts.credentials.settle().await;
    }

    pub(crate) fn parts(&self) -> &AdminParts {
        &self.parts
    }

    pub(crate) fn credentials(&self) -> &RefreshingCredentials {
        &self.parts.credentials
    }

    pub(crate) fn flows(&self) -> &OAuthFlows {
        self.parts.credentials.flows()
    }

    pub(crate) fn logins(&self) -> &Logins {
        &self.logins
    }

    pub(crate) fn account_records(&self) -> Repository<Account> {
        Repository::new(Arc::clone(&self.parts.stores.config))
    }

    pub(crate) fn pool_records(&self) -> Repository<Pool> {
        Repository::new(Arc::clone(&self.parts.stores.config))
    }

    pub(crate) fn route_records(&self) -> Repository<Route> {
        Repository::new(Arc::clone(&self.parts.stores.config))
    }

    pub(crate) fn owner_records(&self) -> Repository<Owner> {
        Repository::new(Arc::clone(&self.parts.stores.config))
    }

    pub(crate) fn team_records(&self) -> Repository<Team> {
        Repository::new(Arc::clone(&self.parts.stores.config))
    }

    pub(crate) fn key_records(&self) -> Repository<ClientKey> {
        Repository::new(Arc::clone(&self.parts.stores.config))
    }
}
