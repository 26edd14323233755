//! Pools, routes, lines and patience: who is asked for what, and who waits.

#![expect(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod support;

use std::sync::Arc;

use futures_util::future::join_all;
use posthaste_core::{
    Account, Binding, ClientKey, FaultKind, Limit, LimitUnit, LimitWindow, ModelName, ModelPattern, Place,
    Pool, PoolId, PoolRules, PresetName, ProviderKind, QueueRules, RetryPolicy, Route, RouteId, RouteTarget,
    Timestamp,
};
use posthaste_gateway::RelayOptions;
use posthaste_sandbox::{SANDBOX_BASE_URL, Sandbox};
use posthaste_storage::Repository;
use posthaste_testkit::{AccountSetters, account, client_key};
use serde_json::{Value, json};
use support::Rig;

fn at_the_sandbox(name: &str) -> Account {
    let mut account = account(name).with_base_url(SANDBOX_BASE_URL).without_consent();
    account.preset = PresetName("sandbox".to_owned());
    account.provider = ProviderKind::Sandbox;
    account
}

fn model(name: &str) -> ModelName {
    ModelName::parse(name).unwrap()
}

fn question(model: &str) -> Value {
    json!({"model": model, "max_tokens": 64, "messages": [{"role": "user", "content": "hello"}]})
}

fn pool(name: &str, rules: PoolRules) -> Pool {
    let now = Timestamp::EPOCH;
    let (id, name) = (PoolId::generate(), name.to_owned());
    Pool { id, name, rules, limits: Vec::new(), created_at: now, updated_at: now }
}

fn to(name: &str, place: Option<Place>) -> RouteTarget {
    RouteTarget { model: model(name), place }
}

async fn rig(accounts: Vec<Account>) -> Rig {
    Rig::over(accounts, RelayOptions::default(), Arc::new(Sandbox::default())).await
}

async fn routed(rig: &Rig, name: &str, targets: Vec<RouteTarget>) {
    let now = Timestamp::EPOCH;
    let route =
        Route { id: RouteId::generate(), model: model(name), targets, created_at: now, updated_at: now };
    Repository::new(Arc::clone(&rig.stores.config)).create(route).await.unwrap();
    rig.relay_forgets().await;
}

async fn with_key(rig: &Rig, change: impl FnOnce(&mut ClientKey)) {
    let keys: Repository<ClientKey> = Repository::new(Arc::clone(&rig.stores.config));
    let found = keys.client_key(client_key("tester").id).await.unwrap().unwrap();
    let mut key = found.value;
    change(&mut key);
    keys.replace(key, found.version).await.unwrap();
    rig.relay_forgets().await;
}

/// Which accounts were asked for which models, in order, by the names of `accounts`.
async fn asked(rig: &Rig) -> Vec<(String, String)> {
    let accounts = rig.relay.accounts();
    let name = |id| accounts.iter().find(|account| account.id == id).unwrap().name.clone();
    let rows = rig.rows().await;
    rows.iter().map(|row| (name(row.account_id), row.upstream_model.to_string())).collect()
}

#[tokio::test]
async fn a_route_asks_for_the_next_model_when_the_first_cannot_be_had() {
    let mut first = at_the_sandbox("first");
    first.models.allow = vec![ModelPattern::new("sandbox-529")];
    let mut second = at_the_sandbox("second");
    second.models.deny = first.models.allow.clone();
    let rig = rig(vec![first, second]).await;
    let targets = vec![to("sandbox-529", None), to("sandbox-small", None)];
    routed(&rig, "smart", targets).await;
    let answer = rig.read(&question("smart")).await.unwrap();
    assert_eq!(answer.status, 200);
    let asked = asked(&rig).await;
    assert_eq!(asked.last().unwrap().1, "sandbox-small", "{asked:?}");
    assert!(asked.len() >= 2 && asked[0].1 == "sandbox-529", "{asked:?}");
    let rows = rig.rows().await;
    assert!(rows.iter().all(|row| row.model.as_str() == "smart"), "the books tell what was asked for");
}

#[tokio::test]
async fn a_target_keeps_to_its_place() {
    let fast = pool("fast", PoolRules::default());
    let place = Place::Pool(fast.id);
    let mut member = at_the_sandbox("member");
    member.scheduling.pools = vec![fast.id];
    member.priority = 99;
    let rig = rig(vec![at_the_sandbox("other"), member]).await;
    Repository::new(Arc::clone(&rig.stores.config)).create(fast).await.unwrap();
    routed(&rig, "smart", vec![to("sandbox-small", Some(place))]).await;
    for _ in 0..3 {
        rig.read(&question("smart")).await.unwrap();
    }
    assert!(asked(&rig).await.iter().all(|(name, _)| name == "member"));
}

#[tokio::test]
async fn a_route_opens_no_model_that_is_denied() {
    let rig = rig(vec![at_the_sandbox("one")]).await;
    routed(&rig, "smart", vec![to("sandbox-large", None), to("sandbox-small", None)]).await;
    with_key(&rig, |key| {
        key.models.allow = vec![ModelPattern::new("smart")];
        key.models.deny = vec![ModelPattern::new("sandbox-large")];
    })
    .await;
    rig.read(&question("smart")).await.unwrap();
    assert_eq!(asked(&rig).await, [("one".to_owned(), "sandbox-small".to_owned())]);
    assert_eq!(rig.ask(&question("sandbox-small")).await.unwrap_err().kind, FaultKind::PermissionDenied);
}

