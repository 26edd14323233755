//! How to reach the server.

use std::time::Duration;

use fred::types::config::Config;
use posthaste_core::Secret;

use crate::error::CallError;

/// Where the server is and how long to wait for it. The URL may hold a password, so it is a [`Secret`].
#[derive(Clone, Debug)]
pub struct RedisOptions {
    /// `redis://[user[:password]@]host[:port][/database]`, or `rediss://…` for TLS against the system's certificates.
    pub url: Secret,
    /// What every key begins with, so that several relays can share a server. Without braces.
    pub prefix: String,
    /// How long a connection may take, TLS and sign-in included.
    pub connect_timeout: Duration,
    /// How long a call may take, waiting for a lost connection included.
    pub command_timeout: Duration,
}

impl RedisOptions {
    /// The server at `url` with the default prefix and waits.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: Secret::new(url),
            prefix: DEFAULT_PREFIX.to_owned(),
            connect_timeout: Duration::from_secs(2),
            command_timeout: Duration::from_millis(1_500),
        }
    }

    /// Checks the options and reads the URL. What is wrong is told without showing the URL.
    pub(crate) fn client_config(&self) -> Result<Config, CallError> {
        if self.prefix.is_empty() || self.prefix.contains(['{', '}']) {
            return Err(CallError::Options("the key prefix is empty or holds a brace".into()));
        }
        if self.connect_timeout.is_zero() || self.command_timeout.is_zero() {
            return Err(CallError::Options("a time-out is zero".into()));
        }
        let url = self.url.expose();
        if !SCHEMES.iter().any(|scheme| url.starts_with(scheme)) {
            return Err(CallError::Options("the URL does not begin with redis:// or rediss://".into()));
        }
        Config::from_url_centralized(url)
            .map_err(|_| CallError::Options("the URL is not redis://user:password@host:port/database".into()))
    }
}

/// The prefix of keys when none is chosen.
pub const DEFAULT_PREFIX: &str = "posthaste";

const SCHEMES: [&str; 2] = ["redis://", "rediss://"];

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(options: &RedisOptions) -> String {
        options.client_config().unwrap_err().to_string()
    }

    #[test]
    fn a_url_gives_user_password_and_database() {
        let config = RedisOptions::new("redis://relay:p%40ss-dummy@db.test:6380/3").client_config().unwrap();
        assert_eq!(config.username.as_deref(), Some("relay"));
        assert_eq!(config.password.as_deref(), Some("p@ss-dummy"));
        assert_eq!(config.database, Some(3));
        assert!(config.tls.is_none());
    }

    #[test]
    fn a_rediss_url_asks_for_tls() {
        assert!(RedisOptions::new("rediss://db.test").client_config().unwrap().tls.is_some());
    }

    #[test]
    fn what_is_wrong_is_told_without_the_url() {
        for url in ["http://canary@host", "redis://:canary@", "redis://:canary@host/canary", "canary"] {
            let options = RedisOptions::new(url);
            assert!(!refused(&options).contains("canary"), "{}", refused(&options));
            assert!(!format!("{options:?}").contains("canary"));
        }
    }

    #[test]
    fn a_prefix_cannot_break_the_hash_tags() {
        let options = RedisOptions { prefix: "a{b}".into(), ..RedisOptions::new("redis://localhost") };
        assert!(refused(&options).contains("brace"));
    }
}
