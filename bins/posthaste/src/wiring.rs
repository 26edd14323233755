//! Which store, vault, price book and transport: the only place that chooses.

mod backups;
mod clock;
pub mod copy;
mod deliveries;
pub mod files;
mod folder;
mod messenger;
mod notify;
pub mod other;
mod size;
pub mod spool;
mod standby;
pub mod telemetry;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use posthaste_admin::{Admin, AdminParts, IdentityProvider, Messenger, PeopleDirectory, Runtime, SetupToken};
use posthaste_core::{AuthForm, Clock, ModelName, NoticeSink, SystemClock, Transport};
use posthaste_http::ServerTls;
use posthaste_identity::{LdapDirectory, OidcProvider};
use posthaste_metering::{PriceBook, PriceBookError, UnknownModels};
use posthaste_sandbox::{Sandbox, SandboxOptions, SandboxOr};
use posthaste_standby::SteadyClock;
use posthaste_storage::{RecordKind, StorageError, Stores, memory::MemoryStores, timed};
use posthaste_storage_redis::{RedisOptions, RedisStores};
use posthaste_storage_sqlite::SqliteStores;
use posthaste_upstream::{HttpTransport, UpstreamOptions};
use posthaste_vault::{
    Entra, Issuer, MasterKey, RefreshingCredentials, Vault, aws_chain::AwsChain, oauth::OAuthFlows,
};

pub use self::{
    clock::keep_time, deliveries::StoredDeliveries, notify::Notify, size::StoreSize, standby::standby,
};
use crate::{
    Config,
    config::{StoreKind, UnknownModels as Choice},
    machine::ThisMachine,
};

/// The opened store with its vault. [`close`](Self::close) it before the program ends.
pub struct Opened {
    /// Where everything is kept.
    pub stores: Stores,
    /// What the stores are called, for the operator's eye.
    pub store_name: String,
    /// Seals and opens what the stores keep.
    pub vault: Arc<Vault>,
    /// What was made because it was not there yet, for the operator's eye.
    pub made: Vec<String>,
    /// What is not as it should be, for the operator's eye; in the log as well.
    pub notices: Vec<String>,
    /// What time it is for all who use the store.
    pub clock: Arc<dyn Clock>,
    /// The same where the store's clock is asked too.
    steady: Option<Arc<SteadyClock>>,
    backend: Backend,
}

impl Opened {
    /// Closes the store. What was acknowledged is durable without that; a closed SQLite store leaves a single file.
    ///
    /// # Errors
    /// When the store could not be closed in good order.
    pub async fn close(&self) -> Result<(), StorageError> {
        match &self.backend {
            Backend::Memory => Ok(()),
            Backend::Sqlite(stores) => stores.close().await,
            Backend::Redis(stores) => {
                stores.close().await;
                Ok(())
            }
        }
    }
}

impl Opened {
    /// The same beside a process that has taken over and goes on with the store.
    ///
    /// # Errors
    /// As [`close`](Self::close).
    pub async fn leave(&self) -> Result<(), StorageError> {
        match &self.backend {
            Backend::Sqlite(stores) => stores.leave().await,
            Backend::Memory | Backend::Redis(_) => self.close().await,
        }
    }

    /// The embedded store, where it is one.
    pub fn sqlite(&self) -> Option<&Arc<SqliteStores>> {
        match &self.backend {
            Backend::Sqlite(stores) => Some(stores),
            Backend::Memory | Backend::Redis(_) => None,
        }
    }
}

type OpenSqlite = fn(&Path) -> Result<SqliteStores, StorageError>;

enum Backend {
    Memory,
    Sqlite(Arc<SqliteStores>),
    Redis(Arc<RedisStores>),
}

/// Opens the store and its vault, and makes the data folder, the master key and the store when they are not there yet.
///
/// # Errors
/// When the folder, the key or the store cannot be used. A wrong or missing master key changes nothing in the store.
pub async fn open_stores(config: &Config) -> anyhow::Result<Opened> {
    open(config, SqliteStores::open).await
}

