//! What a client key and an account hold and have used, as the store of limits counts it.

use posthaste_core::{Account, Limit, LimitUnit, LimitWindow};
use posthaste_storage::{Counter, CounterWindow, Half, LedgerOptions, Unit};
use posthaste_testkit::{account, client_key};

use crate::support::Rig;

/// Limits that nobody comes to, so that everything is counted.
pub(crate) fn limits() -> Vec<Limit> {
    let limit = |unit: LimitUnit, window| Limit {
        name: unit.to_string(),
        unit,
        window,
        amount: 1_000_000_000_000_000,
        models: Vec::new(),
        shadow: false,
        on_loss: Default::default(),
    };
    vec![
        limit(LimitUnit::Concurrency, LimitWindow::Now),
        limit(LimitUnit::Tokens, LimitWindow::Total),
        limit(LimitUnit::Cost, LimitWindow::Total),
    ]
}

/// The account with such limits.
pub(crate) fn counted(mut account: Account) -> Account {
    account.scheduling.limits = limits();
    account
}

/// What is held and used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) slots: i64,
    pub(crate) tokens: i64,
    pub(crate) cost: i64,
}

/// Of the client key, and of the account of this name.
pub(crate) async fn counts(rig: &Rig, name: &str) -> [Count; 2] {
    let halves = [(Half::Caller, client_key("tester").id.uuid()), (Half::Seat, account(name).id.uuid())];
    let mut counts = [Count::default(); 2];
    for (count, (half, owner)) in counts.iter_mut().zip(halves) {
        let used = async |unit: Unit, window| {
            let counter = Counter { name: unit.as_str().to_owned(), unit, window };
            rig.stores.admission.used(half, owner, &counter, rig.relay_now()).await.unwrap()
        };
        *count = Count {
            slots: used(Unit::Concurrency, CounterWindow::Held).await,
            tokens: used(Unit::Tokens, CounterWindow::Total).await,
            cost: used(Unit::Cost, CounterWindow::Total).await,
        };
    }
    counts
}

/// Waits until nothing is held; then the counts are what the rows say, and every gauge stands at nothing.
pub(crate) async fn assert_settled(rig: &Rig, name: &str) {
    for round in 0.. {
        if counts(rig, name).await.iter().all(|count| count.slots == 0) {
            break;
        }
        assert!(round < 1_000, "something is still held: {:?}", counts(rig, name).await);
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let rows = rig.rows().await;
    let tokens: u64 = rows.iter().map(|row| row.usage.total()).sum();
    let cost = rows.iter().map(|row| row.billed.as_nanos()).sum();
    let told = Count { slots: 0, tokens: i64::try_from(tokens).unwrap(), cost };
    assert_eq!(counts(rig, name).await, [told; 2], "{rows:?}");
    assert_eq!(rig.relay.in_flight(), 0);
    assert_eq!(rig.scheduler.in_flight(account(name).id), 0);
    assert_eq!(rig.ledger.free_slots(), LedgerOptions::default().queue);
}
