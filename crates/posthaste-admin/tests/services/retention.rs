//! What is older than it is kept for is forgotten, in steps, and nothing else.

use std::{sync::Arc, time::Duration};

use posthaste_admin::{
    Actor, CleanupState, Command, Housekeeper, NewKey,
    data::{self, Cleaned, Cleanup},
};
use posthaste_core::{
    AccountError, AccountId, Channel, ChannelId, ChannelKind, Clock, FaultKind, Language, NoticeFilter, Role,
    Session, Timestamp, TokenHash,
};
use posthaste_storage::{ErrorBounds, Repository, Stores};
use uuid::Uuid;

use crate::{
    doubles::UnsoundJournals,
    people::add,
    support::{Bench, compatible, quiet},
};

const DAY: Duration = Duration::from_secs(86_400);

fn rules() -> Cleanup {
    Cleanup {
        audit: Some(30 * DAY),
        deliveries: Some(10 * DAY),
        account_errors: Some(10 * DAY),
        ..Cleanup::default()
    }
}

async fn make_key(bench: &Bench, name: &str) {
    let key = Command::CreateKey(NewKey { name: name.to_owned(), ..NewKey::default() });
    bench.admin.act(&Actor::machine(), key).await.unwrap();
}

fn error(account: AccountId, at: Timestamp) -> AccountError {
    AccountError {
        account,
        at,
        kind: FaultKind::UpstreamFailed,
        status: Some(500),
        model: None,
        message: "boom".to_owned(),
        request: None,
        rest: None,
    }
}

/// Of everything something that is old and something that is not.
async fn furnished() -> Bench {
    let bench = quiet().await;
    let account = bench.admin.accounts().add(compatible("one")).await.unwrap().account.id;
    let user = add(&bench, "ada", Role::Admin).await;
    let channel = channel(&bench).await;
    let bounds = ErrorBounds { most: 5_000, keep: 400 * DAY };
    let deliveries = format!("deliveries/{channel}");
    for (days, token) in [(0, 1), (60, 2)] {
        bench.clock.advance(days * DAY);
        let now = bench.now();
        make_key(&bench, &format!("key{days}")).await;
        let errors: Vec<_> = (0..700).map(|_| error(account, now)).collect();
        bench.stores.account_errors.note(&errors, bounds).await.unwrap();
        for n in 0..3 {
            bench.stores.journals.note(&deliveries, now, n.to_string()).await.unwrap();
        }
        let session = Session {
            token: TokenHash::new([token; 32]),
            user,
            began_at: now,
            used_at: now,
            until: now.plus(30 * DAY),
            address: None,
            agent: String::new(),
        };
        // As if nobody had begun one since.
        if days == 0 {
            bench.stores.sessions.begin(&session).await.unwrap();
        }
    }
    bench
}

async fn channel(bench: &Bench) -> ChannelId {
    let id = ChannelId::generate();
    let channel = Channel {
        id,
        name: "hook".to_owned(),
        enabled: true,
        service: ChannelKind::Webhook,
        target: None,
        target_host: None,
        key: None,
        private_address: None,
        proxy: None,
        language: Language::English,
        filter: NoticeFilter::default(),
        digest_seconds: 0,
        per_minute: Channel::default_per_minute(),
        created_at: bench.now(),
        updated_at: bench.now(),
    };
    let channels = Repository::<Channel>::new(Arc::clone(&bench.stores.config));
    channels.create(channel).await.unwrap();
    id
}

#[tokio::test(start_paused = true)]
async fn what_is_counted_is_forgotten_and_the_rest_stays() {
    let bench = furnished().await;
    let now = bench.now();
    let counted = data::clean_up(&bench.admin, &rules(), now, true).await.unwrap();
    assert_eq!((counted.account_errors, counted.deliveries, counted.sessions), (700, 3, 1));
    assert!(counted.audit >= 1, "{counted:?}");
    assert_eq!(data::clean_up(&bench.admin, &rules(), now, true).await.unwrap(), counted, "nothing is gone");
    assert_eq!(data::clean_up(&bench.admin, &rules(), now, false).await.unwrap(), counted);
    assert_eq!(data::clean_up(&bench.admin, &rules(), now, false).await.unwrap(), Cleaned::default());

    let account = bench.admin.accounts().show("one").await.unwrap().id;
    let errors = bench.stores.account_errors.latest(account, Timestamp::EPOCH, 9_999).await.unwrap();
    assert_eq!(errors.len(), 700);
    let report = bench.admin.audit().verify().await.unwrap();
    assert!(report.problems.is_empty() && report.first > Some(1), "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn what_has_no_time_is_kept_for_ever() {
    let bench = furnished().await;
    let far = bench.now().plus(9_000 * DAY);
    let cleaned = data::clean_up(&bench.admin, &Cleanup::default(), far, false).await.unwrap();
    assert_eq!(Cleaned { sessions: 0, ..cleaned }, Cleaned::default());
}

/// More entries than a step forgets, with the store going away before each step in turn.
#[tokio::test(start_paused = true)]
async fn the_audit_log_can_be_checked_wherever_forgetting_stopped() {
    let bench = quiet().await;
    for n in 0..1_100 {
        make_key(&bench, &format!("key{n}")).await;
    }
    bench.clock.advance(60 * DAY);
    let before = bench.now().minus(30 * DAY);
    for steps in [0, 1, 0, 1, 9] {
        let failing = UnsoundJournals::failing_after(&bench.stores.journals, steps);
        let stores = Stores { journals: Arc::new(failing), ..bench.stores.clone() };
        let forgotten = bench.with_stores(stores).audit().forget(before).await;
        assert_eq!(forgotten.is_ok(), steps == 9, "{forgotten:?}");
        let report = bench.admin.audit().verify().await.unwrap();
        assert!(report.problems.is_empty(), "after {steps}: {report:?}");
    }
    let report = bench.admin.audit().verify().await.unwrap();
    assert_eq!(report.first, Some(1_101));
    make_key(&bench, "another").await;
    assert!(bench.admin.audit().verify().await.unwrap().problems.is_empty());
}

#[tokio::test(start_paused = true)]
async fn one_relay_of_all_keeps_house_and_tells_what_it_did() {
    let bench = furnished().await;
    let state = CleanupState::default();
    let keeper = Housekeeper::new(bench.admin.clone(), rules(), state.clone());
    let (locks, other) = (&bench.stores.locks, Uuid::now_v7());
    locks.acquire("cleanup", other, DAY, bench.clock.now()).await.unwrap().unwrap();
    keeper.round().await;
    assert_eq!(state.last(), None, "another one is about it");
    locks.release("cleanup", other).await.unwrap();
    keeper.round().await;
    let last = state.last().unwrap();
    assert_eq!((last.forgotten.account_errors, last.problems.len()), (700, 0), "{last:?}");
    keeper.round().await;
    assert_eq!(state.last().unwrap().forgotten, Cleaned::default(), "the lock was given back");
}