/// The same for the process that serves requests, which tells how long the store takes.
///
/// # Errors
/// As [`open_stores`].
pub async fn open_stores_to_serve(config: &Config) -> anyhow::Result<Opened> {
    let mut opened = open(config, SqliteStores::open_alone).await?;
    opened.stores = timed(&opened.stores, config.data.store.as_str());
    clock::steady(&mut opened).await;
    Ok(opened)
}

async fn open(config: &Config, open_sqlite: OpenSqlite) -> anyhow::Result<Opened> {
    let mut made = Vec::new();
    check_folder(config)?;
    // What can fail comes before what leaves something behind.
    let given = given_master_key(config)?;
    let (backend, stores, store_name) = stores(config, open_sqlite, &mut made).await?;
    folder::make(&config.data.dir, &mut made)?;
    copy::refill_at_start(config, given.as_ref(), &stores, &mut made).await?;
    let master = match given {
        Some(key) => key,
        None => new_master_key(&master_key_path(config), &stores, &mut made).await?,
    };
    let vault = Vault::open(&master, Arc::clone(&stores.config)).await.context("the vault does not open")?;
    let notices: Vec<_> = folder::open_to_others(&config.data.dir).into_iter().collect();
    for notice in &notices {
        tracing::warn!("{notice}");
    }
    Ok(Opened {
        stores,
        store_name,
        vault: Arc::new(vault),
        made,
        notices,
        clock: Arc::new(SystemClock),
        steady: None,
        backend,
    })
}

/// A store and a vault that are forgotten, to see what a command would do on a new data folder without making one.
///
/// # Errors
/// When the system gives no random bytes.
pub async fn open_forgetful() -> anyhow::Result<Opened> {
    let stores = MemoryStores::stores();
    let vault = Vault::open(&MasterKey::generate()?, Arc::clone(&stores.config)).await?;
    Ok(Opened {
        stores,
        store_name: "memory".to_owned(),
        vault: Arc::new(vault),
        made: Vec::new(),
        notices: Vec::new(),
        clock: Arc::new(SystemClock),
        steady: None,
        backend: Backend::Memory,
    })
}

/// Refuses what cannot become a data folder.
///
/// # Errors
/// When a file stands in its place.
pub fn check_folder(config: &Config) -> anyhow::Result<()> {
    folder::check(&config.data.dir)
}

/// Whether [`open_stores`] has been here before. Of a shared store only opening it can tell, so that is taken as there.
pub fn is_initialised(config: &Config) -> bool {
    match config.data.store {
        StoreKind::Redis => true,
        StoreKind::Memory => false,
        StoreKind::Sqlite => sqlite_file(config).exists(),
    }
}

/// Whether there is a master key already; [`open_stores`] makes one otherwise.
pub fn has_master_key(config: &Config) -> bool {
    config.vault.master_key.is_some() || master_key_path(config).exists()
}

/// The price book: the configured file's, else the built-in one; with the operator's own models over it.
///
/// # Errors
/// When a file cannot be read or is no price book.
pub fn prices(config: &Config) -> anyhow::Result<Arc<PriceBook>> {
    let book = match &config.accounting.price_file {
        None => PriceBook::builtin(),
        Some(path) => Arc::new(read_prices(path, PriceBook::parse)?),
    };
    let book = match &config.accounting.models_file {
        None => book,
        Some(path) => Arc::new(read_prices(path, |text| book.overlaid(text))?),
    };
    let unknown = match (config.accounting.unknown_models, &config.accounting.assumed_model) {
        (Choice::Refuse, _) => UnknownModels::Refused,
        (Choice::Assume, Some(model)) => UnknownModels::PricedAs(ModelName::parse(model)?),
        _ => return Ok(book),
    };
    Ok(Arc::new(book.with_unknown(unknown).context("accounting.assumed_model")?))
}

fn read_prices(
    path: &Path,
    parse: impl Fn(&str) -> Result<PriceBook, PriceBookError>,
) -> anyhow::Result<PriceBook> {
    let text = fs::read_to_string(path)
        .with_context(|| format!("the price file {} cannot be read", path.display()))?;
    parse(&text).with_context(|| format!("the price file {} is no price book", path.display()))
}

