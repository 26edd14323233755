//! Bringing notices to the channels that the store has.

use std::{sync::Arc, time::Duration};

use posthaste_core::{
    BoxError, Channel, ChannelField, ChannelId, Clock, InstanceId, NoNotices, NoticeSink, Sealed, Secret,
    Transport,
};
use posthaste_notify::{DeliveryLog, Notifier, NotifyOptions, NotifyParts, SecretOpener};
use posthaste_storage::{ConfigStore, RecordKind, Repository, Revision, StorageError, Stores};
use posthaste_vault::{Vault, channel_place};
use tokio::time::sleep;

use super::deliveries::StoredDeliveries;
use crate::Config;

/// The notifier and what became of its messages. Clones share them.
#[derive(Clone)]
pub struct Notify {
    /// Brings notices, and tests channels.
    pub notifier: Arc<Notifier>,
    /// What became of messages.
    pub log: Arc<dyn DeliveryLog>,
    config: Arc<dyn ConfigStore>,
}

impl Notify {
    /// Starts it without channels: [`follow`](Self::follow) finds them. `None` where the configuration wants nobody to be told.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start(
        config: &Config,
        stores: &Stores,
        vault: Arc<Vault>,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Option<Self> {
        if !config.notify.enabled {
            return None;
        }
        let log: Arc<dyn DeliveryLog> = Arc::new(StoredDeliveries::new(Arc::clone(&stores.journals)));
        let parts = NotifyParts {
            transport,
            locks: Arc::clone(&stores.locks),
            secrets: Arc::new(Opener(vault)),
            log: Arc::clone(&log),
            clock,
        };
        let options = NotifyOptions::new(config.notify.name.clone(), InstanceId::generate());
        let notifier = Arc::new(Notifier::start(parts, options));
        Some(Self { notifier, log, config: Arc::clone(&stores.config) })
    }

    /// Who is told, also where nobody is.
    pub fn sink(notify: Option<&Self>) -> Arc<dyn NoticeSink> {
        match notify {
            Some(notify) => Arc::<Notifier>::clone(&notify.notifier),
            None => Arc::new(NoNotices),
        }
    }

    /// Reads the channels. What is told before that is told to none.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn load(&self) -> Result<Loaded, StorageError> {
        let since = self.config.revision().await?;
        let channels: Repository<Channel> = Repository::new(Arc::clone(&self.config));
        let channels: Vec<_> = channels.all().await?.into_iter().map(|channel| channel.value).collect();
        let known = channels.iter().map(|channel| channel.id).collect();
        self.notifier.set_channels(channels);
        Ok(Loaded { known, since })
    }

    /// Keeps the channels in step with the store; never ends.
    pub async fn follow(&self, loaded: Loaded) {
        let Loaded { mut known, mut since } = loaded;
        loop {
            if let Err(error) = self.follow_on(&mut known, &mut since).await {
                tracing::warn!(%error, "the channels cannot be read; trying again");
                sleep(PAUSE_AFTER_FAILURE).await;
            }
        }
    }

    async fn follow_on(&self, known: &mut Vec<ChannelId>, since: &mut Revision) -> Result<(), StorageError> {
        self.config.changed(*since).await?;
        let changes = self.config.changes(*since).await?;
        let is_changed = changes.changes.iter().any(|change| change.kind == RecordKind::Channel);
        if changes.truncated || is_changed {
            let loaded = self.load().await?;
            for gone in known.iter().filter(|channel| !loaded.known.contains(channel)) {
                self.log.forget(*gone).await;
            }
            *known = loaded.known;
        }
        *since = changes.revision;
        Ok(())
    }

    /// Tries once more to bring what waits.
    pub async fn stop(&self) {
        self.notifier.stop(LAST_TRIES).await;
    }
}

/// The channels that were read, and when.
pub struct Loaded {
    known: Vec<ChannelId>,
    since: Revision,
}

struct Opener(Arc<Vault>);

impl SecretOpener for Opener {
    fn open(&self, channel: ChannelId, field: ChannelField, sealed: &Sealed) -> Result<Secret, BoxError> {
        Ok(self.0.unseal(&channel_place(channel, field), sealed)?)
    }
}

/// For what waits when the relay stops.
const LAST_TRIES: Duration = Duration::from_secs(5);
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);
