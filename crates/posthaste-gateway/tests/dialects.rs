//! Every client's surface at an account of every dialect, over the built-in imitation.

#![expect(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod support;

use std::sync::Arc;

use bytes::Bytes;
use posthaste_core::{
    Account, AttemptOutcome, AuthForm, Dialect, ModelName, Operation, Packing, PresetName, ProviderKind,
    Surface, UsageSource,
};
use posthaste_gateway::{Call, PathFacts, RelayOptions};
use posthaste_sandbox::{SANDBOX_BASE_URL, Sandbox};
use posthaste_testkit::{account, client_key_secret};
use posthaste_wire::{Framing, Splitter};
use serde_json::{Value, json};
use support::{
    Read, Rig,
    asking::{MODEL, question},
};

const CLIENTS: [Surface; 8] = [
    Surface::plain(Dialect::AnthropicMessages),
    Surface::plain(Dialect::OpenAiChat),
    Surface::plain(Dialect::OpenAiResponses),
    Surface::plain(Dialect::GeminiGenerate),
    Surface { dialect: Dialect::GeminiGenerate, packing: Packing::JsonArray },
    Surface { dialect: Dialect::GeminiGenerate, packing: Packing::CodeAssist },
    Surface::plain(Dialect::BedrockConverse),
    Surface { dialect: Dialect::AnthropicMessages, packing: Packing::Invoke },
];

fn sandbox_of(dialect: Dialect) -> Account {
    Account {
        preset: PresetName("sandbox".to_owned()),
        provider: ProviderKind::Sandbox,
        base_url: SANDBOX_BASE_URL.to_owned(),
        auth: AuthForm::None,
        dialects: vec![dialect],
        private_address: None,
        ..account(dialect.as_str())
    }
}

async fn rig(dialects: &[Dialect]) -> Rig {
    let accounts = dialects.iter().map(|dialect| sandbox_of(*dialect)).collect();
    Rig::over(accounts, RelayOptions::default(), Arc::new(Sandbox::default())).await
}

async fn ask(rig: &Rig, client: Surface, body: &Value, stream: bool) -> Read {
    Read::from(rig.ask_on(client, body, stream).await.unwrap()).await
}

/// The text of a whole answer.
fn said(client: Surface, body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap();
    let body = if client.packing == Packing::CodeAssist { &body["response"] } else { &body };
    let text = match client.dialect {
        Dialect::AnthropicMessages => &body["content"][0]["text"],
        Dialect::OpenAiChat => &body["choices"][0]["message"]["content"],
        Dialect::OpenAiResponses => &body["output"][0]["content"][0]["text"],
        Dialect::GeminiGenerate => &body["candidates"][0]["content"]["parts"][0]["text"],
        Dialect::BedrockConverse => &body["output"]["message"]["content"][0]["text"],
    };
    text.as_str().unwrap_or_else(|| panic!("{client:?}: {body}")).to_owned()
}

/// The text of a streamed answer, and what its frames were called.
fn streamed(client: Surface, body: &[u8]) -> (String, Vec<Value>) {
    let mut frames = Vec::new();
    let mut splitter = Splitter::new(Framing::of(client));
    let mut take = |data: &[u8]| {
        if data != b"[DONE]" {
            let frame: Value = serde_json::from_slice(data).unwrap();
            frames.push(if client.packing == Packing::CodeAssist {
                frame["response"].clone()
            } else {
                frame
            });
        }
    };
    splitter.push(body, |frame| take(frame.data)).unwrap();
    splitter.finish(|frame| take(frame.data)).unwrap();
    let piece = |frame: &Value| {
        let piece = match client.dialect {
            Dialect::AnthropicMessages | Dialect::BedrockConverse => &frame["delta"]["text"],
            Dialect::OpenAiChat => &frame["choices"][0]["delta"]["content"],
            Dialect::OpenAiResponses if frame["type"] == "response.output_text.delta" => &frame["delta"],
            Dialect::OpenAiResponses => &Value::Null,
            Dialect::GeminiGenerate => &frame["candidates"][0]["content"]["parts"][0]["text"],
        };
        piece.as_str().unwrap_or_default().to_owned()
    };
    (frames.iter().map(piece).collect(), frames)
}

