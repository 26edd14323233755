//! Every fault model, for streams and for whole answers.

use std::time::Duration;

use http_body_util::BodyExt;
use posthaste_core::TransportError;
use posthaste_sandbox::{Sandbox, SandboxOptions};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use crate::asking::{ask, events, post, request, send, stream};

const LONG: Duration = Duration::from_secs(3_600);

fn to(model: &str, streamed: bool) -> Value {
    let mut request = request("Hello");
    request["model"] = json!(model);
    request["stream"] = json!(streamed);
    request
}

#[tokio::test]
async fn errors_come_with_status_and_type() {
    let cases = [
        ("sandbox-400", 400, "invalid_request_error"),
        ("sandbox-401", 401, "authentication_error"),
        ("sandbox-402", 402, "billing_error"),
        ("sandbox-403", 403, "permission_error"),
        ("sandbox-429", 429, "rate_limit_error"),
        ("sandbox-429-retry-after-7", 429, "rate_limit_error"),
        ("sandbox-500", 500, "api_error"),
        ("sandbox-504", 504, "timeout_error"),
        ("sandbox-529", 529, "overloaded_error"),
    ];
    let sandbox = Sandbox::default();
    for (model, status, kind) in cases {
        for streamed in [false, true] {
            let (got, answer) = ask(&sandbox, &to(model, streamed)).await;
            assert_eq!((got, &answer["error"]["type"]), (status, &json!(kind)), "{model}");
        }
        let counted = post(&sandbox, "/v1/messages/count_tokens", &to(model, false)).await;
        assert_eq!(counted.status().as_u16(), status);
    }
    assert!(!send(&sandbox, &to("sandbox-429", true)).await.headers().contains_key("retry-after"));
    assert_eq!(send(&sandbox, &to("sandbox-429-retry-after-7", true)).await.headers()["retry-after"], "7");
    assert_eq!(send(&sandbox, &to("sandbox-401", true)).await.headers()["x-should-retry"], "false");
}

#[tokio::test]
async fn flaky_models_work_every_nth_time() {
    let sandbox = Sandbox::default();
    let mut statuses = Vec::new();
    for _ in 0..6 {
        statuses.push(send(&sandbox, &to("sandbox-flaky-3", true)).await.status().as_u16());
    }
    assert_eq!(statuses, [529, 529, 200, 529, 529, 200]);
    assert_eq!(send(&sandbox, &to("sandbox-flaky-1", false)).await.status(), 200);
}

#[tokio::test(start_paused = true)]
async fn hanging_models_give_no_head() {
    let sandbox = Sandbox::default();
    assert!(timeout(LONG, send(&sandbox, &to("sandbox-hang", true))).await.is_err());
    assert!(timeout(LONG, send(&sandbox, &to("sandbox-hang", false))).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn silent_models_begin_and_stop_talking() {
    let sandbox = Sandbox::default();
    let mut body = send(&sandbox, &to("sandbox-silence", true)).await.into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert!(first.starts_with(b"event: message_start\n"));
    assert!(timeout(LONG, body.frame()).await.is_err());
    assert!(timeout(LONG, body.frame()).await.is_err());

    let mut body = send(&sandbox, &to("sandbox-silence", false)).await.into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "{");
    assert!(timeout(LONG, body.frame()).await.is_err());
}

#[tokio::test]
async fn cut_models_break_after_n_events() {
    let sandbox = Sandbox::default();
    for after in [0, 1, 4] {
        let mut body = send(&sandbox, &to(&format!("sandbox-cut-{after}"), true)).await.into_body();
        for _ in 0..after {
            let event = body.frame().await.unwrap().unwrap().into_data().unwrap();
            assert!(event.starts_with(b"event: ") && event.ends_with(b"\n\n"));
        }
        assert!(matches!(body.frame().await, Some(Err(TransportError::Broken(_)))));
        assert!(body.frame().await.is_none());
    }
    let body = send(&sandbox, &to("sandbox-cut-1", false)).await.into_body();
    assert!(matches!(body.collect().await, Err(TransportError::Broken(_))));
}

#[tokio::test]
async fn error_events_come_first_or_in_the_middle() {
    let sandbox = Sandbox::default();
    let first = events(&stream(&sandbox, &to("sandbox-error-first", true)).await);
    assert_eq!(first.len(), 1);
    assert_eq!(first[0]["error"]["type"], "overloaded_error");

    let middle = events(&stream(&sandbox, &to("sandbox-error-middle", true)).await);
    assert_eq!(middle.last().unwrap()["type"], "error");
    let deltas = middle.iter().filter(|event| event["type"] == "content_block_delta").count();
    assert!(deltas > 1, "{middle:?}");
    assert!(!middle.iter().any(|event| event["type"] == "message_stop"));

    for model in ["sandbox-error-first", "sandbox-error-middle"] {
        let (status, answer) = ask(&sandbox, &to(model, false)).await;
        assert_eq!((status, &answer["type"]), (200, &json!("error")));
    }
}

#[tokio::test]
async fn garbage_is_garbage() {
    for streamed in [true, false] {
        let body = send(&Sandbox::default(), &to("sandbox-garbage", streamed)).await.into_body();
        let bytes = body.collect().await.unwrap().to_bytes();
        assert!(str::from_utf8(&bytes).is_err());
        assert!(!bytes.ends_with(b"\n\n"));
        assert_eq!(bytes.starts_with(b"event: message_start\n"), streamed);
    }
}

#[tokio::test]
async fn usage_can_be_missing() {
    let streamed = stream(&Sandbox::default(), &to("sandbox-no-usage", true)).await;
    assert!(!streamed.contains("\"usage\"") && streamed.contains("message_stop"), "{streamed}");
    let (status, answer) = ask(&Sandbox::default(), &to("sandbox-no-usage", false)).await;
    assert_eq!((status, answer.get("usage")), (200, None));
}

#[tokio::test(start_paused = true)]
async fn slow_models_wait_between_events() {
    let begun = Instant::now();
    let events = events(&stream(&Sandbox::default(), &to("sandbox-slow-250", true)).await);
    let pauses = u32::try_from(events.len()).unwrap() - 1;
    assert_eq!(begun.elapsed(), Duration::from_millis(250) * pauses);

    let begun = Instant::now();
    ask(&Sandbox::default(), &to("sandbox-slow-250", false)).await;
    assert_eq!(begun.elapsed(), Duration::from_millis(250));
}

#[tokio::test(start_paused = true)]
async fn good_models_keep_the_pace_that_was_set() {
    let sandbox =
        Sandbox::new(SandboxOptions { event_pause: Duration::from_millis(40), ..SandboxOptions::default() });
    let begun = Instant::now();
    let events = events(&stream(&sandbox, &to("claude-haiku-4-5", true)).await);
    let pauses = u32::try_from(events.len()).unwrap() - 1;
    assert_eq!(begun.elapsed(), Duration::from_millis(40) * pauses);

    let begun = Instant::now();
    ask(&sandbox, &to("claude-haiku-4-5", false)).await;
    assert_eq!(begun.elapsed(), Duration::ZERO);
}
