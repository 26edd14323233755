//! The services together.

use std::{collections::HashMap, sync::Arc};

use posthaste_core::{
    Account, ApiToken, Card, Channel, ClientKey, Clock, Multiplier, NoticeSink, OwnPrice, Owner, Pool,
    ProviderKind, Route, Setting, Team, Timestamp, Transport, User,
};
use posthaste_metering::PriceBook;
use posthaste_storage::{ConfigStore, Repository, StorageError, Stores};
use posthaste_vault::{RefreshingCredentials, Vault, oauth::OAuthFlows};
use tokio::sync::mpsc;

use crate::{
    AccountService, Acted, Actor, AdminError, AuditService, BackupFolder, BrandingView, CardService,
    ChannelService, Command, HolderService, IdentityProvider, KeyService, KnownPerson, LiveService,
    Messenger, OwnKeyRules, OwnKeyService, OwnPriceService, OwnerService, PeopleDirectory, PeopleService,
    PoolService, Reply, RequestService, RouteService, Runtime, ServiceRate, SetupToken, SignInService,
    StatsInput, StatsView, StatusView, TestEvent, TokenService,
    accounts::{Balances, Logins, TestWatch},
    acting,
    board::Board,
    branding,
    directory::{self, Snapshot},
    lists::LastUses,
    prices::update::KeptList,
    rates,
    sign_in::{Misses, Refusals},
    stats, status, versions,
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
    /// Tells which models a provider offers, where no relay runs.
    pub prices: Arc<PriceBook>,
    /// Carries the requests of logins and of accounts' tests.
    pub transport: Arc<dyn Transport>,
    /// The present moment.
    pub clock: Arc<dyn Clock>,
    /// The running relay, when the services live in one.
    pub runtime: Option<Arc<dyn Runtime>>,
    /// What new client keys start with.
    pub key_prefix: String,
    /// What the configuration says that a dollar of cost is billed as, by provider; a dollar where it says nothing.
    pub service_rates: HashMap<ProviderKind, Multiplier>,
    /// Brings messages to channels, where a relay runs.
    pub messenger: Option<Arc<dyn Messenger>>,
    /// Who knows people's passwords beside the relay, if anybody does.
    pub directory: Option<Arc<dyn PeopleDirectory>>,
    /// Where people log in with their browsers, if there is such a place.
    pub identity_provider: Option<Arc<dyn IdentityProvider>>,
    /// What people may do with client keys of their own.
    pub own_keys: OwnKeyRules,
    /// Tells operators what happens, where anybody is told.
    pub notices: Option<Arc<dyn NoticeSink>>,
    /// Where back-ups of the store lie, where it is a file.
    pub backups: Option<Arc<dyn BackupFolder>>,
    /// What makes the first owner, where people can log in.
    pub setup_token: Option<Arc<SetupToken>>,
}

/// Operators' work. Cheap to clone.
#[derive(Clone)]
pub struct Admin {
    parts: Arc<AdminParts>,
    logins: Arc<Logins>,
    misses: Arc<Misses>,
    card_misses: Arc<Misses>,
    directory: Arc<directory::Directory>,
    board: Arc<Board>,
    kept_list: Arc<KeptList>,
    last_uses: Arc<LastUses>,
    refusals: Arc<Refusals>,
    balances: Arc<Balances>,
    test_watch: TestWatch,
}

impl Admin {
    /// Puts the services together.
    pub fn new(parts: AdminParts) -> Self {
        Self {
            parts: Arc::new(parts),
            logins: Arc::default(),
            misses: Arc::default(),
            card_misses: Arc::default(),
            directory: Arc::default(),
            board: Arc::default(),
            kept_list: Arc::default(),
            last_uses: Arc::default(),
            refusals: Arc::default(),
            balances: Arc::default(),
            test_watch: TestWatch::default(),
        }
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

    /// Prices of the operator's own.
    pub fn own_prices(&self) -> OwnPriceService<'_> {
        OwnPriceService::new(self)
    }

