//! Channels: kept without telling their secrets, and tested through the relay's messenger.

use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use posthaste_admin::{
    Admin, AdminError, AdminParts, ChannelChange, Command, DeliveryView, Messenger, NewChannel, Reply,
    UnfitChannel,
};
use posthaste_core::{Channel, ChannelField, ChannelId, ChannelKind, Secret, Timestamp};
use posthaste_vault::channel_place;
use uuid::Uuid;

use crate::{people::secret, support::quiet};

/// Remembers whom it tested.
#[derive(Default)]
struct Remembering {
    tested: Mutex<Vec<String>>,
}

#[async_trait]
impl Messenger for Remembering {
    fn check(&self, channel: &Channel) -> Result<(), UnfitChannel> {
        match channel.target {
            Some(_) => Ok(()),
            None => Err(UnfitChannel { field: "target", message: "is missing".to_owned() }),
        }
    }

    fn target_host(&self, _: &Secret) -> Option<String> {
        Some("https://hooks.example".to_owned())
    }

    async fn test(&self, channel: &Channel) -> DeliveryView {
        self.tested.lock().push(channel.name.clone());
        DeliveryView {
            id: Uuid::nil(),
            notices: Vec::new(),
            at: Timestamp::EPOCH,
            ended_at: Timestamp::EPOCH,
            outcome: "delivered".to_owned(),
            tries: 1,
            error: None,
        }
    }

    async fn deliveries(&self, _: ChannelId, _: usize) -> Result<Vec<DeliveryView>, AdminError> {
        Ok(Vec::new())
    }
}

fn webhook(name: &str) -> NewChannel {
    let with = ChannelChange {
        target: Some(secret("https://hooks.example/CANARY-path")),
        key: Some(secret("CANARY-key")),
        ..ChannelChange::default()
    };
    NewChannel { name: name.to_owned(), service: ChannelKind::Webhook, with }
}

#[tokio::test]
async fn a_channel_is_kept_and_its_secrets_are_told_to_nobody() {
    let bench = quiet().await;
    let messenger = Arc::new(Remembering::default());
    let admin = Admin::new(AdminParts { messenger: Some(messenger.clone()), ..bench.parts.clone() });
    let Reply::Channel(view) = admin.execute(Command::CreateChannel(webhook("ops"))).await.unwrap() else {
        panic!("a channel")
    };
    assert_eq!((view.target_host.as_deref(), view.has_key), (Some("https://hooks.example"), true));
    let Reply::Channels(all) = admin.execute(Command::ListChannels).await.unwrap() else {
        panic!("channels")
    };
    let Reply::Audit(log) = admin.execute(Command::ListAudit(Default::default())).await.unwrap() else {
        panic!("the log")
    };
    for shown in [serde_json::to_string(&all).unwrap(), serde_json::to_string(&log).unwrap()] {
        assert!(!shown.contains("CANARY"), "{shown}");
    }
    let kept = posthaste_storage::Repository::<Channel>::new(Arc::clone(&bench.stores.config));
    let kept = kept.get(view.id.uuid()).await.unwrap().unwrap().value;
    let place = channel_place(view.id, ChannelField::Target);
    let opened = bench.vault.unseal(&place, kept.target.as_ref().unwrap()).unwrap();
    assert_eq!(opened.expose(), "https://hooks.example/CANARY-path");
    admin.execute(Command::TestChannel { channel: "ops".to_owned() }).await.unwrap();
    assert_eq!(*messenger.tested.lock(), ["ops"]);
}

#[tokio::test]
async fn what_cannot_be_taken_is_refused_by_name() {
    let bench = quiet().await;
    let parts = AdminParts { messenger: Some(Arc::new(Remembering::default())), ..bench.parts.clone() };
    let admin = Admin::new(parts);
    let channels = admin.channels();
    channels.create(webhook("ops")).await.unwrap();
    assert!(matches!(channels.create(webhook("ops")).await, Err(AdminError::Conflict { .. })));
    let bare = NewChannel { with: ChannelChange::default(), ..webhook("bare") };
    assert!(matches!(channels.create(bare).await, Err(AdminError::Invalid { field: "target", .. })));
    let changes = [
        ("service", ChannelChange { service: Some(ChannelKind::Slack), ..ChannelChange::default() }),
        ("digest_seconds", ChannelChange { digest_seconds: Some(86_401), ..ChannelChange::default() }),
        ("per_minute", ChannelChange { per_minute: Some(0), ..ChannelChange::default() }),
        ("proxy", ChannelChange { proxy: Some(secret("ftp://x")), ..ChannelChange::default() }),
        ("name", ChannelChange { name: Some(String::new()), ..ChannelChange::default() }),
    ];
    for (field, change) in changes {
        let refused = channels.update("ops", change).await;
        assert!(
            matches!(refused, Err(AdminError::Invalid { field: found, .. }) if found == field),
            "{field}"
        );
    }
    let consent = ChannelChange { allow_private: Some(true), ..ChannelChange::default() };
    assert!(channels.update("ops", consent).await.unwrap().allow_private);
    let moved = ChannelChange { target: Some(secret("https://other.example/x")), ..ChannelChange::default() };
    assert!(
        !channels.update("ops", moved).await.unwrap().allow_private,
        "consent belonged to the old address"
    );
    channels.delete("ops").await.unwrap();
    assert!(channels.list().await.unwrap().is_empty());
}

#[tokio::test]
async fn without_a_relay_nothing_is_sent() {
    let bench = quiet().await;
    bench.admin.channels().create(webhook("ops")).await.unwrap();
    assert!(matches!(bench.admin.channels().test("ops").await, Err(AdminError::Conflict { .. })));
}
