//! The scripts, each one atomic step on keys of one slot.
//!
//! The server keeps them under their SHA-1 and forgets them when it restarts; [`Link::eval`](crate::link::Link::eval)
//! loads them again. Every key is passed in `KEYS`, and time only as an argument.

use std::{sync::LazyLock, time::Duration};

use fred::types::scripts::Script;

macro_rules! scripts {
    ($($(#[$doc:meta])* $name:ident = $($file:literal)+;)*) => {
        $($(#[$doc])* pub(crate) static $name: LazyLock<Script> =
            LazyLock::new(|| Script::from_lua(concat!($(include_str!(concat!("lua/", $file, ".lua")), "\n"),+)));)*
    };
}

scripts! {
    /// Writes a configuration record.
    CONFIG_PUT = "feed" "config_put";
    /// Removes a configuration record.
    CONFIG_DELETE = "feed" "config_delete";
    /// Looks a configuration record up.
    CONFIG_FIND = "config_find";
    /// Reads a page of configuration records.
    CONFIG_LIST = "config_list";
    /// Reads the change feed.
    CONFIG_CHANGES = "config_changes";
    /// Takes steps on the limits of one owner.
    LIMITS = "integer" "limits";
    /// Tells leases.
    LEASES = "leases";
    /// Notes rows in the index over all client keys.
    LEDGER_INDEX = "ledger_index";
    /// Books rows of one client key.
    LEDGER_BOOK = "integer" "ledger_book";
    /// Puts amounts of one client key's rows right.
    LEDGER_CORRECT = "integer" "ledger_correct";
    /// Tells whose rows are.
    LEDGER_CALLERS = "ledger_callers";
    /// Tells which rows of one client key are not there.
    LEDGER_MISSING = "ledger_missing";
    /// Forgets rows or roll-ups of one client key.
    LEDGER_FORGET = "ledger_forget";
    /// Puts sums in the place of a roll-up.
    LEDGER_CARRY = "ledger_carry";
    /// Keeps records of requests of one hour.
    REQUESTS_PUT = "requests_put";
    /// Reads one client key's records of an hour.
    REQUESTS_OF = "requests_of";
    /// Forgets records of an hour.
    REQUESTS_TRIM = "requests_trim";
    /// Tries whether scripts may run.
    PROBE = "probe";
    /// Takes a lock.
    LOCK_ACQUIRE = "lock_acquire";
    /// Gives a lock back.
    LOCK_RELEASE = "lock_release";
    /// Writes an entry of a journal.
    JOURNAL_APPEND = "journal_append";
    /// Forgets entries of a journal.
    JOURNAL_FORGET = "journal_forget";
    /// Notes errors of an account.
    ACCOUNT_ERRORS_NOTE = "account_errors_note";
    /// Tells of an account's health.
    FLEET_TELL = "fleet_tell";
    /// Reads the feed of news.
    FLEET_NEWS = "fleet_news";
    /// Reads what is known of some accounts' health.
    FLEET_HEALTH = "fleet_health";
    /// Asks for an account's trial.
    FLEET_TRIAL = "fleet_trial";
    /// Ends an account's trial.
    FLEET_END_TRIAL = "fleet_end_trial";
}

/// A time to live as the server takes it: whole milliseconds, at least one, and no more than it can add to its clock.
pub(crate) fn ttl_millis(ttl: Duration) -> i64 {
    i64::try_from(ttl.as_millis()).map_or(LONGEST_TTL_MS, |millis| millis.clamp(1, LONGEST_TTL_MS))
}

/// A hundred years.
const LONGEST_TTL_MS: i64 = 100 * 365 * 24 * 3_600_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_time_to_live_can_be_told_to_the_server() {
        assert_eq!(ttl_millis(Duration::ZERO), 1);
        assert_eq!(ttl_millis(Duration::from_micros(2_500)), 2);
        assert_eq!(ttl_millis(Duration::MAX), LONGEST_TTL_MS);
    }
}
