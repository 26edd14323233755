//! Redemption cards: each gives what it has once, whoever comes at the same time and whenever a relay stops.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use posthaste_admin::{
    Actor, Admin, AdminError, AuditInput, CardLimitsChange, CardListInput, Command, CreatedCard, Disclosed,
    ExpiryInput, NewCards, NewKey, NewOwnKey, Outcome, RatesInput, RedemptionListInput, Reply,
    data::{self, Fate},
    parse_limit,
};
use posthaste_core::{
    CardStatus, ClientKey, ClientKeyId, Expiry, Multiplier, ProviderKind, Secret, Timestamp,
};
use posthaste_storage::{Expect, RecordKind, Repository, Stores};
use tokio::{
    sync::{Notify, Semaphore},
    task::JoinSet,
};

use crate::{
    doubles::WatchedConfig,
    own_keys::new_person,
    support::{Bench, quiet},
};

const DOLLAR: u64 = 1_000_000_000;
const DAY: u64 = 86_400;

async fn cards(admin: &Admin, new: NewCards) -> Vec<CreatedCard> {
    admin.cards().create(&Actor::machine(), new).await.unwrap()
}

async fn quota(admin: &Admin, quota: u64) -> Disclosed {
    cards(admin, NewCards { quota, ..NewCards::default() }).await.remove(0).code
}

/// A client key with ten dollars in all.
async fn key(bench: &Bench, name: &str) -> (ClientKeyId, Disclosed) {
    let limits = vec![parse_limit("cost=10/total").unwrap()];
    let new = NewKey { name: name.to_owned(), limits, ..NewKey::default() };
    let made = bench.admin.keys().create(new).await.unwrap();
    (made.view.id, made.key)
}

async fn kept(bench: &Bench, id: ClientKeyId) -> ClientKey {
    let keys = Repository::<ClientKey>::new(Arc::clone(&bench.stores.config));
    keys.client_key(id).await.unwrap().unwrap().value
}

async fn amount(bench: &Bench, id: ClientKeyId) -> u64 {
    kept(bench, id).await.policy.limits[0].amount
}

async fn redeem(
    admin: &Admin,
    code: &Disclosed,
    key: &str,
) -> Result<posthaste_admin::RedemptionView, AdminError> {
    admin.cards().redeem(&Actor::machine(), code, key).await
}

