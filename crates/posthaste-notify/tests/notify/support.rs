//! A notifier and what it is told.

use std::{sync::Arc, time::Duration};

use posthaste_core::{
    BoxError, Channel, ChannelField, ChannelId, ChannelKind, InstanceId, Language, Notice, NoticeEvent,
    NoticeFilter, NoticeSink, PoolId, PrivateAddressConsent, Sealed, Secret, Subject, Timestamp, Transport,
};
use posthaste_notify::{
    Delivery, DeliveryLog, DeliveryOutcome, MemoryDeliveryLog, Notifier, NotifyOptions, NotifyParts,
    SecretOpener,
};
use posthaste_storage::{LockStore, memory::MemoryStores};
use posthaste_testkit::{FakeClock, MemoryTransport, Reply, Sent};
use serde_json::{Value, json};
use uuid::Uuid;

/// Nothing is sealed: the text is the secret. `broken` does not open.
pub(crate) struct Plain;

impl SecretOpener for Plain {
    fn open(&self, _: ChannelId, _: ChannelField, sealed: &Sealed) -> Result<Secret, BoxError> {
        if sealed.as_text() == "broken" {
            Err("it was changed".into())
        } else {
            Ok(Secret::new(sealed.as_text()))
        }
    }
}

/// A notifier with what it works with.
pub(crate) struct Bench {
    pub(crate) notifier: Arc<Notifier>,
    pub(crate) log: MemoryDeliveryLog,
}

impl Bench {
    pub(crate) fn new(transport: Arc<dyn Transport>) -> Self {
        Self::sharing(transport, MemoryStores::stores().locks, |_| {})
    }

    pub(crate) fn sharing(
        transport: Arc<dyn Transport>,
        locks: Arc<dyn LockStore>,
        change: impl FnOnce(&mut NotifyOptions),
    ) -> Self {
        let (log, clock) = (MemoryDeliveryLog::default(), Arc::new(FakeClock::default()));
        clock.run();
        let parts =
            NotifyParts { transport, locks, secrets: Arc::new(Plain), log: Arc::new(log.clone()), clock };
        let mut options = NotifyOptions::new("Posthaste", InstanceId::generate());
        change(&mut options);
        Self { notifier: Arc::new(Notifier::start(parts, options)), log }
    }

    pub(crate) fn tell(&self, event: NoticeEvent) {
        self.tell_of(1, event);
    }

    pub(crate) fn tell_of(&self, pool: u128, event: NoticeEvent) {
        self.notifier.tell(notice(pool, event));
    }

    /// What became of the messages of a channel, the first one first.
    pub(crate) async fn deliveries(&self, channel: &Channel) -> Vec<Delivery> {
        let mut deliveries = self.log.latest(channel.id, usize::MAX).await;
        deliveries.reverse();
        deliveries
    }

    pub(crate) async fn outcomes(&self, channel: &Channel) -> Vec<(DeliveryOutcome, u32)> {
        self.deliveries(channel).await.iter().map(|delivery| (delivery.outcome, delivery.tries)).collect()
    }
}

/// Of a pool, which is known by its number.
pub(crate) fn notice(pool: u128, event: NoticeEvent) -> Notice {
    let id = PoolId::from_uuid(Uuid::from_u128(pool));
    Notice { at: Timestamp::EPOCH, subject: Subject::Pool { id, name: format!("pool {pool}") }, event }
}

pub(crate) fn down() -> NoticeEvent {
    NoticeEvent::PoolDown { accounts: 2, next_at: None }
}

pub(crate) fn errors() -> NoticeEvent {
    NoticeEvent::ErrorsRose { failed: 20, attempts: 30, window_seconds: 300 }
}

pub(crate) fn channel(name: &str, service: ChannelKind, target: &str, key: Option<&str>) -> Channel {
    Channel {
        id: ChannelId::generate(),
        name: name.to_owned(),
        enabled: true,
        service,
        target: (!target.is_empty()).then(|| Sealed::from_text(target)),
        target_host: None,
        key: key.map(Sealed::from_text),
        private_address: None,
        proxy: None,
        language: Language::English,
        filter: NoticeFilter::default(),
        digest_seconds: 0,
        per_minute: Channel::default_per_minute(),
        created_at: Timestamp::EPOCH,
        updated_at: Timestamp::EPOCH,
    }
}

/// A webhook, told apart by its path.
pub(crate) fn hook(name: &str) -> Channel {
    channel(name, ChannelKind::Webhook, &format!("https://hooks.example.com/{name}"), Some("dummy-key"))
}

pub(crate) fn with_consent(channel: Channel) -> Channel {
    let consent = PrivateAddressConsent { given_at: Timestamp::EPOCH, how: "test".to_owned() };
    Channel { private_address: Some(consent), ..channel }
}

/// Takes everything.
pub(crate) fn taking() -> MemoryTransport {
    MemoryTransport::new(|_| Reply::json(200, &json!({})))
}

/// The types of the webhooks that were sent to `path`.
pub(crate) fn types(transport: &MemoryTransport, path: &str) -> Vec<String> {
    bodies(transport, path).iter().map(|body| body["type"].as_str().unwrap().to_owned()).collect()
}

pub(crate) fn bodies(transport: &MemoryTransport, path: &str) -> Vec<Value> {
    transport.sent().iter().filter(|sent| sent.uri.path() == path).map(Sent::json).collect()
}

/// Lets time go by; with paused time all that is due in it happens.
pub(crate) async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}
