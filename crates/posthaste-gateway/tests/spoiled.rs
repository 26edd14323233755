//! Answers that the model spoiled: a call that nobody can read, told as the reason why the answer ended. That is nobody's
//! limit and no fault of the account's, so the next one is asked and none rests.

#![expect(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod support;

use bytes::Bytes;
use posthaste_core::{Account, AttemptOutcome, AuthForm, Clock, Dialect, FaultKind, ProviderKind, Surface};
use posthaste_testkit::{AccountSetters, Script, ScriptedUpstream, account, anthropic_json, anthropic_sse};
use posthaste_wire::{Framing, Repacker};
use rstest::rstest;
use serde_json::{Value, json};
use support::{
    Read, Rig, USAGE,
    asking::{MODEL, question},
    at,
};

const GEMINI: &[&str] = &[
    "MALFORMED_FUNCTION_CALL",
    "UNEXPECTED_TOOL_CALL",
    "TOO_MANY_TOOL_CALLS",
    "MALFORMED_RESPONSE",
    "MISSING_THOUGHT_SIGNATURE",
];
const CONVERSE: &[&str] = &["malformed_tool_use", "malformed_model_output"];

/// A whole answer that ends for this reason.
fn whole(dialect: Dialect, reason: &str) -> Script {
    let body = if dialect == Dialect::GeminiGenerate {
        json!({"candidates": [{"finishReason": reason, "index": 0}], "usageMetadata": {"promptTokenCount": 8}})
    } else {
        json!({"output": {"message": {"role": "assistant", "content": []}}, "stopReason": reason,
            "usage": {"inputTokens": 8, "outputTokens": 1, "totalTokens": 9}, "metrics": {"latencyMs": 1}})
    };
    Script::json(200, &body)
}

/// A stream that ends for this reason, perhaps after some text.
fn stream(dialect: Dialect, text: Option<&str>, reason: &str) -> Script {
    let mut frames = Vec::new();
    if dialect == Dialect::GeminiGenerate {
        let content = |text| json!({"candidates": [{"content": {"role": "model", "parts": [{"text": text}]}, "index": 0}]});
        frames.extend(text.map(|text| ("", content(text))));
        frames.push(("", json!({"candidates": [{"finishReason": reason, "index": 0}]})));
    } else {
        let content = |text| json!({"contentBlockIndex": 0, "delta": {"text": text}});
        frames.push(("messageStart", json!({"role": "assistant"})));
        frames.extend(text.map(|text| ("contentBlockDelta", content(text))));
        frames.push(("messageStop", json!({"stopReason": reason})));
    }
    let framing = Framing::of(Surface::plain(dialect));
    Script::new().header("content-type", framing.content_type()).chunks(framed(&frames, framing))
}

fn framed(frames: &[(&str, Value)], framing: Framing) -> Vec<Bytes> {
    let mut repacker = Repacker::new(Framing::Sse, framing);
    let one = |(name, data): &(&str, Value)| {
        let event = if name.is_empty() { String::new() } else { format!("event: {name}\n") };
        let mut out = Vec::new();
        repacker.push(format!("{event}data: {data}\n\n").as_bytes(), &mut out).unwrap();
        Bytes::from(out)
    };
    frames.iter().map(one).collect()
}

fn spoiling(dialect: Dialect, upstream: &ScriptedUpstream) -> Account {
    let provider = match dialect {
        Dialect::GeminiGenerate => ProviderKind::Gemini,
        _ => ProviderKind::Bedrock,
    };
    let account = account("spoiling").with_provider(provider).with_base_url(upstream.base_url());
    Account {
        auth: AuthForm::None,
        dialects: vec![dialect],
        ..account.with_models(&[MODEL]).with_priority(1)
    }
}

#[rstest]
#[case::gemini(Dialect::GeminiGenerate, GEMINI)]
#[case::converse(Dialect::BedrockConverse, CONVERSE)]
#[tokio::test]
async fn the_next_account_is_asked_and_none_rests(
    #[case] dialect: Dialect,
    #[case] reasons: &[&'static str],
) {
    let bad = ScriptedUpstream::queued().await;
    let good = ScriptedUpstream::start(|received| match received.json()["stream"] == true {
        true => Script::sse(&anthropic_sse(&["Hel", "lo"], USAGE)),
        false => Script::json(200, &anthropic_json("Hello", USAGE)),
    })
    .await;
    let rig = Rig::new(vec![spoiling(dialect, &bad), at("good", good.base_url(), 2)]).await;
    let mut asked = 0;
    for reason in reasons {
        for (client, streamed) in [
            (dialect, false),
            (dialect, true),
            (Dialect::AnthropicMessages, false),
            (Dialect::AnthropicMessages, true),
        ] {
            bad.enqueue(if streamed { stream(dialect, None, reason) } else { whole(dialect, reason) });
            asked += 1;
            let client = Surface::plain(client);
            let answer = rig.ask_on(client, &question(client, "hello", streamed), streamed).await.unwrap();
            let answer = Read::from(answer).await;
            assert_eq!(answer.status, 200, "{reason}");
            assert_eq!(answer.header("x-posthaste-attempts"), "2", "{reason}");
            let body = String::from_utf8_lossy(&answer.body);
            assert!(body.contains("Hel") && !body.contains(reason), "{reason}: {body}");
            // Had it rested, it would not have been asked.
            assert_eq!(bad.received().len(), asked, "{reason}");
            assert!(rig.scheduler.parked(account("spoiling").id, rig.clock.now()).is_none(), "{reason}");
            let rows = rig.rows().await;
            let [.., first, second] = &rows[..] else { panic!("{rows:?}") };
            assert_eq!(first.outcome, AttemptOutcome::Failed(FaultKind::UpstreamFailed), "{reason}");
            assert_eq!(second.outcome, AttemptOutcome::Complete, "{reason}");
        }
    }
}

/// Nobody else can take over then, and a client of another dialect has no word for it.
#[rstest]
#[case::gemini(Dialect::GeminiGenerate, "MALFORMED_FUNCTION_CALL")]
#[case::converse(Dialect::BedrockConverse, "malformed_tool_use")]
#[tokio::test]
async fn after_content_the_stream_of_another_dialect_ends_as_a_failed_one(
    #[case] dialect: Dialect,
    #[case] reason: &'static str,
) {
    let upstream = ScriptedUpstream::start(move |_| stream(dialect, Some("Hello"), reason)).await;
    let rig = Rig::new(vec![spoiling(dialect, &upstream)]).await;
    let client = Surface::plain(Dialect::AnthropicMessages);
    let answer = Read::from(rig.ask_on(client, &question(client, "hello", true), true).await.unwrap()).await;
    assert!(answer.text().contains("Hello"), "{}", answer.text());
    assert!(answer.text().contains("event: error\n"), "{}", answer.text());
    assert!(!answer.text().contains("message_stop"), "{}", answer.text());
    let row = rig.rows().await.remove(0);
    assert_eq!(row.outcome, AttemptOutcome::Failed(FaultKind::UpstreamFailed));
    assert!(rig.scheduler.parked(account("spoiling").id, rig.clock.now()).is_none());
}
