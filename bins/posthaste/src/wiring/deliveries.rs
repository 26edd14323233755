//! What became of messages to channels, in the store's journals: one of each channel.

use std::sync::Arc;

use async_trait::async_trait;
use posthaste_admin::data::deliveries_journal as journal;
use posthaste_core::ChannelId;
use posthaste_notify::{Delivery, DeliveryLog};
use posthaste_storage::{JournalStore, StorageError};

/// A [`DeliveryLog`] that outlasts the process and is shared by the relays of a store.
pub struct StoredDeliveries {
    journals: Arc<dyn JournalStore>,
}

impl StoredDeliveries {
    /// Keeps them there.
    pub fn new(journals: Arc<dyn JournalStore>) -> Self {
        Self { journals }
    }

    async fn write(&self, delivery: &Delivery) -> Result<(), StorageError> {
        let journal = journal(delivery.channel);
        let text =
            serde_json::to_string(delivery).map_err(|error| StorageError::corrupt("a delivery", error))?;
        let entry = self.journals.note(&journal, delivery.ended_at, text).await?;
        // Not each time: a few more than are to be kept do no harm.
        if entry.number > KEPT && entry.number % SWEEP == 0 {
            self.journals.forget(&journal, entry.number - KEPT).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl DeliveryLog for StoredDeliveries {
    async fn note(&self, delivery: Delivery) {
        if let Err(error) = self.write(&delivery).await {
            tracing::warn!(channel = %delivery.channel, %error, "what became of a message to a channel cannot be kept");
        }
    }

    async fn latest(&self, channel: ChannelId, limit: usize) -> Vec<Delivery> {
        let limit = limit.min(usize::try_from(KEPT).unwrap_or(usize::MAX));
        match self.journals.latest(&journal(channel), None, limit).await {
            // What another release wrote may not be readable; the rest is.
            Ok(entries) => {
                entries.iter().filter_map(|entry| serde_json::from_str(&entry.text).ok()).collect()
            }
            Err(error) => {
                tracing::warn!(%channel, %error, "what became of messages to a channel cannot be read");
                Vec::new()
            }
        }
    }

    /// Journals keep their last entry, so one delivery stays behind.
    async fn forget(&self, channel: ChannelId) {
        if let Err(error) = self.journals.forget(&journal(channel), u64::MAX).await {
            tracing::warn!(%channel, %error, "what became of messages to a channel that is no more cannot be forgotten");
        }
    }
}

/// Of each channel.
const KEPT: u64 = 100;
const SWEEP: u64 = 20;

#[cfg(test)]
mod tests {
    use posthaste_core::Timestamp;
    use posthaste_notify::DeliveryOutcome;
    use posthaste_storage::memory::MemoryStores;

    use super::*;

    #[tokio::test]
    async fn the_latest_deliveries_of_a_channel_are_kept() {
        let log = StoredDeliveries::new(MemoryStores::stores().journals);
        let (one, other) = (ChannelId::generate(), ChannelId::generate());
        let delivery = |channel, tries: u32| Delivery {
            id: uuid::Uuid::now_v7(),
            channel,
            notices: Vec::new(),
            at: Timestamp::from_secs(tries.into()),
            ended_at: Timestamp::from_secs(tries.into()),
            outcome: DeliveryOutcome::GivenUp,
            tries,
            error: Some("no answer".to_owned()),
        };
        for tries in 1..=140 {
            log.note(delivery(one, tries)).await;
        }
        log.note(delivery(other, 1)).await;
        let tries = |deliveries: Vec<Delivery>| deliveries.iter().map(|kept| kept.tries).collect::<Vec<_>>();
        assert_eq!(tries(log.latest(one, 3).await), [140, 139, 138]);
        assert_eq!(log.latest(one, usize::MAX).await.len(), 100);
        assert_eq!(
            log.journals.after(&journal(one), 0, 1_000).await.unwrap().len(),
            100,
            "older ones are gone"
        );
        log.forget(one).await;
        assert!(log.latest(one, 10).await.len() <= 1);
        assert_eq!(tries(log.latest(other, 10).await), [1]);
    }
}
