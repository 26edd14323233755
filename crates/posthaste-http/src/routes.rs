//! Who serves which path.

mod models;
mod relayed;
mod system;

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, Method, Uri},
    response::Response,
    routing::{MethodRouter, get, post},
};
use metrics_exporter_prometheus::PrometheusHandle;
use posthaste_core::{Dialect, Fault, FaultKind, Operation, Origin, RequestId, Secret};
use posthaste_gateway::Relay;
use tower_http::catch_panic::CatchPanicLayer;

use crate::respond::fault_response;

/// What the routes work with.
#[derive(Clone)]
pub struct Front {
    relay: Relay,
    options: Arc<FrontOptions>,
}

/// Settings of the front.
pub struct FrontOptions {
    /// The largest body, after unpacking.
    pub max_body_bytes: usize,
    /// Where `/metrics` gets its text from.
    pub metrics: Option<PrometheusHandle>,
    /// Who may read `/metrics` here; without it the path does not exist.
    pub metrics_token: Option<Secret>,
    /// The program's version, for `/health`.
    pub version: &'static str,
}

impl Front {
    /// A front of `relay`.
    pub fn new(relay: Relay, options: FrontOptions) -> Self {
        Self { relay, options: Arc::new(options) }
    }
}

/// Every route that clients and probes use.
pub fn router(front: Front) -> Router {
    let mut router = Router::new();
    for (entry, serve) in table() {
        router = router.route(&entry.path, serve);
    }
    router
        .fallback(no_such_path)
        .method_not_allowed_fallback(wrong_method)
        // Outermost, so that it catches whatever a route does.
        .layer(CatchPanicLayer::custom(system::panicked))
        .with_state(front)
}

/// What [`router`] serves and to whom, for those who check or print it.
pub fn route_table() -> Vec<RouteEntry> {
    table().into_iter().map(|(entry, _)| entry).collect()
}

/// A row of the route table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteEntry {
    /// Its method; where that is `GET`, `HEAD` is served as well.
    pub method: Method,
    /// Its path, parameters in braces.
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
}

/// The one list of routes: none is served that does not say here to whom.
fn table() -> Vec<(RouteEntry, MethodRouter<Front>)> {
    let row = |method, path, access, serve| (RouteEntry { method, path, access }, serve);
    let open = |path: String| row(Method::GET, path, Access::Open, get(system::base));
    let keyed = |method, path, serve| row(method, path, Access::ClientKey, serve);
    let mut table = vec![
        row(Method::GET, "/health".to_owned(), Access::Open, get(system::health)),
        row(Method::GET, "/metrics".to_owned(), Access::MetricsToken, get(system::metrics)),
        open("/".to_owned()),
    ];
    for base in ["/api", "/claude", ""] {
        let path = format!("{base}/v1/messages");
        table.push(keyed(Method::POST, format!("{path}/count_tokens"), post(relayed::serve::<COUNT_TOKENS>)));
        table.push(keyed(Method::POST, path, post(relayed::serve::<MESSAGES>)));
    }
    for base in ["/openai", "/api", ""] {
        let path = format!("{base}/v1/chat/completions");
        table.push(keyed(Method::POST, path, post(relayed::serve::<CHAT>)));
    }
    for base in ["/api", "/claude", "/openai", ""] {
        table.push(keyed(Method::GET, format!("{base}/v1/models"), get(models::list)));
        table.push(keyed(Method::GET, format!("{base}/v1/models/{{*model}}"), get(models::one)));
        table.push(open(format!("{base}/v1")));
    }
    for base in ["/api", "/claude", "/openai"] {
        table.push(open(base.to_owned()));
        table.push(open(format!("{base}/")));
    }
    table
}

/// `/metrics` alone, without a token, for a listener of its own.
pub fn metrics_router(metrics: PrometheusHandle) -> Router {
    Router::new().route("/metrics", get(system::open_metrics)).with_state(metrics)
}

/// A dialect and an operation, as a route names them.
pub(crate) const fn route_of(route: u8) -> (Dialect, Operation) {
    match route {
        MESSAGES => (Dialect::AnthropicMessages, Operation::Chat),
        COUNT_TOKENS => (Dialect::AnthropicMessages, Operation::CountTokens),
        _ => (Dialect::OpenAiChat, Operation::Chat),
    }
}

const MESSAGES: u8 = 0;
const COUNT_TOKENS: u8 = 1;
const CHAT: u8 = 2;

/// The dialect of a path that serves none or two: by its base, and where that says nothing by the one header that only
/// Anthropic's clients send.
pub(crate) fn dialect_of(path: &str, headers: &HeaderMap) -> Dialect {
    let anthropic = headers.contains_key("anthropic-version");
    if path.starts_with("/claude/") || path.contains("/messages") {
        Dialect::AnthropicMessages
    } else if path.starts_with("/openai/") || path.contains("/chat/") || !anthropic {
        Dialect::OpenAiChat
    } else {
        Dialect::AnthropicMessages
    }
}

async fn no_such_path(State(front): State<Front>, uri: Uri, headers: HeaderMap) -> Response {
    let message = format!(
        "there is nothing at {}: clients of Anthropic use the base URL …/api, clients of OpenAI …/openai/v1",
        shown(uri.path())
    );
    let fault = Fault::new(FaultKind::NotFound, Origin::Client, message);
    front.relay.refused(&fault);
    fault_response(dialect_of(uri.path(), &headers), &fault, RequestId::generate())
}

async fn wrong_method(State(front): State<Front>, uri: Uri, headers: HeaderMap) -> Response {
    let message = format!("{} does not take this method", shown(uri.path()));
    let fault = Fault::new(FaultKind::MethodNotAllowed, Origin::Client, message);
    front.relay.refused(&fault);
    fault_response(dialect_of(uri.path(), &headers), &fault, RequestId::generate())
}

/// A client's own text, as far as an error should repeat it.
fn shown(path: &str) -> String {
    path.chars().take(MOST_SHOWN_CHARS).collect()
}

const MOST_SHOWN_CHARS: usize = 100;
