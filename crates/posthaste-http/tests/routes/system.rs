//! Probes, health, metrics, and a relay that fails inside.

use axum::body::Body;
use http::{Method, Request, StatusCode};
use metrics_exporter_prometheus::PrometheusBuilder;
use posthaste_core::Timestamp;
use posthaste_storage::StoreLoss;
use posthaste_testkit::{AccountSetters, account};

use crate::support::{METRICS_TOKEN, Rig, Setup, answer, streamed, whole};

#[tokio::test]
async fn bases_are_probed_without_credentials() {
    let rig = Rig::new().await;
    for path in [
        "/",
        "/api",
        "/api/",
        "/claude",
        "/openai",
        "/openai/v1",
        "/v1",
        "/health",
        "/gemini",
        "/gemini/",
        "/v1beta",
        "/gemini/v1beta",
        "/azure",
        "/azure/openai",
        "/bedrock",
        "/bedrock/",
        "/openai/claude/v1",
    ] {
        for method in [Method::GET, Method::HEAD] {
            let request = Request::builder().method(&method).uri(path).body(Body::empty()).unwrap();
            let read = rig.send(request).await;
            assert_eq!(read.status, StatusCode::OK, "{method} {path}");
            assert_eq!(read.body.is_empty(), method == Method::HEAD, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn health_tells_that_all_is_well() {
    let accounts = vec![account("one"), account("off").disabled()];
    let rig = Rig::with(Setup { accounts, ..Setup::default() }).await;
    insta::assert_snapshot!("health_ok", rig.get("/health").await.shown());
}

#[tokio::test]
async fn health_tells_when_the_store_fails() {
    let rig = Rig::new().await;
    rig.trouble.fail();
    insta::assert_snapshot!("health_failing", rig.get("/health").await.shown());
}

#[tokio::test]
async fn a_relay_whose_shared_store_is_away_is_ready_and_says_so() {
    let rig = Rig::with(Setup { watched: true, ..Setup::default() }).await;
    rig.trouble.fail();
    assert_eq!(rig.get("/health").await.status, StatusCode::OK, "one failure is no outage");
    let loss = StoreLoss { since: Timestamp::from_secs(1_790_000_000), reason: "canary".to_owned() };
    rig.stores.health.note_loss(loss);
    let read = rig.get("/health").await;
    assert_eq!(read.status, StatusCode::OK);
    let body = read.shown();
    assert!(body.contains(r#""status":"degraded""#) || body.contains(r#""status": "degraded""#), "{body}");
    assert!(body.contains("away_since") && body.contains("2026-") && !body.contains("canary"), "{body}");
}

#[tokio::test(start_paused = true)]
async fn health_tells_when_the_store_is_silent() {
    let rig = Rig::new().await;
    rig.trouble.fall_silent();
    let read = rig.get("/health").await;
    assert_eq!(read.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(read.json()["parts"]["store"], "silent");
}

#[tokio::test]
async fn a_store_that_fails_is_no_reason_to_refuse_a_client_for_good() {
    let rig = Rig::new().await;
    rig.trouble.fail();
    insta::assert_snapshot!("store_failing_anthropic", rig.post("/v1/messages", whole()).await.shown());
    let read = rig.post("/openai/v1/chat/completions", whole()).await;
    assert_eq!((read.status, read.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, Some("1")));
}

#[tokio::test]
async fn metrics_are_off_unless_there_is_a_token() {
    let rig = Rig::with(Setup { metrics: None, ..Setup::default() }).await;
    assert_eq!(rig.get("/metrics").await.status, StatusCode::NOT_FOUND);
    let recorder = PrometheusBuilder::new().build_recorder();
    let rig = Rig::with(Setup { metrics: Some(recorder.handle()), ..Setup::default() }).await;
    for token in ["", "Bearer ", "Bearer x"] {
        let request = Request::get("/metrics").header("authorization", token).body(Body::empty()).unwrap();
        assert_eq!(rig.send(request).await.status, StatusCode::NOT_FOUND, "{token}");
    }
}

#[tokio::test]
async fn metrics_are_for_the_holder_of_the_token() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let (metrics, metrics_token) = (Some(recorder.handle()), Some(METRICS_TOKEN));
    let rig = Rig::with(Setup { metrics, metrics_token, ..Setup::default() }).await;
    assert_eq!(rig.post("/v1/messages", streamed()).await.status, StatusCode::OK);
    assert_eq!(rig.post("/v1/messages", "oops").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(rig.post("/nowhere", whole()).await.status, StatusCode::NOT_FOUND);

    let ask = |authorization: String| Request::get("/metrics").header("authorization", authorization);
    for wrong in [
        "Bearer wrong".to_owned(),
        "Bearer ".to_owned(),
        METRICS_TOKEN.to_owned(),
        format!("Bearer {METRICS_TOKEN}x"),
    ] {
        let read = rig.send(ask(wrong.clone()).body(Body::empty()).unwrap()).await;
        assert_eq!(read.status, StatusCode::UNAUTHORIZED, "{wrong}");
        assert!(!read.text().contains("posthaste_"), "{}", read.text());
    }
    assert_eq!(
        rig.get("/metrics").await.status,
        StatusCode::UNAUTHORIZED,
        "a client key is no metrics token"
    );

    let read = rig.send(ask(format!("Bearer {METRICS_TOKEN}")).body(Body::empty()).unwrap()).await;
    assert_eq!(read.status, StatusCode::OK);
    assert!(read.header("content-type").unwrap().starts_with("text/plain"));
    for line in [
        "posthaste_answers_total{dialect=\"anthropic-messages\"} 1",
        "posthaste_attempts_total{provider=\"anthropic-compatible\",outcome=\"complete\"} 1",
        "posthaste_faults_total{kind=\"invalid_request\"} 1",
        "posthaste_faults_total{kind=\"not_found\"} 1",
        "posthaste_tokens_total{class=\"input\"} 12",
        "posthaste_tokens_total{class=\"output\"} 34",
        "posthaste_open_attempts 0",
    ] {
        assert!(read.text().lines().any(|a_line| a_line == line), "{line} is not in\n{}", read.text());
    }
}

#[tokio::test]
async fn a_panic_ends_one_request_and_no_other() {
    let rig = Rig::answering(|sent| {
        assert!(
            !sent.json()["messages"][0]["content"].to_string().contains("boom"),
            "boom, as the test wants it"
        );
        answer(sent)
    })
    .await;
    for (dialect, path) in [("anthropic", "/api/v1/messages"), ("openai", "/openai/v1/chat/completions")] {
        for body in [whole(), streamed()] {
            let read = rig.post(path, body.replace("hello", "boom")).await;
            insta::assert_snapshot!(format!("panic_{dialect}"), read.shown());
            assert_eq!(rig.post(path, body).await.status, StatusCode::OK, "{path}");
        }
    }
    let rows = rig.rows().await;
    assert_eq!(rows.len(), 8, "what panicked is booked as well");
}
