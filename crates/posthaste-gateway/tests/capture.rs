//! Bodies are kept for a client key whose operator asked for that: sealed, masked, cut, and for as long as they asked.

#![expect(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod support;

use std::time::Duration;

use bytes::Bytes;
use posthaste_core::{CaptureRules, CapturedBodies, Dialect, Operation, RequestId};
use posthaste_storage::KeptRequest;
use posthaste_testkit::{Script, ScriptedUpstream, anthropic_error, anthropic_json, anthropic_sse};
use posthaste_vault::request_bodies_place;
use serde_json::{Value, json};
use support::{MODEL, Rig, USAGE, at, streamed, whole};

const SECRET: &str = "sk-ant-dummy-CANARY";

async fn upstream() -> ScriptedUpstream {
    ScriptedUpstream::start(|received| {
        if received.json()["stream"] == json!(true) {
            Script::sse(&anthropic_sse(&["Hel", "lo"], USAGE))
        } else {
            Script::json(200, &anthropic_json(&format!("your key is {SECRET}"), USAGE))
        }
    })
    .await
}

/// A relay that keeps so much of each body, for an hour.
async fn capturing(most_bytes: u32) -> (ScriptedUpstream, Rig) {
    let upstream = upstream().await;
    let rig = Rig::new(vec![at("good", upstream.base_url(), 1)]).await;
    let until = rig.relay_now().plus(Duration::from_secs(3_600));
    rig.with_key(|key| key.policy.capture = Some(CaptureRules { until, most_bytes })).await;
    (upstream, rig)
}

fn saying(text: &str) -> Value {
    json!({"model": MODEL, "max_tokens": 64, "messages": [{"role": "user", "content": text}]})
}

async fn latest(rig: &Rig) -> KeptRequest {
    let id: RequestId = rig.records().await.last().unwrap().id;
    rig.stores.requests.find(id).await.unwrap().unwrap()
}

async fn bodies(rig: &Rig) -> Option<CapturedBodies> {
    let KeptRequest { record, bodies } = latest(rig).await;
    let json = rig.vault.unseal(&request_bodies_place(record.id), &bodies?).unwrap();
    Some(serde_json::from_str(json.expose()).unwrap())
}

#[tokio::test]
async fn bodies_are_kept_as_they_were_sent_and_delivered() {
    let (_upstream, rig) = capturing(10_000).await;
    for question in [whole(), streamed()] {
        let read = rig.read(&question).await.unwrap();
        let kept = bodies(&rig).await.unwrap();
        assert_eq!(kept.request.text, question.to_string());
        assert_eq!((kept.request.whole_bytes, kept.request.cut), (question.to_string().len() as u64, false));
        let answer = kept.answer.unwrap();
        assert_eq!((answer.whole_bytes, answer.cut), (read.body.len() as u64, false));
        if question["stream"] == json!(true) {
            assert_eq!(answer.text, read.text());
        }
    }
}

#[tokio::test]
async fn secrets_and_media_are_left_out_and_nothing_lies_open() {
    let (_upstream, rig) = capturing(10_000).await;
    let picture = "iVBORw0KGgo".repeat(100);
    let question = saying(&format!("use {SECRET} on data:image/png;base64,{picture} dummy-WORDS"));
    let read = rig.read(&question).await.unwrap();
    assert!(read.text().contains(SECRET), "the client gets what was said");
    let kept = bodies(&rig).await.unwrap();
    for text in [&kept.request.text, &kept.answer.unwrap().text] {
        assert!(!text.contains("CANARY") && text.contains("sk-[masked]"), "{text}");
    }
    assert!(kept.request.text.contains("[base64, 1100 characters] dummy-WORDS"), "{}", kept.request.text);
    let stored = latest(&rig).await;
    let open =
        format!("{}{}", serde_json::to_string(&stored.record).unwrap(), stored.bodies.unwrap().as_text());
    assert!(!open.contains("dummy-WORDS") && !open.contains("CANARY"), "{open}");
}

#[tokio::test]
async fn no_more_of_a_body_is_kept_than_wanted() {
    let (_upstream, rig) = capturing(40).await;
    let question = saying(&"hello ".repeat(1_000));
    rig.read(&question).await.unwrap();
    let kept = bodies(&rig).await.unwrap();
    assert_eq!(kept.request.text, question.to_string()[..40]);
    assert_eq!((kept.request.whole_bytes, kept.request.cut), (question.to_string().len() as u64, true));
    assert!(kept.answer.unwrap().text.len() <= 40);
}

#[tokio::test]
async fn it_ends_by_itself_and_is_off_unless_wanted() {
    let (_upstream, rig) = capturing(10_000).await;
    rig.read(&whole()).await.unwrap();
    assert!(bodies(&rig).await.is_some());
    rig.clock.advance(Duration::from_secs(3_600));
    rig.read(&whole()).await.unwrap();
    assert_eq!(bodies(&rig).await, None);

    let quiet = upstream().await;
    let rig = Rig::new(vec![at("good", quiet.base_url(), 1)]).await;
    rig.read(&whole()).await.unwrap();
    assert_eq!(bodies(&rig).await, None);
}

#[tokio::test]
async fn the_body_of_a_refused_request_is_kept_without_an_answer() {
    let upstream =
        ScriptedUpstream::start(|_| Script::json(500, &anthropic_error("api_error", "oops"))).await;
    let rig = Rig::new(vec![at("bad", upstream.base_url(), 1)]).await;
    let until = rig.relay_now().plus(Duration::from_secs(3_600));
    rig.with_key(|key| key.policy.capture = Some(CaptureRules { until, most_bytes: 1_000 })).await;
    rig.ask(&whole()).await.unwrap_err();
    let kept = bodies(&rig).await.unwrap();
    assert_eq!((kept.request.text, kept.answer), (whole().to_string(), None));
}

#[tokio::test]
async fn when_too_many_are_under_way_it_is_told() {
    let silent = ScriptedUpstream::start(|_| Script::never()).await;
    let rig = Rig::new(vec![at("bad", silent.base_url(), 1)]).await;
    let until = rig.relay_now().plus(Duration::from_secs(3_600));
    rig.with_key(|key| key.policy.capture = Some(CaptureRules { until, most_bytes: 1_000 })).await;
    let body = Bytes::from(whole().to_string());
    let ask = || rig.ask_as(Dialect::AnthropicMessages, Operation::Chat, body.clone());
    let many = futures_util::future::join_all((0..65).map(|_| ask()));
    tokio::time::timeout(Duration::from_millis(300), many).await.unwrap_err();
    let records = rig.records().await;
    assert_eq!(records.len(), 65);
    assert_eq!(records.iter().filter(|record| record.bodies_missed).count(), 1);
}
