//! A front over a relay whose stores and upstreams are in memory.

mod answers;
mod fitting;
mod troubled;

use std::{
    fmt::Write,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{Router, body::Body};
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::BodyExt;
use metrics_exporter_prometheus::PrometheusHandle;
use posthaste_admin::{Admin, AdminParts};
use posthaste_core::{
    Account, AttemptRow, ClientKey, ClientPattern, Clock, Dialect, Expiry, KeyPolicy, Limit, LimitUnit,
    LimitWindow, Network, NoNotices, NoTelemetry, OnLoss, ProviderKind, Secret, Usage,
};
use posthaste_gateway::{Relay, RelayOptions, RelayPorts};
use posthaste_http::{
    AdminFront, AdminOptions, Drained, Front, FrontOptions, ServerOptions, SocketOptions, router, serve,
};
use posthaste_metering::PriceBook;
use posthaste_scheduler::{Backoff, Scheduler};
use posthaste_storage::{LedgerOptions, LedgerWriter, Repository, StoreHealth, Stores, memory::MemoryStores};
use posthaste_testkit::{
    AccountSetters, ClientKeySetters, FakeClock, MemoryTransport, Reply, Sent, account, anthropic_json,
    anthropic_sse, client_key, client_key_secret,
};
use posthaste_vault::{
    MasterKey, RefreshingCredentials, StaticCredentials, Vault, account_credential_place,
    oauth::{OAuthClients, OAuthFlows},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use self::troubled::{Trouble, Troubled};
pub(crate) use self::{
    answers::{chat_sse, every_answer, responses_sse},
    fitting::fitting,
};

pub(crate) const MODEL: &str = "claude-sonnet-4-5";
pub(crate) const GPT: &str = "gpt-dummy";
pub(crate) const GEMINI: &str = "gemini-dummy";
pub(crate) const PROFILE: &str = "us.anthropic.claude-dummy-v1:0";
pub(crate) const METRICS_TOKEN: &str = "dummy-metrics-token";
pub(crate) const UPSTREAM_KEY: &str = "sk-ant-dummy-upstream";
pub(crate) const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;

fn usage() -> Usage {
    Usage { input: 12, output: 34, ..Usage::default() }
}

/// What a rig is made of; every field has a default that serves.
pub(crate) struct Setup {
    pub(crate) accounts: Vec<Account>,
    pub(crate) answer: Box<dyn Fn(&Sent) -> Reply + Send + Sync>,
    pub(crate) max_body_bytes: usize,
    pub(crate) metrics: Option<PrometheusHandle>,
    pub(crate) metrics_token: Option<&'static str>,
    pub(crate) trusted_proxies: Vec<Network>,
    /// Whether somebody stands in for the store.
    pub(crate) watched: bool,
    /// With operators' work.
    pub(crate) admin: Option<AdminOptions>,
    pub(crate) sockets: SocketOptions,
    pub(crate) origins: Vec<String>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            accounts: vec![account("one")],
            answer: Box::new(answer),
            max_body_bytes: MAX_BODY_BYTES,
            metrics: None,
            metrics_token: None,
            trusted_proxies: Vec::new(),
            watched: false,
            admin: None,
            sockets: SocketOptions::default(),
            origins: Vec::new(),
        }
    }
}

impl Setup {
    /// An account for each vendor's dialects, told apart by their models, and upstreams that serve each.
    pub(crate) fn every_dialect() -> Self {
        let mut openai = account("openai").with_provider(ProviderKind::OpenAiCompatible).with_models(&[GPT]);
        openai.dialects = vec![Dialect::OpenAiChat, Dialect::OpenAiResponses];
        let accounts = vec![
            account("one").with_models(&[MODEL, "claude-haiku-4-5", PROFILE]),
            openai,
            account("gemini").with_provider(ProviderKind::Gemini).with_models(&[GEMINI]),
        ];
        Self { accounts, answer: Box::new(every_answer), ..Self::default() }
    }
}

/// The front with what lies behind it. Its client keys are `good`, `disabled`, `revoked` and `expired`.
pub(crate) struct Rig {
    router: Router,
    pub(crate) transport: MemoryTransport,
    pub(crate) trouble: Trouble,
    pub(crate) clock: Arc<FakeClock>,
    pub(crate) stores: Stores,
    pub(crate) relay: Relay,
    pub(crate) admin: Option<Admin>,
    pub(crate) front: Front,
    ledger: LedgerWriter,
}

impl Rig {
    pub(crate) async fn new() -> Self {
        Self::with(Setup::default()).await
    }

