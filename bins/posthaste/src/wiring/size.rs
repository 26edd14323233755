//! How much the store takes up.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use posthaste_storage_redis::RedisStores;

use super::{Backend, Opened, sqlite_file};
use crate::Config;

/// Tells how much a store takes up, for as long as it is open.
#[derive(Clone)]
pub enum StoreSize {
    /// What it takes up is the process's own memory.
    Within,
    /// That of a file, with those that lie beside it while it is used.
    Files(PathBuf),
    /// The memory of the servers that keep it, whatever else they keep.
    Servers(Arc<RedisStores>),
}

impl StoreSize {
    /// That of an opened store.
    pub fn of(config: &Config, opened: &Opened) -> Self {
        match &opened.backend {
            Backend::Memory => Self::Within,
            Backend::Sqlite(_) => Self::Files(sqlite_file(config)),
            Backend::Redis(stores) => Self::Servers(Arc::clone(stores)),
        }
    }

    /// In bytes, as far as it can be told now.
    pub async fn bytes(&self) -> Option<u64> {
        match self {
            Self::Within => None,
            Self::Files(path) => files(path),
            Self::Servers(stores) => stores.used_memory().await.ok(),
        }
    }
}

/// The store's file, its write-ahead log and the index of that; the latter two are there while it is used.
fn files(path: &Path) -> Option<u64> {
    let beside = |ending: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        fs::metadata(name).map_or(0, |file| file.len())
    };
    let own = fs::metadata(path).ok()?.len();
    Some(own + beside("-wal") + beside("-shm"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_beside_the_file_counts_and_need_not_be_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("posthaste.db");
        assert_eq!(files(&path), None);
        fs::write(&path, [0; 100]).unwrap();
        assert_eq!(files(&path), Some(100));
        fs::write(folder.path().join("posthaste.db-wal"), [0; 20]).unwrap();
        fs::write(folder.path().join("posthaste.db-shm"), [0; 3]).unwrap();
        fs::write(folder.path().join("posthaste.db.old"), [0; 7]).unwrap();
        assert_eq!(files(&path), Some(123));
    }
}
