//! What `posthaste-wire` reads out of the sandbox's answers: both sides of the dialect must agree.

use posthaste_core::{Dialect, Usage, UsageSource};
use posthaste_sandbox::Sandbox;
use posthaste_wire::{Progress, StreamTap, read_error, read_whole};
use serde_json::{Value, json};

use crate::asking::{ask, request, stream};

const DIALECT: Dialect = Dialect::AnthropicMessages;

fn cached_thinking() -> Value {
    let mut request = request("12345678");
    request["thinking"] = json!({"type": "adaptive"});
    request["system"] =
        json!([{"type": "text", "text": "1234", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]);
    request["cache_control"] = json!({"type": "ephemeral"});
    request
}

async fn tapped(sandbox: &Sandbox, request: &Value) -> (Progress, StreamTap) {
    let mut tap = StreamTap::new(DIALECT);
    tap.push(stream(sandbox, request).await.as_bytes()).expect("short frames");
    let end = tap.finish().expect("short frames");
    (end, tap)
}

#[tokio::test]
async fn usage_is_the_same_in_streams_and_whole_answers() {
    let (_, whole) = ask(&Sandbox::default(), &cached_thinking()).await;
    let whole = read_whole(DIALECT, whole.to_string().as_bytes()).unwrap().usage.unwrap();
    let (end, tap) = tapped(&Sandbox::default(), &cached_thinking()).await;
    assert_eq!((end, tap.usage_source()), (Progress::Ended, UsageSource::Reported));
    assert_eq!(tap.usage(), whole);
    let Usage { input, cache_read, cache_write_5m, cache_write_1h, output, reasoning, .. } = whole;
    assert_eq!([input, cache_read, cache_write_5m, cache_write_1h], [0, 0, 2, 1]);
    assert!(0 < reasoning && reasoning < output);
}

#[tokio::test]
async fn fault_models_are_seen_for_what_they_are() {
    let mut request = request("Hello");
    let sandbox = Sandbox::default();
    for (model, expected) in [
        ("sandbox-error-first", Progress::Failed),
        ("sandbox-error-middle", Progress::Failed),
        ("sandbox-no-usage", Progress::Ended),
    ] {
        request["model"] = json!(model);
        let (end, tap) = tapped(&sandbox, &request).await;
        assert_eq!(end, expected, "{model}");
        assert_eq!(tap.error().is_some(), expected == Progress::Failed);
        assert_ne!(tap.usage_source(), UsageSource::Reported, "{model}");
    }
    request["model"] = json!("sandbox-529");
    let (_, answer) = ask(&sandbox, &request).await;
    assert_eq!(read_error(DIALECT, answer.to_string().as_bytes()).unwrap().kind, "overloaded_error");
}