#[tokio::test]
async fn every_client_is_answered_by_every_dialect() {
    for upstream in Dialect::ALL {
        let rig = rig(&[upstream]).await;
        for client in CLIENTS {
            let at = format!("{client:?} at {upstream}");
            let whole = ask(&rig, client, &question(client, "Grüße, 世界", false), false).await;
            assert_eq!(whole.status, 200, "{at}: {}", whole.text());
            let text = said(client, &whole.body);
            assert!(text.contains("Grüße, 世界"), "{at}: {text}");

            let stream = ask(&rig, client, &question(client, "Grüße, 世界", true), true).await;
            assert_eq!(stream.status, 200, "{at}");
            assert_eq!(stream.header("content-type"), Framing::of(client).content_type(), "{at}");
            let (text_of_stream, frames) = streamed(client, &stream.body);
            assert_eq!(text_of_stream, text, "{at}: {frames:?}");
        }
        let rows = rig.rows().await;
        assert_eq!(rows.len(), 2 * CLIENTS.len(), "{upstream}");
        for row in &rows {
            let at = format!("{} at {upstream}, streamed: {}", row.client_dialect, row.streamed);
            assert_eq!(row.outcome, AttemptOutcome::Complete, "{at}");
            assert_eq!(row.usage_source, UsageSource::Reported, "{at}");
            assert!(row.usage.input > 0 && row.usage.output > 0, "{at}: {:?}", row.usage);
            assert_eq!((row.upstream_dialect, row.usage), (upstream, rows[0].usage), "{at}");
        }
    }
}

#[tokio::test]
async fn token_counts_that_only_the_relay_wants_are_taken_out_again() {
    let client = Surface::plain(Dialect::OpenAiChat);
    let rig = rig(&[Dialect::OpenAiChat]).await;
    let without = ask(&rig, client, &question(client, "hello", true), true).await;
    assert!(!without.text().contains("\"usage\":{"), "{}", without.text());
    assert!(without.text().ends_with("data: [DONE]\n\n"));
    let mut asking = question(client, "hello", true);
    asking["stream_options"] = json!({"include_usage": true});
    let with = ask(&rig, client, &asking, true).await;
    assert!(with.text().contains("\"usage\":{"), "{}", with.text());
    let rows = rig.rows().await;
    assert!(rows.iter().all(|row| row.usage_source == UsageSource::Reported));
    assert_eq!(rows[0].usage, rows[1].usage);
}

#[tokio::test]
async fn an_answer_is_gone_on_from_where_it_lies() {
    let client = Surface::plain(Dialect::OpenAiResponses);
    let rig = rig(&[Dialect::OpenAiResponses, Dialect::AnthropicMessages]).await;
    for stream in [false, true] {
        // The account that speaks the client's dialect is not always asked first, so ask until it was.
        let mut id = None;
        for _ in 0..4 {
            let first = ask(&rig, client, &question(client, "first", stream), stream).await;
            let told = first.text();
            let start = told.find("\"id\":\"resp_").map(|at| at + 6).unwrap();
            let found = &told[start..start + told[start..].find('"').unwrap()];
            if rig.rows().await.last().unwrap().upstream_dialect == Dialect::OpenAiResponses {
                id = Some(found.to_owned());
                break;
            }
        }
        let mut second = question(client, "second", stream);
        second["previous_response_id"] = json!(id.unwrap());
        for _ in 0..3 {
            let answer = ask(&rig, client, &second, stream).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            assert_eq!(rig.rows().await.last().unwrap().upstream_dialect, Dialect::OpenAiResponses);
        }
    }
    let caller = rig.relay.authenticate(Some(client_key_secret("tester").expose())).await.unwrap();
    let mut unknown = question(client, "third", false);
    unknown["previous_response_id"] = json!("resp_unknown");
    let call = Call::new(caller, client.dialect, Operation::Chat, Bytes::from(unknown.to_string()));
    let fault = rig.relay.call(call).await.unwrap_err();
    assert_eq!(fault.kind, posthaste_core::FaultKind::AnswerNotFound);
}

