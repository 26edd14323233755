//! The notifier as others use it.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use posthaste_core::{
    Channel, Clock, InstanceId, Notice, NoticeEvent, NoticeSink, Secret, Subject, Timestamp, Transport,
};
use posthaste_storage::LockStore;
use tokio::{
    sync::{mpsc, watch},
    task::{JoinHandle, JoinSet},
    time::timeout,
};

use crate::{
    ChannelError, Delivery, DeliveryLog, DeliveryOutcome, SecretOpener,
    claims::Claims,
    delivery::Begun,
    hub::Hub,
    post_office::PostOffice,
    repeats::Repeats,
    sender::Sender,
    services::{self, Delivered},
};

/// What the notifier works with.
pub struct NotifyParts {
    /// The way out for everything but mail; it checks addresses.
    pub transport: Arc<dyn Transport>,
    /// Locks that the relays share, so that one of them tells what several find.
    pub locks: Arc<dyn LockStore>,
    /// Opens channels' secrets.
    pub secrets: Arc<dyn SecretOpener>,
    /// Keeps what became of messages.
    pub log: Arc<dyn DeliveryLog>,
    /// The time, for signatures and the log.
    pub clock: Arc<dyn Clock>,
}

/// How the notifier works.
#[derive(Clone, Debug)]
pub struct NotifyOptions {
    /// The relay's name for itself, in every message.
    pub service: String,
    /// Which relay this is, among those that share the store.
    pub relay: InstanceId,
    /// How many notices may wait to be looked at.
    pub queue: usize,
    /// For how long the same is not told again, unless it ends in between.
    pub repeat_window: Duration,
    /// The longest that one try over HTTP may take.
    pub patience: Duration,
    /// Certificate authorities that mail servers may have in addition to the machine's own, as DER.
    pub authorities: Vec<Vec<u8>>,
}

impl NotifyOptions {
    /// The usual ones.
    pub fn new(service: impl Into<String>, relay: InstanceId) -> Self {
        Self {
            service: service.into(),
            relay,
            queue: 1_024,
            repeat_window: Duration::from_secs(600),
            patience: Duration::from_secs(10),
            authorities: Vec::new(),
        }
    }
}

/// Brings notices to channels. [`NoticeSink::tell`] is how it is told of them.
pub struct Notifier {
    queue: mpsc::Sender<Notice>,
    channels: watch::Sender<Vec<Arc<Channel>>>,
    stopping: watch::Sender<bool>,
    hub: Mutex<Option<JoinHandle<()>>>,
    sender: Arc<Sender>,
    log: Arc<dyn DeliveryLog>,
    dropped: Arc<AtomicU64>,
    /// When it was last said that notices are dropped, in microseconds.
    said_at: AtomicI64,
}

impl Notifier {
    /// Starts it, without channels. Must be called within a Tokio runtime.
    pub fn start(parts: NotifyParts, options: NotifyOptions) -> Self {
        let (queue, notices) = mpsc::channel(options.queue.max(1));
        let (channels, follows) = watch::channel(Vec::new());
        let (stopping, stops) = watch::channel(false);
        let dropped = Arc::new(AtomicU64::new(0));
        let sender = Arc::new(Sender {
            transport: parts.transport,
            secrets: parts.secrets,
            clock: parts.clock,
            mail: PostOffice { authorities: options.authorities },
            service: options.service,
            patience: options.patience,
        });
        let hub = Hub {
            notices,
            channels: follows,
            stopping: stops,
            sender: Arc::clone(&sender),
            log: Arc::clone(&parts.log),
            claims: Claims::new(parts.locks, options.relay.uuid()),
            repeats: Repeats::new(options.repeat_window, MOST_REMEMBERED),
            dropped: Arc::clone(&dropped),
            served: HashMap::new(),
            workers: JoinSet::new(),
        };
        let hub = Mutex::new(Some(tokio::spawn(hub.run())));
        let said_at = AtomicI64::new(i64::MIN);
        Self { queue, channels, stopping, hub, sender, log: parts.log, dropped, said_at }
    }

    /// Serves these channels from now on. What waits for one that is no more is dropped; one that was changed is tried at once.
    pub fn set_channels(&self, channels: Vec<Channel>) {
        self.channels.send_replace(channels.into_iter().map(Arc::new).collect());
    }

    /// Sends a test to a channel, which need not be stored nor enabled, and waits for what becomes of it. One try.
    pub async fn test(&self, channel: &Channel) -> Delivery {
        let notices = [Arc::new(self.test_notice())];
        let mut begun = Begun::new(channel, &notices, self.sender.clock.now());
        let (error, outcome) = match self.sender.send(channel, &notices, begun.id()).await {
            Delivered::Yes => (None, DeliveryOutcome::Delivered),
            Delivered::Again { why, .. } => (Some(why), DeliveryOutcome::GivenUp),
            Delivered::Refused { why } => (Some(why), DeliveryOutcome::Refused),
        };
        begun.tried(error);
        let delivery = begun.end(outcome, self.sender.clock.now());
        self.log.note(delivery.clone()).await;
        delivery
    }

    /// Whether messages can be made for a channel; sends none.
    ///
    /// # Errors
    /// With the field that is missing or cannot be used.
    pub fn check(&self, channel: &Channel) -> Result<(), ChannelError> {
        self.sender.check(channel, &Arc::new(self.test_notice()))
    }

    /// How many notices were left out because too many were waiting.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Stops: what waits is tried once more, for so long at most.
    pub async fn stop(&self, within: Duration) {
        self.stopping.send_replace(true);
        let hub = self.hub.lock().take();
        if let Some(mut hub) = hub
            && timeout(within, &mut hub).await.is_err()
        {
            hub.abort();
        }
    }

    fn test_notice(&self) -> Notice {
        Notice { at: self.sender.clock.now(), subject: Subject::Relay, event: NoticeEvent::Test }
    }

    /// Says that notices are dropped, once a minute at most.
    fn say_dropped(&self, dropped: u64) {
        let now = self.sender.clock.now();
        let said_at = self.said_at.load(Ordering::Relaxed);
        let is_time = said_at == i64::MIN || now.since(Timestamp::from_micros(said_at)) >= BETWEEN_LINES;
        let swap = (Ordering::Relaxed, Ordering::Relaxed);
        if is_time && self.said_at.compare_exchange(said_at, now.as_micros(), swap.0, swap.1).is_ok() {
            tracing::warn!(dropped, "notices are dropped: too many are waiting");
        }
    }
}

impl NoticeSink for Notifier {
    fn tell(&self, notice: Notice) {
        if self.queue.try_send(notice).is_err() {
            let dropped = self.dropped.fetch_add(1, Ordering::Relaxed) + 1;
            if !*self.stopping.borrow() {
                self.say_dropped(dropped);
            }
        }
    }
}

impl Drop for Notifier {
    fn drop(&mut self) {
        if let Some(hub) = self.hub.lock().take() {
            hub.abort();
        }
    }
}

impl fmt::Debug for Notifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notifier").field("dropped", &self.dropped).finish_non_exhaustive()
    }
}

/// Scheme and host of a channel's target, for [`Channel::target_host`]: all of it that operators may see.
pub fn target_host(target: &Secret) -> Option<String> {
    services::host_of(target)
}

/// Of what was told.
const MOST_REMEMBERED: usize = 10_000;
const BETWEEN_LINES: Duration = Duration::from_secs(60);
