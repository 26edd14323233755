//! What is checked before the stores are used. Each refusal names the setting to change.

use bytes::Bytes;
use fred::error::{Error, ErrorKind};
use posthaste_storage::StorageError;

use crate::{
    RedisOptions,
    error::CallError,
    keys::Keys,
    ledger,
    link::{Link, Repeat},
    options::Layout,
    reply, script,
};

/// Asks the servers who they are, and tries a script on the relay's own keys. Answers what should be changed, yet keeps
/// nobody from starting.
pub(crate) async fn check(
    link: &Link,
    options: &RedisOptions,
    keys: &Keys,
) -> Result<Vec<String>, StorageError> {
    let doing = "checking the Redis server";
    let mut advice = Vec::new();
    match link.infos().await {
        Ok(infos) => {
            for info in infos {
                let found = Info::read(&info).check(link.layout());
                let found = found.map_err(|refusal| CallError::Options(refusal).during(doing))?;
                advice.extend(found.filter(|text| !advice.contains(text)));
            }
        }
        Err(CallError::Refused(why)) if why.starts_with("NOPERM") => advice.push(format!(
            "the user may not ask for INFO, so that version and maxmemory-policy are not checked; set {}",
            permissions(options)
        )),
        Err(error) => return Err(error.during(doing)),
    }
    let probe = link.eval(doing, &script::PROBE, Repeat::Harmless, vec![keys.revision()], Vec::new()).await;
    probe.map_err(|error| match &error {
        StorageError::Unavailable { source, .. } if source.to_string().contains("NOPERM") => {
            let advice = format!(
                "the user may not run scripts on keys of the relay (NOPERM); set {}",
                permissions(options)
            );
            CallError::Options(advice).during(doing)
        }
        _ => error,
    })?;
    let first = vec![keys.ledger_index().into(), "0".into(), "0".into()];
    let first = reply::each(link.command(doing, "ZRANGE", first).await?, reply::bytes);
    let readable = |first: Vec<Bytes>| first.iter().all(|name| ledger::is_indexed(name));
    if first.map(readable).map_err(|error| error.during(doing))? {
        return Ok(advice);
    }
    Err(CallError::Options(EARLIER_FORM.to_owned()).during(doing))
}

/// Names of rows were texts before the first release.
const EARLIER_FORM: &str = "the books on the server have the form of a build before the first release, which this one does not \
                            read: let that build move them with `posthaste data move`, or choose another `data.redis_prefix`";

/// Why signing in failed.
pub(crate) fn refused(layout: Layout, error: Error) -> CallError {
    if *error.kind() == ErrorKind::Timeout {
        return CallError::TimedOut;
    }
    let details = error.details();
    let advice =
        REFUSALS.iter().find(|(told, of, _)| details.contains(told) && of.is_none_or(|of| of == layout));
    match advice {
        Some((_, _, advice)) => CallError::Options((*advice).to_owned()),
        None => error.into(),
    }
}

/// What an answer contains, the layout that was asked for, and what to do.
const REFUSALS: [(&str, Option<Layout>, &str); 7] = [
    (
        "WRONGPASS",
        None,
        "the server refuses user and password (WRONGPASS): correct them in the URL, USER:PASSWORD@HOST, or on the server \
         with `ACL SETUSER USER on >PASSWORD`, or `requirepass` where the URL names no user",
    ),
    (
        "NOAUTH",
        None,
        "the server wants a password (NOAUTH): put it into the URL, USER:PASSWORD@HOST or :PASSWORD@HOST",
    ),
    (
        "DB index is out of range",
        None,
        "the server has no database of that number: change it at the end of the URL, or raise `databases` in redis.conf",
    ),
    (
        "cluster support disabled",
        None,
        "the server is no cluster: begin the URL with redis:// (rediss:// for TLS)",
    ),
    (
        "SELECT is not allowed in cluster mode",
        None,
        "the server is a node of a cluster: begin the URL with redis-cluster:// (rediss-cluster:// for TLS) and name no \
         database",
    ),
    (
        "Missing primary address",
        Some(Layout::Sentinel),
        "the Sentinels know no master of that name: set sentinelServiceName in the URL to the NAME of `sentinel monitor \
         NAME …`",
    ),
    (
        "unknown command",
        Some(Layout::Sentinel),
        "the server is no Sentinel: name Sentinels in the URL (their port is 26379 unless set), or begin it with redis://",
    ),
];

