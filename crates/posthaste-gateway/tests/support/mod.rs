//! A relay over scripted upstreams and an in-memory store.

#![expect(dead_code, reason = "each test file uses a part of this")]
#![expect(clippy::unwrap_used, reason = "a failed setup is a failed test")]

pub(crate) mod asking;

use std::{pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::BodyExt;
use posthaste_core::{
    Account, AttemptRow, ClientKey, Clock, Dialect, Fault, NoTelemetry, Notice, NoticeEvent, NoticeSink,
    Operation, RelayBody, RequestId, RequestRecord, Timestamp, Transport, Usage,
};
use posthaste_gateway::{Answer, Call, Relay, RelayOptions, RelayPorts};
use posthaste_metering::PriceBook;
use posthaste_scheduler::{Backoff, Scheduler};
use posthaste_storage::{
    AdmissionStore, LedgerOptions, LedgerStore, LedgerWriter, Repository, RequestStore, Stores,
    memory::MemoryStores,
};
use posthaste_testkit::{AccountSetters, FakeClock, account, client_key, client_key_secret};
use posthaste_upstream::{HttpTransport, UpstreamOptions};
use posthaste_vault::{CredentialSource, MasterKey, StaticCredentials, Vault};
use serde_json::{Value, json};

pub(crate) const MODEL: &str = "claude-sonnet-4-5";
pub(crate) const USAGE: Usage = Usage {
    input: 1_234,
    output: 567,
    cache_read: 89,
    cache_write_5m: 10,
    cache_write_1h: 11,
    ..Usage::NONE
};

pub(crate) struct Rig {
    pub(crate) relay: Relay,
    pub(crate) stores: Stores,
    pub(crate) vault: Arc<Vault>,
    pub(crate) clock: Arc<FakeClock>,
    pub(crate) scheduler: Arc<Scheduler>,
    pub(crate) ledger: LedgerWriter,
    pub(crate) notices: Notices,
}

impl Rig {
    /// A relay with these accounts and the client key `tester`, over real sockets.
    pub(crate) async fn new(accounts: Vec<Account>) -> Self {
        Self::with(accounts, RelayOptions::default()).await
    }

    pub(crate) async fn with(accounts: Vec<Account>, options: RelayOptions) -> Self {
        let upstream =
            UpstreamOptions { connect_timeout: Duration::from_secs(2), ..UpstreamOptions::default() };
        Self::over(accounts, options, Arc::new(HttpTransport::new(&upstream).unwrap())).await
    }

    pub(crate) async fn over(
        accounts: Vec<Account>,
        options: RelayOptions,
        transport: Arc<dyn Transport>,
    ) -> Self {
        Self::wired(accounts, options, transport, MemoryStores::stores(), None).await
    }

    /// A relay whose accounts present what `credentials` hands out.
    pub(crate) async fn presenting(
        accounts: Vec<Account>,
        transport: Arc<dyn Transport>,
        credentials: Arc<dyn CredentialSource>,
    ) -> Self {
        let stores = MemoryStores::stores();
        Self::wired(accounts, RelayOptions::default(), transport, stores, Some(credentials)).await
    }

    pub(crate) async fn booking(
        accounts: Vec<Account>,
        options: RelayOptions,
        transport: Arc<dyn Transport>,
        ledger: Arc<dyn LedgerStore>,
    ) -> Self {
        Self::wired(accounts, options, transport, Stores { ledger, ..MemoryStores::stores() }, None).await
    }

    /// A relay whose requests are recorded in this store.
    pub(crate) async fn recording(
        accounts: Vec<Account>,
        transport: Arc<dyn Transport>,
        requests: Arc<dyn RequestStore>,
    ) -> Self {
        let stores = Stores { requests, ..MemoryStores::stores() };
        Self::wired(accounts, RelayOptions::default(), transport, stores, None).await
    }

    /// A relay whose limits are counted in this store.
    pub(crate) async fn admitting(
        accounts: Vec<Account>,
        transport: Arc<dyn Transport>,
        admission: Arc<dyn AdmissionStore>,
    ) -> Self {
        let stores = Stores { admission, ..MemoryStores::stores() };
        Self::wired(accounts, RelayOptions::default(), transport, stores, None).await
    }

    /// A relay with other prices than the built-in ones.
    pub(crate) async fn priced(
        accounts: Vec<Account>,
        transport: Arc<dyn Transport>,
        prices: Arc<PriceBook>,
    ) -> Self {
        Self::made(accounts, RelayOptions::default(), transport, MemoryStores::stores(), None, prices).await
    }

    /// A relay over these stores.
    pub(crate) async fn on(accounts: Vec<Account>, transport: Arc<dyn Transport>, stores: Stores) -> Self {
        Self::wired(accounts, RelayOptions::default(), transport, stores, None).await
    }

    /// The same with other settings.
    pub(crate) async fn on_with(
        accounts: Vec<Account>,
        options: RelayOptions,
        transport: Arc<dyn Transport>,
        stores: Stores,
    ) -> Self {
        Self::wired(accounts, options, transport, stores, None).await
    }

    async fn wired(
        accounts: Vec<Account>,
        options: RelayOptions,
        transport: Arc<dyn Transport>,
        stores: Stores,
        credentials: Option<Arc<dyn CredentialSource>>,
    ) -> Self {
        Self::made(accounts, options, transport, stores, credentials, PriceBook::builtin()).await
    }

    async fn made(
        accounts: Vec<Account>,
        options: RelayOptions,
        transport: Arc<dyn Transport>,
        stores: Stores,
        credentials: Option<Arc<dyn CredentialSource>>,
        prices: Arc<PriceBook>,
    ) -> Self {
        let vault =
            Arc::new(Vault::open(&MasterKey::generate().unwrap(), Arc::clone(&stores.config)).await.unwrap());
        for account in accounts {
            Repository::new(Arc::clone(&stores.config)).create(account).await.unwrap();
        }
        let mut key: ClientKey = client_key("tester");
        key.hash = vault.hash_client_key(client_key_secret("tester").expose());
        Repository::new(Arc::clone(&stores.config)).create(key).await.unwrap();
        let (ledger, _) = LedgerWriter::start(Arc::clone(&stores.ledger), LedgerOptions::default());
        let clock = Arc::new(FakeClock::default());
        let scheduler = Arc::new(Scheduler::new(Backoff::default()));
        let notices = Notices::default();
        let ports = RelayPorts {
            stores: stores.clone(),
            ledger: ledger.clone(),
            credentials: credentials.unwrap_or_else(|| Arc::new(StaticCredentials::new(Arc::clone(&vault)))),
            vault: Arc::clone(&vault),
            transport,
            prices,
            scheduler: Arc::clone(&scheduler),
            clock: Arc::clone(&clock) as _,
            notices: Arc::new(notices.clone()),
            telemetry: Arc::new(NoTelemetry),
        };
        let relay = Relay::new(ports, options).await.unwrap();
        Self { relay, stores, vault, clock, scheduler, ledger, notices }
    }

    /// The owner of the client key.
    pub(crate) async fn caller(&self) -> posthaste_gateway::Caller {
        self.relay.authenticate(Some(client_key_secret("tester").expose())).await.unwrap()
    }

    /// Another relay over the same stores, at the sandbox.
    pub(crate) async fn another(&self) -> Self {
        let ledger = self.ledger.clone();
        self.joined(self.stores.clone(), Arc::new(posthaste_sandbox::Sandbox::default()), ledger).await
    }

    /// Another relay of the same fleet, with the same clock and a way of its own to the stores.
    pub(crate) async fn beside(&self, stores: Stores, transport: Arc<dyn Transport>) -> Self {
        let (ledger, _) = LedgerWriter::start(Arc::clone(&stores.ledger), LedgerOptions::default());
        self.joined(stores, transport, ledger).await
    }

    async fn joined(&self, stores: Stores, transport: Arc<dyn Transport>, ledger: LedgerWriter) -> Self {
        let vault = Arc::clone(&self.vault);
        let scheduler = Arc::new(Scheduler::new(Backoff::default()));
        let notices = Notices::default();
        let ports = RelayPorts {
            stores: stores.clone(),
            ledger: ledger.clone(),
            credentials: Arc::new(StaticCredentials::new(Arc::clone(&vault))),
            vault: Arc::clone(&vault),
            transport,
            prices: PriceBook::builtin(),
            scheduler: Arc::clone(&scheduler),
            clock: Arc::clone(&self.clock) as _,
            notices: Arc::new(notices.clone()),
            telemetry: Arc::new(NoTelemetry),
        };
        let relay = Relay::new(ports, RelayOptions::default()).await.unwrap();
        Self { relay, stores, vault, clock: Arc::clone(&self.clock), scheduler, ledger, notices }
    }

    /// The relay's present moment.
    pub(crate) fn relay_now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Lets the relay follow the store until it knows of every change so far.
    pub(crate) async fn relay_forgets(&self) {
        let following = self.relay.clone();
        let follow = tokio::spawn(async move { following.follow().await });
        tokio::time::sleep(Duration::from_millis(100)).await;
        follow.abort();
    }

    pub(crate) async fn ask(&self, body: &Value) -> Result<Answer, Fault> {
        self.ask_as(Dialect::AnthropicMessages, Operation::Chat, Bytes::from(body.to_string())).await
    }

    pub(crate) async fn ask_as(
        &self,
        dialect: Dialect,
        operation: Operation,
        body: Bytes,
    ) -> Result<Answer, Fault> {
        let caller = self.relay.authenticate(Some(client_key_secret("tester").expose())).await?;
        self.relay.call(Call::new(caller, dialect, operation, body)).await
    }

    /// Asks and reads the answer to its end.
    pub(crate) async fn read(&self, body: &Value) -> Result<Read, Fault> {
        Ok(Read::from(self.ask(body).await?).await)
    }

    /// Every row booked so far, in the order of time.
    pub(crate) async fn rows(&self) -> Vec<AttemptRow> {
        self.ledger.flush().await;
        let mut rows = self.stores.ledger.recent(None, 100_000).await.unwrap();
        rows.sort_by_key(|row| (row.request_id, row.attempt));
        rows
    }

    /// The record of every request that is over, in the order of time.
    pub(crate) async fn records(&self) -> Vec<RequestRecord> {
        self.relay.flush_records().await;
        let mut records = self.stores.requests.latest(None, 1_000).await.unwrap();
        records.reverse();
        records
    }

    pub(crate) async fn rows_of(&self, request: RequestId) -> Vec<AttemptRow> {
        self.ledger.flush().await;
        self.stores.ledger.attempts(request).await.unwrap()
    }
}

/// An answer that was read to its end.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Bytes,
}

