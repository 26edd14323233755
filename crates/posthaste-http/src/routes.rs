//! Who serves which path.

mod anthropic;
mod azure;
mod bedrock;
mod fallback;
mod gemini;
mod models;
mod openai;
mod relayed;
mod route;
mod system;
mod table;

use axum::{Router, http::Method, routing::get};
use metrics_exporter_prometheus::PrometheusHandle;
use posthaste_core::{Network, Secret};
use posthaste_gateway::Relay;
use tower_http::catch_panic::CatchPanicLayer;

use self::table::Table;
pub(crate) use self::{fallback::dialect_of, relayed::panicked, route::Route};
use crate::{AdminFront, BodyRoom, LiveOptions, SocketOptions, admin, events, events::Sockets};

/// What the routes work with.
#[derive(Clone)]
pub struct Front {
    pub(crate) relay: Relay,
    /// The admin API, where it is served.
    pub(crate) admin: Option<AdminFront>,
    /// The console's pages, where they are served.
    pub(crate) console: Option<Console>,
    /// Its WebSockets.
    pub(crate) sockets: Sockets,
    /// How much memory bodies may take up together.
    pub(crate) body_room: BodyRoom,
    /// Its settings, which can be replaced.
    pub options: LiveOptions<FrontOptions>,
}

/// Settings of the front.
pub struct FrontOptions {
    /// The largest body, after unpacking.
    pub max_body_bytes: usize,
    /// Where `/metrics` gets its text from.
    pub metrics: Option<PrometheusHandle>,
    /// Who may read `/metrics` here; without it the path does not exist.
    pub metrics_token: Option<Secret>,
    /// The peers whose word counts on where a request comes from.
    pub trusted_proxies: Vec<Network>,
    /// Pages of other sites that may open the events WebSocket, such as `https://chat.example`.
    pub origins: Vec<String>,
    /// The program's version, for `/health`.
    pub version: &'static str,
}

impl Front {
    /// A front of `relay`.
    pub fn new(relay: Relay, options: FrontOptions) -> Self {
        let sockets = Sockets::default();
        let (body_room, options) = (BodyRoom::default(), LiveOptions::new(options));
        Self { relay, admin: None, console: None, sockets, body_room, options }
    }

    /// The same with a bound on the memory that the bodies of requests take up together.
    #[must_use]
    pub fn with_body_room(self, body_room: BodyRoom) -> Self {
        Self { body_room, ..self }
    }

    /// The same with other settings of WebSockets.
    #[must_use]
    pub fn with_sockets(self, options: SocketOptions) -> Self {
        Self { sockets: Sockets::new(options), ..self }
    }

    /// The same with the admin API.
    #[must_use]
    pub fn with_admin(self, admin: AdminFront) -> Self {
        Self { admin: Some(admin), ..self }
    }

    /// The same with pages for people, whose addresses all stand below `base`, such as `/admin-next`. Browsers that ask for the
    /// relay's base address are sent there.
    #[must_use]
    pub fn with_console(self, base: &'static str, pages: Router) -> Self {
        Self { console: Some(Console { base, pages }), ..self }
    }
}

/// Pages for people.
#[derive(Clone)]
pub(crate) struct Console {
    /// Where they begin.
    pub(crate) base: &'static str,
    pages: Router,
}

/// Every route that clients and probes use.
pub fn router(front: Front) -> Router {
    let relayed = table().into_router();
    let own = || relayed.clone().with_state(Front { admin: None, console: None, ..front.clone() });
    let admin = front.admin.clone().map(|admin| AdminFront { relayed: Some(own()), ..admin });
    let admin = admin.as_ref().map(admin::router).unwrap_or_default();
    let pages = front.console.clone().map(|console| console.pages).unwrap_or_default();
    relayed
        .merge(admin)
        .merge(pages.with_state(()))
        .fallback(fallback::no_such_path)
        .method_not_allowed_fallback(fallback::wrong_method)
        // Outermost, so that it catches whatever a route does.
        .layer(CatchPanicLayer::custom(system::panicked))
        .with_state(front)
}

/// What [`router`] serves and to whom, for those who check or print it.
pub fn route_table() -> Vec<RouteEntry> {
    table().into_entries()
}

/// A row of the route table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteEntry {
    /// Its method; where that is `GET`, `HEAD` is served as well.
    pub method: Method,
    /// Its path, parameters in braces. What follows a parameter within a segment is its end.
    pub path: String,
    /// Who may use it.
    pub access: Access,
}

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Everybody: probes, which tell nothing about anyone.
    Open,
    /// Whoever presents a client key that opens the door now.
    ClientKey,
    /// Whoever presents [`FrontOptions::metrics_token`].
    MetricsToken,
    /// Whoever presents a client key that opens the door now, or an operator's log-in; on a WebSocket that may come by message.
    Events,
}

/// The one list of routes: none is served that does not say here to whom.
fn table() -> Table {
    let mut table = Table::default();
    table.serve(Method::GET, "/health", Access::Open, get(system::health));
    table.serve(Method::GET, "/metrics", Access::MetricsToken, get(system::metrics));
    table.serve(Method::GET, "/ws", Access::Events, get(events::open));
    table.serve(Method::GET, "/", Access::Open, get(system::root));
    table.serve(Method::GET, "/web", Access::Open, get(system::root));
    // Two dialects share these two.
    for base in ["/api", ""] {
        table.open(&format!("{base}/v1"));
        table.models(&format!("{base}/v1/models"), None);
    }
    table.probes("/api");
    anthropic::add(&mut table);
    openai::add(&mut table);
    gemini::add(&mut table);
    azure::add(&mut table);
    bedrock::add(&mut table);
    table
}

/// `/metrics` alone, without a token, for a listener of its own.
pub fn metrics_router(metrics: PrometheusHandle) -> Router {
    Router::new().route("/metrics", get(system::open_metrics)).with_state(metrics)
}
