//! The notifier, as operators' work needs it.

use async_trait::async_trait;
use posthaste_admin::{AdminError, DeliveryView, Messenger, NotedView, UnfitChannel};
use posthaste_core::{Channel, ChannelId, Secret};
use posthaste_notify::{ChannelError, Delivery, target_host};

use super::notify::Notify;

#[async_trait]
impl Messenger for Notify {
    fn check(&self, channel: &Channel) -> Result<(), UnfitChannel> {
        self.notifier.check(channel).map_err(|error| {
            let field = match &error {
                ChannelError::Missing(field)
                | ChannelError::Invalid { field, .. }
                | ChannelError::Sealed { field } => field,
            };
            UnfitChannel { field, message: error.to_string() }
        })
    }

    fn target_host(&self, target: &Secret) -> Option<String> {
        target_host(target)
    }

    async fn test(&self, channel: &Channel) -> DeliveryView {
        view(self.notifier.test(channel).await)
    }

    async fn deliveries(&self, channel: ChannelId, limit: usize) -> Result<Vec<DeliveryView>, AdminError> {
        Ok(self.log.latest(channel, limit).await.into_iter().map(view).collect())
    }
}

fn view(delivery: Delivery) -> DeliveryView {
    let Delivery { id, notices, at, ended_at, outcome, tries, error, .. } = delivery;
    let noted = |noted: posthaste_notify::Noted| NotedView {
        kind: noted.kind,
        severity: noted.severity,
        recovery: noted.recovery,
        title: noted.title,
    };
    let notices = notices.into_iter().map(noted).collect();
    DeliveryView { id, notices, at, ended_at, outcome: outcome.as_str().to_owned(), tries, error }
}
