//! A store beside the one that the configuration names.

use std::path::PathBuf;

use anyhow::{Context, bail};
use posthaste_core::Secret;
use posthaste_storage::{StorageError, Stores};
use posthaste_storage_redis::{RedisOptions, RedisStores};
use posthaste_storage_sqlite::SqliteStores;

use super::{StoreKind, sqlite_file};
use crate::Config;

/// Where another store is.
pub enum Target {
    /// A file.
    Sqlite(PathBuf),
    /// A server.
    Redis(Secret),
}

/// Another store, opened.
pub enum Other {
    /// A file.
    Sqlite(SqliteStores),
    /// A server.
    Redis(RedisStores),
}

impl Target {
    /// Reads `sqlite:FILE`, a URL of Redis, or `redis` for the configured one.
    ///
    /// # Errors
    /// When it is none of them, or the store that the configuration names.
    pub fn parse(text: &str, config: &Config) -> anyhow::Result<Self> {
        let here = config.data.store;
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = PathBuf::from(path);
            if here == StoreKind::Sqlite && same_file(&path, &sqlite_file(config)) {
                bail!("--to names the store that is moved");
            }
            return Ok(Self::Sqlite(path));
        }
        if here == StoreKind::Redis {
            bail!("--to: what is in Redis can be moved to `sqlite:FILE`");
        }
        match text {
            "redis" => {
                let url = config.data.redis_url.clone();
                url.map(Self::Redis).context("--to redis: data.redis_url is not set")
            }
            url if url.starts_with("redis://") || url.starts_with("rediss://") => {
                Ok(Self::Redis(Secret::new(url.to_owned())))
            }
            _ => bail!("--to is neither `redis://…`, `rediss://…`, `redis` nor `sqlite:FILE`"),
        }
    }

    /// Opens it; a file is made when it is not there.
    ///
    /// # Errors
    /// When it cannot be used.
    pub async fn open(&self) -> anyhow::Result<Other> {
        Ok(match self {
            Self::Sqlite(path) => Other::Sqlite(SqliteStores::open(path)?),
            Self::Redis(url) => Other::Redis(RedisStores::connect(RedisOptions::new(url.expose())).await?),
        })
    }

    /// What it is called, without a password.
    pub fn name(&self) -> String {
        match self {
            Self::Sqlite(path) => path.display().to_string(),
            Self::Redis(_) => "redis".to_owned(),
        }
    }

    /// What to do to use it from now on.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => {
                "put the file as posthaste.db into the data folder and set data.store = \"sqlite\""
            }
            Self::Redis(_) => "set data.store = \"redis\" and data.redis_url",
        }
    }
}

impl Other {
    /// Its ports.
    pub fn stores(&self) -> Stores {
        match self {
            Self::Sqlite(stores) => stores.stores(),
            Self::Redis(stores) => stores.stores(),
        }
    }

    /// Closes it.
    ///
    /// # Errors
    /// When it could not be closed in good order.
    pub async fn close(&self) -> Result<(), StorageError> {
        match self {
            Self::Sqlite(stores) => stores.close().await,
            Self::Redis(stores) => {
                stores.close().await;
                Ok(())
            }
        }
    }
}

fn same_file(one: &std::path::Path, other: &std::path::Path) -> bool {
    one == other || one.canonicalize().is_ok_and(|one| other.canonicalize().is_ok_and(|other| one == other))
}
