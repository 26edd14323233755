//! Keys of the predecessor that are counted, not read: there is nothing here yet that could take them, or nothing to take.

use std::collections::BTreeMap;

/// Counts something under what it is called for the operator.
pub(super) fn count(others: &mut BTreeMap<&'static str, u64>, what: &'static str, more: u64) {
    if more > 0 {
        *others.entry(what).or_default() += more;
    }
}

pub(super) const GLOBAL_USAGE: &str =
    "statistics over all keys and by account: the sums of the keys' own take their place";

/// What a key of Redis is, by what it begins with. What stands here and is told as "" is derived or passes by itself.
pub(super) fn kind(key: &str) -> Option<&'static str> {
    KNOWN.iter().find(|(prefix, _)| key.starts_with(prefix)).map(|(_, what)| *what)
}

const KNOWN: &[(&str, &str)] = &[
    ("session:", ""),
    ("claude_account:", "accounts that the old import script left where CRS itself does not look"),
    ("quota_card:", "quota cards: there are none here, raise a key's own limit"),
    ("redemption:", "redemptions of quota cards: what they gave is in the keys' limits and ends already"),
    ("webhook_config:", "webhook settings under another name than CRS reads"),
    ("oem:settings", "branding: the relay has no pages to put it on"),
    ("system:quota_card_limits", "limits of quota cards: there are no cards here"),
    ("account_balance_script:", "balance scripts: programs out of the store are not run here"),
    ("account:test_config:", "scheduled tests of accounts: an account's health is seen from its requests"),
    ("billing:events", "the stream of billing events: the books are asked with `stats` instead"),
    ("request_detail:item:", "request details"),
    ("usage:records:", "lists of the last requests of keys"),
    ("account_usage:", GLOBAL_USAGE),
    ("usage:global:", GLOBAL_USAGE),
    ("usage:model:", GLOBAL_USAGE),
    ("username:", ""),
    ("user_session:", ""),
    ("usage:", ""),
];
