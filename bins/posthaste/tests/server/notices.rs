//! What operators are told, through a channel that the store has.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use posthaste_core::{
    Channel, ChannelField, ChannelId, ChannelKind, Language, NoticeFilter, PrivateAddressConsent, Secret,
    Timestamp,
};
use posthaste_storage::Repository;
use posthaste_storage_sqlite::SqliteStores;
use posthaste_testkit::{Script, ScriptedUpstream};
use posthaste_vault::{MasterKey, Vault, channel_place};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::support::{Bench, eventually, whole};

const KEY: &str = "dummy-CANARY-webhook-key";

/// Puts a webhook into the store, as an operator's command would.
async fn add_webhook(bench: &Bench, url: &str) -> ChannelId {
    let opened = SqliteStores::open(&bench.data().join("posthaste.db")).unwrap();
    let store = opened.stores().config;
    let master = MasterKey::load(&bench.data().join("master.key")).unwrap();
    let vault = Vault::open(&master, Arc::clone(&store)).await.unwrap();
    let id = ChannelId::generate();
    let sealed = |field, secret: &str| vault.seal(&channel_place(id, field), &Secret::new(secret)).unwrap();
    let channel = Channel {
        id,
        name: "hook".to_owned(),
        enabled: true,
        service: ChannelKind::Webhook,
        target: Some(sealed(ChannelField::Target, url)),
        target_host: None,
        key: Some(sealed(ChannelField::Key, KEY)),
        private_address: Some(PrivateAddressConsent { given_at: Timestamp::EPOCH, how: "test".to_owned() }),
        proxy: None,
        language: Language::English,
        filter: NoticeFilter::default(),
        digest_seconds: 0,
        per_minute: Channel::default_per_minute(),
        created_at: Timestamp::EPOCH,
        updated_at: Timestamp::EPOCH,
    };
    Repository::new(store).create(channel).await.unwrap();
    opened.close().await.unwrap();
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_refused_is_told_by_a_signed_webhook() {
    let bench = Bench::new();
    let refused =
        json!({"type": "error", "error": {"type": "authentication_error", "message": "no such key"}});
    let upstream = ScriptedUpstream::start(move |_| Script::json(401, &refused)).await;
    let receiver = ScriptedUpstream::start(|_| Script::json(200, &json!({}))).await;
    bench.add_account("one", &upstream);
    let key = bench.create_key("team");
    let channel = add_webhook(&bench, &format!("{}/hook", receiver.base_url())).await;
    let server = bench.serve();
    assert_ne!(server.post(&key, &whole()).await.unwrap().status, 200);
    let received = eventually("a webhook comes", || receiver.received().into_iter().next()).await;
    assert_eq!(received.path, "/hook");

    let header = |name: &str| received.headers[name].to_str().unwrap().to_owned();
    let mut mac = Hmac::<Sha256>::new_from_slice(KEY.as_bytes()).unwrap();
    mac.update(format!("{}.{}.", header("webhook-id"), header("webhook-timestamp")).as_bytes());
    mac.update(&received.body);
    let signature = STANDARD.encode(mac.finalize().into_bytes());
    assert_eq!(header("webhook-signature"), format!("v1,{signature}"));
    let body: Value = serde_json::from_slice(&received.body).unwrap();
    assert_eq!(body["type"], "account_state", "{body}");
    assert!(body["data"]["title"].as_str().unwrap().contains("one"), "{body}");

    let log = server.log();
    server.stop().await;
    assert!(!log.contains("CANARY-webhook"), "{log}");
    let opened = SqliteStores::open(&bench.data().join("posthaste.db")).unwrap();
    let journal = format!("deliveries/{channel}");
    let entry = opened.stores().journals.last(&journal).await.unwrap().unwrap();
    let delivery: Value = serde_json::from_str(&entry.text).unwrap();
    assert_eq!(delivery["outcome"], "delivered", "{delivery}");
    opened.close().await.unwrap();
}
