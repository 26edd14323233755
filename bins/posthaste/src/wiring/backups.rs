//! Back-ups of the embedded store, in a folder beside it.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::UNIX_EPOCH,
};

use async_trait::async_trait;
use jiff::tz::TimeZone;
use posthaste_admin::{AdminError, BackupFolder, BackupView};
use posthaste_core::Timestamp;
use posthaste_storage::StorageError;
use tokio::{sync::Mutex, task::spawn_blocking};

use super::{files, folder as folders};
use crate::Config;

/// The folder, where the store is a file.
pub(super) fn folder(config: &Config) -> Option<Arc<dyn BackupFolder>> {
    let from = files::embedded(config).ok()?;
    let dir = config.data.backups.clone().unwrap_or_else(|| config.data.dir.join("backups"));
    Some(Arc::new(Folder { from, dir, keep: config.data.keep_backups, turn: Mutex::default() }))
}

struct Folder {
    from: PathBuf,
    dir: PathBuf,
    /// How many are kept.
    keep: u32,
    /// One is made at a time.
    turn: Mutex<()>,
}

#[async_trait]
impl BackupFolder for Folder {
    async fn make(&self, now: Timestamp) -> Result<BackupView, AdminError> {
        let Ok(_turn) = self.turn.try_lock() else {
            let what = "a back-up is being made at this moment; wait for it".to_owned();
            return Err(AdminError::Conflict { what });
        };
        folders::make(&self.dir, &mut Vec::new())
            .map_err(|error| failed("the folder for back-ups", error))?;
        let name = format!(
            "{BEGINNING}{}{ENDING}",
            TimeZone::UTC.to_datetime(now.into()).strftime("%Y%m%dT%H%M%S%3fZ")
        );
        let path = self.dir.join(&name);
        let copied =
            files::backup(&self.from, &path).await.map_err(|error| failed("making a back-up", error))?;
        for old in self.list().await?.iter().skip(self.keep as usize) {
            self.remove(old).await?;
        }
        Ok(BackupView { name, path: path.display().to_string(), bytes: copied.bytes, made_at: now })
    }

    async fn list(&self) -> Result<Vec<BackupView>, AdminError> {
        let dir = self.dir.clone();
        let listed = spawn_blocking(move || list(&dir)).await;
        listed
            .map_err(io::Error::other)
            .flatten()
            .map_err(|error| AdminError::Store(StorageError::unavailable("listing back-ups", error)))
    }

    async fn remove(&self, backup: &BackupView) -> Result<(), AdminError> {
        let path = self.dir.join(&backup.name);
        let removed = spawn_blocking(move || fs::remove_file(path)).await;
        removed
            .map_err(io::Error::other)
            .flatten()
            .map_err(|error| AdminError::Store(StorageError::unavailable("removing a back-up", error)))
    }
}

/// Only files that [`Folder::make`] names so; what else lies there is nobody's business.
fn list(dir: &Path) -> io::Result<Vec<BackupView>> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut backups = Vec::new();
    for entry in entries {
        let entry = entry?;
        let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
        if !name.starts_with(BEGINNING) || !name.ends_with(ENDING) {
            continue;
        }
        let about = entry.metadata()?;
        if !about.is_file() {
            continue;
        }
        let made = about.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        let made_at = Timestamp::from_micros(i64::try_from(made.as_micros()).unwrap_or(i64::MAX));
        let path = entry.path().display().to_string();
        backups.push(BackupView { name, path, bytes: about.len(), made_at });
    }
    // The names tell the moment.
    backups.sort_unstable_by(|one, other| other.name.cmp(&one.name));
    Ok(backups)
}

fn failed(what: &str, error: anyhow::Error) -> AdminError {
    AdminError::Store(StorageError::unavailable(what, io::Error::other(format!("{error:#}"))))
}

const BEGINNING: &str = "posthaste-";
const ENDING: &str = ".db";