impl Read {
    pub(crate) async fn from(answer: Answer) -> Self {
        let (head, body) = answer.response.into_parts();
        Self {
            status: head.status.as_u16(),
            headers: head.headers,
            body: body.collect().await.unwrap().to_bytes(),
        }
    }

    pub(crate) fn text(&self) -> &str {
        str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// The next piece of a body, `None` at its end.
pub(crate) async fn next_piece(body: &mut RelayBody) -> Option<Bytes> {
    Some(Pin::new(body).frame().await?.unwrap().into_data().unwrap())
}

pub(crate) fn whole() -> Value {
    json!({"model": MODEL, "max_tokens": 64, "messages": [{"role": "user", "content": "hello"}]})
}

pub(crate) fn streamed() -> Value {
    json!({"model": MODEL, "max_tokens": 64, "stream": true, "messages": [{"role": "user", "content": "hello"}]})
}

/// An account at this address whose name sorts the plan: accounts are asked in the order of their priority.
pub(crate) fn at(name: &str, base_url: String, priority: u8) -> Account {
    account(name).with_base_url(base_url).with_priority(priority)
}

impl Read {
    /// The rest of a body as text.
    pub(crate) async fn from_body(body: RelayBody) -> String {
        String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap()
    }
}

impl Rig {
    /// Changes the client key before it is first presented.
    pub(crate) async fn with_key(&self, change: impl FnOnce(&mut ClientKey)) {
        let keys: Repository<ClientKey> = Repository::new(Arc::clone(&self.stores.config));
        let found = keys.client_key(client_key("tester").id).await.unwrap().unwrap();
        let mut key = found.value;
        change(&mut key);
        keys.replace(key, found.version).await.unwrap();
    }
}

/// What operators were told. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Notices(Arc<std::sync::Mutex<Vec<Notice>>>);

impl Notices {
    /// What happened so far, each with the name of its subject.
    pub(crate) fn told(&self) -> Vec<(String, NoticeEvent)> {
        let told = self.0.lock().unwrap();
        let name = |notice: &Notice| notice.subject.name().unwrap_or(notice.subject.sort()).to_owned();
        told.iter().map(|notice| (name(notice), notice.event.clone())).collect()
    }
}

impl NoticeSink for Notices {
    fn tell(&self, notice: Notice) {
        self.0.lock().unwrap().push(notice);
    }
}