#[tokio::test]
async fn what_was_lost_is_told_and_booked() {
    let client = Surface::plain(Dialect::OpenAiChat);
    let rig = rig(&[Dialect::AnthropicMessages]).await;
    let mut body = question(client, "hello", false);
    body["seed"] = json!(7);
    let answer = ask(&rig, client, &body, false).await;
    assert!(answer.header("x-posthaste-dropped").contains("seed"));
    let rows = rig.rows().await;
    assert!(rows[0].request_losses.as_str().contains("seed: dropped"), "{:?}", rows[0].request_losses);
}

#[tokio::test]
async fn every_client_that_can_count_gets_a_count() {
    let counting = [
        (Dialect::AnthropicMessages, "/input_tokens"),
        (Dialect::OpenAiResponses, "/input_tokens"),
        (Dialect::GeminiGenerate, "/totalTokens"),
        (Dialect::BedrockConverse, "/inputTokens"),
    ];
    for upstream in Dialect::ALL {
        let rig = rig(&[upstream]).await;
        let mut counts = Vec::new();
        for (dialect, place) in counting {
            let client = Surface::plain(dialect);
            let question = match dialect {
                Dialect::BedrockConverse => {
                    json!({"input": {"converse": question(client, "How many?", false)}})
                }
                _ => question(client, "How many?", false),
            };
            let caller = rig.relay.authenticate(Some(client_key_secret("tester").expose())).await.unwrap();
            let in_path = matches!(dialect, Dialect::GeminiGenerate | Dialect::BedrockConverse);
            let model = in_path.then(|| ModelName::parse(MODEL).unwrap());
            let call = Call {
                path: PathFacts { model, ..PathFacts::default() },
                ..Call::new(caller, dialect, Operation::CountTokens, Bytes::from(question.to_string()))
            };
            let answer = Read::from(rig.relay.call(call).await.unwrap()).await;
            let told: Value = serde_json::from_slice(&answer.body).unwrap();
            let count = told.pointer(place).and_then(Value::as_u64);
            counts.push(count.unwrap_or_else(|| panic!("{dialect} at {upstream}: {told}")));
            let estimated = answer.header("x-posthaste-estimated") == "true";
            assert_eq!(estimated, upstream == Dialect::OpenAiChat, "{dialect} at {upstream}");
        }
        if upstream != Dialect::OpenAiChat {
            assert!(counts.iter().all(|count| *count == counts[0]), "{upstream}: {counts:?}");
        }
    }
}

#[tokio::test]
async fn a_path_that_names_a_vendor_reaches_its_accounts_alone() {
    let client = Surface::plain(Dialect::OpenAiChat);
    let both = Account {
        dialects: vec![Dialect::OpenAiChat, Dialect::GeminiGenerate],
        ..sandbox_of(Dialect::GeminiGenerate)
    };
    let accounts = vec![sandbox_of(Dialect::OpenAiChat), both];
    let rig = Rig::over(accounts, RelayOptions::default(), Arc::new(Sandbox::default())).await;
    for _ in 0..3 {
        let caller = rig.relay.authenticate(Some(client_key_secret("tester").expose())).await.unwrap();
        let body = question(client, "hello", false).to_string();
        let call = Call {
            path: PathFacts { pinned: Some(Dialect::GeminiGenerate), ..PathFacts::default() },
            ..Call::new(caller, client.dialect, Operation::Chat, Bytes::from(body))
        };
        let answer = Read::from(rig.relay.call(call).await.unwrap()).await;
        assert!(said(client, &answer.body).contains("hello"));
        assert_eq!(rig.rows().await.last().unwrap().upstream_dialect, Dialect::GeminiGenerate);
    }
}
