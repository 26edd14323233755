//! The fault models, which each dialect has in its own form.

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http_body_util::BodyExt;
use posthaste_core::{RelayBody, TransportError};
use posthaste_sandbox::Sandbox;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use crate::asking::{post, text};

/// How to ask in a dialect.
#[derive(Clone, Copy)]
struct Probe {
    name: &'static str,
    /// The path for a model, streamed or not.
    path: fn(&str, bool) -> String,
    /// The body for a model, streamed or not.
    body: fn(&str, bool) -> Value,
    /// What `sandbox-529` and its like answer with.
    overloaded: u16,
    /// What `sandbox-402` answers with.
    no_credit: u16,
    /// What every error's body and event holds.
    error: &'static str,
    /// What stands where usage stands.
    usage: &'static str,
}

const PROBES: &[Probe] = &[
    Probe {
        name: "chat",
        path: |_, _| "/v1/chat/completions".to_owned(),
        body: |model, streamed| {
            let options = json!({"include_usage": true});
            let messages = json!([{"role": "user", "content": "Hello"}]);
            match streamed {
                true => {
                    json!({"model": model, "messages": messages, "stream": true, "stream_options": options})
                }
                false => json!({"model": model, "messages": messages}),
            }
        },
        overloaded: 503,
        no_credit: 429,
        error: r#""error":{"message":"#,
        usage: r#""usage""#,
    },
    Probe {
        name: "responses",
        path: |_, _| "/v1/responses".to_owned(),
        body: |model, streamed| json!({"model": model, "input": "Hello", "stream": streamed}),
        overloaded: 503,
        no_credit: 429,
        error: r#""error":{"message":"#,
        usage: r#""usage""#,
    },
    Probe {
        name: "azure",
        path: |model, _| format!("/openai/deployments/{model}/chat/completions?api-version=2024-10-21"),
        body: |_, streamed| {
            let messages = json!([{"role": "user", "content": "Hello"}]);
            match streamed {
                true => {
                    json!({"messages": messages, "stream": true, "stream_options": {"include_usage": true}})
                }
                false => json!({"messages": messages}),
            }
        },
        overloaded: 503,
        no_credit: 429,
        error: r#""error":{"#,
        usage: r#""usage""#,
    },
    Probe {
        name: "gemini events",
        path: |model, streamed| match streamed {
            true => format!("/v1beta/models/{model}:streamGenerateContent?alt=sse"),
            false => format!("/v1beta/models/{model}:generateContent"),
        },
        body: |_, _| json!({"contents": [{"parts": [{"text": "Hello"}]}]}),
        overloaded: 503,
        no_credit: 429,
        error: r#"{"error":{"code":"#,
        usage: r#""usageMetadata""#,
    },
    Probe {
        name: "gemini array",
        path: |model, streamed| match streamed {
            true => format!("/v1beta/models/{model}:streamGenerateContent"),
            false => format!("/v1beta/models/{model}:generateContent"),
        },
        body: |_, _| json!({"contents": [{"parts": [{"text": "Hello"}]}]}),
        overloaded: 503,
        no_credit: 429,
        error: r#"{"error":{"code":"#,
        usage: r#""usageMetadata""#,
    },
    Probe {
        name: "code assist",
        path: |_, streamed| match streamed {
            true => "/v1internal:streamGenerateContent?alt=sse".to_owned(),
            false => "/v1internal:generateContent".to_owned(),
        },
        body: |model, _| json!({"model": model, "request": {"contents": [{"parts": [{"text": "Hello"}]}]}}),
        overloaded: 503,
        no_credit: 429,
        error: r#"{"error":{"code":"#,
        usage: r#""usageMetadata""#,
    },
    Probe {
        name: "converse",
        path: |model, streamed| match streamed {
            true => format!("/model/{model}/converse-stream"),
            false => format!("/model/{model}/converse"),
        },
        body: |_, _| json!({"messages": [{"role": "user", "content": [{"text": "Hello"}]}]}),
        overloaded: 503,
        no_credit: 403,
        error: r#"{"message":"#,
        usage: r#""usage""#,
    },
    Probe {
        name: "invoke",
        path: |model, streamed| match streamed {
            true => format!("/model/{model}/invoke-with-response-stream"),
            false => format!("/model/{model}/invoke"),
        },
        body: |_, _| {
            let messages = json!([{"role": "user", "content": "Hello"}]);
            json!({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 99, "messages": messages})
        },
        overloaded: 503,
        no_credit: 403,
        error: r#"{"message":"#,
        usage: "",
    },
];

impl Probe {
    async fn ask(&self, sandbox: &Sandbox, model: &str, streamed: bool) -> Response<RelayBody> {
        post(sandbox, &(self.path)(model, streamed), &(self.body)(model, streamed)).await
    }

    async fn bytes(&self, model: &str, streamed: bool) -> Bytes {
        let response = self.ask(&Sandbox::default(), model, streamed).await;
        assert_eq!(response.status(), 200, "{}", self.name);
        response.into_body().collect().await.expect("a whole body").to_bytes()
    }