    pub(crate) async fn answering(answer: impl Fn(&Sent) -> Reply + Send + Sync + 'static) -> Self {
        Self::with(Setup { answer: Box::new(answer), ..Setup::default() }).await
    }

    pub(crate) async fn with(setup: Setup) -> Self {
        let mut stores = MemoryStores::stores();
        let vault =
            Arc::new(Vault::open(&MasterKey::generate().unwrap(), Arc::clone(&stores.config)).await.unwrap());
        let clock = Arc::new(FakeClock::default());
        for account in setup.accounts {
            // Each holds a credential that no client may ever see.
            let sealed =
                vault.seal(&account_credential_place(account.id), &Secret::new(UPSTREAM_KEY.to_owned()));
            let account = account.with_credential(posthaste_core::AuthForm::XApiKey, sealed.unwrap());
            Repository::new(Arc::clone(&stores.config)).create(account).await.unwrap();
        }
        for key in keys(&clock) {
            let hash = vault.hash_client_key(client_key_secret(&key.name).expose());
            Repository::new(Arc::clone(&stores.config)).create(key.with_hash(hash)).await.unwrap();
        }
        let trouble = Trouble::default();
        if setup.watched {
            stores.health = StoreHealth::watched();
        }
        stores.config = Arc::new(Troubled { inner: stores.config, trouble: trouble.clone() });
        let (ledger, _) = LedgerWriter::start(Arc::clone(&stores.ledger), LedgerOptions::default());
        let transport = MemoryTransport::new(setup.answer);
        let ports = RelayPorts {
            stores: stores.clone(),
            ledger: ledger.clone(),
            credentials: Arc::new(StaticCredentials::new(Arc::clone(&vault))),
            vault: Arc::clone(&vault),
            transport: Arc::new(transport.clone()),
            prices: PriceBook::builtin(),
            scheduler: Arc::new(Scheduler::new(Backoff::default())),
            clock: Arc::clone(&clock) as _,
            notices: Arc::new(NoNotices),
            telemetry: Arc::new(NoTelemetry),
        };
        let relay = Relay::new(ports, RelayOptions::default()).await.unwrap();
        let options = FrontOptions {
            max_body_bytes: setup.max_body_bytes,
            metrics: setup.metrics,
            metrics_token: setup.metrics_token.map(|token| Secret::new(token.to_owned())),
            trusted_proxies: setup.trusted_proxies,
            origins: setup.origins,
            version: "0.0.0-test",
        };
        let front = Front::new(relay.clone(), options).with_sockets(setup.sockets);
        let admin = setup.admin.is_some().then(|| admin(&stores, &vault, &transport, &clock));
        let front = match (&admin, setup.admin) {
            (Some(admin), Some(options)) => front.with_admin(AdminFront::new(admin.clone(), options)),
            _ => front,
        };
        let router = router(front.clone());
        Self { router, transport, trouble, clock, stores, relay, admin, front, ledger }
    }

    /// The front on a socket, until the token is cancelled.
    pub(crate) async fn listen(&self, stop: CancellationToken) -> (SocketAddr, JoinHandle<Drained>) {
        self.listen_with(self.router.clone(), stop).await
    }

