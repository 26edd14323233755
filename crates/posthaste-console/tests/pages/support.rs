//! A console with everything in memory, and people of every role.

use std::sync::Arc;

use axum::{Router, body::Body};
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use posthaste_admin::{Actor, Admin, AdminParts, Disclosed, NewUser, OwnKeyRules, SetupToken};
use posthaste_core::{Clock, Role, Secret};
use posthaste_http::{AdminFront, AdminOptions};
use posthaste_metering::PriceBook;
use posthaste_storage::{Stores, memory::MemoryStores};
use posthaste_testkit::{FakeClock, MemoryTransport};
use posthaste_vault::{
    MasterKey, RefreshingCredentials, Vault,
    oauth::{OAuthClients, OAuthFlows},
};
use tower::ServiceExt;

use crate::{
    notifications::Post,
    prices_anew::asked_elsewhere,
    running::{Running, Shelf},
};

pub(crate) const PASSWORD: &str = "correct horse battery";

pub(crate) struct Rig {
    pub(crate) admin: Admin,
    pub(crate) setup_token: Secret,
    pub(crate) stores: Stores,
    pub(crate) clock: Arc<FakeClock>,
    /// What a relay says that runs; only pages of a rig that was made so show it.
    pub(crate) running: Arc<Running>,
    pub(crate) shelf: Arc<Shelf>,
    /// What the channels got.
    pub(crate) post_box: Arc<Post>,
    router: Router,
}

/// A page that came back.
pub(crate) struct Shown {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) html: String,
}

impl Shown {
    pub(crate) fn header(&self, name: header::HeaderName) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The page, which has to be one.
    pub(crate) fn page(&self) -> &str {
        assert_eq!(self.status, StatusCode::OK, "{}", self.html);
        &self.html
    }

    /// Where the browser is sent.
    pub(crate) fn to(&self) -> &str {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.html);
        self.header(header::LOCATION)
    }

    /// The value of a field of a form on the page.
    pub(crate) fn field(&self, name: &str) -> String {
        let (_, rest) = self.html.split_once(&format!("name=\"{name}\" value=\"")).unwrap();
        rest.split_once('"').unwrap().0.to_owned()
    }
}

/// A browser: it keeps cookies.
#[derive(Clone, Default)]
pub(crate) struct Browser {
    pub(crate) cookies: Vec<(String, String)>,
    pub(crate) language: &'static str,
}

impl Rig {
    pub(crate) async fn new() -> Self {
        Self::made(false).await
    }

    async fn made(is_running: bool) -> Self {
        let (running, shelf) = (Arc::new(Running::new()), Arc::new(Shelf::default()));
        let post_box = Arc::new(Post::default());
        let stores: Stores = MemoryStores::stores();
        let clock = Arc::new(FakeClock::default());
        let vault = Vault::open(&MasterKey::generate().unwrap(), Arc::clone(&stores.config)).await.unwrap();
        let vault = Arc::new(vault);
        let transport = Arc::new(MemoryTransport::new(asked_elsewhere));
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
            transport: transport as _,
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            runtime: is_running.then(|| Arc::clone(&running) as _),
            key_prefix: "cr_".to_owned(),
            service_rates: Default::default(),
            messenger: is_running.then(|| Arc::clone(&post_box) as _),
            directory: None,
            identity_provider: is_running.then(|| Arc::clone(&running) as _),
            notices: None,
            own_keys: OwnKeyRules::default(),
            backups: is_running.then(|| Arc::clone(&shelf) as _),
            setup_token: Some(Arc::new(token)),
        });
        let router = posthaste_console::router(&AdminFront::new(admin.clone(), AdminOptions::default()));
        Self { admin, setup_token, stores, clock, running, shelf, post_box, router }
    }

    /// With a person of each role, who has its name.
    pub(crate) async fn with_people() -> Self {
        Self::new().await.peopled().await
    }

    /// The same with a relay that runs and a folder for back-ups.
    pub(crate) async fn running() -> Self {
        Self::made(true).await.peopled().await
    }

    async fn peopled(self) -> Self {
        let rig = self;
        for role in Role::ALL {
            let new = NewUser {
                name: role.to_string(),
                password: Some(Disclosed::new(Secret::new(PASSWORD))),
                role: Some(role),
                ..NewUser::default()
            };
            rig.admin.people().create(&Actor::machine(), new).await.unwrap();
        }
        rig
    }

    /// A browser whose user has logged in.
    pub(crate) async fn logged_in(&self, name: &str) -> Browser {
        let mut browser = Browser::default();
        let form = [("name", name), ("password", PASSWORD)];
        let sent = self.post(&mut browser, "/admin-next/sign-in", &form).await;
        assert_eq!(sent.to(), "/admin-next");
        browser
    }

    pub(crate) async fn get(&self, browser: &mut Browser, path: &str) -> Shown {
        self.send(browser, Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, browser: &mut Browser, path: &str, form: &[(&str, &str)]) -> Shown {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        self.send(browser, Method::POST, path, Some(form)).await
    }

    /// Sends a form that a page has, with the token that it has.
    pub(crate) async fn fill_in(
        &self,
        browser: &mut Browser,
        page: &str,
        to: &str,
        form: &[(&str, &str)],
    ) -> Shown {
        let shown = self.get(browser, page).await;
        let csrf = shown.field("csrf");
        let form: Vec<_> = form.iter().copied().chain([("csrf", csrf.as_str())]).collect();
        self.post(browser, to, &form).await
    }

    async fn send(&self, browser: &mut Browser, method: Method, path: &str, form: Option<String>) -> Shown {
        let mut request = Request::builder().method(method).uri(path).header("host", "relay.example");
        if !browser.cookies.is_empty() {
            let cookies: Vec<_> =
                browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header("cookie", cookies.join("; "));
        }
        if !browser.language.is_empty() {
            request = request.header("accept-language", browser.language);
        }
        if form.is_some() {
            request = request
                .header("content-type", "application/x-www-form-urlencoded")
                .header("origin", "http://relay.example");
        }
        let request = request.body(form.map_or_else(Body::empty, Body::from)).unwrap();
        let shown = self.raw(request).await;
        for cookie in shown.headers.get_all(header::SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            browser.cookies.retain(|(known, _)| known != name);
            if !value.is_empty() {
                browser.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        shown
    }

    pub(crate) async fn raw(&self, request: Request<Body>) -> Shown {
        let (head, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let html = String::from_utf8_lossy(&bytes).into_owned();
        Shown { status: head.status, headers: head.headers, html }
    }
}
