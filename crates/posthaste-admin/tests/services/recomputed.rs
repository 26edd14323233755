//! Costs that are computed again after a price was put right.

use std::time::Duration;

use posthaste_admin::{
    Actor, AdminError, AuditInput, Command, NewKey, OwnPriceInput, RecomputeInput, RecomputeView, Reply, data,
};
use posthaste_core::{
    AccountId, AttemptRow, ClientKeyId, CostBasis, NanoUsd, OwnRates, ProviderKind, Timestamp, Usage,
};
use posthaste_storage::{Dimension, RollupPeriod, UsageQuery};

use crate::{
    booked::{book, row},
    support::{Bench, compatible, quiet},
};

const MODEL: &str = "claude-of-tomorrow";

async fn price(bench: &Bench, input: u64) {
    let rates = OwnRates { input: Some(input), output: Some(0), ..OwnRates::default() };
    let price =
        OwnPriceInput { provider: "anthropic".to_owned(), model: MODEL.to_owned(), rates, note: None };
    bench.admin.own_prices().set(price).await.unwrap();
}

struct Books {
    bench: Bench,
    key: ClientKeyId,
    account: AccountId,
}

async fn books() -> Books {
    let bench = quiet().await;
    let account = bench.admin.accounts().add(compatible("one")).await.unwrap().account.id;
    let key =
        bench.admin.keys().create(NewKey { name: "team".to_owned(), ..NewKey::default() }).await.unwrap();
    Books { bench, key: key.view.id, account }
}

impl Books {
    /// An attempt of a thousand tokens that was booked without a price.
    fn unpriced(&self, at: Timestamp) -> AttemptRow {
        AttemptRow {
            account_id: self.account,
            provider: ProviderKind::AnthropicCompatible,
            usage: Usage { input: 1_000, output: 10, ..Usage::default() },
            cost: NanoUsd::ZERO,
            billed: NanoUsd::ZERO,
            cost_basis: CostBasis::Unpriced,
            ..row(self.key, at, MODEL, 10)
        }
    }

    fn all() -> RecomputeInput {
        let now = posthaste_core::SystemClock;
        let now = posthaste_core::Clock::now(&now);
        RecomputeInput {
            from: now.minus(Duration::from_secs(3_600)),
            until: now.plus(Duration::from_secs(3_600)),
            model: None,
            only_unpriced: false,
            dry_run: false,
            after: None,
        }
    }

    async fn part(&self, input: &RecomputeInput) -> RecomputeView {
        let work = Command::RecomputeCosts(input.clone());
        match self.bench.admin.act(&Actor::machine(), work).await.unwrap() {
            Reply::Recomputed(view) => view,
            other => panic!("{other:?}"),
        }
    }

    async fn whole(&self, mut input: RecomputeInput) -> RecomputeView {
        let mut whole = RecomputeView::default();
        loop {
            whole.merge(self.part(&input).await);
            input.after = whole.next;
            if input.after.is_none() {
                return whole;
            }
        }
    }

    /// Rows, roll-ups and reports tell the same.
    async fn assert_costs(&self, cost: i64, unpriced: u64) {
        let ledger = &self.bench.stores.ledger;
        let rows = ledger.recent(None, usize::MAX).await.unwrap();
        assert_eq!(rows.iter().map(|row| row.cost.as_nanos()).sum::<i64>(), cost);
        for period in RollupPeriod::ALL {
            let sums = ledger.sums(&UsageQuery::all(period), &[Dimension::Provider]).await.unwrap();
            let found: i64 = sums.iter().map(|group| group.sums.cost.as_nanos()).sum();
            assert_eq!((found, sums[0].sums.unpriced), (cost, unpriced), "{period:?}");
        }
        let found = data::verify(&self.bench.stores, &self.bench.vault, &|_, _, _| {}).await;
        assert_eq!(found.problems, []);
    }
}

fn now() -> Timestamp {
    posthaste_core::Clock::now(&posthaste_core::SystemClock)
}

