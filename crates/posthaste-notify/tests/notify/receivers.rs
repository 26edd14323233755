//! Scripted receivers over real sockets, through the relay's own client: what arrives is checked as the services check it.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use posthaste_core::{BarkSettings, Channel, ChannelKind, TelegramSettings};
use posthaste_notify::{Delivery, DeliveryOutcome};
use posthaste_testkit::{Received, Script, ScriptedUpstream};
use posthaste_upstream::{HttpTransport, UpstreamOptions};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::support::{Bench, channel, with_consent};

/// Sends a test to a receiver that answers so, and tells what it received.
async fn send(service: ChannelKind, target: &str, key: Option<&str>, answer: &Value) -> (Delivery, Received) {
    let answer = answer.clone();
    let receiver = ScriptedUpstream::start(move |_| Script::json(200, &answer)).await;
    let service = match service {
        ChannelKind::Telegram(settings) => {
            ChannelKind::Telegram(TelegramSettings { api_base: Some(receiver.base_url()), ..settings })
        }
        ChannelKind::Bark(settings) => {
            ChannelKind::Bark(BarkSettings { server: Some(receiver.base_url()), ..settings })
        }
        other => other,
    };
    let target = target.replace("RECEIVER", &receiver.base_url());
    let bench = real_bench();
    let delivery = bench.notifier.test(&with_consent(channel("ops", service, &target, key))).await;
    let received = receiver.wait_received(1).await.pop().unwrap();
    assert_eq!(received.method, "POST");
    assert_eq!(received.header("content-type"), Some("application/json; charset=utf-8"));
    assert!(received.header("user-agent").unwrap().starts_with("posthaste/"));
    (delivery, received)
}

fn real_bench() -> Bench {
    Bench::new(Arc::new(HttpTransport::new(&UpstreamOptions::default()).unwrap()))
}

