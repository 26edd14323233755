//! An admin API with everything in memory, and people of every role.

use std::sync::Arc;

use axum::{Router, body::Body};
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use posthaste_admin::{
    Actor, Admin, AdminParts, Disclosed, NewKey, NewUser, PolicyInput, SetupToken, TokenInput,
};
use posthaste_core::{Clock, Role, Scope, Secret};
use posthaste_http::{AdminFront, AdminOptions, admin_router};
use posthaste_metering::PriceBook;
use posthaste_storage::{Stores, memory::MemoryStores};
use posthaste_testkit::{FakeClock, MemoryTransport, Reply, Sent};
use posthaste_vault::{
    MasterKey, RefreshingCredentials, Vault,
    oauth::{OAuthClients, OAuthFlows},
};
use serde_json::{Value, json};
use tower::ServiceExt;

pub(crate) const PASSWORD: &str = "correct horse battery";

pub(crate) struct Rig {
    pub(crate) admin: Admin,
    pub(crate) stores: Stores,
    pub(crate) clock: Arc<FakeClock>,
    pub(crate) setup_token: Secret,
    pub(crate) transport: Arc<MemoryTransport>,
    router: Router,
}

/// What came back.
pub(crate) struct Read {
    pub(crate) status: StatusCode,
    pub(crate) headers: http::HeaderMap,
    pub(crate) json: Value,
}

impl Read {
    /// What was asked for.
    pub(crate) fn data(&self) -> &Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.json);
        &self.json["data"]
    }

    /// The session's cookie that was set.
    pub(crate) fn cookie(&self) -> Option<String> {
        let set = self.headers.get("set-cookie")?.to_str().ok()?;
        Some(set.split(';').next()?.to_owned())
    }
}

/// How a request shows who sends it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shown {
    pub(crate) bearer: Option<String>,
    pub(crate) cookie: Option<String>,
    pub(crate) csrf: Option<String>,
    pub(crate) origin: Option<String>,
}

impl Rig {
    pub(crate) async fn new() -> Self {
        Self::with(AdminOptions::default()).await
    }

    pub(crate) async fn with(options: AdminOptions) -> Self {
        Self::over(options, MemoryTransport::new(|_| Reply::never())).await
    }

    /// With vendors that answer so.
    pub(crate) async fn answering(answer: impl Fn(&Sent) -> Reply + Send + Sync + 'static) -> Self {
        Self::over(AdminOptions::default(), MemoryTransport::new(answer)).await
    }

    async fn over(options: AdminOptions, transport: MemoryTransport) -> Self {
        let stores: Stores = MemoryStores::stores();
        let clock = Arc::new(FakeClock::default());
        let vault = Vault::open(&MasterKey::generate().unwrap(), Arc::clone(&stores.config)).await.unwrap();
        let vault = Arc::new(vault);
        let transport = Arc::new(transport);
        let flows = OAuthFlows::new(
            Arc::new(OAuthClients::default()),
            Arc::clone(&vault),
            Arc::clone(&transport) as _,
            Arc::clone(&clock) as Arc<dyn Clock>,
        );
        let (token, setup_token) = SetupToken::generate().unwrap();
        let admin = Admin::new(AdminParts {
            stores: stores.clone(),
            store_name: "memory".to_owned(),
            vault,
            credentials: RefreshingCredentials::new(&stores, flows, []),
            prices: PriceBook::builtin(),
            transport: Arc::clone(&transport) as _,
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            runtime: None,
            key_prefix: "cr_".to_owned(),
            service_rates: Default::default(),
            messenger: None,
            directory: None,
            identity_provider: None,
            notices: None,
            own_keys: posthaste_admin::OwnKeyRules::default(),
            backups: None,
            setup_token: Some(Arc::new(token)),
        });
        let router = admin_router(&AdminFront::new(admin.clone(), options));
        Self { admin, stores, clock, setup_token, transport, router }
    }

    pub(crate) async fn add(&self, name: &str, role: Role) {
        let new = NewUser {
            name: name.to_owned(),
            password: Some(Disclosed::new(Secret::new(PASSWORD))),
            role: Some(role),
            ..NewUser::default()
        };
        self.admin.people().create(&Actor::machine(), new).await.unwrap();
    }

    /// A token of the relay's own operator.
    pub(crate) async fn token(&self, name: &str, scopes: &[Scope]) -> Shown {
        let input = TokenInput { name: name.to_owned(), scopes: scopes.to_vec(), lasts_seconds: Some(3_600) };
        let made = self.admin.tokens().create(&Actor::machine(), input).await.unwrap();
        Shown { bearer: Some(made.token.secret().expose().to_owned()), ..Shown::default() }
    }

    /// A client key that may be used from these networks.
    pub(crate) async fn client_key(&self, name: &str, networks: &[&str]) -> String {
        let networks =
            (!networks.is_empty()).then(|| networks.iter().map(|network| (*network).to_owned()).collect());
        let policy = PolicyInput { networks, ..PolicyInput::default() };
        let new = NewKey { name: name.to_owned(), policy, ..NewKey::default() };
        self.admin.keys().create(new).await.unwrap().key.secret().expose().to_owned()
    }

    /// Logs in as a page does.
    pub(crate) async fn log_in(&self, name: &str) -> Shown {
        let body = json!({ "username": name, "password": PASSWORD, "cookie": true });
        let read = self.send(&Method::POST, "/web/auth/login", &Shown::default(), Some(body)).await;
        let csrf = read.data()["csrf_token"].as_str().unwrap().to_owned();
        Shown { cookie: read.cookie(), csrf: Some(csrf), ..Shown::default() }
    }

    pub(crate) async fn get(&self, path: &str, shown: &Shown) -> Read {
        self.send(&Method::GET, path, shown, None).await
    }

    pub(crate) async fn send(&self, method: &Method, path: &str, shown: &Shown, body: Option<Value>) -> Read {
        let mut request = Request::builder().method(method).uri(path).header("host", "relay.example");
        let Shown { bearer, cookie, csrf, origin } = shown;
        if let Some(bearer) = bearer {
            request = request.header("authorization", format!("Bearer {bearer}"));
        }
        for (name, value) in [("cookie", cookie), ("x-csrf-token", csrf), ("origin", origin)] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        let body = match body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        self.raw(request.body(body).unwrap()).await
    }

    /// The answer as it comes.
    pub(crate) async fn answer(&self, request: Request<Body>) -> axum::response::Response {
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub(crate) async fn raw(&self, request: Request<Body>) -> Read {
        let answer = self.answer(request).await;
        let (head, body) = answer.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let json = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Read { status: head.status, headers: head.headers, json }
    }
}
