//! What was used and what it cost.

use std::time::Duration;

use posthaste_admin::{AdminError, NewKey, StatsBy, StatsInput, StatsView};
use posthaste_core::{
    AccountId, AttemptRow, ClientKeyId, CostBasis, NanoUsd, ProviderKind, Timestamp, UserId,
};

use crate::{
    booked::{book, row},
    support::{Bench, quiet},
};

const DAY: Duration = Duration::from_secs(86_400);

/// Two days before the first of a month, and the first itself.
const FIRST: Timestamp = Timestamp::from_secs(1_767_225_600);

struct Books {
    bench: Bench,
    key: ClientKeyId,
    other: ClientKeyId,
    owner: UserId,
    account: AccountId,
}

async fn books() -> Books {
    let bench = quiet().await;
    let key = bench
        .admin
        .keys()
        .create(NewKey { name: "team".to_owned(), ..NewKey::default() })
        .await
        .expect("a key is made");
    let (key, other) = (key.view.id, ClientKeyId::generate());
    let (owner, account) = (UserId::generate(), AccountId::generate());
    let rows = [
        AttemptRow { owner: Some(owner), ..row(key, FIRST.minus(2 * DAY), "a", 1) },
        AttemptRow { owner: Some(owner), account_id: account, ..row(key, FIRST, "a", 20) },
        AttemptRow {
            provider: ProviderKind::OpenAi,
            ..row(key, FIRST.plus(Duration::from_secs(7_000)), "b", 300)
        },
        AttemptRow {
            cost_basis: CostBasis::Unpriced,
            cost: NanoUsd::ZERO,
            billed: NanoUsd::ZERO,
            ..row(other, FIRST, "a", 4_000)
        },
    ];
    book(&bench, &rows).await;
    Books { bench, key, other, owner, account }
}

impl Books {
    async fn ask(
        &self,
        by: &[StatsBy],
        change: impl FnOnce(&mut StatsInput),
    ) -> Result<StatsView, AdminError> {
        let mut input = StatsInput { by: by.to_vec(), ..StatsInput::default() };
        change(&mut input);
        self.bench.admin.stats(&input).await
    }
}

fn outputs(stats: &StatsView) -> Vec<u64> {
    stats.rows.iter().map(|row| row.totals.usage.output).collect()
}

#[tokio::test]
async fn sums_are_told_apart_by_what_is_asked() {
    let books = books().await;
    let all = books.ask(&[], |_| ()).await.unwrap();
    assert_eq!((all.totals.usage.output, all.totals.attempts, all.totals.unpriced), (4_321, 4, 1));
    assert_eq!((all.totals.cost_nano_usd.as_nanos(), all.totals.billed_nano_usd.as_nanos()), (321, 642));
    assert!(all.rows.is_empty());

    let keys = books.ask(&[StatsBy::Key], |_| ()).await.unwrap();
    assert_eq!(outputs(&keys), [321, 4_000], "the dearest first");
    let names: Vec<_> = keys.rows.iter().map(|row| row.key.clone().unwrap()).collect();
    assert_eq!((names[0].id, names[0].name.as_deref()), (books.key.uuid(), Some("team")));
    assert_eq!((names[1].id, &names[1].name), (books.other.uuid(), &None));

    let owners = books.ask(&[StatsBy::Owner], |_| ()).await.unwrap();
    assert_eq!(outputs(&owners), [4_300, 21]);
    assert_eq!(owners.rows[0].owner, None);
    let providers = books.ask(&[StatsBy::Provider], |_| ()).await.unwrap();
    assert_eq!(providers.rows[0].provider, Some(ProviderKind::OpenAi));
    assert_eq!(outputs(&books.ask(&[StatsBy::Model], |_| ()).await.unwrap()), [300, 4_021]);
    let months = books.ask(&[StatsBy::Month], |_| ()).await.unwrap();
    assert_eq!(outputs(&months), [1, 4_320]);
    let both = books.ask(&[StatsBy::Month, StatsBy::Model], |_| ()).await.unwrap();
    assert_eq!(outputs(&both), [1, 4_020, 300]);
}

#[tokio::test]
async fn sums_are_filtered() {
    let books = books().await;
    let sum = async |change: &dyn Fn(&mut StatsInput)| {
        books.ask(&[StatsBy::Key], change).await.unwrap().totals.usage.output
    };
    assert_eq!(sum(&|input| input.key = Some("team".to_owned())).await, 321);
    assert_eq!(sum(&|input| input.key = Some(books.other.to_string())).await, 4_000);
    assert_eq!(sum(&|input| input.owner = Some(books.owner.to_string())).await, 21);
    assert_eq!(sum(&|input| input.account = Some(books.account.to_string())).await, 20);
    assert_eq!(sum(&|input| input.model = Some("b".to_owned())).await, 300);
    assert_eq!(sum(&|input| input.provider = Some("openai".to_owned())).await, 300);
    assert_eq!(sum(&|input| input.since = Some(FIRST)).await, 4_320);
    assert_eq!(sum(&|input| input.until = Some(FIRST)).await, 1);
    // Within the hour: rounded outwards.
    let within = FIRST.plus(Duration::from_secs(5_000));
    assert_eq!(sum(&|input| input.since = Some(within)).await, 300);
    assert_eq!(sum(&|input| input.until = Some(within)).await, 4_321);
}

#[tokio::test]
async fn questions_that_cannot_be_asked_are_refused() {
    let books = books().await;
    let refused =
        async |change: &dyn Fn(&mut StatsInput)| books.ask(&[StatsBy::Key], change).await.unwrap_err();
    assert!(matches!(
        refused(&|input| input.key = Some("none".to_owned())).await,
        AdminError::NotFound { .. }
    ));
    assert!(matches!(
        refused(&|input| input.provider = Some("x".to_owned())).await,
        AdminError::Invalid { .. }
    ));
    assert!(matches!(
        refused(&|input| input.owner = Some("x".to_owned())).await,
        AdminError::NotFound { .. }
    ));
    let backwards =
        |input: &mut StatsInput| (input.since, input.until) = (Some(FIRST), Some(FIRST.minus(DAY)));
    assert!(matches!(refused(&backwards).await, AdminError::Invalid { .. }));
}