    /// The frames of a good stream.
    async fn frames(&self, model: &str) -> Vec<Bytes> {
        let mut body = self.ask(&Sandbox::default(), model, true).await.into_body();
        let mut frames = Vec::new();
        while let Some(frame) = body.frame().await {
            frames.push(frame.expect("a good stream").into_data().expect("data"));
        }
        frames
    }
}

fn holds(bytes: &[u8], part: &str) -> bool {
    bytes.windows(part.len()).any(|window| window == part.as_bytes())
}

#[tokio::test]
async fn errors_come_with_each_dialects_status_and_body() {
    for probe in PROBES {
        let cases = [
            ("sandbox-400", 400),
            ("sandbox-402", probe.no_credit),
            ("sandbox-403", 403),
            ("sandbox-429", 429),
            ("sandbox-429-retry-after-7", 429),
            ("sandbox-500", 500),
            ("sandbox-529", probe.overloaded),
        ];
        for (model, status) in cases {
            for streamed in [false, true] {
                let response = probe.ask(&Sandbox::default(), model, streamed).await;
                assert_eq!(response.status().as_u16(), status, "{} {model}", probe.name);
                let body = text(response).await;
                assert!(body.contains(probe.error), "{} {model}: {body}", probe.name);
            }
        }
    }
}

#[tokio::test]
async fn flaky_models_work_every_nth_time_in_whatever_dialect() {
    let sandbox = Sandbox::default();
    for probe in PROBES {
        let mut statuses = Vec::new();
        for _ in 0..3 {
            statuses.push(probe.ask(&sandbox, "sandbox-flaky-3", true).await.status().as_u16());
        }
        assert_eq!(statuses, [probe.overloaded, probe.overloaded, 200], "{}", probe.name);
    }
}

#[tokio::test(start_paused = true)]
async fn hanging_and_silent_models_are_so_everywhere() {
    let long = Duration::from_secs(3_600);
    for probe in PROBES {
        let sandbox = Sandbox::default();
        assert!(timeout(long, probe.ask(&sandbox, "sandbox-hang", true)).await.is_err(), "{}", probe.name);
        let mut body = probe.ask(&sandbox, "sandbox-silence", true).await.into_body();
        let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert!(!first.is_empty(), "{}", probe.name);
        assert!(timeout(long, body.frame()).await.is_err(), "{}", probe.name);
    }
}

#[tokio::test]
async fn cut_models_break_after_n_events_everywhere() {
    for probe in PROBES {
        for after in [0, 1, 3] {
            let response = probe.ask(&Sandbox::default(), &format!("sandbox-cut-{after}"), true).await;
            let mut body = response.into_body();
            for _ in 0..after {
                body.frame().await.unwrap().unwrap();
            }
            assert!(matches!(body.frame().await, Some(Err(TransportError::Broken(_)))), "{}", probe.name);
        }
        let body = probe.ask(&Sandbox::default(), "sandbox-cut-1", false).await.into_body();
        assert!(matches!(body.collect().await, Err(TransportError::Broken(_))), "{}", probe.name);
    }
}

#[tokio::test]
async fn errors_come_after_a_200_everywhere() {
    for probe in PROBES {
        let good = probe.frames("sandbox-good").await.len();
        let first = probe.frames("sandbox-error-first").await;
        assert_eq!(first.len(), 1, "{}", probe.name);
        assert!(holds(&first[0], probe.error), "{}: {first:?}", probe.name);
        let middle = probe.frames("sandbox-error-middle").await;
        assert!(holds(middle.last().unwrap(), probe.error), "{}: {middle:?}", probe.name);
        assert!((3..good).contains(&middle.len()), "{}: {middle:?}", probe.name);
        let whole = probe.bytes("sandbox-error-first", false).await;
        assert!(holds(&whole, probe.error), "{}: {whole:?}", probe.name);
    }
}

#[tokio::test]
async fn garbage_is_garbage_everywhere() {
    for probe in PROBES {
        for streamed in [true, false] {
            let bytes = probe.bytes("sandbox-garbage", streamed).await;
            assert!(str::from_utf8(&bytes).is_err(), "{}", probe.name);
        }
    }
}

#[tokio::test]
async fn usage_can_be_missing_everywhere() {
    for probe in PROBES {
        for streamed in [true, false] {
            if probe.usage.is_empty() {
                // What the events of an invoked model say is base64: its own test looks into it.
                continue;
            }
            let good = probe.bytes("sandbox-good", streamed).await;
            assert!(holds(&good, probe.usage), "{}: {good:?}", probe.name);
            let without = probe.bytes("sandbox-no-usage", streamed).await;
            assert!(!holds(&without, probe.usage), "{}: {without:?}", probe.name);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn slow_models_wait_between_events_everywhere() {
    for probe in PROBES {
        let begun = Instant::now();
        let events = probe.frames("sandbox-slow-250").await.len();
        let pauses = u32::try_from(events).unwrap() - 1;
        assert_eq!(begun.elapsed(), Duration::from_millis(250) * pauses, "{}", probe.name);
    }
}