/// The way out to upstreams: the built-in imitation answers for its own address, the network for all others.
///
/// # Errors
/// When TLS cannot be set up.
pub fn transport(config: &Config) -> anyhow::Result<Arc<dyn Transport>> {
    let options =
        UpstreamOptions { connect_timeout: config.relay.connect_timeout, ..UpstreamOptions::default() };
    let network = HttpTransport::new(&options).context("TLS cannot be set up")?;
    Ok(Arc::new(SandboxOr::new(Sandbox::new(SandboxOptions::default()), network)))
}

/// The credentials of the store's accounts, kept fresh through `transport`. A process needs one.
pub fn credentials(config: &Config, opened: &Opened, transport: Arc<dyn Transport>) -> RefreshingCredentials {
    let clients = Arc::new(config.oauth.clients());
    let chain = AwsChain::new(Arc::new(ThisMachine), Arc::clone(&transport), Arc::clone(&opened.clock));
    let chain: Arc<dyn Issuer> = Arc::new(chain);
    let flows = OAuthFlows::new(clients, Arc::clone(&opened.vault), transport, Arc::clone(&opened.clock));
    let entra: Arc<dyn Issuer> = Arc::new(Entra::new(config.oauth.entra(), flows.clone()));
    RefreshingCredentials::new(&opened.stores, flows, [(AuthForm::Entra, entra), (AuthForm::AwsChain, chain)])
}

/// What operators' work has of a relay that runs; nothing of it where none does.
#[derive(Default)]
pub struct Live {
    /// The relay.
    pub runtime: Option<Arc<dyn Runtime>>,
    /// Brings messages to channels.
    pub messenger: Option<Arc<dyn Messenger>>,
    /// Tells operators what happens.
    pub notices: Option<Arc<dyn NoticeSink>>,
    /// Knows people's passwords.
    pub directory: Option<Arc<dyn PeopleDirectory>>,
    /// Knows people by their browsers.
    pub identity_provider: Option<Arc<dyn IdentityProvider>>,
    /// Makes the first owner.
    pub setup_token: Option<Arc<SetupToken>>,
}

/// Who knows people's passwords beside the relay, as the configuration says.
///
/// # Errors
/// When what is told of it cannot be used.
pub fn directory(config: &Config) -> anyhow::Result<Option<Arc<dyn PeopleDirectory>>> {
    let Some(options) = config.ldap.options() else { return Ok(None) };
    let directory = LdapDirectory::new(options).context("the LDAP directory cannot be set up")?;
    Ok(Some(Arc::new(directory)))
}

/// Where people log in with their browsers, as the configuration says.
///
/// # Errors
/// When what is told of it cannot be used.
pub fn identity_provider(
    config: &Config,
    transport: &Arc<dyn Transport>,
) -> anyhow::Result<Option<Arc<dyn IdentityProvider>>> {
    let Some(options) = config.oidc.options() else { return Ok(None) };
    let provider = OidcProvider::new(options, Arc::clone(transport), Arc::new(SystemClock));
    let provider = provider.context("`[oidc]` cannot be used")?;
    Ok(Some(Arc::new(provider)))
}

/// Operators' work on an opened store.
pub fn admin(
    config: &Config,
    opened: &Opened,
    credentials: RefreshingCredentials,
    prices: Arc<PriceBook>,
    transport: Arc<dyn Transport>,
    live: Live,
) -> Admin {
    let Live { runtime, messenger, notices, directory, identity_provider, setup_token } = live;
    Admin::new(AdminParts {
        stores: opened.stores.clone(),
        store_name: opened.store_name.clone(),
        vault: Arc::clone(&opened.vault),
        credentials,
        prices,
        transport,
        clock: Arc::clone(&opened.clock),
        runtime,
        key_prefix: config.keys.prefix.clone(),
        service_rates: config.pricing.by_provider(),
        messenger,
        notices,
        directory,
        identity_provider,
        own_keys: config.users.own_keys(),
        backups: backups::folder(config),
        setup_token,
    })
}

