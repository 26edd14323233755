//! Pools and routes.

use posthaste_admin::{
    AccountChange, AdminError, BindingInput, NewKey, NewPool, PlaceInput, PolicyInput, PoolChange,
    QueueInput, RouteInput, RulesChange, SchedulingChange, TargetInput,
};
use posthaste_core::{Limit, LimitUnit, LimitWindow, QueueRules, RetryPolicy, Strategy};

use crate::support::{Bench, compatible, quiet};

fn pool(name: &str) -> NewPool {
    NewPool { name: name.to_owned(), ..NewPool::default() }
}

fn joins(pools: &[&str]) -> AccountChange {
    let pools = Some(pools.iter().map(ToString::to_string).collect());
    let scheduling = SchedulingChange { pools, ..SchedulingChange::default() };
    AccountChange { scheduling, ..AccountChange::default() }
}

fn to(model: &str, place: Option<PlaceInput>) -> TargetInput {
    TargetInput { model: model.to_owned(), place }
}

fn route(model: &str, targets: &[TargetInput]) -> RouteInput {
    RouteInput { model: model.to_owned(), targets: targets.to_vec() }
}

async fn with_account() -> Bench {
    let bench = quiet().await;
    bench.admin.accounts().add(compatible("one")).await.expect("the account can be added");
    bench
}

#[tokio::test]
async fn a_pool_has_rules_and_the_accounts_that_join_it() {
    let bench = with_account().await;
    let pools = bench.admin.pools();
    let rules = RulesChange {
        strategy: Some(Strategy::Weighted),
        patience_ms: Some(20_000),
        ..RulesChange::default()
    };
    let made = pools.create(NewPool { rules, ..pool("fast") }).await.unwrap();
    assert_eq!((made.rules.strategy, made.rules.patience_ms), (Strategy::Weighted, 20_000));
    assert_eq!(made.rules.affinity.ttl_seconds, 3_600);
    bench.admin.accounts().update("one", joins(&["fast", "fast"])).await.unwrap();
    let change = RulesChange { retry: Some(RetryPolicy::Conservative), ..RulesChange::default() };
    pools.update("fast", PoolChange { rules: change, ..PoolChange::default() }).await.unwrap();
    let shown = pools.show(&made.id.to_string()).await.unwrap();
    assert_eq!((shown.members, shown.rules.strategy), (vec!["one".to_owned()], Strategy::Weighted));
    assert_eq!(shown.rules.retry, RetryPolicy::Conservative);
    assert!(matches!(pools.create(pool("fast")).await, Err(AdminError::Conflict { .. })));
}

#[tokio::test]
async fn a_pool_that_is_used_stays() {
    let bench = with_account().await;
    bench.admin.pools().create(pool("fast")).await.unwrap();
    bench.admin.accounts().update("one", joins(&["fast"])).await.unwrap();
    let routes = bench.admin.routes();
    routes.create(route("smart", &[to("m", Some(PlaceInput::Pool("fast".into())))])).await.unwrap();
    let refused = bench.admin.pools().delete("fast").await.unwrap_err().to_string();
    assert!(refused.contains("account `one`") && refused.contains("route `smart`"), "{refused}");
    routes.delete("smart").await.unwrap();
    bench.admin.accounts().update("one", joins(&[])).await.unwrap();
    bench.admin.pools().delete("fast").await.unwrap();
    assert!(bench.admin.pools().list().await.unwrap().is_empty());
}

