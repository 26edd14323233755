//! `accounts test`: how long each step takes, and what a failure is called.

#![expect(clippy::unwrap_used, reason = "a failed setup is a failed test")]

use bytes::Bytes;
use posthaste_admin::{NewAccount, TestEvent};
use posthaste_core::{ProxyProblem, TimeoutGuard, TransportError, Usage};
use posthaste_testkit::{Reply, anthropic_error, anthropic_json, anthropic_sse};
use serde_json::json;
use tokio::sync::mpsc;

use crate::support::{bench, compatible};

async fn report(reply: Reply) -> posthaste_admin::TestReport {
    let reply = parking_lot::Mutex::new(Some(reply));
    let bench = bench(move |_| reply.lock().take().expect("one request")).await;
    bench.admin.accounts().add(compatible("one")).await.unwrap();
    bench.admin.accounts().test("one", None).await.unwrap()
}

fn stream() -> Vec<Bytes> {
    anthropic_sse(&["ok"], Usage { input: 5, output: 1, ..Usage::default() })
}

#[tokio::test]
async fn a_stream_is_followed_to_its_end() {
    let report = report(Reply::sse(stream())).await;
    assert!(report.ok && report.state.is_none(), "{report:?}");
    let steps = report.steps;
    assert!(steps.credential_us.is_some() && steps.head_us.is_some(), "{steps:?}");
    assert!(steps.first_event_us.is_some() && steps.end_us.is_some(), "{steps:?}");
    // Nothing was connected to.
    assert_eq!((steps.lookup_us, steps.connect_us, steps.tls_us), (None, None, None));
}

#[tokio::test]
async fn steps_are_told_as_they_begin_and_as_they_end() {
    let bench = bench(move |_| Reply::sse(stream())).await;
    bench.admin.accounts().add(compatible("one")).await.unwrap();
    let (watcher, mut events) = mpsc::channel(64);
    let watched = bench.admin.watching_tests(watcher);
    let report = watched.accounts().test("one", Some("claude-haiku-4-5")).await.unwrap();
    drop(watched);
    let mut told = Vec::new();
    while let Some(event) = events.recv().await {
        told.push(match event {
            TestEvent::Begun { name } => format!("{name}?"),
            TestEvent::Step { name, .. } => name,
            TestEvent::Delta { text } => format!("`{text}`"),
            other => panic!("{other:?}"),
        });
    }
    // Nothing is connected to here, so no look-up ends.
    let steps = [
        "credential?",
        "credential",
        "lookup?",
        "head",
        "first_event?",
        "first_event",
        "end?",
        "`ok`",
        "end",
    ];
    assert_eq!(told, steps);
    assert_eq!(report.usage.map(|usage| (usage.input, usage.output)), Some((5, 1)));
    assert!(report.cost_nano_usd.is_some_and(|cost| cost.as_nanos() > 0), "{report:?}");
}

#[tokio::test]
async fn a_model_without_a_price_is_tried_out_without_a_cost() {
    let bench = bench(move |_| {
        Reply::json(200, &anthropic_json("ok", Usage { input: 5, output: 1, ..Usage::default() }))
    })
    .await;
    bench.admin.accounts().add(compatible("one")).await.unwrap();
    let report = bench.admin.accounts().test("one", Some("nobody-knows-it")).await.unwrap();
    assert_eq!(report.usage.map(|usage| (usage.input, usage.output)), Some((5, 1)), "{report:?}");
    assert_eq!(report.cost_nano_usd, None);
}

#[tokio::test]
async fn a_stream_is_asked_for_and_a_whole_answer_will_do() {
    let usage = Usage::default();
    let bench = bench(move |_| Reply::json(200, &anthropic_json("ok", usage))).await;
    bench.admin.accounts().add(compatible("one")).await.unwrap();
    assert!(bench.admin.accounts().test("one", None).await.unwrap().ok);
    assert_eq!(bench.transport.sent()[0].json()["stream"], true);
}

