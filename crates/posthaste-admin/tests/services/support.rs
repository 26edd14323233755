//! A set of services with everything in memory.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use posthaste_admin::{
    Admin, AdminParts, Disclosed, NewAccount, ParkedModels, ParkedView, Runtime, SetupToken,
};
use posthaste_core::{AccountId, Clock, InstanceId, Secret, Timestamp, Transport};
use posthaste_metering::PriceBook;
use posthaste_storage::{StoreHealth, Stores, memory::MemoryStores};
use posthaste_testkit::{FakeClock, MemoryTransport, Reply, Sent};
use posthaste_vault::{
    MasterKey, RefreshingCredentials, Vault,
    oauth::{OAuthClients, OAuthFlows},
};

pub(crate) struct Bench {
    pub(crate) admin: Admin,
    pub(crate) parts: AdminParts,
    pub(crate) stores: Stores,
    pub(crate) vault: Arc<Vault>,
    pub(crate) clock: Arc<FakeClock>,
    pub(crate) transport: MemoryTransport,
    pub(crate) runtime: Arc<FakeRuntime>,
}

/// A relay whose accounts rest as the test says.
#[derive(Default)]
pub(crate) struct FakeRuntime {
    pub(crate) parked: Mutex<HashMap<AccountId, ParkedView>>,
}

impl Runtime for FakeRuntime {
    fn parked(&self, account: AccountId) -> Option<ParkedView> {
        self.parked.lock().get(&account).cloned()
    }

    fn parked_models(&self, _: AccountId) -> Vec<ParkedModels> {
        Vec::new()
    }

    fn quota(&self, _: AccountId) -> Vec<posthaste_admin::QuotaView> {
        Vec::new()
    }

    fn release(&self, account: AccountId) {
        self.parked.lock().remove(&account);
    }

    fn instance(&self) -> InstanceId {
        InstanceId::from_uuid(uuid::Uuid::from_u128(7))
    }

    fn started_at(&self) -> Timestamp {
        FakeClock::default().now()
    }

    fn settle_records(&self) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::ready(()))
    }

    fn in_flight(&self) -> u64 {
        7
    }
}

pub(crate) async fn bench(answer: impl Fn(&Sent) -> Reply + Send + Sync + 'static) -> Bench {
    let transport = MemoryTransport::new(answer);
    let clock = Arc::new(FakeClock::default());
    furnished(transport.clone(), Arc::new(transport), clock, OAuthClients::default()).await
}

/// A bench whose vendors are reached through `reached`.
pub(crate) async fn furnished(
    transport: MemoryTransport,
    reached: Arc<dyn Transport>,
    clock: Arc<FakeClock>,
    oauth: OAuthClients,
) -> Bench {
    let stores = Stores { health: StoreHealth::watched(), ..MemoryStores::stores() };
    let master = MasterKey::generate().expect("random bytes");
    let vault = Arc::new(Vault::open(&master, Arc::clone(&stores.config)).await.expect("an empty store"));
    let runtime = Arc::new(FakeRuntime::default());
    let flows = OAuthFlows::new(
        Arc::new(oauth),
        Arc::clone(&vault),
        Arc::clone(&reached),
        Arc::clone(&clock) as Arc<dyn Clock>,
    );
    let parts = AdminParts {
        stores: stores.clone(),
        store_name: "memory".to_owned(),
        vault: Arc::clone(&vault),
        credentials: RefreshingCredentials::new(&stores, flows, []),
        prices: PriceBook::builtin(),
        transport: reached,
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        runtime: Some(Arc::clone(&runtime) as Arc<dyn Runtime>),
        key_prefix: "cr_".to_owned(),
        service_rates: Default::default(),
        messenger: None,
        directory: None,
        identity_provider: None,
        notices: None,
        own_keys: posthaste_admin::OwnKeyRules::default(),
        backups: None,
        setup_token: None,
    };
    Bench { admin: Admin::new(parts.clone()), parts, stores, vault, clock, transport, runtime }
}

impl Bench {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The same services on other stores.
    pub(crate) fn with_stores(&self, stores: Stores) -> Admin {
        Admin::new(AdminParts { stores, ..self.parts.clone() })
    }
}

/// A quiet bench that waits for its first owner.
pub(crate) async fn quiet_with(token: SetupToken) -> Bench {
    let bench = quiet().await;
    let parts = AdminParts { setup_token: Some(Arc::new(token)), ..bench.parts };
    Bench { admin: Admin::new(parts.clone()), parts, ..bench }
}

/// A bench whose upstream is never asked.
pub(crate) async fn quiet() -> Bench {
    bench(|_| Reply::never()).await
}

pub(crate) fn key(text: &str) -> Option<Disclosed> {
    Some(Disclosed::new(Secret::new(text)))
}

/// An account at `https://api.example.com` with a dummy key.
pub(crate) fn compatible(name: &str) -> NewAccount {
    NewAccount {
        preset: "anthropic-compatible".to_owned(),
        name: name.to_owned(),
        base_url: Some("https://api.example.com/v1/".to_owned()),
        api_key: key("sk-ant-dummy"),
        ..NewAccount::default()
    }
}