#[tokio::test]
async fn a_key_is_bound_with_the_rules_of_its_pool() {
    let careful = pool("careful", PoolRules { retry: RetryPolicy::Conservative, ..PoolRules::default() });
    let members: Vec<_> = (0..4)
        .map(|number| {
            let mut member = at_the_sandbox(&format!("m{number}"));
            member.scheduling.pools = vec![careful.id];
            member
        })
        .collect();
    let rig = rig(members).await;
    let to = Place::Pool(careful.id);
    Repository::new(Arc::clone(&rig.stores.config)).create(careful).await.unwrap();
    with_key(&rig, |key| key.policy.binding = Some(Binding { to, strict: true })).await;
    rig.ask(&question("sandbox-529")).await.unwrap_err();
    assert_eq!(rig.rows().await.len(), 2, "a conservative pool asks two accounts");
}

#[tokio::test]
async fn a_request_waits_for_an_account_where_the_rules_allow_it() {
    let mut only = at_the_sandbox("only");
    let window = LimitWindow::Now;
    let limit = Limit {
        name: "c".to_owned(),
        unit: LimitUnit::Concurrency,
        window,
        amount: 1,
        models: Vec::new(),
        shadow: false,
        on_loss: Default::default(),
    };
    only.scheduling.limits = vec![limit];
    let ask_both = |patience_ms| {
        let only = only.clone();
        async move {
            let rules = PoolRules { patience_ms, ..PoolRules::default() };
            let options = RelayOptions { rules, ..RelayOptions::default() };
            let rig = Rig::over(vec![only], options, Arc::new(Sandbox::default())).await;
            let question = question("sandbox-slow-100");
            let answers = join_all([rig.read(&question), rig.read(&question)]).await;
            answers.iter().filter(|answer| answer.is_ok()).count()
        }
    };
    assert_eq!(ask_both(0).await, 1);
    assert_eq!(ask_both(30_000).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_with_a_line_waits_for_its_own_requests() {
    let rig = Arc::new(rig(vec![at_the_sandbox("one")]).await);
    with_key(&rig, |key| {
        let window = LimitWindow::Now;
        let name = "c".to_owned();
        let unit = LimitUnit::Concurrency;
        key.policy.limits = vec![Limit {
            name,
            unit,
            window,
            amount: 2,
            models: Vec::new(),
            shadow: false,
            on_loss: Default::default(),
        }];
        key.policy.queue = Some(QueueRules { length: 6, patience_ms: 30_000 });
    })
    .await;
    let asking = (0..8).map(|_| {
        let rig = Arc::clone(&rig);
        tokio::spawn(async move { rig.read(&question("sandbox-small")).await.map(|_| ()) })
    });
    let answers = join_all(asking).await;
    assert!(answers.iter().all(|answer| answer.as_ref().unwrap().is_ok()), "{answers:?}");
    with_key(&rig, |key| key.policy.queue = Some(QueueRules { length: 0, patience_ms: 30_000 })).await;
    let slow = question("sandbox-slow-100");
    let answers = join_all((0..4).map(|_| rig.read(&slow))).await;
    let refused = answers.iter().filter(|answer| answer.is_err()).count();
    assert_eq!(refused, 2, "nobody may stand in a line without places");
}

#[tokio::test]
async fn the_list_of_models_has_the_routes_that_lead_somewhere() {
    let rig = rig(vec![at_the_sandbox("one")]).await;
    routed(&rig, "smart", vec![to("sandbox-small", None)]).await;
    let nowhere = Place::Pool(PoolId::generate());
    routed(&rig, "lost", vec![to("sandbox-small", Some(nowhere))]).await;
    let caller = rig.caller().await;
    let listed: Vec<_> = rig
        .relay
        .models(&caller, posthaste_core::Dialect::AnthropicMessages, None)
        .into_iter()
        .map(|model| model.id)
        .collect();
    assert!(listed.contains(&"smart".to_owned()) && !listed.contains(&"lost".to_owned()), "{listed:?}");
    assert!(listed.is_sorted(), "{listed:?}");
}

#[tokio::test]
async fn the_limits_of_a_pool_count_for_all_its_members_together() {
    let mut tight = pool("tight", PoolRules::default());
    tight.limits = vec![Limit {
        name: "r".to_owned(),
        unit: LimitUnit::Requests,
        window: LimitWindow::Rolling { seconds: 3_600 },
        amount: 3,
        models: Vec::new(),
        shadow: false,
        on_loss: Default::default(),
    }];
    let members: Vec<_> = (0..2)
        .map(|number| {
            let mut member = at_the_sandbox(&format!("m{number}"));
            member.scheduling.pools = vec![tight.id];
            member
        })
        .collect();
    let rig = rig(members).await;
    Repository::new(Arc::clone(&rig.stores.config)).create(tight).await.unwrap();
    rig.relay_forgets().await;
    for _ in 0..3 {
        rig.read(&question("sandbox-small")).await.unwrap();
    }
    let fault = rig.ask(&question("sandbox-small")).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::RateLimited);
    assert!(fault.retry_after.unwrap() > std::time::Duration::from_secs(3_000), "{fault}");
}
