//! The stores, wired.

use std::{fmt, sync::Arc};

use posthaste_core::Timestamp;
use posthaste_storage::{StorageError, StoreHealth, Stores};

use crate::{
    RedisOptions,
    account_errors::RedisAccountErrors,
    admission::RedisAdmission,
    affinity::RedisAffinity,
    config::{Feed, RedisConfig},
    error::CallError,
    fleet::RedisFleet,
    journal::RedisJournals,
    keys::Keys,
    ledger::RedisLedger,
    link::Link,
    lock::RedisLocks,
    predecessor,
    requests::RedisRequests,
    sessions::RedisSessions,
    start,
};

/// Every storage port on Redis: one server, a cluster, or the master that Sentinels name.
///
/// Three connections, in a cluster three to each node: one for all calls, one that waits for configuration changes and one
/// that waits for news of the accounts' health, each made when somebody first waits. A lost connection is made anew in the background; calls meanwhile fail with [`StorageError::Unavailable`].
pub struct RedisStores {
    stores: Stores,
    link: Link,
    feed: Arc<Feed>,
    advice: Vec<String>,
}

impl RedisStores {
    /// Connects and signs in.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] when the options cannot work, the server does not answer in
    /// [`connect_timeout`](RedisOptions::connect_timeout), refuses, is too old or of another layout than the URL says; its
    /// text names the setting to change and holds no part of the URL.
    pub async fn connect(options: RedisOptions) -> Result<Self, StorageError> {
        predecessor::refuse(&options).await?;
        let link = Link::connect(&options).await?;
        let keys = Keys::new(&options.prefix);
        let advice = start::check(&link, &options, &keys).await?;
        for text in &advice {
            tracing::warn!("{text}");
        }
        let fleet = RedisFleet::new(link.clone(), options.clone(), keys.clone());
        let feed = Arc::new(Feed::new(options, keys.clone()));
        let stores = Stores {
            config: Arc::new(RedisConfig::new(link.clone(), keys.clone(), Arc::clone(&feed))),
            admission: Arc::new(RedisAdmission::new(link.clone(), keys.clone())),
            ledger: Arc::new(RedisLedger::new(link.clone(), keys.clone())),
            affinity: Arc::new(RedisAffinity::new(link.clone(), keys.clone())),
            requests: Arc::new(RedisRequests::new(link.clone(), keys.clone())),
            sessions: Arc::new(RedisSessions::new(link.clone(), keys.clone())),
            journals: Arc::new(RedisJournals::new(link.clone(), keys.clone())),
            account_errors: Arc::new(RedisAccountErrors::new(link.clone(), keys.clone())),
            locks: Arc::new(RedisLocks::new(link.clone(), keys)),
            fleet: Arc::new(fleet),
            health: StoreHealth::default(),
        };
        Ok(Self { stores, link, feed, advice })
    }

    /// The ports. They share this value's connections and keep them alive.
    pub fn stores(&self) -> Stores {
        self.stores.clone()
    }

    /// What should be changed about the servers, in words for the operator. It was logged when connecting.
    pub fn advice(&self) -> &[String] {
        &self.advice
    }

    /// The memory that the servers use, in bytes, for all that they keep, others' data
    /// under other prefixes included. In a cluster that of all masters together.
    ///
    /// # Errors
    /// When a server does not answer, or does not tell.
    pub async fn used_memory(&self) -> Result<u64, StorageError> {
        let infos = self.link.infos().await.map_err(|error| error.during(MEASURING))?;
        let used = infos.iter().map(|info| {
            let told = info.lines().find_map(|line| line.strip_prefix("used_memory:"));
            let bytes = told.and_then(|bytes| bytes.trim().parse::<u64>().ok());
            bytes.ok_or_else(|| CallError::Unreadable("no `used_memory`".into()).during(MEASURING))
        });
        used.sum()
    }

    /// What time it is at a server, of several at any of them.
    ///
    /// # Errors
    /// When it does not answer, or does not tell.
    pub async fn time(&self) -> Result<Timestamp, StorageError> {
        // `TIME` would say the same, but users who may run what the relay runs otherwise need not be allowed that.
        let info = self.link.info("server").await.map_err(|error| error.during(ASKING_TIME))?;
        let told = info.lines().find_map(|line| line.strip_prefix("server_time_usec:"));
        let micros = told.and_then(|micros| micros.trim().parse().ok());
        let micros =
            micros.ok_or_else(|| CallError::Unreadable("no `server_time_usec`".into()).during(ASKING_TIME));
        micros.map(Timestamp::from_micros)
    }

    /// Ends the connections; calls fail from then on.
    pub async fn close(&self) {
        self.feed.close().await;
        self.link.close().await;
    }
}

impl fmt::Debug for RedisStores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStores").finish_non_exhaustive()
    }
}

const ASKING_TIME: &str = "asking for the time";
const MEASURING: &str = "asking how much memory is used";