#[tokio::test]
async fn a_card_raises_a_key_once_and_is_told_whole_once() {
    let bench = quiet().await;
    let (id, _) = key(&bench, "held").await;
    let new = NewCards { quota: 5 * DOLLAR, note: "paid".to_owned(), count: Some(3), ..NewCards::default() };
    let made = cards(&bench.admin, new).await;
    let code = made[0].code.secret().expose().to_owned();
    assert!(code.starts_with("phc-") && code.ends_with(&made[0].view.hint), "{code}");
    // However it was copied.
    let copied = Disclosed::new(Secret::new(format!("  {}\n", code.to_uppercase().replace('-', "_"))));
    let view = redeem(&bench.admin, &copied, "held").await.unwrap();
    assert_eq!((view.key, view.gives.quota), (id, 5 * DOLLAR));
    assert_eq!(amount(&bench, id).await, 15 * DOLLAR);
    let again = redeem(&bench.admin, &made[0].code, "held").await.unwrap_err().to_string();
    assert!(again.contains("redeemed already"), "{again}");
    assert_eq!(amount(&bench, id).await, 15 * DOLLAR);
    let wanted = CardListInput { status: Some(CardStatus::Unused), ..CardListInput::default() };
    assert_eq!(bench.admin.cards().page(&wanted).await.unwrap().total, 2);
    let searched = CardListInput { search: Some("HELD".to_owned()), ..CardListInput::default() };
    let found = bench.admin.cards().page(&searched).await.unwrap();
    assert_eq!((found.total, found.items[0].id), (1, made[0].view.id));
    let of_key = RedemptionListInput { key: Some("held".to_owned()), ..RedemptionListInput::default() };
    assert_eq!(bench.admin.cards().redemptions(&of_key).await.unwrap().items, [view]);
    // Nothing that is kept or told later has the code.
    let listed = bench.stores.config.list(RecordKind::Card, None, 10).await.unwrap().records;
    assert!(listed.iter().all(|record| !record.body.contains(&code)));
    assert!(!format!("{made:?}").contains(&code));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_at_once_one_has_it() {
    let bench = quiet().await;
    let mut ids = Vec::new();
    for n in 0..8 {
        ids.push(key(&bench, &format!("key {n}")).await.0);
    }
    let code = quota(&bench.admin, 3 * DOLLAR).await;
    let mut tries = JoinSet::new();
    for n in 0..64 {
        let (admin, code) = (bench.admin.clone(), code.clone());
        tries.spawn(async move { redeem(&admin, &code, &format!("key {}", n % 8)).await });
    }
    let won = tries.join_all().await.into_iter().filter(Result::is_ok).count();
    assert_eq!(won, 1);
    let mut sum = 0;
    for id in ids {
        sum += amount(&bench, id).await;
    }
    assert_eq!(sum, 83 * DOLLAR);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_cards_at_once_for_one_key_all_count() {
    let bench = quiet().await;
    let (id, _) = key(&bench, "held").await;
    let made = cards(&bench.admin, NewCards { quota: DOLLAR, count: Some(20), ..NewCards::default() }).await;
    let mut tries = JoinSet::new();
    for card in made {
        let admin = bench.admin.clone();
        tries.spawn(async move { redeem(&admin, &card.code, "held").await.unwrap() });
    }
    assert_eq!(tries.join_all().await.len(), 20);
    assert_eq!(amount(&bench, id).await, 30 * DOLLAR);
}

/// Services whose process stops before the record write with this number, counted from 0; and what tells that it has.
fn stopping_at(bench: &Bench, at: usize) -> (Admin, Arc<Notify>) {
    let (stopped, count) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
    let tell = Arc::clone(&stopped);
    let config = WatchedConfig::new(&bench.stores.config).before_write(Box::new(
        move |_: RecordKind, _: uuid::Uuid, _: Expect| {
            let (number, tell) = (count.fetch_add(1, Ordering::SeqCst), Arc::clone(&tell));
            Box::pin(async move {
                if number == at {
                    tell.notify_one();
                    std::future::pending::<()>().await;
                }
            })
        },
    ));
    (bench.with_stores(Stores { config: Arc::new(config), ..bench.stores.clone() }), stopped)
}

#[tokio::test]
async fn a_stop_between_any_two_steps_neither_loses_nor_doubles() {
    for (at, has_it_after) in [(0, 10), (1, 15), (2, 15)] {
        let bench = quiet().await;
        let (id, _) = key(&bench, "held").await;
        let code = quota(&bench.admin, 5 * DOLLAR).await;
        let (stopping, stopped) = stopping_at(&bench, at);
        tokio::select! {
            _ = redeem(&stopping, &code, "held") => panic!("it was to stop at {at}"),
            () = stopped.notified() => {}
        }
        let finished = bench.admin.cards().finish_open().await.unwrap();
        assert_eq!(finished, usize::from(at > 0), "{at}");
        assert_eq!(amount(&bench, id).await, has_it_after * DOLLAR, "{at}");
        assert_eq!(bench.admin.cards().finish_open().await.unwrap(), 0, "{at}");
        // Whoever tries once more has it where it was not redeemed, and is told where it was.
        assert_eq!(redeem(&bench.admin, &code, "held").await.is_ok(), at == 0, "{at}");
        assert_eq!(amount(&bench, id).await, 15 * DOLLAR, "{at}");
    }
}

#[tokio::test]
async fn whoever_tries_a_card_on_its_way_brings_it_there() {
    let bench = quiet().await;
    let (id, _) = key(&bench, "held").await;
    let (other, _) = key(&bench, "other").await;
    let code = quota(&bench.admin, 5 * DOLLAR).await;
    let (stopping, stopped) = stopping_at(&bench, 1);
    tokio::select! {
        _ = redeem(&stopping, &code, "held") => panic!("it was to stop"),
        () = stopped.notified() => {}
    }
    let told = redeem(&bench.admin, &code, "other").await.unwrap_err().to_string();
    assert!(told.contains("redeemed already"), "{told}");
    assert_eq!((amount(&bench, id).await, amount(&bench, other).await), (15 * DOLLAR, 10 * DOLLAR));
}

#[tokio::test]
async fn whoever_wakes_late_changes_nothing_any_more() {
    let bench = quiet().await;
    let (id, _) = key(&bench, "held").await;
    let code = quota(&bench.admin, 5 * DOLLAR).await;
    // It sleeps just before it changes the key.
    let (sleeping, wake, count) =
        (Arc::new(Notify::new()), Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
    let (tell, woken) = (Arc::clone(&sleeping), Arc::clone(&wake));
    let config = WatchedConfig::new(&bench.stores.config).before_write(Box::new(
        move |_: RecordKind, _: uuid::Uuid, _: Expect| {
            let number = count.fetch_add(1, Ordering::SeqCst);
            let (tell, woken) = (Arc::clone(&tell), Arc::clone(&woken));
            Box::pin(async move {
                if number == 1 {
                    tell.notify_one();
                    woken.acquire().await.unwrap().forget();
                }
            })
        },
    ));
    let late = bench.with_stores(Stores { config: Arc::new(config), ..bench.stores.clone() });
    let sleeper = {
        let code = code.clone();
        tokio::spawn(async move { redeem(&late, &code, "held").await })
    };
    sleeping.notified().await;
    // Meanwhile another relay finishes it, and the note of it leaves the key with the next card.
    assert_eq!(bench.admin.cards().finish_open().await.unwrap(), 1);
    redeem(&bench.admin, &quota(&bench.admin, DOLLAR).await, "held").await.unwrap();
    assert_eq!(kept(&bench, id).await.card_steps.len(), 1, "the last one's");
    wake.add_permits(1);
    sleeper.await.unwrap().unwrap();
    assert_eq!(amount(&bench, id).await, 16 * DOLLAR);
}

#[tokio::test]
async fn a_card_that_no_longer_fits_goes_back() {
    let bench = quiet().await;
    let (id, _) = key(&bench, "held").await;
    let code = quota(&bench.admin, 5 * DOLLAR).await;
    let (stopping, stopped) = stopping_at(&bench, 1);
    tokio::select! {
        _ = redeem(&stopping, &code, "held") => panic!("it was to stop"),
        () = stopped.notified() => {}
    }
    let change = CardLimitsChange { most_quota: Some(12 * DOLLAR), most_days: None };
    assert_eq!(bench.admin.cards().set_limits(change).await.unwrap().most_days, 90);
    bench.admin.cards().finish_open().await.unwrap();
    assert_eq!(amount(&bench, id).await, 10 * DOLLAR);
    let refused = redeem(&bench.admin, &code, "held").await.unwrap_err().to_string();
    assert!(refused.contains("$12.00"), "{refused}");
    let unbounded = CardLimitsChange { most_quota: Some(0), most_days: None };
    bench.admin.cards().set_limits(unbounded).await.unwrap();
    redeem(&bench.admin, &code, "held").await.unwrap();
    assert_eq!(amount(&bench, id).await, 15 * DOLLAR);
}

#[tokio::test]
async fn taking_back_lowers_once_and_leaves_time() {
    let bench = quiet().await;
    let limits = vec![parse_limit("cost=10/total").unwrap()];
    let expiry = ExpiryInput::In { seconds: DAY };
    let new = NewKey { name: "held".to_owned(), limits, expiry, ..NewKey::default() };
    let id = bench.admin.keys().create(new).await.unwrap().view.id;
    let new = NewCards { quota: 5 * DOLLAR, seconds: DAY, ..NewCards::default() };
    let card = cards(&bench.admin, new).await.remove(0);
    let redemption = redeem(&bench.admin, &card.code, "held").await.unwrap();
    let end = Expiry::At { at: bench.now().plus(Duration::from_secs(2 * DAY)) };
    assert_eq!(kept(&bench, id).await.expiry, end);
    let back = |admin: Admin| {
        let redemption = redemption.id.to_string();
        async move { admin.cards().take_back(&Actor::machine(), &redemption).await }
    };
    let (stopping, stopped) = stopping_at(&bench, 2);
    tokio::select! {
        _ = back(stopping) => panic!("it was to stop"),
        () = stopped.notified() => {}
    }
    let told = back(bench.admin.clone()).await.unwrap_err().to_string();
    assert!(told.contains("taken back already"), "{told}");
    assert_eq!((amount(&bench, id).await, kept(&bench, id).await.expiry), (10 * DOLLAR, end));
    let stats = bench.admin.cards().stats().await.unwrap();
    assert_eq!((stats.total, stats.taken_back), (1, 5 * DOLLAR));
    let view = bench.admin.cards().show(&card.view.id.to_string()).await.unwrap();
    assert_eq!(view.status, CardStatus::TakenBack);
    assert!(redeem(&bench.admin, &card.code, "held").await.is_err());
}

#[tokio::test]
async fn a_card_that_is_over_or_withdrawn_is_worth_nothing() {
    let bench = quiet().await;
    key(&bench, "held").await;
    let end = Some(bench.now().plus(Duration::from_secs(60)));
    let new = NewCards { quota: DOLLAR, count: Some(3), expires_at: end, ..NewCards::default() };
    let made = cards(&bench.admin, new).await;
    let service = bench.admin.cards();
    let withdrawn = service.revoke(&Actor::machine(), &made[0].view.id.to_string()).await.unwrap();
    assert_eq!(withdrawn.status, CardStatus::Revoked);
    let why = redeem(&bench.admin, &made[0].code, "held").await.unwrap_err().to_string();
    assert!(why.contains("withdrawn"), "{why}");
    service.delete(&made[1].view.id.to_string()).await.unwrap();
    assert!(matches!(redeem(&bench.admin, &made[1].code, "held").await, Err(AdminError::NotFound { .. })));
    bench.clock.advance(Duration::from_secs(60));
    let why = redeem(&bench.admin, &made[2].code, "held").await.unwrap_err().to_string();
    assert!(why.contains("its time is over"), "{why}");
    let past = NewCards { quota: 1, expires_at: Some(Timestamp::EPOCH), ..NewCards::default() };
    for (wrong, field) in [
        (NewCards::default(), "quota"),
        (NewCards { quota: 1, count: Some(101), ..NewCards::default() }, "count"),
        (past, "expires_at"),
    ] {
        let error = service.create(&Actor::machine(), wrong).await.unwrap_err();
        assert!(matches!(error, AdminError::Invalid { field: found, .. } if found == field), "{error}");
    }
    let (used, code) = (bench.admin.clone(), quota(&bench.admin, DOLLAR).await);
    let redemption = redeem(&used, &code, "held").await.unwrap();
    for refused in [
        service.delete(&redemption.card.to_string()).await,
        service.revoke(&Actor::machine(), &redemption.card.to_string()).await,
    ] {
        assert!(refused.unwrap_err().to_string().contains("redeemed already"));
    }
}

#[tokio::test]
async fn holders_redeem_with_the_key_and_wait_after_wrong_codes() {
    let bench = quiet().await;
    let (id, secret) = key(&bench, "held").await;
    let holders = bench.admin.holders();
    let held = holders.redeeming_key(&secret, None).await.unwrap();
    let wrong = Disclosed::new(Secret::new("phc-aaaa-aaaa-aaaa-aaaa-aaaa-aaaa"));
    for _ in 0..5 {
        let error = holders.redeem(&held, &wrong, None).await.unwrap_err();
        assert!(matches!(error, AdminError::NotFound { .. }), "{error}");
    }
    let code = quota(&bench.admin, DOLLAR).await;
    let error = holders.redeem(&held, &code, None).await.unwrap_err();
    assert!(matches!(error, AdminError::TooMany { .. }), "{error}");
    assert!(error.to_string().contains("try again in 2 s"), "{error}");
    bench.clock.advance(Duration::from_secs(2));
    let done = holders.redeem(&held, &code, None).await.unwrap();
    assert_eq!((done.gives.quota, amount(&bench, id).await), (DOLLAR, 11 * DOLLAR));
    assert_eq!(holders.redemptions(&held).await.unwrap(), [done]);
    let (other, _) = key(&bench, "other").await;
    assert!(holders.redemptions(&kept(&bench, other).await).await.unwrap().is_empty());
    let input = AuditInput { action: Some("own_key.redeem".to_owned()), ..AuditInput::default() };
    let log = bench.admin.audit().list(&input).await.unwrap().entries;
    assert_eq!(log.len(), 6);
    assert_eq!((log[0].outcome, log[5].outcome), (Outcome::Done, Outcome::Refused));
    assert!(!serde_json::to_string(&log).unwrap().contains(code.secret().expose()));
}

#[tokio::test]
async fn a_key_that_is_over_is_opened_again_by_time() {
    let bench = quiet().await;
    let new =
        NewKey { name: "held".to_owned(), expiry: ExpiryInput::In { seconds: 60 }, ..NewKey::default() };
    let made = bench.admin.keys().create(new).await.unwrap();
    bench.clock.advance(Duration::from_secs(61));
    let holders = bench.admin.holders();
    assert!(holders.key(&made.key, None).await.is_err());
    let held = holders.redeeming_key(&made.key, None).await.unwrap();
    let card = cards(&bench.admin, NewCards { seconds: DAY, ..NewCards::default() }).await.remove(0);
    holders.redeem(&held, &card.code, None).await.unwrap();
    holders.key(&made.key, None).await.unwrap();
}

#[tokio::test]
async fn a_person_redeems_for_the_own_keys_alone() {
    let bench = quiet().await;
    let ada = new_person(&bench, "ada").await;
    let limits = vec![parse_limit("cost=1/total").unwrap()];
    let new = NewOwnKey { name: "laptop".to_owned(), limits, ..NewOwnKey::default() };
    bench.admin.own_keys(&ada).create(new).await.unwrap();
    key(&bench, "anothers").await;
    let code = quota(&bench.admin, DOLLAR).await;
    let own = bench.admin.own_keys(&ada);
    assert!(matches!(own.redeem("anothers", &code).await, Err(AdminError::NotFound { .. })));
    assert_eq!(own.redeem("laptop", &code).await.unwrap().key_name, "ada/laptop");
    assert_eq!(own.redemptions().await.unwrap().len(), 1);
}

#[tokio::test]
async fn cards_and_settings_travel_and_an_older_export_makes_no_card_redeemable_again() {
    let bench = quiet().await;
    let (id, _) = key(&bench, "held").await;
    let code = quota(&bench.admin, 5 * DOLLAR).await;
    let limits = CardLimitsChange { most_quota: Some(50 * DOLLAR), most_days: None };
    bench.admin.cards().set_limits(limits).await.unwrap();
    let export = data::export(&bench.stores, &bench.vault, bench.now(), None).await.unwrap();
    let text = serde_json::to_string(&export).unwrap();
    assert!(!text.contains(code.secret().expose()));
    let read: data::Export = serde_json::from_str(&text).unwrap();

    let other = quiet().await;
    let plan = data::plan_import(&other.stores, &bench.vault, &read, None).await.unwrap();
    plan.apply(&other.stores, other.now()).await.unwrap();
    redeem(&other.admin, &code, "held").await.unwrap();
    assert_eq!(amount(&other, id).await, 15 * DOLLAR);
    assert_eq!(other.admin.cards().limits().await.unwrap().most_quota, 50 * DOLLAR);

    let again = data::plan_import(&other.stores, &bench.vault, &read, None).await.unwrap();
    let card = again.records.iter().find(|record| record.kind == RecordKind::Card).unwrap();
    assert_eq!(card.fate, Fate::Skipped, "{card:?}");
    again.apply(&other.stores, other.now()).await.unwrap();
    let told = redeem(&other.admin, &code, "held").await.unwrap_err().to_string();
    assert!(told.contains("redeemed already"), "{told}");
}

#[tokio::test]
async fn the_log_tells_what_was_before_and_after_and_never_a_code() {
    let bench = quiet().await;
    key(&bench, "held").await;
    let act = async |command| bench.admin.act(&Actor::machine(), command).await.unwrap();
    let new = NewCards { quota: 5 * DOLLAR, ..NewCards::default() };
    let Reply::CreatedCards(made) = act(Command::CreateCards(new)).await else { panic!() };
    let code = made[0].code.clone();
    act(Command::RedeemCard { code: code.clone(), key: "held".to_owned() }).await;
    let rates = |rate: &str| RatesInput { rates: [(ProviderKind::Anthropic, Some(rate.to_owned()))].into() };
    act(Command::SetServiceRates(rates("2"))).await;
    act(Command::SetServiceRates(rates("3"))).await;
    let log = bench.admin.audit().list(&AuditInput::default()).await.unwrap().entries;
    let of = |action: &str| log.iter().find(|entry| entry.action == action).unwrap();
    let redeemed = serde_json::to_value(of("card.redeem")).unwrap();
    assert_eq!(redeemed["target"]["name"], "held", "{redeemed}");
    let amount = |side: &str| redeemed[side]["policy"]["limits"][0]["amount"].as_u64();
    assert_eq!((amount("before"), amount("after")), (Some(10 * DOLLAR), Some(15 * DOLLAR)), "{redeemed}");
    let set = serde_json::to_value(of("rates.set")).unwrap();
    let rate = |side: &str| set[side]["value"]["rates"]["anthropic"].to_string();
    assert!(rate("before").contains('2') && rate("after").contains('3'), "{set}");
    let text = serde_json::to_string(&log).unwrap();
    assert!(!text.contains(code.secret().expose()));
    assert!(!text.contains(&posthaste_vault::hash_token(code.secret().expose()).to_hex()));
}

#[tokio::test]
async fn rates_are_said_by_provider_and_taken_back() {
    let mut bench = quiet().await;
    bench.parts.service_rates.insert(ProviderKind::Gemini, Multiplier::from_millionths(1_500_000));
    let admin = Admin::new(bench.parts.clone());
    let set = |provider, rate: Option<&str>| {
        let rates = [(provider, rate.map(str::to_owned))].into();
        let admin = admin.clone();
        async move { admin.execute(Command::SetServiceRates(RatesInput { rates })).await }
    };
    let of = |rates: &[posthaste_admin::ServiceRate], provider| {
        let found = rates.iter().find(|rate| rate.provider == provider).unwrap();
        (found.rate.clone(), found.set)
    };
    let told = admin.service_rates().await.unwrap();
    assert_eq!(of(&told, ProviderKind::Gemini), ("1.5".to_owned(), false));
    assert_eq!(of(&told, ProviderKind::Anthropic), ("1".to_owned(), false));
    let Reply::ServiceRates(told) = set(ProviderKind::Gemini, Some("0.8")).await.unwrap() else { panic!() };
    assert_eq!(of(&told, ProviderKind::Gemini), ("0.8".to_owned(), true));
    assert!(set(ProviderKind::Gemini, Some("-1")).await.unwrap_err().to_string().contains("gemini"));
    set(ProviderKind::Gemini, None).await.unwrap();
    assert_eq!(of(&admin.service_rates().await.unwrap(), ProviderKind::Gemini), ("1.5".to_owned(), false));
}
