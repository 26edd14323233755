//! Every route × every kind of caller, from the route table itself.

mod rows;

use std::collections::BTreeSet;

use http::{Method, StatusCode};
use posthaste_core::Dialect;
use posthaste_http::{Access, route_table};

use self::rows::DOORS;
use crate::support::{METRICS_TOKEN, MODEL, Read, Rig, Setup, fitting, good, secret};

/// What a route owes to those who come to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Door {
    /// Everybody is let in.
    Open,
    /// A good client key is let in; all others are told in this dialect why not.
    Keyed(Dialect),
    /// The same, but what is let in has to be a WebSocket.
    Socket,
    /// The same, but operators are let in as well, and keys are not looked for in the query.
    Events,
    /// The metrics token is let in.
    Metrics,
}

fn door(method: &Method, path: &str) -> Door {
    let row = DOORS.iter().find(|(a_method, a_path, _)| a_method == method && *a_path == path);
    row.unwrap_or_else(|| panic!("{method} {path} is served, but no row of DOORS says to whom")).2
}

#[test]
fn every_route_has_a_row_and_every_row_a_route() {
    let table = route_table();
    let routes: BTreeSet<_> =
        table.iter().map(|entry| (entry.method.to_string(), entry.path.clone())).collect();
    assert_eq!(routes.len(), table.len(), "a route is listed twice");
    let rows: BTreeSet<_> =
        DOORS.iter().map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned())).collect();
    assert_eq!(routes, rows);
    for entry in table {
        let access = match door(&entry.method, &entry.path) {
            Door::Open => Access::Open,
            Door::Keyed(_) | Door::Socket => Access::ClientKey,
            Door::Events => Access::Events,
            Door::Metrics => Access::MetricsToken,
        };
        assert_eq!(entry.access, access, "{} {}", entry.method, entry.path);
    }
}

/// Who comes, and what a keyed route answers them.
const PRINCIPALS: [(&str, StatusCode); 6] = [
    ("nobody", StatusCode::UNAUTHORIZED),
    ("stranger", StatusCode::UNAUTHORIZED),
    ("disabled", StatusCode::FORBIDDEN),
    ("revoked", StatusCode::FORBIDDEN),
    ("expired", StatusCode::FORBIDDEN),
    ("good", StatusCode::OK),
];

/// The places where a key may stand.
const PLACES: [&str; 6] = ["bearer", "x-api-key", "x-goog-api-key", "api-key", "query", "sigv4"];

fn with_key(method: &Method, path: &str, place: &str, key: Option<&str>) -> http::Request<axum::body::Body> {
    let path = match key {
        Some(key) if place == "query" => format!("{path}?beta=true&key={key}"),
        _ => path.to_owned(),
    };
    let (builder, body) = fitting(method, &path);
    let builder = match (place, key) {
        ("bearer", Some(key)) => builder.header("authorization", format!("Bearer {key}")),
        ("sigv4", Some(key)) => builder.header(
            "authorization",
            format!("AWS4-HMAC-SHA256 Credential={key}/20261123/us-east-1/bedrock/aws4_request, SignedHeaders=host, Signature=00"),
        ),
        ("query", _) | (_, None) => builder,
        (name, Some(key)) => builder.header(name, key),
    };
    builder.body(body).unwrap()
}

#[tokio::test]
async fn each_route_lets_in_whom_it_should_and_nobody_else() {
    let rig = Rig::with(Setup { metrics_token: Some(METRICS_TOKEN), ..Setup::every_dialect() }).await;
    for entry in route_table() {
        let door = door(&entry.method, &entry.path);
        for (principal, keyed_status) in PRINCIPALS {
            for place in PLACES {
                let key = (principal != "nobody").then(|| secret(principal));
                let at = format!("{} {} for {principal} by {place}", entry.method, entry.path);
                let sent_before = rig.transport.sent().len();
                let read = rig.send(with_key(&entry.method, &entry.path, place, key.as_deref())).await;
                let reached = rig.transport.sent().len() - sent_before;
                match door {
                    Door::Open => assert_eq!(read.status, StatusCode::OK, "{at}"),
                    // Metrics are off in this rig; with the token they are proved in `system`.
                    Door::Metrics => assert_eq!(read.status, StatusCode::NOT_FOUND, "{at}"),
                    Door::Events if place == "query" => {
                        check_refusal(Dialect::OpenAiChat, StatusCode::UNAUTHORIZED, &read, &at);
                    }
                    Door::Socket | Door::Events if principal == "good" => {
                        assert_eq!(read.status, StatusCode::METHOD_NOT_ALLOWED, "{at}");
                    }
                    Door::Events => check_refusal(Dialect::OpenAiChat, keyed_status, &read, &at),
                    Door::Socket => check_refusal(Dialect::OpenAiResponses, keyed_status, &read, &at),
                    Door::Keyed(_) if principal == "good" => {
                        assert_eq!(read.status, StatusCode::OK, "{at}: {}", read.escaped());
                    }
                    Door::Keyed(dialect) => check_refusal(dialect, keyed_status, &read, &at),
                }
                let relayed = entry.method == Method::POST && principal == "good";
                assert_eq!(reached, usize::from(relayed), "{at}");
            }
        }
    }
}