/// The command that lets a user do what the relay does.
fn permissions(options: &RedisOptions) -> String {
    let config = options.client_config().ok();
    let user = config.and_then(|config| config.username).unwrap_or_else(|| "default".to_owned());
    format!("`ACL SETUSER {user} ~{}:* {COMMANDS}`", options.prefix)
}

/// What the relay and its client send. `role` is asked behind Sentinels, `cluster` in a cluster.
const COMMANDS: &str = "+@read +@write +@connection +eval +evalsha +info +role +cluster";

/// What `INFO` tells: <https://redis.io/docs/latest/commands/info/>.
struct Info<'a> {
    version: &'a str,
    mode: &'a str,
    role: &'a str,
    policy: &'a str,
}

impl<'a> Info<'a> {
    fn read(info: &'a str) -> Self {
        let field = |name: &str| {
            let lines = info.lines().filter_map(|line| line.split_once(':'));
            lines.into_iter().find(|(field, _)| *field == name).map_or("", |(_, value)| value.trim())
        };
        Self {
            version: field("redis_version"),
            mode: field("redis_mode"),
            role: field("role"),
            policy: field("maxmemory_policy"),
        }
    }

    fn check(&self, layout: Layout) -> Result<Option<String>, String> {
        if self.is_old() {
            return Err(format!("Redis {} is too old: install 6.2 or later, or Valkey", self.version));
        }
        match (layout, self.mode, self.role) {
            (Layout::Single, "cluster", _) => Err("the server is a node of a cluster: begin the URL with \
                redis-cluster:// (rediss-cluster:// for TLS)"
                .to_owned()),
            (Layout::Single, "sentinel", _) => {
                Err("the server is a Sentinel: begin the URL with redis-sentinel:// \
                (rediss-sentinel:// for TLS) and end it with ?sentinelServiceName=NAME"
                    .to_owned())
            }
            (Layout::Single, _, "slave") => {
                Err("the server is a replica, which refuses writes: name its master in \
                the URL, or Sentinels with redis-sentinel://"
                    .to_owned())
            }
            _ => Ok(self.eviction()),
        }
    }

    /// A version that cannot be read is taken for a new one.
    fn is_old(&self) -> bool {
        let mut numbers = self.version.split('.').map(str::parse::<u32>);
        match (numbers.next(), numbers.next()) {
            (Some(Ok(major)), Some(Ok(minor))) => (major, minor) < OLDEST,
            _ => false,
        }
    }

    fn eviction(&self) -> Option<String> {
        (!matches!(self.policy, "" | "noeviction")).then(|| {
            format!(
                "maxmemory-policy is {}: a full server would throw away limits and records; set `maxmemory-policy \
                 noeviction` in redis.conf, or at once with `CONFIG SET maxmemory-policy noeviction`",
                self.policy
            )
        })
    }
}

const OLDEST: (u32, u32) = (6, 2);

#[cfg(test)]
mod tests {
    use super::*;

    fn check(layout: Layout, info: &str) -> Result<Option<String>, String> {
        Info::read(info).check(layout)
    }

    #[test]
    fn versions_before_6_2_are_too_old() {
        for (version, old) in
            [("5.0.14", true), ("6.0.16", true), ("6.2.0", false), ("10.0", false), ("?", false)]
        {
            let info = format!("# Server\r\nredis_version:{version}\r\nredis_mode:standalone\r\n");
            assert_eq!(check(Layout::Single, &info).is_err(), old, "{version}");
        }
    }

    #[test]
    fn a_cluster_may_evict_no_more_than_a_server() {
        let info = "redis_mode:cluster\r\nrole:master\r\nmaxmemory_policy:volatile-lru\r\n";
        assert!(check(Layout::Cluster, info).unwrap().unwrap().contains("is volatile-lru"));
        assert_eq!(check(Layout::Cluster, "maxmemory_policy:noeviction"), Ok(None));
    }
}