#[tokio::test]
async fn costs_follow_the_price_once_however_often_they_are_computed() {
    let books = books().await;
    let rows: Vec<_> = (0..3).map(|_| books.unpriced(now())).collect();
    book(&books.bench, &rows).await;
    // Nobody knows the price still.
    let view = books.whole(Books::all()).await;
    assert_eq!((view.looked_at, view.changed, view.unpriced), (3, 0, 3));
    price(&books.bench, 2_000_000_000).await;
    let look = books.whole(RecomputeInput { dry_run: true, ..Books::all() }).await;
    assert_eq!((look.changed, look.after.cost.as_nanos()), (3, 6_000_000));
    books.assert_costs(0, 3).await;
    let done = books.whole(Books::all()).await;
    assert_eq!(done, look);
    assert_eq!((done.before.unpriced, done.after.unpriced), (3, 0));
    books.assert_costs(6_000_000, 0).await;
    assert_eq!(books.whole(Books::all()).await.changed, 0);
    // The price was wrong. What has a price is left alone when only the others are meant.
    price(&books.bench, 500_000_000).await;
    let only = RecomputeInput { only_unpriced: true, ..Books::all() };
    assert_eq!(books.whole(only).await.changed, 0);
    let other = RecomputeInput { model: Some("another".to_owned()), ..Books::all() };
    assert_eq!(books.whole(other).await.changed, 0);
    let named = RecomputeInput { model: Some(MODEL.to_owned()), ..Books::all() };
    let done = books.whole(named).await;
    assert_eq!((done.before.cost.as_nanos(), done.after.cost.as_nanos()), (6_000_000, 1_500_000));
    books.assert_costs(1_500_000, 0).await;
    let kept = books.bench.stores.ledger.attempts(rows[0].request_id).await.unwrap();
    assert_eq!((kept[0].usage, kept[0].cost_basis), (rows[0].usage, CostBasis::Priced));
}

#[tokio::test]
async fn what_was_broken_off_is_done_by_doing_it_again() {
    let books = books().await;
    let rows: Vec<_> = (0..5_700).map(|_| books.unpriced(now())).collect();
    book(&books.bench, &rows).await;
    price(&books.bench, 1_000_000_000).await;
    let first = books.part(&Books::all()).await;
    assert!(first.next.is_some() && first.changed < 5_700, "{first:?}");
    // Others are served meanwhile.
    book(&books.bench, &[books.unpriced(now())]).await;
    let rest = books.whole(Books::all()).await;
    assert_eq!((rest.looked_at, first.changed + rest.changed), (5_701, 5_701));
    books.assert_costs(5_701_000_000, 0).await;
    // The log has each part after it is done, and before where anything was to be done.
    let log = books.bench.admin.audit().list(&AuditInput::default()).await.unwrap();
    let told = |action: &str| log.entries.iter().filter(|entry| entry.action == action).count();
    assert_eq!((told("price.recompute_begun"), told("price.recompute")), (2, 3));
    let last = log.entries.iter().find(|entry| entry.action == "price.recompute").unwrap();
    assert!(last.after.as_ref().unwrap().to_string().contains("\"cost\""), "{last:?}");
}

#[tokio::test]
async fn what_belongs_to_nobody_any_more_and_what_is_outside_the_span_stays() {
    let books = books().await;
    let gone = AttemptRow { account_id: AccountId::generate(), ..books.unpriced(now()) };
    let keyless = AttemptRow { key_id: ClientKeyId::generate(), ..books.unpriced(now()) };
    let early = books.unpriced(now().minus(Duration::from_secs(7_200)));
    book(&books.bench, &[gone, keyless, early, books.unpriced(now())]).await;
    price(&books.bench, 1_000_000_000).await;
    let done = books.whole(Books::all()).await;
    assert_eq!((done.changed, done.left_out), (1, 2));
    let turned = RecomputeInput { from: now(), until: now().minus(Duration::from_secs(1)), ..Books::all() };
    let refused = books.bench.admin.act(&Actor::machine(), Command::RecomputeCosts(turned)).await;
    assert!(matches!(refused, Err(AdminError::Invalid { field: "until", .. })), "{refused:?}");
}
