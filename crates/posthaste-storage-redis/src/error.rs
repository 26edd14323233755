//! What can go wrong in a call, told without anything that was sent.

use fred::error::{Error, ErrorKind};
use posthaste_storage::StorageError;

/// Why a call gave no answer. Never holds a password or an argument of a command: a server's own message may quote
/// either, so only its leading code is kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CallError {
    /// No answer came in time. Whether the command ran is unknown.
    #[error("no answer in time")]
    TimedOut,
    /// The connection could not be made or was lost. Whether the command ran is unknown.
    #[error("the connection failed: {0}")]
    Connection(String),
    /// The server answered that it would not.
    #[error("the server refused: {0}{advice}", advice = advice(.0))]
    Refused(String),
    /// The answer has another shape than expected.
    #[error("the answer cannot be read: {0}")]
    Unreadable(String),
    /// The stores were closed.
    #[error("the stores were closed")]
    Closed,
    /// The options cannot work.
    #[error("{0}")]
    Options(String),
}

impl CallError {
    /// Says what was being done.
    pub(crate) fn during(self, what: &str) -> StorageError {
        match self {
            Self::Unreadable(_) => StorageError::corrupt(what, self),
            _ => StorageError::unavailable(what, self),
        }
    }

    /// Whether the server is a replica by now, so that every write will be refused until another one is asked.
    pub(crate) fn blames_server(&self) -> bool {
        matches!(self, Self::Refused(why) if why.contains("READONLY"))
    }

    /// Whether another connection might fare better.
    pub(crate) fn blames_connection(&self) -> bool {
        matches!(self, Self::TimedOut | Self::Connection(_))
    }
}

impl From<Error> for CallError {
    fn from(error: Error) -> Self {
        match error.kind() {
            ErrorKind::Timeout => Self::TimedOut,
            // These come from the operating system, the TLS library or the client itself, before anything was sent.
            ErrorKind::IO | ErrorKind::Tls | ErrorKind::Canceled | ErrorKind::Routing => {
                Self::Connection(plain(error.details()))
            }
            // The client's own words where it found no master or no whole cluster, the server's where that refused.
            ErrorKind::Sentinel | ErrorKind::Cluster if !starts_with_code(error.details()) => {
                Self::Connection(plain(error.details()))
            }
            ErrorKind::Protocol if error.details() == NOT_WHOLE => {
                Self::Connection("the cluster does not say `cluster_state:ok`".into())
            }
            ErrorKind::Unknown if error.details() == GIVEN_UP => Self::Connection("lost".into()),
            ErrorKind::Parse | ErrorKind::Protocol | ErrorKind::NotFound => {
                Self::Unreadable(error.kind().to_str().to_owned())
            }
            _ => Self::refused(&error),
        }
    }
}

impl CallError {
    fn refused(error: &Error) -> Self {
        let details = error.details();
        // A failure inside one of our scripts quotes the script's line, never its arguments.
        if details.contains("user_script") {
            return Self::Refused(details.to_owned());
        }
        let code = details.split_whitespace().next().filter(|word| is_code(word));
        Self::Refused(code.unwrap_or(error.kind().to_str()).to_owned())
    }
}

/// What an operator can do about a refusal, behind it.
fn advice(refusal: &str) -> &'static str {
    let known = REFUSALS.iter().find(|(code, _)| refusal.contains(code));
    known.map_or("", |(_, advice)| *advice)
}

/// The code of a refusal that may come at any time, and what to do.
const REFUSALS: [(&str, &str); 6] = [
    ("OOM", " (its memory is used up: raise `maxmemory`, or make room; `maxmemory-policy` stays noeviction)"),
    ("READONLY", " (it is a replica: let `data.redis_url` name the master, or the Sentinels that know it)"),
    ("NOPERM", " (its user may not do this: `ACL SETUSER` as docs/OPERATIONS.md has it under Redis)"),
    ("MISCONF", " (it cannot save to its disk: see its log, and `stop-writes-on-bgsave-error`)"),
    ("NOAUTH", " (it wants a password: put the right one into `data.redis_url`)"),
    ("WRONGPASS", " (it has another password by now: put the right one into `data.redis_url`)"),
];

