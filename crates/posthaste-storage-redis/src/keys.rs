//! The names of all keys. What shares a hash tag lies in one slot of a cluster and may meet in one script.

use std::sync::Arc;

use posthaste_core::{AccountId, ClientKeyId, RequestId, UserId};
use posthaste_storage::{AffinityKey, Counter, CounterWindow, Half, RecordKind};
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

    pub(crate) fn totals(&self, half: Half, owner: Uuid) -> String {
        self.tagged(half.as_str(), owner, "totals")
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

    pub(crate) fn ledger_books(&self, key: ClientKeyId) -> String {
        self.caller(key, "books")
    }

    pub(crate) fn ledger_order(&self, key: ClientKeyId) -> String {
        self.caller(key, "order")
    }

    pub(crate) fn request(&self, request: RequestId) -> String {
        format!("{}:{{request:{request}}}", self.prefix)
    }

    pub(crate) fn requests(&self) -> String {
        format!("{}:{{requests}}:hours", self.prefix)
    }

    pub(crate) fn requests_in(&self, hour: u64) -> String {
        format!("{}:{{requests:{hour}}}:records", self.prefix)
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

    pub(crate) fn account_errors(&self, account: AccountId) -> String {
        self.tagged("account", account.uuid(), "errors")
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

/// What tells an owner's counters apart: a span is known by its start. A hash of 64 bits (FNV-1a), since the names may be long
/// and travel with each request; that two of an owner's few counters ever share one is as good as impossible.
pub(crate) fn counter_field(counter: &Counter) -> [u8; 8] {
    let Counter { name, unit, window } = counter;
    let (kind, start) = match window {
        CounterWindow::Held => (0, 0),
        CounterWindow::Total => (1, 0),
        CounterWindow::Rolling(_) => (2, 0),
        CounterWindow::Span { start, .. } => (3, start.as_micros()),
    };
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let texts = [unit.as_str().as_bytes(), b":", name.as_bytes(), &[kind], &start.to_be_bytes()];
    for byte in texts.into_iter().flatten() {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
    }
    hash.to_be_bytes()
}

#[cfg(test)]
mod tests {
    use posthaste_core::Timestamp;
    use posthaste_storage::Unit;

    use super::*;

    #[test]
    fn keys_of_one_owner_share_a_tag() {
        let keys = Keys::new("test");
        let owner = Uuid::from_u128(7);
        let tag = format!("{{caller:{owner}}}");
        for key in [
            keys.leases(Half::Caller, owner),
            keys.book(Half::Caller, owner),
            keys.totals(Half::Caller, owner),
            keys.ledger_books(ClientKeyId::from_uuid(owner)),
            keys.ledger_order(ClientKeyId::from_uuid(owner)),
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
        assert_ne!(counter_field(&span(1)), counter_field(&span(2)));
    }

    #[test]
    fn counters_of_another_name_unit_or_window_have_another_field() {
        let windows = [
            CounterWindow::Held,
            CounterWindow::Total,
            CounterWindow::Rolling(std::time::Duration::from_secs(60)),
            CounterWindow::Span { start: Timestamp::EPOCH, end: Timestamp::from_secs(60) },
            CounterWindow::Span { start: Timestamp::from_secs(60), end: Timestamp::from_secs(120) },
        ];
        let mut fields = std::collections::HashSet::new();
        for unit in [Unit::Requests, Unit::Tokens, Unit::Cost, Unit::Concurrency] {
            for number in 0..1_000 {
                let fields_of = windows.map(|window| Counter { name: format!("key-{number}"), unit, window });
                fields.extend(fields_of.iter().map(counter_field));
            }
        }
        assert_eq!(fields.len(), 4 * 1_000 * windows.len());
        let counter =
            Counter { name: "requests".to_owned(), unit: Unit::Requests, window: CounterWindow::Total };
        assert_eq!(
            u64::from_be_bytes(counter_field(&counter)),
            0xd466_7297_bf51_8ccc,
            "it is what lies in stores"
        );
    }
}