fn hmac(key: &[u8], text: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// A value of the query, decoded.
fn query(received: &Received, name: &str) -> String {
    let url = url::Url::parse(&format!("http://x/?{}", received.query.as_deref().unwrap())).unwrap();
    url.query_pairs().find(|(found, _)| found == name).unwrap().1.into_owned()
}

const IS_DELIVERED: DeliveryOutcome = DeliveryOutcome::Delivered;

#[tokio::test]
async fn a_webhook_can_be_verified() {
    let (delivery, received) =
        send(ChannelKind::Webhook, "RECEIVER/hook", Some("dummy-key"), &json!({})).await;
    assert_eq!(delivery.outcome, IS_DELIVERED, "{delivery:?}");
    let [id, timestamp, signature] =
        ["webhook-id", "webhook-timestamp", "webhook-signature"].map(|name| received.header(name).unwrap());
    let body = std::str::from_utf8(&received.body).unwrap();
    assert_eq!(signature, format!("v1,{}", hmac(b"dummy-key", &format!("{id}.{timestamp}.{body}"))));
    assert_eq!(id, delivery.id.to_string());
    let body = received.json();
    assert_eq!((&body["type"], &body["service"]), (&json!("test"), &json!("Posthaste")));
    assert_eq!(body["data"]["title"], "This is a test");
}

#[tokio::test]
async fn wecom_gets_markdown() {
    let answer = json!({ "errcode": 0, "errmsg": "ok" });
    let (delivery, received) =
        send(ChannelKind::WeCom, "RECEIVER/cgi-bin/webhook/send?key=dummy", None, &answer).await;
    assert_eq!(delivery.outcome, IS_DELIVERED, "{delivery:?}");
    assert_eq!(
        (received.path.as_str(), query(&received, "key").as_str()),
        ("/cgi-bin/webhook/send", "dummy")
    );
    let body = received.json();
    assert_eq!(body["msgtype"], "markdown");
    assert!(body["markdown"]["content"].as_str().unwrap().contains("Posthaste: This is a test"));
}

#[tokio::test]
async fn dingtalk_gets_a_signature_in_the_address() {
    let answer = json!({ "errcode": 0, "errmsg": "ok" });
    let target = "RECEIVER/robot/send?access_token=dummy";
    let (delivery, received) = send(ChannelKind::DingTalk, target, Some("SEC-dummy"), &answer).await;
    assert_eq!(delivery.outcome, IS_DELIVERED, "{delivery:?}");
    assert_eq!(query(&received, "access_token"), "dummy");
    let (timestamp, sign) = (query(&received, "timestamp"), query(&received, "sign"));
    assert_eq!(timestamp.len(), 13, "milliseconds");
    assert_eq!(sign, hmac(b"SEC-dummy", &format!("{timestamp}\nSEC-dummy")));
    assert_eq!(received.json()["at"]["isAtAll"], false);
}

#[tokio::test]
async fn feishu_gets_a_signature_in_the_body() {
    let answer = json!({ "code": 0, "msg": "success" });
    let (delivery, received) =
        send(ChannelKind::Feishu, "RECEIVER/open-apis/bot/v2/hook/dummy", Some("dummy-key"), &answer).await;
    assert_eq!(delivery.outcome, IS_DELIVERED, "{delivery:?}");
    let body = received.json();
    let timestamp = body["timestamp"].as_str().unwrap();
    assert_eq!(timestamp.len(), 10, "seconds");
    assert_eq!(body["sign"], hmac(format!("{timestamp}\ndummy-key").as_bytes(), ""));
    assert_eq!(body["msg_type"], "post");
    assert!(body.pointer("/content/post/en_us/content/0/0/text").is_some());
}

#[tokio::test]
async fn slack_gets_plain_blocks() {
    let (delivery, received) = send(ChannelKind::Slack, "RECEIVER/services/dummy", None, &json!("ok")).await;
    assert_eq!(delivery.outcome, IS_DELIVERED, "{delivery:?}");
    let body = received.json();
    assert_eq!(body["blocks"][0]["text"]["type"], "plain_text");
    assert_eq!(body["text"], "[Info] Posthaste: This is a test");
}

#[tokio::test]
async fn discord_gets_an_embed_that_calls_nobody() {
    let (delivery, received) =
        send(ChannelKind::Discord, "RECEIVER/api/webhooks/1/dummy", None, &json!({})).await;
    assert_eq!(delivery.outcome, IS_DELIVERED, "{delivery:?}");
    assert_eq!(received.json()["allowed_mentions"], json!({ "parse": [] }));
}

#[tokio::test]
async fn telegram_is_called_at_an_api_of_ones_own() {
    let settings = TelegramSettings { chat: "-100".to_owned(), thread: None, api_base: None };
    let answer = json!({ "ok": true, "result": {} });
    let (delivery, received) = send(ChannelKind::Telegram(settings), "1:dummy_token", None, &answer).await;
    assert_eq!(delivery.outcome, IS_DELIVERED, "{delivery:?}");
    assert_eq!(received.path, "/bot1:dummy_token/sendMessage");
    let body = received.json();
    assert_eq!((&body["chat_id"], &body["parse_mode"]), (&json!("-100"), &json!("HTML")));
}

#[tokio::test]
async fn bark_gets_the_devices_key_in_the_body() {
    let answer = json!({ "code": 200, "message": "success" });
    let (delivery, received) =
        send(ChannelKind::Bark(BarkSettings::default()), "dummyDevice", None, &answer).await;
    assert_eq!(delivery.outcome, IS_DELIVERED, "{delivery:?}");
    assert_eq!(received.path, "/push");
    assert_eq!(received.json()["device_key"], "dummyDevice");
}

#[tokio::test]
async fn a_refusal_in_the_body_is_one() {
    let answer = json!({ "errcode": 310_000, "errmsg": "sign not match" });
    let (delivery, _) = send(ChannelKind::DingTalk, "RECEIVER/robot/send", Some("dummy"), &answer).await;
    assert_eq!(delivery.outcome, DeliveryOutcome::Refused);
    assert!(delivery.error.unwrap().contains("310000: sign not match"));
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let other = ScriptedUpstream::start(|_| Script::json(200, &json!({}))).await;
    let to = other.base_url();
    let receiver = ScriptedUpstream::start(move |_| Script::text(302, "").header("location", &to)).await;
    let hook = channel("ops", ChannelKind::Webhook, &receiver.base_url(), None);
    let delivery = real_bench().notifier.test(&with_consent(hook)).await;
    assert_eq!(delivery.outcome, DeliveryOutcome::Refused);
    assert!(other.received().is_empty());
}

/// X6: without consent nothing of this is called, however it is spelled.
#[tokio::test]
async fn private_addresses_are_refused_in_every_spelling() {
    let bench = real_bench();
    for host in [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
        "169.254.169.254",
        "[fd00::1]",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "10.0.0.1",
        "127.1",
    ] {
        let hook = channel("ops", ChannelKind::Webhook, &format!("https://{host}:9/canary0hook"), None);
        let delivery = bench.notifier.test(&hook).await;
        assert_eq!(delivery.outcome, DeliveryOutcome::Refused, "{host}: {delivery:?}");
        assert!(!format!("{delivery:?}").contains("canary0hook"));
    }
    for target in [
        "http://example.com/",
        "gopher://example.com/",
        "file:///etc/passwd",
        "https://127.0.0.1@example.com/",
    ] {
        let hook: Channel = channel("ops", ChannelKind::Webhook, target, None);
        assert_eq!(bench.notifier.test(&hook).await.outcome, DeliveryOutcome::Refused, "{target}");
    }
}
