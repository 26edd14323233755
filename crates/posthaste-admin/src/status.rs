//! The whole at a glance.

use posthaste_core::{KeyStatus, Timestamp};
use posthaste_storage::StoreLoss;
use serde::{Deserialize, Serialize};

use crate::{AccountView, Admin, AdminError};

/// The whole at a glance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusView {
    /// The program's version.
    pub version: String,
    /// The running relay; `None` when the services do not live in one.
    pub server: Option<ServerView>,
    /// What keeps everything.
    pub store: String,
    /// How long and why the shared store has been away; nothing is known of accounts and client keys then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store_away: Option<StoreAway>,
    /// Every account, with its health when a relay runs.
    pub accounts: Vec<AccountView>,
    /// Client keys.
    pub keys: KeyCounts,
}

/// A running relay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerView {
    /// For how long it has been running.
    pub uptime_seconds: u64,
    /// How many requests are in flight.
    pub in_flight: u64,
}

/// A shared store that is away. The relay serves without it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreAway {
    /// Since when.
    pub since: Timestamp,
    /// What went wrong; with the setting to change, where there is one.
    pub reason: String,
}

/// How many client keys there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyCounts {
    /// All.
    pub total: usize,
    /// Those that open the door now.
    pub active: usize,
}

pub(crate) async fn status(admin: &Admin) -> Result<StatusView, AdminError> {
    let parts = admin.parts();
    let now = parts.clock.now();
    let server = parts.runtime.as_ref().map(|runtime| ServerView {
        uptime_seconds: now.since(runtime.started_at()).as_secs(),
        in_flight: runtime.in_flight(),
    });
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let store = parts.store_name.clone();
    if let Some(StoreLoss { since, reason }) = parts.stores.health.loss() {
        let store_away = Some(StoreAway { since, reason });
        let (accounts, keys) = (Vec::new(), KeyCounts::default());
        return Ok(StatusView { version, server, store, store_away, accounts, keys });
    }
    let keys = admin.key_records().all().await?;
    let active = keys.iter().filter(|key| key.value.status(now) == KeyStatus::Active).count();
    Ok(StatusView {
        version,
        server,
        store,
        store_away: None,
        accounts: admin.accounts().list().await?,
        keys: KeyCounts { total: keys.len(), active },
    })
}