/// A refusal stops the client's retries and is in its dialect, and repeats no secret.
fn check_refusal(dialect: Dialect, status: StatusCode, read: &Read, at: &str) {
    assert_eq!(read.header("x-should-retry"), Some("false"), "{at}");
    assert_eq!(read.header("content-type"), Some("application/json"), "{at}");
    assert!(!read.text().contains("cr_0000"), "{at}: {}", read.text());
    let body = read.json();
    let unknown = status == StatusCode::UNAUTHORIZED;
    let (status, told, wanted) = match dialect {
        Dialect::AnthropicMessages => {
            (status, body["error"]["type"].as_str(), ["authentication_error", "permission_error"])
        }
        Dialect::OpenAiChat | Dialect::OpenAiResponses => {
            (status, body["error"]["code"].as_str(), ["invalid_api_key", "permission_denied"])
        }
        Dialect::GeminiGenerate => {
            assert_eq!(body["error"]["code"], status.as_u16(), "{at}");
            assert!(body["error"]["message"].is_string(), "{at}");
            (status, body["error"]["status"].as_str(), ["UNAUTHENTICATED", "PERMISSION_DENIED"])
        }
        Dialect::BedrockConverse => {
            assert!(body["message"].is_string(), "{at}");
            // AWS knows no 401.
            let name = read.header("x-amzn-errortype");
            (StatusCode::FORBIDDEN, name, ["UnrecognizedClientException", "AccessDeniedException"])
        }
    };
    assert_eq!(read.status, status, "{at}");
    assert_eq!(told, Some(wanted[usize::from(!unknown)]), "{at}");
}

#[tokio::test]
async fn a_route_refuses_before_it_reads_the_body() {
    let rig = Rig::new().await;
    for entry in route_table() {
        if entry.method != Method::POST {
            continue;
        }
        // A body that never comes: only a route that does not wait for it can answer.
        let endless =
            axum::body::Body::new(http_body_util::StreamBody::new(futures_util::stream::pending::<
                Result<http_body::Frame<bytes::Bytes>, std::io::Error>,
            >()));
        let (builder, _) = fitting(&entry.method, &entry.path);
        let answer = rig.send(builder.body(endless).unwrap());
        let read = tokio::time::timeout(std::time::Duration::from_secs(10), answer).await;
        let read = read.expect("it answers at once");
        let bedrock = door(&entry.method, &entry.path) == Door::Keyed(Dialect::BedrockConverse);
        let refused = if bedrock { StatusCode::FORBIDDEN } else { StatusCode::UNAUTHORIZED };
        assert_eq!(read.status, refused, "{}", entry.path);
    }
}

#[tokio::test]
async fn of_two_keys_the_known_one_counts() {
    let rig = Rig::new().await;
    for (first, second) in [("stranger", "good"), ("good", "stranger")] {
        let (builder, body) = fitting(&Method::POST, "/v1/messages");
        let builder = builder.header("x-api-key", secret(first));
        let builder = builder.header("authorization", format!("Bearer {}", secret(second)));
        assert_eq!(rig.send(builder.body(body).unwrap()).await.status, StatusCode::OK, "{first}, {second}");
    }
}

#[tokio::test]
async fn a_key_that_is_nearly_right_is_unknown() {
    let rig = Rig::new().await;
    let good = good();
    let longer = format!("{good}0");
    let upper = good.to_uppercase();
    let huge = "c".repeat(10_000);
    for wrong in [&good[..66], &longer, &upper, &good[3..], &huge, "cr_", "Bearer", "%00", "é"] {
        let (builder, body) = fitting(&Method::POST, "/v1/messages");
        let read = rig.send(builder.header("x-api-key", wrong).body(body).unwrap()).await;
        assert_eq!(read.status, StatusCode::UNAUTHORIZED, "{wrong}");
    }
}

#[tokio::test]
async fn a_key_for_some_models_opens_only_these() {
    let rig = Rig::new().await;
    for (model, status) in [(MODEL, StatusCode::FORBIDDEN), ("claude-haiku-4-5", StatusCode::OK)] {
        let (builder, _) = fitting(&Method::POST, "/openai/v1/chat/completions");
        let body = serde_json::json!({"model": model, "messages": [{"role": "user", "content": "hi"}]});
        let read =
            rig.send(builder.header("api-key", secret("narrow")).body(body.to_string().into()).unwrap());
        assert_eq!(read.await.status, status, "{model}");
    }
    assert_eq!(rig.transport.sent().len(), 1);
}

#[tokio::test]
async fn a_path_that_is_nearly_a_route_is_none() {
    let rig = Rig::new().await;
    for path in [
        "/v1/messages/",
        "//v1/messages",
        "/V1/messages",
        "/v1/messages/../models",
        "/v1/%6dessages/x",
        "/admin",
        "/metrics/",
        "/api/v1/messages/batches",
        "/openai/v1/responses/x",
        "/openai/gemini/v1/messages",
        "/gemini/v1beta/models/m:predict",
        "/gemini/v1beta/models/generateContent",
        "/gemini/v1internal:loadCodeAssist",
        "/gemini/v1beta/models/%ff:generateContent",
        "/v1/models/m",
        "/azure/openai/deployments/a/b/embeddings",
        "/bedrock/model/converse",
        "/bedrock/model/m/converse/",
        "/v1/models%2f..%2fmessages",
    ] {
        let read = rig.post(path, whole_body()).await;
        assert_eq!(read.status, StatusCode::NOT_FOUND, "{path}: {}", read.text());
    }
    assert!(rig.transport.sent().is_empty());
}

fn whole_body() -> String {
    crate::support::whole()
}