#[tokio::test]
async fn a_stream_that_breaks_off_or_tells_an_error_does_not_serve() {
    let cut = report(Reply::sse(stream().into_iter().take(4))).await;
    assert_eq!((cut.ok, cut.state.as_deref(), cut.status), (false, Some("broken_off"), Some(200)), "{cut:?}");
    let broken = report(Reply::sse_then_break(stream().into_iter().take(4))).await;
    assert_eq!((broken.ok, broken.state.as_deref()), (false, Some("broken_off")), "{broken:?}");
    let event = format!("event: error\ndata: {}\n\n", anthropic_error("overloaded_error", "busy"));
    let overloaded = report(Reply::sse([Bytes::from(event)])).await;
    assert_eq!((overloaded.ok, overloaded.state.as_deref()), (false, Some("overloaded")), "{overloaded:?}");
    assert!(overloaded.problem.unwrap().contains("busy"));
}

#[tokio::test]
async fn each_trouble_has_its_name() {
    let proxy =
        |problem| Reply::failure(TransportError::Proxy { proxy: "p:1".into(), problem, source: "no".into() });
    let cases = [
        ("wrong_key", Reply::json(401, &anthropic_error("authentication_error", "invalid x-api-key"))),
        ("not_the_api", Reply::json(404, &json!({"detail": "Not Found"}))),
        ("unknown_model", Reply::json(404, &anthropic_error("not_found_error", "model: x"))),
        ("forbidden", Reply::json(403, &anthropic_error("permission_error", "no"))),
        ("rate_limited", Reply::json(429, &anthropic_error("rate_limit_error", "slow down"))),
        ("overloaded", Reply::json(529, &anthropic_error("overloaded_error", "busy"))),
        ("request_refused", Reply::json(400, &anthropic_error("invalid_request_error", "no"))),
        ("redirected", Reply::json(301, &json!({})).header("location", "https://www.example.com/")),
        ("address_refused", Reply::failure(TransportError::Refused { host: "x".into(), reason: "y".into() })),
        ("no_connection", Reply::failure(TransportError::Connect { host: "x".into(), source: "y".into() })),
        (
            "timed_out",
            Reply::failure(TransportError::Timeout {
                guard: TimeoutGuard::Head,
                after: std::time::Duration::from_secs(1),
            }),
        ),
        ("proxy_down", proxy(ProxyProblem::Unreachable)),
        ("proxy_login", proxy(ProxyProblem::Login)),
        ("proxy_target", proxy(ProxyProblem::Target)),
        ("proxy_protocol", proxy(ProxyProblem::Protocol)),
    ];
    for (state, reply) in cases {
        let report = report(reply).await;
        assert_eq!(report.state.as_deref(), Some(state), "{report:?}");
        assert!(report.advice.is_some_and(|advice| !advice.is_empty()) && report.problem.is_some());
    }
}

#[tokio::test]
async fn the_clock_and_the_region_of_aws_have_names_of_their_own() {
    for (state, kind, message) in [
        (
            "clock_skew",
            "InvalidSignatureException",
            "Signature expired: 20261126T000000Z is now earlier than …",
        ),
        (
            "clock_skew",
            "InvalidSignatureException",
            "Signature not yet current: 20261126T000000Z is still later than …",
        ),
        (
            "wrong_key",
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
        ),
        ("unknown_model", "ValidationException", "The provided model identifier is invalid."),
    ] {
        let answer = move |_: &posthaste_testkit::Sent| {
            let status = if kind == "ValidationException" { 400 } else { 403 };
            Reply::json(status, &json!({ "message": message })).header("x-amzn-errortype", kind)
        };
        let bench = bench(answer).await;
        let new = NewAccount {
            preset: "bedrock".to_owned(),
            name: "aws".to_owned(),
            aws: Some(posthaste_admin::AwsKeysInput {
                access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
                secret_access_key: crate::support::key("dummy-secret").expect("a key"),
                session_token: None,
            }),
            vendor: posthaste_admin::VendorSettings {
                region: Some("us-east-1".to_owned()),
                ..Default::default()
            },
            ..NewAccount::default()
        };
        bench.admin.accounts().add(new).await.unwrap();
        let report = bench.admin.accounts().test("aws", Some("us.amazon.nova-micro-v1:0")).await.unwrap();
        assert_eq!(report.state.as_deref(), Some(state), "{report:?}");
        assert!(report.advice.is_some(), "{report:?}");
    }
}
