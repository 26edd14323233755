//! The embedded store as a file: back-ups, and what comes back from them.

use std::{
    ffi::OsString,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, bail, ensure};
use posthaste_core::SystemClock;
use posthaste_storage_sqlite::{Copied, SqliteStores, UNFINISHED, backup_file, examine_file};
use posthaste_vault::{MasterKey, Vault};
use tempfile::TempDir;

use super::{Backend, Opened, StoreKind, folder, given_master_key, master_key_path, sqlite_file};
use crate::Config;

/// The file that the embedded store is kept in, whether or not it is there.
///
/// # Errors
/// When the configuration names another store.
pub fn embedded(config: &Config) -> anyhow::Result<PathBuf> {
    match config.data.store {
        StoreKind::Sqlite => Ok(sqlite_file(config)),
        StoreKind::Redis => {
            bail!("back-ups are made of the embedded store; Redis has its own (RDB and AOF files)")
        }
        StoreKind::Memory => bail!("the memory store keeps nothing that could be backed up"),
    }
}

/// The master key, which must be there.
///
/// # Errors
/// When it is not, or cannot be read.
pub fn master_key(config: &Config) -> anyhow::Result<MasterKey> {
    given_master_key(config)?.with_context(|| {
        format!(
            "there is no master key at {}: put the one there that the store was made with (mode 0600), or set \
             POSTHASTE_VAULT__MASTER_KEY",
            master_key_path(config).display()
        )
    })
}

/// Copies the embedded store into a new file while it is used.
///
/// # Errors
/// When `to` exists or cannot be written, or the store is damaged.
pub async fn backup(from: &Path, to: &Path) -> anyhow::Result<Copied> {
    Ok(backup_file(from, to).await?)
}

/// A copy of a store's file in a folder of its own, which goes with it.
pub struct Copy {
    /// What is known of it.
    pub copied: Copied,
    path: PathBuf,
    _folder: TempDir,
}

impl Copy {
    /// Copies a file beside the embedded store, or where temporary files lie while there is no data folder.
    ///
    /// # Errors
    /// When it is no store of ours, a newer release's, or cannot be read.
    pub async fn of(file: &Path, config: &Config) -> anyhow::Result<Self> {
        let dir = &config.data.dir;
        let folder = match dir.is_dir() {
            true => tempfile::Builder::new().prefix(UNFINISHED).tempdir_in(dir),
            false => tempfile::Builder::new().prefix(UNFINISHED).tempdir(),
        };
        let folder = folder.context("there is no room for a copy")?;
        let path = folder.path().join("posthaste.db");
        let copied = examine_file(file, &path).await?;
        Ok(Self { copied, path, _folder: folder })
    }

    /// Opens the copy, which brings its tables up to date.
    ///
    /// # Errors
    /// When the master key does not fit, or the copy cannot be used.
    pub async fn open(&self, master: &MasterKey) -> anyhow::Result<Opened> {
        let sqlite = SqliteStores::open(&self.path)?;
        let stores = sqlite.stores();
        let vault =
            Vault::open(master, Arc::clone(&stores.config)).await.context("the vault does not open")?;
        Ok(Opened {
            stores,
            store_name: "a copy".to_owned(),
            vault: Arc::new(vault),
            made: Vec::new(),
            notices: Vec::new(),
            clock: Arc::new(SystemClock),
            steady: None,
            backend: Backend::Sqlite(Arc::new(sqlite)),
        })
    }

    /// Puts the closed copy in the embedded store's place; what was there gets a name with `mark` and is told. At no moment
    /// is there no store. No relay may run on it.
    ///
    /// # Errors
    /// When files cannot be moved.
    pub async fn replace(self, target: &Path, mark: &str) -> anyhow::Result<Option<PathBuf>> {
        File::open(&self.path)?.sync_all()?;
        let replaced = beside(target, &format!(".replaced-{mark}"));
        let was_there = target.try_exists()?;
        if was_there {
            ensure!(!replaced.try_exists()?, "{} is in the way", replaced.display());
            // Empties its log into it. A damaged one cannot be opened, and then its log goes with it.
            if let Ok(former) = SqliteStores::open(target) {
                former.close().await?;
            }
            keep_as(target, &replaced).context("the replaced store cannot be kept")?;
        }
        for part in ["-wal", "-shm"] {
            match fs::rename(beside(target, part), beside(&replaced, part)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        fs::rename(&self.path, target).context("the restored store cannot be put in its place")?;
        File::open(target.parent().context("the store has a folder")?)?.sync_all()?;
        Ok(was_there.then_some(replaced))
    }
}

/// Makes the data folder when it is not there yet.
///
/// # Errors
/// When it cannot be made.
pub fn make_folder(config: &Config) -> anyhow::Result<()> {
    folder::make(&config.data.dir, &mut Vec::new())
}

/// Gives a file a second name, or another one where there are no second names.
fn keep_as(file: &Path, name: &Path) -> io::Result<()> {
    fs::hard_link(file, name).or_else(|_| fs::rename(file, name))
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    PathBuf::from(name)
}
