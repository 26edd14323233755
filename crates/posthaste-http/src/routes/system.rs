//! Probes and metrics.

use std::{any::Any, time::Duration};

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use metrics_exporter_prometheus::PrometheusHandle;
use posthaste_core::{Dialect, Fault, FaultKind, Origin, RequestId};
use serde_json::json;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::time::timeout;

use super::Front;
use crate::{admin::wants_page, respond::fault_response};

/// Clients probe the base URL without a key before they begin (Claude Code: `HEAD`, observed 2026-11-23).
pub(crate) async fn base() -> Json<serde_json::Value> {
    Json(json!({ "service": "posthaste" }))
}

/// The same at the address that people type: a browser is sent to the console.
pub(crate) async fn root(State(front): State<Front>, method: Method, headers: HeaderMap) -> Response {
    match &front.console {
        Some(console) if wants_page(&method, &headers) => Redirect::to(console.base).into_response(),
        _ => base().await.into_response(),
    }
}

/// Whether the relay lives and is ready: 200, or 503 when the store does not answer and nobody stands in for it.
pub(crate) async fn health(State(front): State<Front>) -> Response {
    let version = front.options.now().version;
    let (status, store, accounts) = match timeout(PATIENCE, front.relay.health()).await {
        Ok(Ok(health)) => {
            let accounts = json!({ "total": health.accounts, "ready": health.accounts_ready });
            // Why, operators are told: this page is open to everybody.
            let store = match health.store_loss {
                None => json!("ok"),
                Some(loss) => json!({ "away_since": loss.since.to_string() }),
            };
            (StatusCode::OK, store, accounts)
        }
        Ok(Err(_)) => (StatusCode::SERVICE_UNAVAILABLE, json!("failing"), json!(null)),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, json!("silent"), json!(null)),
    };
    let word = if store == "ok" { "ok" } else { "degraded" };
    let body =
        json!({ "status": word, "version": version, "parts": { "store": store, "accounts": accounts } });
    (status, Json(body)).into_response()
}

/// Prometheus' text for those who hold the token.
pub(crate) async fn metrics(State(front): State<Front>, headers: HeaderMap) -> Response {
    let refuse = |kind, message| {
        let fault = Fault::new(kind, Origin::Client, message);
        fault_response(Dialect::OpenAiChat, &fault, RequestId::generate())
    };
    let options = front.options.now();
    let (Some(metrics), Some(token)) = (&options.metrics, &options.metrics_token) else {
        return refuse(
            FaultKind::NotFound,
            "metrics are off here: set server.metrics_token or server.metrics_listen",
        );
    };
    let presented = headers.get(header::AUTHORIZATION).map_or(&b""[..], |value| value.as_bytes());
    let presented = presented.strip_prefix(b"Bearer ").unwrap_or_default();
    // Of digests, so that not even the token's length takes another time.
    let [presented, wanted] = [presented, token.expose().as_bytes()].map(Sha256::digest);
    if !bool::from(presented.as_slice().ct_eq(wanted.as_slice())) {
        return refuse(FaultKind::Unauthenticated, "send server.metrics_token as `Authorization: Bearer`");
    }
    text(metrics)
}

/// Prometheus' text for whoever reaches the listener.
pub(crate) async fn open_metrics(State(metrics): State<PrometheusHandle>) -> Response {
    text(&metrics)
}

/// A panic's answer. What was panicked about goes to the log, where the panic hook has put it.
pub(crate) fn panicked(_: Box<dyn Any + Send + 'static>) -> http::Response<Body> {
    let fault = Fault::new(FaultKind::Internal, Origin::Relay, "the relay failed on this request");
    fault_response(Dialect::AnthropicMessages, &fault, RequestId::generate())
}

fn text(metrics: &PrometheusHandle) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics.render()).into_response()
}

const PATIENCE: Duration = Duration::from_secs(2);
