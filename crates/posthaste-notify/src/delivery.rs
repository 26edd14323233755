//! What became of messages.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use async_trait::async_trait;
use parking_lot::Mutex;
use posthaste_core::{Channel, ChannelId, Language, Notice, NoticeKind, Severity, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::words;

/// One message and what became of it. Holds no secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Its identity, also told to a webhook.
    pub id: Uuid,
    /// To which channel.
    pub channel: ChannelId,
    /// What it told.
    pub notices: Vec<Noted>,
    /// When it was first tried, or given up.
    pub at: Timestamp,
    /// When it was known what became of it.
    pub ended_at: Timestamp,
    /// What became of it.
    pub outcome: DeliveryOutcome,
    /// How often it was tried.
    pub tries: u32,
    /// What went wrong last.
    pub error: Option<String>,
}

/// A notice, as far as the log keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noted {
    /// Its kind.
    pub kind: NoticeKind,
    /// How much it matters.
    pub severity: Severity,
    /// Whether something is over.
    pub recovery: bool,
    /// When it was found out.
    pub at: Timestamp,
    /// Its title, in the channel's language.
    pub title: String,
}

impl Noted {
    pub(crate) fn new(language: Language, notice: &Notice) -> Self {
        Self {
            kind: notice.kind(),
            severity: notice.severity(),
            recovery: notice.is_recovery(),
            at: notice.at,
            title: words::say(language, notice).title,
        }
    }
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryOutcome {
    /// The service took it.
    Delivered,
    /// The service refused it, or the channel cannot be used as it is.
    Refused,
    /// It was tried as often as it may be.
    GivenUp,
    /// It was not tried to the end: too many were waiting, the channel was taken away, or the relay stopped.
    Dropped,
}

impl DeliveryOutcome {
    /// The stable name used in metrics and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Refused => "refused",
            Self::GivenUp => "given_up",
            Self::Dropped => "dropped",
        }
    }
}

/// Keeps what became of the latest messages.
#[async_trait]
pub trait DeliveryLog: Send + Sync + 'static {
    /// Adds one. What cannot be kept is left out: a log that fails holds no message up.
    async fn note(&self, delivery: Delivery);

    /// The latest ones of a channel, the last first.
    async fn latest(&self, channel: ChannelId, limit: usize) -> Vec<Delivery>;

    /// Forgets a channel that is no more.
    async fn forget(&self, channel: ChannelId);
}

/// A [`DeliveryLog`] in memory: the last messages of each channel. Clones share it.
#[derive(Clone, Debug)]
pub struct MemoryDeliveryLog {
    kept: Arc<Mutex<HashMap<ChannelId, VecDeque<Delivery>>>>,
    of_each: usize,
}

impl MemoryDeliveryLog {
    /// Keeps so many of each channel.
    pub fn new(of_each: usize) -> Self {
        Self { kept: Arc::default(), of_each }
    }
}

impl Default for MemoryDeliveryLog {
    /// Keeps 100 of each channel.
    fn default() -> Self {
        Self::new(100)
    }
}

#[async_trait]
impl DeliveryLog for MemoryDeliveryLog {
    async fn note(&self, delivery: Delivery) {
        let mut kept = self.kept.lock();
        let of_channel = kept.entry(delivery.channel).or_default();
        of_channel.push_back(delivery);
        while of_channel.len() > self.of_each {
            of_channel.pop_front();
        }
    }

    async fn latest(&self, channel: ChannelId, limit: usize) -> Vec<Delivery> {
        let kept = self.kept.lock();
        kept.get(&channel).map_or_else(Vec::new, |kept| kept.iter().rev().take(limit).cloned().collect())
    }

    async fn forget(&self, channel: ChannelId) {
        self.kept.lock().remove(&channel);
    }
}

/// A delivery that is being worked on.
pub(crate) struct Begun {
    delivery: Delivery,
}

impl Begun {
    pub(crate) fn new(channel: &Channel, notices: &[Arc<Notice>], now: Timestamp) -> Self {
        let notices = notices.iter().map(|notice| Noted::new(channel.language, notice)).collect();
        Self {
            delivery: Delivery {
                id: Uuid::now_v7(),
                channel: channel.id,
                notices,
                at: now,
                ended_at: now,
                outcome: DeliveryOutcome::Dropped,
                tries: 0,
                error: None,
            },
        }
    }

    pub(crate) fn id(&self) -> Uuid {
        self.delivery.id
    }

    pub(crate) fn tries(&self) -> u32 {
        self.delivery.tries
    }

    /// Notes a try, and what went wrong with it.
    pub(crate) fn tried(&mut self, error: Option<String>) {
        self.delivery.tries += 1;
        self.delivery.error = error;
    }

    pub(crate) fn end(mut self, outcome: DeliveryOutcome, now: Timestamp) -> Delivery {
        self.delivery.outcome = outcome;
        self.delivery.ended_at = now;
        self.delivery
    }

    /// The same for one that is not tried to the end.
    pub(crate) fn drop_because(mut self, why: &str, now: Timestamp) -> Delivery {
        self.delivery.error = Some(match self.delivery.error.take() {
            Some(error) => format!("{why}; before that: {error}"),
            None => why.to_owned(),
        });
        self.end(DeliveryOutcome::Dropped, now)
    }
}

#[cfg(test)]
mod tests {
    use posthaste_core::ChannelKind;

    use super::*;
    use crate::testing::{NOW, channel, samples};

    #[tokio::test]
    async fn the_log_in_memory_keeps_the_last_ones_of_each_channel() {
        let log = MemoryDeliveryLog::new(3);
        let one = channel(ChannelKind::Slack, "", None);
        let other = Channel { id: ChannelId::generate(), ..one.clone() };
        let notices = samples();
        let mut ids = Vec::new();
        for _ in 0..5 {
            let begun = Begun::new(&one, &notices[..1], NOW);
            ids.insert(0, begun.id());
            log.note(begun.end(DeliveryOutcome::Delivered, NOW)).await;
        }
        log.note(Begun::new(&other, &notices[..2], NOW).drop_because("too many", NOW)).await;
        let kept: Vec<_> = log.latest(one.id, 10).await.iter().map(|delivery| delivery.id).collect();
        assert_eq!(kept, ids[..3], "the last first");
        assert_eq!(log.latest(one.id, 1).await.len(), 1);
        let dropped = log.latest(other.id, 10).await;
        assert_eq!((dropped.len(), dropped[0].error.as_deref()), (1, Some("too many")));
        log.forget(one.id).await;
        assert_eq!(log.latest(one.id, 10).await, []);
        assert_eq!(log.latest(other.id, 10).await.len(), 1);
    }
}
