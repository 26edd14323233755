//! Back-ups of the store that lie beside it.

use async_trait::async_trait;
use posthaste_core::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Admin, AdminError};

/// A back-up of the store. It holds no master key: without that its secrets cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BackupView {
    /// The file's name.
    pub name: String,
    /// Where it lies on the relay's machine.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// When it was made.
    pub made_at: Timestamp,
}

/// Where back-ups lie. Implemented where the stores are wired together; only a store that is a file has it.
#[async_trait]
pub trait BackupFolder: Send + Sync + 'static {
    /// Makes a back-up of the store as it is at this moment, checked and durable, and forgets the oldest beyond those that are
    /// kept.
    ///
    /// # Errors
    /// When it cannot be written, or the store is damaged.
    async fn make(&self, now: Timestamp) -> Result<BackupView, AdminError>;

    /// Those that there are, the newest first.
    ///
    /// # Errors
    /// When the folder cannot be read.
    async fn list(&self) -> Result<Vec<BackupView>, AdminError>;

    /// Removes one of [`list`](Self::list).
    ///
    /// # Errors
    /// When it cannot be removed.
    async fn remove(&self, backup: &BackupView) -> Result<(), AdminError>;
}

pub(crate) async fn make(admin: &Admin) -> Result<BackupView, AdminError> {
    folder(admin)?.make(admin.parts().clock.now()).await
}

/// None where no back-ups can be made.
pub(crate) async fn list(admin: &Admin) -> Result<Vec<BackupView>, AdminError> {
    match &admin.parts().backups {
        Some(folder) => folder.list().await,
        None => Ok(Vec::new()),
    }
}

/// Removes a back-up by its name. Only what is listed can be removed, so that no name leads elsewhere.
pub(crate) async fn delete(admin: &Admin, name: &str) -> Result<BackupView, AdminError> {
    let folder = folder(admin)?;
    let found = folder.list().await?.into_iter().find(|backup| backup.name == name);
    let backup =
        found.ok_or_else(|| AdminError::NotFound { what: format!("back-up `{}`", name.escape_debug()) })?;
    folder.remove(&backup).await?;
    Ok(backup)
}

fn folder(admin: &Admin) -> Result<&dyn BackupFolder, AdminError> {
    admin.parts().backups.as_deref().ok_or_else(|| {
        let what = format!(
            "back-ups are made of the embedded store; this relay keeps its data in {}, which has its own way (RDB and AOF \
             files of Redis)",
            admin.parts().store_name
        );
        AdminError::Conflict { what }
    })
}
