//! What operators are told of, and how often.

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use posthaste_core::{
    ClientKey, Clock, CooldownReason, CooldownScope, Expiry, Limit, LimitUnit, LimitWindow, NoticeEvent,
    Pool, PoolId, PoolRules, ProviderKind, Timestamp,
};
use posthaste_gateway::RelayOptions;
use posthaste_storage::Repository;
use posthaste_testkit::{
    AccountSetters, ClientKeySetters, MemoryTransport, Reply, Script, ScriptedUpstream, anthropic_json,
    client_key,
};
use serde_json::{Value, json};
use support::{MODEL, Rig, USAGE, at, whole};

fn refusal() -> Value {
    json!({"type": "error", "error": {"type": "authentication_error", "message": "no"}})
}

/// Those of a rig that `pick` wants, with their subjects' names.
fn told<T>(rig: &Rig, pick: impl Fn(NoticeEvent) -> Option<T>) -> Vec<(String, T)> {
    rig.notices.told().into_iter().filter_map(|(name, event)| Some((name, pick(event)?))).collect()
}

#[tokio::test]
async fn an_account_that_rests_and_serves_again_is_told_once_each() {
    let asked = AtomicUsize::new(0);
    let upstream = ScriptedUpstream::start(move |_| match asked.fetch_add(1, Relaxed) {
        0 => Script::json(401, &refusal()),
        _ => Script::json(200, &anthropic_json("hello", USAGE)),
    })
    .await;
    let rig = Rig::new(vec![at("one", upstream.base_url(), 50)]).await;
    for _ in 0..3 {
        rig.read(&whole()).await.unwrap_err();
    }
    rig.clock.advance(Duration::from_secs(24 * 3_600));
    rig.read(&whole()).await.unwrap();
    rig.read(&whole()).await.unwrap();
    let events = rig.notices.told();
    let [(first, rests), (second, serves)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((first.as_str(), second.as_str()), ("one", "one"));
    let NoticeEvent::AccountRests { reason, scope, .. } = rests else { panic!("{rests:?}") };
    assert_eq!((*reason, scope), (CooldownReason::Unauthorised, &CooldownScope::Account));
    let ends = NoticeEvent::AccountServes { scope: CooldownScope::Account, by_operator: false };
    assert_eq!(*serves, ends);
}

#[tokio::test]
async fn a_rest_that_an_operator_ends_is_told_where_there_was_one() {
    let transport = MemoryTransport::new(|_| Reply::json(401, &refusal()));
    let account = at("one", "https://upstream.example".to_owned(), 50);
    let id = account.id;
    let rig = Rig::over(vec![account], RelayOptions::default(), Arc::new(transport)).await;
    rig.relay.release(id);
    assert_eq!(rig.notices.told(), [], "it did not rest");
    rig.read(&whole()).await.unwrap_err();
    rig.relay.release(id);
    let ended = told(&rig, |event| match event {
        NoticeEvent::AccountServes { by_operator, .. } => Some(by_operator),
        _ => None,
    });
    assert_eq!(ended, [("one".to_owned(), true)]);
}

#[tokio::test]
async fn a_limit_is_told_by_the_name_of_whose_it_is() {
    let upstream = ScriptedUpstream::start(|_| Script::json(200, &anthropic_json("hello", USAGE))).await;
    let limit = |amount| Limit {
        name: "daily".to_owned(),
        unit: LimitUnit::Requests,
        window: LimitWindow::Rolling { seconds: 3_600 },
        amount,
        models: Vec::new(),
        shadow: false,
        on_loss: Default::default(),
    };
    let mut account = at("one", upstream.base_url(), 50);
    account.scheduling.limits = vec![limit(4)];
    let rig = Rig::new(vec![account]).await;
    let keys: Repository<ClientKey> = Repository::new(Arc::clone(&rig.stores.config));
    let mut key = keys.client_key(client_key("tester").id).await.unwrap().unwrap();
    key.value.policy.limits = vec![limit(2)];
    keys.replace(key.value, key.version).await.unwrap();
    rig.read(&whole()).await.unwrap();
    rig.read(&whole()).await.unwrap();
    rig.read(&whole()).await.unwrap_err();
    let mut percents = told(&rig, |event| match event {
        NoticeEvent::LimitReached { limit, percent, .. } if limit == "daily" => Some(percent),
        _ => None,
    });
    percents.sort();
    let expected = [("one", 50), ("tester", 50), ("tester", 80), ("tester", 95), ("tester", 100)];
    assert_eq!(percents, expected.map(|(name, percent)| (name.to_owned(), percent)));
}

#[tokio::test]
async fn a_model_without_a_price_is_told_once() {
    let upstream = ScriptedUpstream::start(|_| Script::json(200, &anthropic_json("hello", USAGE))).await;
    let rig = Rig::new(vec![at("one", upstream.base_url(), 50)]).await;
    let mut question = whole();
    for model in [MODEL, "claude-nobody-knows", "claude-nobody-knows"] {
        question["model"] = model.into();
        rig.read(&question).await.unwrap();
    }
    let unpriced = |event| match event {
        NoticeEvent::PriceUnknown { priced, .. } => Some(priced),
        _ => None,
    };
    assert_eq!(told(&rig, unpriced), [("claude-nobody-knows".to_owned(), false)]);
}

#[tokio::test]
async fn a_plan_that_is_used_up_is_told_with_all_of_it() {
    let now = Rig::new(Vec::new()).await.clock.now().as_secs();
    let reset = (now + 86_400).to_string();
    let asked = AtomicUsize::new(0);
    let upstream = ScriptedUpstream::start(move |_| {
        let used = if asked.fetch_add(1, Relaxed) == 0 { "0.96" } else { "1.0" };
        Script::json(200, &anthropic_json("hello", USAGE))
            .header("anthropic-ratelimit-unified-7d-utilization", used)
            .header("anthropic-ratelimit-unified-7d-reset", &reset)
    })
    .await;
    let account = at("one", upstream.base_url(), 50).with_provider(ProviderKind::Anthropic);
    let rig = Rig::new(vec![account]).await;
    for _ in 0..3 {
        rig.read(&whole()).await.unwrap();
    }
    let marks = told(&rig, |event| match event {
        NoticeEvent::QuotaReached { percent, .. } => Some(percent),
        _ => None,
    });
    assert_eq!(marks, [("one".to_owned(), 95), ("one".to_owned(), 100)]);
}

#[tokio::test(start_paused = true)]
async fn many_failures_are_told_once() {
    let transport = MemoryTransport::new(|_| Reply::json(500, &json!({})));
    let account = at("one", "https://upstream.example".to_owned(), 50);
    let id = account.id;
    let rig = Rig::over(vec![account], RelayOptions::default(), Arc::new(transport)).await;
    for _ in 0..30 {
        rig.read(&whole()).await.unwrap_err();
        rig.scheduler.release(id);
    }
    let rose = told(&rig, |event| match event {
        NoticeEvent::ErrorsRose { failed, attempts, .. } => Some(failed == attempts && attempts >= 20),
        _ => None,
    });
    assert_eq!(rose, [("relay".to_owned(), true)]);
}

#[tokio::test(start_paused = true)]
async fn a_pool_without_an_account_and_a_key_that_ends_are_looked_for() {
    let transport = MemoryTransport::new(|_| Reply::json(401, &refusal()));
    let mut account = at("one", "https://upstream.example".to_owned(), 50);
    let pool = Pool {
        id: PoolId::generate(),
        name: "team".to_owned(),
        rules: PoolRules::default(),
        limits: Vec::new(),
        created_at: Timestamp::EPOCH,
        updated_at: Timestamp::EPOCH,
    };
    account.scheduling.pools = vec![pool.id];
    let id = account.id;
    let rig = Rig::over(vec![account], RelayOptions::default(), Arc::new(transport)).await;
    Repository::new(Arc::clone(&rig.stores.config)).create(pool).await.unwrap();
    let end = Expiry::At { at: rig.clock.now().plus(Duration::from_secs(3_600)) };
    let key = client_key("short").with_expiry(end);
    Repository::new(Arc::clone(&rig.stores.config)).create(key).await.unwrap();
    rig.relay_forgets().await;
    rig.read(&whole()).await.unwrap_err();
    let relay = rig.relay.clone();
    let watch = tokio::spawn(async move { relay.watch().await });
    for step in 0..6 {
        if step == 4 {
            rig.relay.release(id);
        }
        tokio::time::sleep(Duration::from_secs(10)).await;
        rig.clock.advance(Duration::from_secs(10));
    }
    watch.abort();
    let kinds = told(&rig, |event| match event {
        NoticeEvent::KeyExpires { .. } => Some("ends"),
        NoticeEvent::PoolDown { accounts: 1, next_at: Some(_) } => Some("down"),
        NoticeEvent::PoolServes => Some("serves"),
        _ => None,
    });
    let expected = [("short", "ends"), ("team", "down"), ("team", "serves")];
    assert_eq!(kinds, expected.map(|(name, kind)| (name.to_owned(), kind)));
}