#[tokio::test]
async fn what_no_account_could_follow_is_refused() {
    let bench = with_account().await;
    let unknown = bench.admin.accounts().update("one", joins(&["none"])).await;
    assert!(matches!(unknown, Err(AdminError::NotFound { .. })), "{unknown:?}");
    for weight in [0, 1_001] {
        let scheduling = SchedulingChange { weight: Some(weight), ..SchedulingChange::default() };
        let change = AccountChange { scheduling, ..AccountChange::default() };
        let refused = bench.admin.accounts().update("one", change).await;
        assert!(matches!(refused, Err(AdminError::Invalid { field: "weight", .. })), "{refused:?}");
    }
    for rules in [
        RulesChange { patience_ms: Some(300_001), ..RulesChange::default() },
        RulesChange { affinity_ttl_seconds: Some(0), ..RulesChange::default() },
    ] {
        let refused = bench.admin.pools().create(NewPool { rules, ..pool("odd") }).await;
        assert!(matches!(refused, Err(AdminError::Invalid { .. })), "{refused:?}");
    }
    bench.admin.pools().create(pool("empty")).await.unwrap();
    let leads_nowhere = route("smart", &[to("m", Some(PlaceInput::Pool("empty".into())))]);
    let refused = bench.admin.routes().create(leads_nowhere).await.unwrap_err().to_string();
    assert!(refused.contains("--pool empty"), "{refused}");
}

#[tokio::test]
async fn a_route_leads_to_models_and_never_to_a_route() {
    let bench = with_account().await;
    let routes = bench.admin.routes();
    let account = Some(PlaceInput::Account("one".into()));
    let made = routes.create(route("opus", &[to("opus", account.clone()), to("gpt", None)])).await.unwrap();
    assert_eq!(made.targets, [to("opus", account), to("gpt", None)], "its own name is the model itself");
    for (wrong, says) in [
        (route("smart", &[to("opus", None)]), "is a route itself"),
        (route("gpt", &[to("other", None)]), "leads to model `gpt`"),
        (route("twice", &[to("a", None), to("a", None)]), "stands there twice"),
        (route("empty", &[]), "1 to 16 targets"),
    ] {
        let refused = routes.create(wrong).await.unwrap_err().to_string();
        assert!(refused.contains(says), "{refused}");
    }
    assert!(matches!(routes.create(route("opus", &[to("x", None)])).await, Err(AdminError::Conflict { .. })));
    let changed = routes.update("opus", vec![to("gpt", None)]).await.unwrap();
    assert_eq!(changed.targets, [to("gpt", None)]);
    assert_eq!(routes.list().await.unwrap(), [changed]);
    routes.delete("opus").await.unwrap();
    assert!(matches!(routes.show("opus").await, Err(AdminError::NotFound { .. })));
}

#[tokio::test]
async fn a_key_is_bound_to_a_pool_that_has_accounts_and_waits_where_there_is_something_to_wait_for() {
    let bench = with_account().await;
    bench.admin.pools().create(pool("fast")).await.unwrap();
    let bound = |binding| {
        let policy = PolicyInput { binding: Some(binding), ..PolicyInput::default() };
        NewKey { name: "team".to_owned(), policy, ..NewKey::default() }
    };
    let to_fast = || BindingInput::Strict(PlaceInput::Pool("fast".into()));
    let refused = bench.admin.keys().create(bound(to_fast())).await.unwrap_err().to_string();
    assert!(refused.contains("has no accounts"), "{refused}");
    bench.admin.accounts().update("one", joins(&["fast"])).await.unwrap();
    let made = bench.admin.keys().create(bound(to_fast())).await.unwrap().view;
    assert_eq!(made.bound_to, Some(PlaceInput::Pool("fast".into())));
    assert!(made.policy.binding.unwrap().strict);
    let refused = bench.admin.pools().delete("fast").await.unwrap_err().to_string();
    assert!(refused.contains("client key `team`"), "{refused}");

    let line = QueueInput::Line(QueueRules { length: 5, patience_ms: 10_000 });
    let policy = PolicyInput { queue: Some(line), ..PolicyInput::default() };
    let waiting = NewKey { name: "waiting".to_owned(), policy, ..NewKey::default() };
    let refused = bench.admin.keys().create(waiting.clone()).await.unwrap_err().to_string();
    assert!(refused.contains("concurrency"), "{refused}");
    let limit = Limit {
        name: "c".to_owned(),
        unit: LimitUnit::Concurrency,
        window: LimitWindow::Now,
        amount: 2,
        models: Vec::new(),
        shadow: false,
        on_loss: Default::default(),
    };
    let made = bench.admin.keys().create(NewKey { limits: vec![limit], ..waiting }).await.unwrap();
    assert_eq!(made.view.policy.queue.unwrap().length, 5);
}
