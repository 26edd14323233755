//! X8: which headers travel, to upstreams of every dialect and back.

use std::collections::BTreeSet;

use http::{HeaderMap, StatusCode};
use posthaste_testkit::Sent;
use serde_json::{Value, json};

use crate::support::{GEMINI, GPT, MODEL, Rig, Setup, UPSTREAM_KEY, every_answer, post};

/// A path, its question, and what upstreams of the account that serves it may see of the client's headers.
fn askings() -> [(String, Value, &'static [&'static str]); 4] {
    let messages = json!([{ "role": "user", "content": "hello" }]);
    let parts = json!([{ "role": "user", "parts": [{ "text": "hello" }] }]);
    [
        (
            "/v1/messages".into(),
            json!({ "model": MODEL, "max_tokens": 9, "messages": messages }),
            &["anthropic-beta", "anthropic-version", "user-agent", "x-app", "x-stainless-lang"],
        ),
        (
            "/v1/chat/completions".into(),
            json!({ "model": GPT, "messages": messages }),
            &["openai-beta", "session_id", "user-agent", "x-codex-turn", "x-stainless-lang"],
        ),
        (
            "/v1/responses".into(),
            json!({ "model": GPT, "input": "hello" }),
            &["openai-beta", "session_id", "user-agent", "x-codex-turn", "x-stainless-lang"],
        ),
        (
            format!("/v1beta/models/{GEMINI}:generateContent"),
            json!({ "contents": parts }),
            &["user-agent", "x-goog-api-client"],
        ),
    ]
}

/// What the relay writes for itself.
const OWN: [&str; 5] = ["accept", "accept-encoding", "content-type", "x-api-key", "anthropic-version"];

/// Headers of every sort. The value tells where each came from.
const FROM_CLIENTS: [&str; 58] = [
    "anthropic-beta",
    "anthropic-version",
    "anthropic-workspace-id",
    "anthropic-organization-id",
    "openai-beta",
    "openai-organization",
    "openai-project",
    "x-codex-turn",
    "session_id",
    "x-goog-api-client",
    "x-goog-user-project",
    "x-amz-security-token",
    "x-stainless-lang",
    "x-app",
    "user-agent",
    "cookie",
    "set-cookie",
    "proxy-authorization",
    "www-authenticate",
    "idempotency-key",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x_forwarded_for",
    "x-real-ip",
    "x-client-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "forwarded",
    "via",
    "referer",
    "origin",
    "x-original-url",
    "x-rewrite-url",
    "x-http-method-override",
    "traceparent",
    "tracestate",
    "baggage",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "range",
    "if-match",
    "if-none-match",
    "cache-control",
    "priority",
    "dnt",
    "sec-fetch-site",
    "accept-language",
    "api_key",
    "x_api_key",
    "x-api_key",
    "anthropic_beta",
    "x-posthaste-request-id",
    "x-unknown",
];

fn foreign(headers: &HeaderMap) -> BTreeSet<&str> {
    let from_client =
        headers.iter().filter(|(_, value)| value.to_str().is_ok_and(|text| text.contains("CLIENT")));
    from_client.map(|(name, _)| name.as_str()).collect()
}

#[tokio::test]
async fn x8_only_listed_headers_reach_an_upstream() {
    let rig = Rig::with(Setup::every_dialect()).await;
    for (path, question, travelling) in askings() {
        let mut request = post(&path);
        for name in FROM_CLIENTS {
            request = request.header(name, "CLIENT");
        }
        let read = rig.send(request.body(question.to_string().into()).unwrap()).await;
        assert_eq!(read.status, StatusCode::OK, "{path}: {}", read.text());
        let sent = rig.transport.sent().pop().unwrap();
        let expected: BTreeSet<_> = travelling.iter().copied().collect();
        assert_eq!(foreign(&sent.headers), expected, "{path}");
        let others = sent.headers.keys().map(http::HeaderName::as_str);
        let others: Vec<_> = others.filter(|name| !expected.contains(name) && !OWN.contains(name)).collect();
        let credentials = ["authorization", "x-goog-api-key"];
        assert!(others.iter().all(|name| credentials.contains(name)), "{path}: {others:?}");
        assert!(sent.headers.values().any(|value| value.to_str().unwrap().contains(UPSTREAM_KEY)), "{path}");
    }
}

/// A header that the client calls its connection's own goes no further, though it is one that travels (RFC 9110 §7.6.1).
#[tokio::test]
async fn x8_what_the_connection_header_names_goes_no_further() {
    let rig = Rig::with(Setup::every_dialect()).await;
    for (path, question, travelling) in askings() {
        for named in travelling {
            let request = post(&path)
                .header("connection", "close")
                .header("connection", format!("keep-alive, {}", named.to_ascii_uppercase()))
                .header(*named, "CLIENT")
                .header(travelling[0], "CLIENT");
            let read = rig.send(request.body(question.to_string().into()).unwrap()).await;
            assert_eq!(read.status, StatusCode::OK, "{path}: {}", read.text());
            let sent = rig.transport.sent().pop().unwrap();
            assert!(!foreign(&sent.headers).contains(named), "{path} {named}");
            assert!(!sent.headers.contains_key("connection"), "{path}");
            assert_eq!(
                foreign(&sent.headers).contains(travelling[0]),
                *named != travelling[0],
                "{path} {named}"
            );
        }
    }
}

/// What upstreams say; the first three pass.
const FROM_UPSTREAMS: [&str; 34] = [
    "request-id",
    "x-amzn-errortype",
    "content-type",
    "set-cookie",
    "set-cookie2",
    "www-authenticate",
    "proxy-authenticate",
    "authorization",
    "x-api-key",
    "location",
    "refresh",
    "link",
    "server",
    "via",
    "x-powered-by",
    "cf-ray",
    "alt-svc",
    "strict-transport-security",
    "access-control-allow-origin",
    "access-control-allow-credentials",
    "content-security-policy",
    "content-disposition",
    "x-frame-options",
    "keep-alive",
    "trailer",
    "upgrade",
    "proxy-connection",
    "anthropic-organization-id",
    "anthropic-ratelimit-tokens-remaining",
    "openai-organization",
    "openai-processing-ms",
    "x-ratelimit-remaining-requests",
    "x-posthaste-attempts",
    "x-unknown",
];

#[tokio::test]
async fn x8_only_listed_headers_reach_a_client() {
    let chatty = |sent: &Sent| {
        let mut reply = every_answer(sent);
        for name in FROM_UPSTREAMS.iter().filter(|name| **name != "content-type") {
            reply = reply.header(name, "UPSTREAM");
        }
        reply
    };
    let rig = Rig::with(Setup { answer: Box::new(chatty), ..Setup::every_dialect() }).await;
    for (path, question, _) in askings() {
        for streamed in [false, true] {
            let mut question = question.clone();
            let mut path = path.clone();
            match (streamed, question.get("model")) {
                (true, Some(_)) => question["stream"] = json!(true),
                (true, None) => path = path.replace(":generateContent", ":streamGenerateContent?alt=sse"),
                _ => {}
            }
            let read = rig.post(&path, question.to_string()).await;
            assert_eq!(read.status, StatusCode::OK, "{path}: {}", read.text());
            let passed =
                read.headers.iter().filter(|(_, value)| value.to_str().is_ok_and(|text| text == "UPSTREAM"));
            let passed: Vec<_> = passed.map(|(name, _)| name.as_str()).collect();
            assert!(passed.iter().all(|name| FROM_UPSTREAMS[..3].contains(name)), "{path}: {passed:?}");
            assert!(passed.contains(&"request-id"), "{path}");
        }
    }
}
