//! Who serves which path.

mod models;
mod relayed;
mod system;

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, Uri},
    response::Response,
    routing::{get, post},
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
    let mut router = Router::new()
        .route("/health", get(system::health))
        .route("/metrics", get(system::metrics))
        .route("/", get(system::base));
    for base in ["/api", "/claude", ""] {
        router = router
            .route(&format!("{base}/v1/messages"), post(relayed::serve::<MESSAGES>))
            .route(&format!("{base}/v1/messages/count_tokens"), post(relayed::serve::<COUNT_TOKENS>));
    }
    for base in ["/openai", "/api", ""] {
        router = router.route(&format!("{base}/v1/chat/completions"), post(relayed::serve::<CHAT>));
    }
    for base in ["/api", "/claude", "/openai", ""] {
        router = router
            .route(&format!("{base}/v1/models"), get(models::list))
            .route(&format!("{base}/v1/models/{{*model}}"), get(models::one))
            .route(&format!("{base}/v1"), get(system::base));
    }
    for base in ["/api", "/claude", "/openai"] {
        router = router.route(base, get(system::base)).route(&format!("{base}/"), get(system::base));
    }
    router
        .fallback(no_such_path)
        .method_not_allowed_fallback(wrong_method)
        // Outermost, so that it catches whatever a route does.
        .layer(CatchPanicLayer::custom(system::panicked))
        .with_state(front)
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
