//! How to reach the server.

use std::time::Duration;

use fred::types::config::{Config, ServerConfig};
use posthaste_core::Secret;

use crate::error::CallError;

/// Where the server is and how long to wait for it. The URL may hold a password, so it is a [`Secret`].
#[derive(Clone, Debug)]
pub struct RedisOptions {
    /// One server: `redis://[user[:password]@]host[:port][/database]`.
    ///
    /// A cluster: `redis-cluster://[user[:password]@]host[:port][?node=host:port&…]`, with as many nodes as one likes:
    /// one that answers is enough to find the others.
    ///
    /// A master that Sentinels name:
    /// `redis-sentinel://[user[:password]@]host[:port][/database]?sentinelServiceName=name[&node=host:port…]`, where hosts
    /// are Sentinels, user and password are the master's, and `sentinelUsername` and `sentinelPassword` the Sentinels'.
    ///
    /// `rediss://`, `rediss-cluster://` and `rediss-sentinel://` use TLS and the system's certificates.
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
        let (scheme, rest) = url.split_once("://").unwrap_or_default();
        let Some((_, layout)) = SCHEMES.iter().find(|(known, _)| *known == scheme) else {
            let known: Vec<_> = SCHEMES.iter().map(|(known, _)| format!("{known}://")).collect();
            return Err(CallError::Options(format!("the URL begins with none of {}", known.join(", "))));
        };
        layout.check(rest).map_err(CallError::Options)?;
        let config = match layout {
            Layout::Single => Config::from_url_centralized(url),
            Layout::Cluster => Config::from_url_clustered(url),
            Layout::Sentinel => Config::from_url_sentinel(url),
        };
        config.map_err(|_| CallError::Options(format!("the URL is not {}", layout.form())))
    }
}

/// How the servers stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    Single,
    Cluster,
    Sentinel,
}

impl Layout {
    /// The layout that a client's settings were made for.
    pub(crate) fn of(config: &Config) -> Self {
        match config.server {
            ServerConfig::Clustered { .. } => Self::Cluster,
            ServerConfig::Sentinel { .. } => Self::Sentinel,
            _ => Self::Single,
        }
    }

    const fn form(self) -> &'static str {
        match self {
            Self::Single => "redis://user:password@host:port/database",
            Self::Cluster => "redis-cluster://user:password@host:port?node=host:port",
            Self::Sentinel => {
                "redis-sentinel://user:password@host:port/database?sentinelServiceName=name&node=host:port"
            }
        }
    }

    /// Refuses what the client would pass over in silence. `rest` is the URL behind its scheme.
    fn check(self, rest: &str) -> Result<(), String> {
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let known: &[&str] = match self {
            Self::Single => &[],
            Self::Cluster => &["node"],
            Self::Sentinel => &["node", "sentinelServiceName", "sentinelUsername", "sentinelPassword"],
        };
        let mut names = query.split('&').filter(|part| !part.is_empty()).map(|part| part.split('=').next());
        if !names.all(|name| name.is_some_and(|name| known.contains(&name))) {
            return Err(format!("behind its `?` the URL asks for what does not go with {}", self.form()));
        }
        let database = place
            .rsplit_once('@')
            .map_or(place, |(_, host)| host)
            .split_once('/')
            .map_or("", |(_, path)| path);
        if self == Self::Cluster && !matches!(database, "" | "0") {
            return Err("the URL names a database, but a cluster has only one: leave it out".into());
        }
        if self == Self::Sentinel && !query.contains("sentinelServiceName=") {
            return Err("the URL names no sentinelServiceName, as `sentinel monitor NAME …` has it".into());
        }
        Ok(())
    }
}

/// The prefix of keys when none is chosen.
pub const DEFAULT_PREFIX: &str = "posthaste";

const SCHEMES: [(&str, Layout); 6] = [
    ("redis", Layout::Single),
    ("rediss", Layout::Single),
    ("redis-cluster", Layout::Cluster),
    ("rediss-cluster", Layout::Cluster),
    ("redis-sentinel", Layout::Sentinel),
    ("rediss-sentinel", Layout::Sentinel),
];

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
        let sentinel = "rediss-sentinel://db.test?sentinelServiceName=main";
        for url in ["rediss://db.test", "rediss-cluster://db.test", sentinel] {
            assert!(RedisOptions::new(url).client_config().unwrap().tls.is_some(), "{url}");
        }
    }

    #[test]
    fn a_cluster_and_sentinels_are_told_by_the_scheme() {
        let config = |url: &str| RedisOptions::new(url).client_config().unwrap();
        let cluster = config("redis-cluster://relay:dummy@a.test:7000?node=b.test:7001&node=c.test:7002");
        assert_eq!(cluster.server.hosts().len(), 3);
        assert_eq!(Layout::of(&cluster), Layout::Cluster);
        let url = "redis-sentinel://relay:dummy@a.test/2?sentinelServiceName=main&sentinelPassword=other&node=b.test:26380";
        let sentinel = config(url);
        let ServerConfig::Sentinel { hosts, service_name, password, .. } = &sentinel.server else { panic!() };
        assert_eq!((hosts.len(), service_name.as_str(), password.as_deref()), (2, "main", Some("other")));
        assert_eq!((sentinel.database, sentinel.password.as_deref()), (Some(2), Some("dummy")));
    }

    #[test]
    fn what_would_be_passed_over_is_refused() {
        let wrong = [
            ("redis://a.test?node=b.test:7001", "behind its `?`"),
            ("redis-cluster://a.test/3", "only one"),
            ("redis-cluster://a.test?sentinelServiceName=main", "behind its `?`"),
            ("redis-sentinel://a.test", "sentinelServiceName"),
            ("redis-sentinel://a.test?servicename=main", "behind its `?`"),
            ("redis-sentinels://a.test", "none of redis://"),
        ];
        for (url, why) in wrong {
            assert!(
                refused(&RedisOptions::new(url)).contains(why),
                "{url}: {}",
                refused(&RedisOptions::new(url))
            );
        }
    }

    #[test]
    fn what_is_wrong_is_told_without_the_url() {
        for url in [
            "http://canary@host",
            "redis://:canary@",
            "redis://:canary@host/canary",
            "canary",
            "redis://h?canary",
        ] {
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