    /// Redemption cards.
    pub fn cards(&self) -> CardService<'_> {
        CardService::new(self)
    }

    /// Routes.
    pub fn routes(&self) -> RouteService<'_> {
        RouteService::new(self)
    }

    /// What became of requests.
    pub fn requests(&self) -> RequestService<'_> {
        RequestService::new(self)
    }

    /// People who log in.
    pub fn people(&self) -> PeopleService<'_> {
        PeopleService::new(self)
    }

    /// Client keys of a person's own.
    pub fn own_keys<'a>(&'a self, person: &'a KnownPerson) -> OwnKeyService<'a> {
        OwnKeyService::new(self, person)
    }

    /// Tokens of the admin API.
    pub fn tokens(&self) -> TokenService<'_> {
        TokenService::new(self)
    }

    /// Logging people in and out.
    pub fn sign_in(&self) -> SignInService<'_> {
        SignInService::new(self)
    }

    /// Channels that notices are brought to.
    pub fn channels(&self) -> ChannelService<'_> {
        ChannelService::new(self)
    }

    /// Holders of client keys.
    pub fn holders(&self) -> HolderService<'_> {
        HolderService::new(self)
    }

    /// The audit log.
    pub fn audit(&self) -> AuditService<'_> {
        AuditService::new(self)
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    /// What the relay calls itself, which everybody may know.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn branding(&self) -> Result<BrandingView, AdminError> {
        branding::show(self).await
    }

    /// What a dollar of cost is billed as, by provider, which everybody may know.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn service_rates(&self) -> Result<Vec<ServiceRate>, AdminError> {
        rates::show(self).await
    }

    /// What is going on at this moment.
    pub fn live(&self) -> LiveService<'_> {
        LiveService::new(self)
    }

    /// The same services, whose accounts' tests tell `watcher` how they go.
    #[must_use]
    pub fn watching_tests(&self, watcher: mpsc::Sender<TestEvent>) -> Self {
        Self { test_watch: TestWatch(Some(watcher)), ..self.clone() }
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

    /// Carries out what somebody asks for who may, and notes it in the audit log. Every door for operators leads here.
    ///
    /// # Errors
    /// [`AdminError::Forbidden`], or as the service that the command belongs to.
    pub async fn act(&self, actor: &Actor, command: Command) -> Result<Reply, AdminError> {
        acting::act(self, actor, command, None).await
    }

    /// Carries out what somebody asks for who may, and tells the version of the record that it is about. With `seen`, the
    /// record is changed only while it has that version.
    ///
    /// # Errors
    /// [`AdminError::Stale`] when the record has another version, else as [`act`](Self::act).
    pub async fn act_on(
        &self,
        actor: &Actor,
        command: Command,
        seen: Option<u64>,
    ) -> Result<Acted, AdminError> {
        versions::act(self, actor, command, seen).await
    }

    /// Carries out what the command line on the relay's machine asks for.
    ///
    /// # Errors
    /// As the service that the command belongs to.
    pub async fn execute(&self, command: Command) -> Result<Reply, AdminError> {
        self.act(&Actor::machine(), command).await
    }

    /// Waits until what was begun beside the commands is in the store. For an orderly end.
    pub async fn settle(&self) {
        self.sign_in().tell_all_refusals().await;
        self.parts.credentials.settle().await;
    }

    /// Client keys, accounts and whose they are, as they are now.
    pub(crate) async fn directory(&self) -> Result<Arc<Snapshot>, StorageError> {
        self.directory.snapshot(&self.parts.stores.config).await
    }

    pub(crate) fn last_uses(&self) -> &LastUses {
        &self.last_uses
    }

    pub(crate) fn board(&self) -> &Board {
        &self.board
    }

    pub(crate) fn kept_list(&self) -> &KeptList {
        &self.kept_list
    }

    /// The same services over other configuration records.
    pub(crate) fn over(&self, config: Arc<dyn ConfigStore>) -> Self {
        let mut parts = AdminParts::clone(&self.parts);
        parts.stores.config = config;
        Self { parts: Arc::new(parts), ..self.clone() }
    }

    /// The price book now, without the operators' own prices.
    pub(crate) fn book(&self) -> Arc<PriceBook> {
        let parts = self.parts();
        let relays = parts.runtime.as_ref().and_then(|runtime| runtime.prices());
        relays.unwrap_or_else(|| Arc::clone(&parts.prices))
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

    pub(crate) fn messenger(&self) -> Option<&Arc<dyn Messenger>> {
        self.parts.messenger.as_ref()
    }

    pub(crate) fn identity_provider(&self) -> Option<&Arc<dyn IdentityProvider>> {
        self.parts.identity_provider.as_ref()
    }

    pub(crate) fn people_directory(&self) -> Option<&Arc<dyn PeopleDirectory>> {
        self.parts.directory.as_ref()
    }

    pub(crate) fn test_watch(&self) -> &TestWatch {
        &self.test_watch
    }

    pub(crate) fn misses(&self) -> &Misses {
        &self.misses
    }

    /// Codes of cards that nobody knows.
    pub(crate) fn card_misses(&self) -> &Misses {
        &self.card_misses
    }

    pub(crate) fn refusals(&self) -> &Refusals {
        &self.refusals
    }

    pub(crate) fn balances(&self) -> &Balances {
        &self.balances
    }

    pub(crate) fn setup_token(&self) -> Option<&SetupToken> {
        self.parts.setup_token.as_deref()
    }

    pub(crate) fn channel_records(&self) -> Repository<Channel> {
        Repository::new(Arc::clone(&self.parts.stores.config))
    }

    pub(crate) fn user_records(&self) -> Repository<User> {
        Repository::new(Arc::clone(&self.parts.stores.config))
    }

    pub(crate) fn token_records(&self) -> Repository<ApiToken> {
        Repository::new(Arc::clone(&self.parts.stores.config))
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

    pub(crate) fn own_price_records(&self) -> Repository<OwnPrice> {
        Repository::new(Arc::clone(&self.parts.stores.config))
    }

    pub(crate) fn card_records(&self) -> Repository<Card> {
        Repository::new(Arc::clone(&self.parts.stores.config))
    }

    pub(crate) fn setting_records(&self) -> Repository<Setting> {
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