/// What the relay's own TLS is spoken with, where the configuration names it.
///
/// # Errors
/// When a file cannot be read, or certificate and key cannot be used.
pub fn server_tls(config: &Config) -> anyhow::Result<Option<ServerTls>> {
    let (Some(certificate), Some(key)) = (&config.server.tls_certificate_file, &config.server.tls_key_file)
    else {
        return Ok(None);
    };
    let read = |path: &Path| fs::read(path).with_context(|| format!("{} cannot be read", path.display()));
    let tls = ServerTls::from_pem(&read(certificate)?, &read(key)?);
    let named = || {
        format!(
            "server.tls_certificate_file ({}) and server.tls_key_file ({})",
            certificate.display(),
            key.display()
        )
    };
    tls.with_context(named).map(Some)
}

async fn stores(
    config: &Config,
    open_sqlite: OpenSqlite,
    made: &mut Vec<String>,
) -> anyhow::Result<(Backend, Stores, String)> {
    match config.data.store {
        StoreKind::Memory => Ok((Backend::Memory, MemoryStores::stores(), "memory".to_owned())),
        StoreKind::Sqlite => {
            let path = sqlite_file(config);
            let fresh = !path.exists();
            folder::make(&config.data.dir, made)?;
            let opened = open_sqlite(&path)?;
            if fresh {
                made.push(format!("store {}", path.display()));
            }
            let stores = opened.stores();
            Ok((Backend::Sqlite(Arc::new(opened)), stores, format!("sqlite ({})", path.display())))
        }
        StoreKind::Redis => {
            let opened = connect_redis(config).await?;
            let stores = opened.stores();
            Ok((Backend::Redis(Arc::new(opened)), stores, "redis".to_owned()))
        }
    }
}

/// The Redis that the configuration names, as it is.
///
/// # Errors
/// When none is named, or it cannot be used.
pub async fn connect_redis(config: &Config) -> anyhow::Result<RedisStores> {
    let url = config.data.redis_url.as_ref().context("data.redis_url is not set")?;
    let prefix = config.data.redis_prefix.clone();
    let options = RedisOptions { prefix, ..RedisOptions::new(url.expose()) };
    RedisStores::connect(options).await.context("what `data.redis_url` names cannot be used")
}

/// The master key, if there is one already.
fn given_master_key(config: &Config) -> anyhow::Result<Option<MasterKey>> {
    if let Some(given) = &config.vault.master_key {
        return MasterKey::parse(given.0.expose()).map(Some).context("POSTHASTE_VAULT__MASTER_KEY");
    }
    let path = master_key_path(config);
    if !path.exists() { Ok(None) } else { Ok(Some(MasterKey::load(&path)?)) }
}

async fn new_master_key(path: &Path, stores: &Stores, made: &mut Vec<String>) -> anyhow::Result<MasterKey> {
    if path.exists() {
        return made_by_another(path).await;
    }
    // A new key would not open what is there, and lie in the way of the right one.
    if !stores.config.list(RecordKind::Keyring, None, 1).await?.records.is_empty() {
        anyhow::bail!(
            "the store was made with a master key, but there is none at {}; put the right one back",
            path.display()
        );
    }
    match MasterKey::create(path) {
        Ok(key) => {
            made.push(format!(
                "master key {} (back it up: without it the stored secrets are lost)",
                path.display()
            ));
            Ok(key)
        }
        Err(_) if path.exists() => made_by_another(path).await,
        Err(error) => Err(error.into()),
    }
}

/// Another process is making the file at this moment; it is empty until that one has written it.
async fn made_by_another(path: &Path) -> anyhow::Result<MasterKey> {
    let mut tries = 0;
    loop {
        match MasterKey::load(path) {
            Err(_) if tries < 20 => tries += 1,
            loaded => return Ok(loaded?),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn master_key_path(config: &Config) -> PathBuf {
    config.vault.master_key_file.clone().unwrap_or_else(|| config.data.dir.join(MASTER_KEY_FILE))
}

pub(crate) fn sqlite_file(config: &Config) -> PathBuf {
    config.data.dir.join(SQLITE_FILE)
}

/// Where the master key is in the data folder, unless it is elsewhere.
pub const MASTER_KEY_FILE: &str = "master.key";
const SQLITE_FILE: &str = "posthaste.db";
