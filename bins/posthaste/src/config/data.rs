//! `[data]`

use std::{path::PathBuf, time::Duration};

use posthaste_core::Secret;

use super::{
    ConfigError,
    error::secret_from_file,
    section::{choice, section},
};

section! {
    /// Where everything is kept.
    "data" => Data {
        /// The data folder: the embedded store, the master key and the admin socket. Made with mode 0700 when it is not
        /// there.
        dir: PathBuf = "./data",
        /// What keeps records, limits and the books: `sqlite` in the data folder, `redis` for several relays at once, or
        /// `memory`, which forgets everything when the program ends.
        store: StoreKind = "sqlite",
        /// Where Redis stands, with `store = "redis"`. One server: `redis://user:password@host:6379/0`. A cluster:
        /// `redis-cluster://user:password@host:6379?node=host:6379`, with as many nodes as you like. A master that
        /// Sentinels name: `redis-sentinel://user:password@host:26379/0?sentinelServiceName=name&node=host:26379`, where
        /// hosts are Sentinels; `sentinelUsername` and `sentinelPassword` are theirs. `rediss://`, `rediss-cluster://` and
        /// `rediss-sentinel://` use TLS.
        redis_url: Option<Secret> = unset,
        /// A file that holds `redis_url`.
        redis_url_file: Option<PathBuf> = unset,
        /// What the name of every key in Redis begins with, before a colon: relays with another prefix keep other books
        /// on the same servers.
        redis_prefix: String = "posthaste",
        /// What a call to Redis may take that a request waits for. After five that took longer or failed, one after the
        /// other, Redis counts as away until it answers in time again: requests go on, and each limit does what its
        /// `on-loss` says.
        deadline: Duration = "50ms",
        /// Where back-ups lie that are made by `POST /admin/backups` or by `posthaste data backup` without a file's
        /// name; `backups` in the data folder when it is not set. A disk of its own is better.
        backups: Option<PathBuf> = unset,
        /// How many of those are kept; the oldest go when a new one is made.
        keep_backups: u32 = "10",
    }
}

choice! {
    /// What keeps records, limits and the books.
    StoreKind {
        Sqlite = "sqlite": "SQLite in the data folder.",
        Memory = "memory": "Memory, for trying things out: it forgets everything when the program ends.",
        Redis = "redis": "Redis, shared by several relays.",
    }
}

impl Data {
    pub(super) fn finish(&mut self, errors: &mut Vec<ConfigError>) {
        let url = self.redis_url.take();
        let before = errors.len();
        self.redis_url = secret_from_file("data.redis_url", url, self.redis_url_file.as_deref(), errors);
        if self.store == StoreKind::Redis && self.redis_url.is_none() && errors.len() == before {
            errors.push(ConfigError::new(
                "data.redis_url",
                None,
                "is needed with `store = \"redis\"`; set it, `redis_url_file` or POSTHASTE_DATA__REDIS_URL",
            ));
        }
        if self.keep_backups == 0 {
            errors.push(ConfigError::new("data.keep_backups", None, "is at least 1: the newest one is kept"));
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ':');
        if !self.redis_prefix.chars().all(plain) {
            errors.push(ConfigError::new(
                "data.redis_prefix",
                None,
                format!("`{}` is not a prefix: letters, digits, `_`, `-`, `.` and `:`", self.redis_prefix),
            ));
        }
    }
}