    /// Another router on a socket.
    pub(crate) async fn listen_with(
        &self,
        router: Router,
        stop: CancellationToken,
    ) -> (SocketAddr, JoinHandle<Drained>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let patience = Duration::from_secs(60);
        let options = ServerOptions {
            most_connections: usize::MAX,
            header_read_timeout: patience,
            idle_timeout: patience,
            unread_timeout: patience,
            shutdown_grace: patience,
            tls: None,
        };
        let serving = async move {
            serve(listener, router, &options, stop.cancelled_owned(), std::future::pending()).await
        };
        (address, tokio::spawn(serving))
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Read {
        Read::from(self.router.clone().oneshot(request).await.unwrap()).await
    }

    /// A POST with the good key.
    pub(crate) async fn post(&self, path: &str, body: impl Into<Body>) -> Read {
        self.send(post(path).body(body.into()).unwrap()).await
    }

    /// A GET with the good key.
    pub(crate) async fn get(&self, path: &str) -> Read {
        self.send(get(path).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn rows(&self) -> Vec<AttemptRow> {
        self.ledger.flush().await;
        self.stores.ledger.recent(None, 1_000).await.unwrap()
    }
}

fn admin(stores: &Stores, vault: &Arc<Vault>, transport: &MemoryTransport, clock: &Arc<FakeClock>) -> Admin {
    let flows = OAuthFlows::new(
        Arc::new(OAuthClients::default()),
        Arc::clone(vault),
        Arc::new(transport.clone()),
        Arc::clone(clock) as Arc<dyn Clock>,
    );
    Admin::new(AdminParts {
        stores: stores.clone(),
        store_name: "memory".to_owned(),
        vault: Arc::clone(vault),
        credentials: RefreshingCredentials::new(stores, flows, []),
        prices: PriceBook::builtin(),
        transport: Arc::new(transport.clone()),
        clock: Arc::clone(clock) as Arc<dyn Clock>,
        runtime: None,
        key_prefix: "cr_".to_owned(),
        service_rates: Default::default(),
        messenger: None,
        directory: None,
        identity_provider: None,
        notices: None,
        own_keys: posthaste_admin::OwnKeyRules::default(),
        backups: None,
        setup_token: None,
    })
}

fn keys(clock: &FakeClock) -> [ClientKey; 10] {
    let now = clock.now();
    let with = |name, policy| ClientKey { policy, ..client_key(name) };
    let office =
        KeyPolicy { networks: vec![Network::parse("192.0.2.0/24").unwrap()], ..KeyPolicy::default() };
    let agents = KeyPolicy { clients: vec![ClientPattern::new("claude-code")], ..KeyPolicy::default() };
    let once = Limit {
        name: "once".to_owned(),
        unit: LimitUnit::Requests,
        window: LimitWindow::Rolling { seconds: 3_600 },
        amount: 1,
        models: Vec::new(),
        shadow: false,
        on_loss: OnLoss::default(),
    };
    [
        with("once", KeyPolicy { limits: vec![once], ..KeyPolicy::default() }),
        client_key("good"),
        client_key("disabled").disabled(),
        client_key("revoked").revoked_at(now),
        client_key("expired").with_expiry(Expiry::At { at: now }),
        client_key("passing").with_expiry(Expiry::At { at: now.plus(Duration::from_secs(3_600)) }),
        with("office", office),
        with("agents", agents),
        ClientKey { disabled_because: Some("moved to team b".to_owned()), ..client_key("moved").disabled() },
        client_key("narrow").with_models(&["claude-haiku-*"]),
    ]
}

pub(crate) fn good() -> String {
    secret("good")
}

pub(crate) fn secret(key: &str) -> String {
    client_key_secret(key).expose().to_owned()
}

pub(crate) fn post(path: &str) -> http::request::Builder {
    Request::post(path).header("content-type", "application/json").header("x-api-key", good())
}

pub(crate) fn get(path: &str) -> http::request::Builder {
    Request::get(path).header("x-api-key", good())
}

pub(crate) fn whole() -> String {
    json!({"model": MODEL, "max_tokens": 64, "messages": [{"role": "user", "content": "hello"}]}).to_string()
}

pub(crate) fn streamed() -> String {
    json!({"model": MODEL, "max_tokens": 64, "stream": true, "messages": [{"role": "user", "content": "hello"}]})
        .to_string()
}

/// An upstream that serves.
pub(crate) fn answer(sent: &Sent) -> Reply {
    if sent.uri.path().ends_with("/count_tokens") {
        return Reply::json(200, &json!({"input_tokens": 12}));
    }
    if str::from_utf8(&sent.body).unwrap().contains("\"stream\":true") {
        return Reply::sse(anthropic_sse(&["hel", "lo"], usage()));
    }
    Reply::json(200, &anthropic_json("hello", usage()))
}

/// A response that was read to its end.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Read {
    async fn from(response: Response<Body>) -> Self {
        let (head, body) = response.into_parts();
        let body = tokio::time::timeout(Duration::from_secs(60), body.collect());
        Self {
            status: head.status,
            headers: head.headers,
            body: body.await.expect("the body ends").unwrap().to_bytes(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The body for a message, whatever it is made of.
    pub(crate) fn escaped(&self) -> String {
        self.body.escape_ascii().to_string()
    }

    pub(crate) fn text(&self) -> &str {
        str::from_utf8(&self.body).unwrap()
    }

    /// The whole response for a snapshot; what differs from run to run is blotted out.
    pub(crate) fn shown(&self) -> String {
        let mut headers: Vec<_> = self
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .map(|line| {
                if line.starts_with("x-posthaste-overhead-us:") {
                    "x-posthaste-overhead-us: [us]".into()
                } else {
                    line
                }
            })
            .collect();
        headers.sort_unstable();
        let mut shown = format!("{}\n{}\n\n", self.status, headers.join("\n"));
        match serde_json::from_slice::<Value>(&self.body) {
            Ok(json) => write!(shown, "{json:#}").unwrap(),
            Err(_) => shown.push_str(self.text()),
        }
        match self.header("x-posthaste-request-id") {
            Some(id) => shown.replace(id, "[request id]"),
            None => shown,
        }
    }
}