/// The client gives a system's error in Rust's own notation, `Os { code: 111, kind: …, message: "Connection refused" }`;
/// this is its message alone.
fn plain(details: &str) -> String {
    let quoted = |key: &str| details.split_once(key)?.1.split_once('"').map(|(message, _)| message);
    match quoted("message: \"").or_else(|| quoted("error: \"")) {
        Some(message) => message.to_lowercase(),
        None => details.to_owned(),
    }
}

fn starts_with_code(details: &str) -> bool {
    details.split_whitespace().next().is_some_and(is_code)
}

/// What the client says where a node answers otherwise than `cluster_state:ok`.
const NOT_WHOLE: &str = "Invalid or missing cluster state.";

/// What the client says of a command that it may not send again.
const GIVEN_UP: &str = "Too many failed write attempts.";

/// `WRONGPASS`, `READONLY`, `OOM` and their like.
fn is_code(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: ErrorKind, details: &'static str) -> CallError {
        CallError::from(Error::new(kind, details))
    }

    #[test]
    fn a_refusal_keeps_only_the_code() {
        let error = read(ErrorKind::Unknown, "ERR unknown command 'X', with args beginning with: 'canary'");
        assert_eq!(error, CallError::Refused("ERR".into()));
        assert_eq!(read(ErrorKind::Auth, "WRONGPASS invalid pair"), CallError::Refused("WRONGPASS".into()));
        assert_eq!(read(ErrorKind::Unknown, "canary first"), CallError::Refused("Unknown Error".into()));
    }

    #[test]
    fn a_refusal_names_the_setting_to_change() {
        let full = "OOM command not allowed when used memory > 'maxmemory'. script: abc, on @user_script:3.";
        for (details, setting) in [
            ("OOM command not allowed", "`maxmemory`"),
            (full, "`maxmemory`"),
            ("READONLY You can't write", "`data.redis_url`"),
            ("NOPERM this user has no permissions", "`ACL SETUSER`"),
        ] {
            let told = read(ErrorKind::Unknown, details).to_string();
            assert!(told.contains(setting), "{details}: {told}");
        }
        assert_eq!(CallError::Refused("ERR".into()).to_string(), "the server refused: ERR");
    }

    #[test]
    fn a_system_s_error_is_told_in_words() {
        let refused = std::io::Error::from_raw_os_error(111);
        let error = CallError::from(Error::from(refused));
        assert_eq!(error.to_string(), "the connection failed: connection refused");
        let cut = std::io::Error::other("the peer went away");
        assert_eq!(CallError::from(Error::from(cut)), CallError::Connection("the peer went away".into()));
        assert_eq!(read(ErrorKind::IO, "plain words"), CallError::Connection("plain words".into()));
    }

    #[test]
    fn a_set_without_a_master_and_a_broken_cluster_are_outages() {
        let unreachable = read(ErrorKind::Sentinel, "Failed to connect to all sentinel nodes.");
        assert!(unreachable.blames_connection(), "{unreachable:?}");
        assert!(read(ErrorKind::Protocol, NOT_WHOLE).blames_connection());
        assert!(read(ErrorKind::Unknown, GIVEN_UP).blames_connection());
        let down = read(ErrorKind::Cluster, "CLUSTERDOWN Hash slot not served");
        assert_eq!(down, CallError::Refused("CLUSTERDOWN".into()));
    }

    #[test]
    fn a_replica_s_refusal_is_known_within_scripts_too() {
        let seven = "READONLY You can't write against a read only replica. script: abc, on @user_script:3.";
        let six = "ERR Error running script (call to f_abc): @user_script:3: @user_script: 3: -READONLY You can't write";
        for details in ["READONLY You can't write", seven, six] {
            assert!(read(ErrorKind::Unknown, details).blames_server(), "{details}");
        }
        assert!(!read(ErrorKind::Unknown, "OOM command not allowed").blames_server());
    }

    #[test]
    fn a_damaged_answer_is_no_outage() {
        let error = read(ErrorKind::Parse, "Cannot parse").during("reading a record");
        assert!(matches!(error, StorageError::Corrupt { .. }), "{error:?}");
        let error = read(ErrorKind::Timeout, "Request timed out.").during("reading a record");
        assert!(matches!(error, StorageError::Unavailable { .. }), "{error:?}");
    }
}
