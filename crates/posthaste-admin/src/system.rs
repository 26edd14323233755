//! What runs here, and how it was set up.

use posthaste_core::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Admin, AdminError, InstanceView, LastCleanup, StoreAway, status};

/// What runs here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SystemView {
    /// The program's version.
    pub version: String,
    /// The system and the processor that it was built for.
    pub target: String,
    /// Since when the relay that answers is up; `None` where none runs.
    pub started_at: Option<Timestamp>,
    /// For how long.
    pub uptime_seconds: Option<u64>,
    /// Attempts under way.
    pub in_flight: Option<u64>,
    /// What the process uses.
    pub process: Option<ProcessView>,
    /// What keeps everything.
    pub store: String,
    /// How much it takes up: the embedded store's files, or the memory that the servers of a shared one use for all that they
    /// keep. `None` where no relay runs, the store is away, or it is the relay's own memory.
    pub store_bytes: Option<u64>,
    /// How long and why the shared store has been away.
    pub store_away: Option<StoreAway>,
    /// The revision of the configuration records.
    pub revision: Option<u64>,
    /// The relays that share the store.
    pub instances: Vec<InstanceView>,
    /// What came of the last round of forgetting what is too old.
    pub cleanup: Option<LastCleanup>,
}

/// What a process uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProcessView {
    /// Its number.
    pub pid: u32,
    /// The memory that it has in use, where the system tells.
    pub resident_bytes: Option<u64>,
    /// The processors that it may use.
    pub processors: usize,
}

/// A setting of the configuration file, which is read at the start and with each reload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SettingView {
    /// Its place in the file.
    pub path: String,
    /// Its value as one would write it; `None` when it is unset. Secrets are redacted.
    pub value: Option<String>,
    /// The default as one would write it.
    pub default: Option<String>,
    /// Whether it is other than that.
    pub changed: bool,
    /// Who said the value that holds.
    #[serde(default)]
    pub source: SettingSource,
    /// The variable of the environment that sets it, before the file.
    pub environment: String,
    /// Whether a reload changes it; others are read at the start only.
    pub live: bool,
    /// What the next start will take, where that is another value. Secrets are redacted.
    pub waiting: Option<String>,
}

/// Where a setting's value comes from. What stands further down here goes before what stands above it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SettingSource {
    /// Nobody said anything: it is the default.
    #[default]
    Default,
    /// The configuration file.
    File,
    /// A variable of the environment.
    Environment,
    /// The command line.
    CommandLine,
}

/// What a reload of the configuration has done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReloadView {
    /// The settings that have another value now. Of secrets it cannot be told.
    pub changed: Vec<String>,
    /// The settings whose new value the next start will take.
    pub waiting: Vec<String>,
}

pub(crate) async fn system(admin: &Admin) -> Result<SystemView, AdminError> {
    let parts = admin.parts();
    let runtime = parts.runtime.as_deref();
    let status = status::status(admin).await?;
    // A store that is away would be waited for.
    let (revision, store_bytes) = match (&status.store_away, runtime) {
        (Some(_), _) => (None, None),
        (None, None) => (Some(parts.stores.config.revision().await?.0), None),
        (None, Some(runtime)) => (Some(parts.stores.config.revision().await?.0), runtime.store_bytes().await),
    };
    Ok(SystemView {
        version: status.version,
        target: format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
        started_at: runtime.map(|runtime| runtime.started_at()),
        uptime_seconds: status.server.as_ref().map(|server| server.uptime_seconds),
        in_flight: status.server.as_ref().map(|server| server.in_flight),
        process: runtime.and_then(|runtime| runtime.process()),
        store: status.store,
        store_bytes,
        store_away: status.store_away,
        revision,
        instances: status.instances,
        cleanup: status.server.and_then(|server| server.cleanup),
    })
}

/// Has the relay that answers read its configuration again.
pub(crate) async fn reload(admin: &Admin) -> Result<ReloadView, AdminError> {
    let Some(runtime) = &admin.parts().runtime else {
        return Err(AdminError::invalid(
            "reload",
            "no relay runs here; the next start reads the configuration",
        ));
    };
    let refused = |errors: Vec<String>| {
        AdminError::invalid("configuration", format!("nothing was changed: {}", errors.join("; ")))
    };
    runtime.reload().await.map_err(refused)
}

/// The configuration of the relay that answers.
pub(crate) fn settings(admin: &Admin) -> Vec<SettingView> {
    admin.parts().runtime.as_ref().map(|runtime| runtime.settings()).unwrap_or_default()
}
