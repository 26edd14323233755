//! The whole at a glance.

use posthaste_core::{InstanceId, KeyStatus, Timestamp};
use posthaste_storage::{Member, StoreLoss};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{AccountView, Admin, AdminError, LastCleanup, SpoolStatus};

/// The whole at a glance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StatusView {
    /// The program's version.
    pub version: String,
    /// The running relay; `None` when the services do not live in one.
    pub server: Option<ServerView>,
    /// Every relay that shares the store and is there, the one that started first in front.
    #[serde(default)]
    pub instances: Vec<InstanceView>,
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServerView {
    /// Which of `instances` answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<InstanceId>,
    /// For how long it has been running.
    pub uptime_seconds: u64,
    /// How many requests are in flight.
    pub in_flight: u64,
    /// What of the books waits on the local disk, where there is a spool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spool: Option<SpoolStatus>,
    /// What came of the last round of forgetting what is older than it is kept for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cleanup: Option<LastCleanup>,
}

/// One of the relays that share the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InstanceView {
    /// Which run of which relay.
    pub id: InstanceId,
    /// The machine's name.
    pub host: String,
    /// Where clients reach it.
    pub address: String,
    /// Its release.
    pub version: String,
    /// Since when it is up.
    pub started_at: Timestamp,
    /// The revision of the configuration that it serves.
    pub revision: u64,
    /// How long ago it said that it is there.
    pub heartbeat_age_seconds: u64,
    /// Whether it is the one that answers.
    pub answers: bool,
}

impl InstanceView {
    fn new(member: Member, answering: Option<InstanceId>, now: Timestamp) -> Self {
        let Member { id, host, address, version, started_at, revision, seen_at } = member;
        Self {
            id,
            host,
            address,
            version,
            started_at,
            revision: revision.0,
            heartbeat_age_seconds: now.since(seen_at).as_secs(),
            answers: answering == Some(id),
        }
    }
}

/// A shared store that is away. The relay serves without it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StoreAway {
    /// Since when.
    pub since: Timestamp,
    /// What went wrong; with the setting to change, where there is one.
    pub reason: String,
}

/// How many client keys there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyCounts {
    /// All.
    pub total: usize,
    /// Those that open the door now.
    pub active: usize,
}

/// Every relay that shares the store and is there.
pub(crate) async fn instances(admin: &Admin, now: Timestamp) -> Result<Vec<InstanceView>, AdminError> {
    let parts = admin.parts();
    let answering = parts.runtime.as_ref().map(|runtime| runtime.instance());
    let members = parts.stores.fleet.instances(now).await?;
    Ok(members.into_iter().map(|member| InstanceView::new(member, answering, now)).collect())
}

pub(crate) async fn status(admin: &Admin) -> Result<StatusView, AdminError> {
    let parts = admin.parts();
    let now = parts.clock.now();
    let answering = parts.runtime.as_ref().map(|runtime| runtime.instance());
    let server = parts.runtime.as_ref().map(|runtime| ServerView {
        instance: answering,
        uptime_seconds: now.since(runtime.started_at()).as_secs(),
        in_flight: runtime.in_flight(),
        spool: runtime.spool(),
        cleanup: runtime.cleanup(),
    });
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let store = parts.store_name.clone();
    if let Some(StoreLoss { since, reason }) = parts.stores.health.loss() {
        let store_away = Some(StoreAway { since, reason });
        let (instances, accounts, keys) = (Vec::new(), Vec::new(), KeyCounts::default());
        return Ok(StatusView { version, server, instances, store, store_away, accounts, keys });
    }
    let instances = instances(admin, now).await?;
    let known = admin.directory().await?;
    let kept = known.keys.values().filter(|key| key.deleted_at.is_none());
    let (mut total, mut active) = (0, 0);
    for key in kept {
        total += 1;
        active += usize::from(key.status(now) == KeyStatus::Active);
    }
    Ok(StatusView {
        version,
        server,
        instances,
        store,
        store_away: None,
        accounts: admin.accounts().list().await?,
        keys: KeyCounts { total, active },
    })
}
