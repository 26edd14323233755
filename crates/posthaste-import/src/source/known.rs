//! Keys of the predecessor that are counted, not read: there is nothing here yet that could take them, or nothing to take.

use std::collections::BTreeMap;

/// Counts something under what it is called for the operator.
pub(super) fn count(others: &mut BTreeMap<&'static str, u64>, what: &'static str, more: u64) {
    if more > 0 {
        *others.entry(what).or_default() += more;
    }
}

pub(super) const ADMINS: &str = "administrators' log-ins";
pub(super) const GLOBAL_USAGE: &str =
    "statistics over all keys and by account: the sums of the keys' own take their place";

/// What a key of Redis is, by what it begins with. What stands here and is told as "" is derived or passes by itself.
pub(super) fn kind(key: &str) -> Option<&'static str> {
    KNOWN.iter().find(|(prefix, _)| key.starts_with(prefix)).map(|(_, what)| *what)
}

const KNOWN: &[(&str, &str)] = &[
    ("session:admin_credentials", ADMINS),
    ("session:", ""),
    ("claude_account:", "accounts that the old import script left where CRS itself does not look"),
    ("quota_card:", "quota cards"),
    ("redemption:", "redemptions of quota cards"),
    ("webhook_config:", "notification channels (webhook settings)"),
    ("oem:settings", "branding"),
    ("system:quota_card_limits", "limits of quota cards"),
    ("account_balance_script:", "balance scripts"),
    ("account:test_config:", "scheduled tests of accounts"),
    ("billing:events", "the stream of billing events"),
    ("request_detail:item:", "request details"),
    ("usage:records:", "lists of the last requests of keys"),
    ("account_usage:", GLOBAL_USAGE),
    ("usage:global:", GLOBAL_USAGE),
    ("usage:model:", GLOBAL_USAGE),
    ("username:", ""),
    ("user_session:", ""),
    ("usage:", ""),
];
