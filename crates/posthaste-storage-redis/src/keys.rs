//! The names of all keys. What shares a hash tag lies in one slot of a cluster and may meet in one script.

use std::sync::Arc;

use posthaste_core::{AccountId, ClientKeyId, RequestId, Timestamp, UserId};
use posthaste_storage::{AffinityKey, Counter, CounterWindow, Half, RecordKind, RollupPeriod};
use uuid::Uuid;

/// Makes names under one prefix.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    prefix: Arc<str>,
}

impl Keys {
    pub(crate) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.into() }
    }

    pub(crate) fn revision(&self) -> String {
        self.config("revision")
    }

    pub(crate) fn changes(&self) -> String {
        self.config("changes")
    }

    pub(crate) fn records(&self, kind: RecordKind) -> String {
        self.config(&format!("{kind}:records"))
    }

    pub(crate) fn lookups(&self, kind: RecordKind) -> String {
        self.config(&format!("{kind}:lookups"))
    }

    pub(crate) fn ids(&self, kind: RecordKind) -> String {
        self.config(&format!("{kind}:ids"))
    }

    pub(crate) fn leases(&self, half: Half, owner: Uuid) -> String {
        self.tagged(half.as_str(), owner, "leases")
    }

    pub(crate) fn book(&self, half: Half, owner: Uuid) -> String {
        self.tagged(half.as_str(), owner, "book")
    }

    pub(crate) fn counter(&self, half: Half, owner: Uuid, counter: &Counter) -> String {
        self.tagged(half.as_str(), owner, &format!("count:{}", counter_name(counter)))
    }

    pub(crate) fn home(&self, key: AffinityKey) -> String {
        let conversation = u128::from_be_bytes(key.conversation);
        self.caller(key.tenant, &format!("home:{conversation:032x}"))
    }

    pub(crate) fn ledger_callers(&self) -> String {
        format!("{}:{{ledger}}:callers", self.prefix)
    }

    pub(crate) fn ledger_index(&self) -> String {
        format!("{}:{{ledger}}:index", self.prefix)
    }

    pub(crate) fn ledger_rows(&self, key: ClientKeyId) -> String {
        self.caller(key, "rows")
    }

    pub(crate) fn ledger_order(&self, key: ClientKeyId) -> String {
        self.caller(key, "order")
    }

    pub(crate) fn spans(&self, key: ClientKeyId, period: RollupPeriod) -> String {
        self.caller(key, &format!("spans:{}", period.as_str()))
    }

    pub(crate) fn sums(&self, key: ClientKeyId, period: RollupPeriod, start: Timestamp) -> String {
        self.caller(key, &format!("sums:{}:{}", period.as_str(), start.as_micros()))
    }

    pub(crate) fn request(&self, request: RequestId) -> String {
        format!("{}:{{request:{request}}}", self.prefix)
    }

    pub(crate) fn requests(&self) -> String {
        format!("{}:{{requests}}:order", self.prefix)
    }

    pub(crate) fn requests_of(&self, key: ClientKeyId) -> String {
        self.caller(key, "requests")
    }

    pub(crate) fn lock(&self, name: &str) -> String {
        format!("{}:{{lock:{name}}}", self.prefix)
    }

    pub(crate) fn session(&self, token: &str) -> String {
        format!("{}:{{session:{token}}}", self.prefix)
    }

    pub(crate) fn sessions_of(&self, user: UserId) -> String {
        self.tagged("user", user.uuid(), "sessions")
    }

    pub(crate) fn journal(&self, name: &str) -> String {
        format!("{}:{{journal:{name}}}", self.prefix)
    }

    pub(crate) fn fleet_members(&self) -> String {
        self.fleet("members")
    }

    pub(crate) fn fleet_news(&self) -> String {
        self.fleet("news")
    }

    pub(crate) fn fleet_resting(&self) -> String {
        self.fleet("resting")
    }

    pub(crate) fn fleet_health(&self, account: AccountId) -> String {
        self.fleet(&format!("health:{account}"))
    }

    pub(crate) fn fleet_trial(&self, account: AccountId) -> String {
        self.fleet(&format!("trial:{account}"))
    }

    fn fleet(&self, part: &str) -> String {
        format!("{}:{{fleet}}:{part}", self.prefix)
    }

    fn config(&self, part: &str) -> String {
        format!("{}:{{config}}:{part}", self.prefix)
    }

    fn caller(&self, key: ClientKeyId, part: &str) -> String {
        self.tagged(Half::Caller.as_str(), key.uuid(), part)
    }

    fn tagged(&self, tag: &str, id: Uuid, part: &str) -> String {
        format!("{}:{{{tag}:{id}}}:{part}", self.prefix)
    }
}

/// What tells an owner's counters apart: a span is known by its start.
pub(crate) fn counter_name(counter: &Counter) -> String {
    let Counter { name, unit, window } = counter;
    match window {
        CounterWindow::Span { start, .. } => format!("{}:{name}:{}", unit.as_str(), start.as_micros()),
        CounterWindow::Rolling(_) => format!("{}:{name}:rolling", unit.as_str()),
        CounterWindow::Held | CounterWindow::Total => format!("{}:{name}", unit.as_str()),
    }
}

#[cfg(test)]
mod tests {
    use posthaste_storage::Unit;

    use super::*;

    #[test]
    fn keys_of_one_owner_share_a_tag() {
        let keys = Keys::new("test");
        let owner = Uuid::from_u128(7);
        let counter = Counter { name: "rpm".into(), unit: Unit::Requests, window: CounterWindow::Total };
        let tag = format!("{{caller:{owner}}}");
        for key in [
            keys.leases(Half::Caller, owner),
            keys.book(Half::Caller, owner),
            keys.counter(Half::Caller, owner, &counter),
            keys.ledger_rows(ClientKeyId::from_uuid(owner)),
            keys.spans(ClientKeyId::from_uuid(owner), RollupPeriod::Hour),
        ] {
            assert!(key.starts_with(&format!("test:{tag}:")), "{key}");
        }
        assert!(keys.leases(Half::Seat, owner).contains("{seat:"));
    }

    #[test]
    fn another_start_is_another_counter() {
        let span = |start| Counter {
            name: "day".into(),
            unit: Unit::Cost,
            window: CounterWindow::Span { start: Timestamp::from_secs(start), end: Timestamp::from_secs(99) },
        };
        assert_ne!(counter_name(&span(1)), counter_name(&span(2)));
    }
}
