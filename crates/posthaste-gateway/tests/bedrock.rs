//! Clients of Anthropic's API at an account of Bedrock's.

#![expect(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod support;

use std::sync::Arc;

use bytes::Bytes;
use posthaste_core::{
    Account, AttemptOutcome, AuthForm, Dialect, Operation, PresetName, ProviderKind, Usage, full_body,
};
use posthaste_gateway::{Call, RelayOptions};
use posthaste_testkit::{MemoryTransport, Reply, account, anthropic_sse, client_key_secret};
use posthaste_wire::event_stream::{write_exception, write_invoke_chunk};
use serde_json::{Value, json};
use support::{Read, Rig};

const EVENTS: &str = "application/vnd.amazon.eventstream";

fn virginia() -> Account {
    Account {
        preset: PresetName("bedrock".to_owned()),
        provider: ProviderKind::Bedrock,
        base_url: "https://bedrock-runtime.us-east-1.amazonaws.com".to_owned(),
        auth: AuthForm::None,
        private_address: None,
        ..account("virginia")
    }
}

/// Anthropic's events as chunks of an AWS event stream.
fn chunks() -> Vec<Bytes> {
    let frames = anthropic_sse(&["hel", "lo"], Usage { input: 5, output: 2, ..Usage::default() });
    let frames = frames.iter().map(|frame| {
        let text = std::str::from_utf8(frame).unwrap();
        let data = text.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
        let mut chunk = Vec::new();
        write_invoke_chunk(&mut chunk, data.as_bytes()).unwrap();
        Bytes::from(chunk)
    });
    frames.collect()
}

fn events(messages: &[Bytes]) -> Reply {
    let mut response = http::Response::new(full_body(messages.concat()));
    response.headers_mut().insert("content-type", EVENTS.parse().unwrap());
    response.into()
}

async fn ask(transport: &MemoryTransport, betas: &'static str) -> (Rig, Read) {
    let rig = Rig::over(vec![virginia()], RelayOptions::default(), Arc::new(transport.clone())).await;
    let body = json!({"model": "claude-sonnet-4-5", "max_tokens": 16, "stream": true,
        "messages": [{"role": "user", "content": "hi"}]});
    let caller = rig.relay.authenticate(Some(client_key_secret("tester").expose())).await.unwrap();
    let mut call = Call::new(caller, Dialect::AnthropicMessages, Operation::Chat, body.to_string());
    call.headers.insert("anthropic-beta", betas.parse().unwrap());
    let read = match rig.relay.call(call).await {
        Ok(answer) => Read::from(answer).await,
        Err(fault) => panic!("{fault:?}"),
    };
    (rig, read)
}

#[tokio::test]
async fn a_plain_name_is_asked_for_as_the_regions_profile_and_unknown_betas_stay_behind() {
    let transport = MemoryTransport::new(|_| events(&chunks()));
    let (rig, read) = ask(&transport, "claude-code-20250219, effort-2025-11-24").await;
    assert_eq!(read.headers["content-type"], "text/event-stream");
    let text = String::from_utf8(read.body.to_vec()).unwrap();
    assert!(text.contains("event: message_start") && text.contains("event: message_stop"), "{text}");

    let sent = transport.sent();
    assert_eq!(
        sent[0].uri,
        "https://bedrock-runtime.us-east-1.amazonaws.com/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke-with-response-stream"
    );
    let expected = json!({"max_tokens": 16, "messages": [{"role": "user", "content": "hi"}],
        "anthropic_version": "bedrock-2023-05-31", "anthropic_beta": ["effort-2025-11-24"]});
    assert_eq!(sent[0].json(), expected);

    let rows = rig.rows().await;
    assert_eq!(rows[0].upstream_model.as_str(), "us.anthropic.claude-sonnet-4-5-20250929-v1:0");
    assert_eq!((rows[0].outcome, rows[0].usage.input), (AttemptOutcome::Complete, 5));
    let losses: Vec<_> = rows[0].request_losses.iter().collect();
    assert_eq!(losses.len(), 1, "{losses:?}");
    assert!(losses[0].contains("claude-code-20250219"), "{losses:?}");
}

/// Nothing was promised yet, so that another account of the same model is asked.
#[tokio::test]
async fn an_exception_at_the_head_of_a_stream_moves_on() {
    let transport = MemoryTransport::new(|sent| {
        if sent.uri.to_string().contains("us-east-1") {
            let mut exception = Vec::new();
            write_exception(&mut exception, "throttlingException", br#"{"message":"Too many tokens"}"#)
                .unwrap();
            return events(&[Bytes::from(exception)]);
        }
        events(&chunks())
    });
    let ireland = Account {
        base_url: "https://bedrock-runtime.eu-west-1.amazonaws.com".to_owned(),
        priority: 60,
        id: account("ireland").id,
        name: "ireland".to_owned(),
        ..virginia()
    };
    let accounts = vec![virginia(), ireland];
    let rig = Rig::over(accounts, RelayOptions::default(), Arc::new(transport.clone())).await;
    let body: Value = json!({"model": "claude-sonnet-4-5", "max_tokens": 16, "stream": true,
        "messages": [{"role": "user", "content": "hi"}]});
    let read = rig.read(&body).await.unwrap();
    assert_eq!(read.status, 200);
    let uris: Vec<_> = transport.sent().iter().map(|sent| sent.uri.to_string()).collect();
    assert_eq!(uris.len(), 2);
    assert!(uris[1].contains("eu-west-1") && uris[1].contains("/model/eu.anthropic."), "{uris:?}");
}
