//! Limits of keys and accounts: reserved before, settled after, exact under parallel load.

#![expect(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod support;

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use posthaste_core::{
    Account, Binding, ClientKey, Dialect, Fault, FaultKind, Limit, LimitUnit, LimitWindow, ModelPattern,
    Multiplier, Operation, Place, PresetName, ProviderKind,
};
use posthaste_gateway::RelayOptions;
use posthaste_sandbox::{SANDBOX_BASE_URL, Sandbox};
use posthaste_storage::{Counter, CounterWindow, Half, Repository, Unit};
use posthaste_testkit::{AccountSetters, MemoryTransport, Reply, account, anthropic_json, client_key};
use serde_json::{Value, json};
use support::{Read, Rig, USAGE};

fn at_the_sandbox(name: &str) -> Account {
    let mut account = account(name).with_base_url(SANDBOX_BASE_URL).without_consent();
    account.preset = PresetName("sandbox".to_owned());
    account.provider = ProviderKind::Sandbox;
    account
}

fn limit(unit: LimitUnit, amount: u64, window: LimitWindow) -> Limit {
    Limit {
        name: unit.to_string(),
        unit,
        window,
        amount,
        models: Vec::new(),
        shadow: false,
        on_loss: Default::default(),
    }
}

const HOUR: LimitWindow = LimitWindow::Rolling { seconds: 3_600 };

async fn rig(accounts: Vec<Account>) -> Rig {
    Rig::over(accounts, RelayOptions::default(), Arc::new(Sandbox::default())).await
}

async fn limited(rig: &Rig, change: impl FnOnce(&mut ClientKey)) {
    let keys: Repository<ClientKey> = Repository::new(Arc::clone(&rig.stores.config));
    let found = keys.client_key(client_key("tester").id).await.unwrap().unwrap();
    let mut key = found.value;
    change(&mut key);
    keys.replace(key, found.version).await.unwrap();
}

fn question(model: &str) -> Value {
    json!({"model": model, "max_tokens": 64, "messages": [{"role": "user", "content": "hello"}]})
}

async fn ask(rig: &Rig) -> Result<Read, Fault> {
    rig.read(&question("sandbox-small")).await
}

/// What a counter comes to, once what is under way has settled.
async fn settles_at(rig: &Rig, half: Half, owner: uuid::Uuid, counter: &Counter, expected: i64) {
    for _ in 0..1_000 {
        if rig.stores.admission.used(half, owner, counter, rig.relay_now()).await.unwrap() == expected {
            return;
        }
        tokio::task::yield_now().await;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let used = rig.stores.admission.used(half, owner, counter, rig.relay_now()).await.unwrap();
    panic!("{counter:?} stands at {used}, not at {expected}");
}

fn counter(unit: Unit, window: CounterWindow) -> Counter {
    Counter { name: unit.as_str().to_owned(), unit, window }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_callers_on_a_limit_of_a_hundred_get_exactly_a_hundred() {
    let rig = Arc::new(rig(vec![at_the_sandbox("a")]).await);
    limited(&rig, |key| key.policy.limits = vec![limit(LimitUnit::Requests, 100, HOUR)]).await;
    let callers = (0..64).map(|_| {
        let rig = Arc::clone(&rig);
        tokio::spawn(async move {
            let mut served = 0;
            for _ in 0..4 {
                match ask(&rig).await {
                    Ok(_) => served += 1,
                    Err(fault) => assert_eq!(fault.kind, FaultKind::RateLimited, "{fault}"),
                }
            }
            served
        })
    });
    let served: i32 = join_all(callers).await.into_iter().map(Result::unwrap).sum();
    assert_eq!(served, 100);
    let fault = ask(&rig).await.unwrap_err();
    assert!(fault.message.contains("limit `requests`") && fault.message.contains("100 of 100"), "{fault}");
    assert!(fault.retry_after.unwrap() > Duration::from_secs(3_000));
}

#[tokio::test]
async fn what_was_reserved_is_replaced_by_what_was_used() {
    let rig = rig(vec![at_the_sandbox("a")]).await;
    limited(&rig, |key| key.policy.limits = vec![limit(LimitUnit::Tokens, 10_000, HOUR)]).await;
    ask(&rig).await.unwrap();
    let row = rig.rows().await.pop().unwrap();
    let used = i64::try_from(row.usage.prompt() + row.usage.output).unwrap();
    let tokens = counter(Unit::Tokens, CounterWindow::Rolling(Duration::from_secs(3_600)));
    settles_at(&rig, Half::Caller, client_key("tester").id.uuid(), &tokens, used).await;
}

#[tokio::test]
async fn a_request_that_nobody_was_asked_for_costs_nothing() {
    let rig = rig(vec![at_the_sandbox("a").disabled()]).await;
    limited(&rig, |key| key.policy.limits = vec![limit(LimitUnit::Requests, 1, HOUR)]).await;
    let requests = counter(Unit::Requests, CounterWindow::Rolling(Duration::from_secs(3_600)));
    for _ in 0..3 {
        assert_eq!(ask(&rig).await.unwrap_err().kind, FaultKind::Overloaded);
        settles_at(&rig, Half::Caller, client_key("tester").id.uuid(), &requests, 0).await;
    }
}

#[tokio::test]
async fn money_is_counted_as_it_is_billed_and_refused_as_a_quota() {
    let priced = || {
        let mut account = at_the_sandbox("a");
        account.scheduling.multiplier = Multiplier::from_millionths(500_000);
        account
    };
    let rig = rig(vec![priced()]).await;
    limited(&rig, |key| {
        key.policy.multiplier = Multiplier::from_millionths(3_000_000);
        key.policy.limits = vec![limit(LimitUnit::Cost, 1_000_000_000, LimitWindow::Total)];
    })
    .await;
    let body = question("claude-haiku-4-5");
    rig.read(&body).await.unwrap();
    let row = rig.rows().await.pop().unwrap();
    let cost = counter(Unit::Cost, CounterWindow::Total);
    settles_at(&rig, Half::Caller, client_key("tester").id.uuid(), &cost, row.billed.as_nanos()).await;

    limited(&rig, |key| key.policy.limits[0].amount = 0).await;
    rig.relay_forgets().await;
    let spent = rig.read(&body).await;
    if row.billed.as_nanos() > 0 {
        let fault = spent.unwrap_err();
        assert_eq!(fault.kind, FaultKind::QuotaExhausted, "{fault}");
        assert!(fault.message.contains("limit `cost`") && fault.message.contains('$'), "{fault}");
    }
}

/// Haiku costs $1 a million tokens of the prompt and $5 of the answer.
fn haiku(cap: u64, prompt: &str) -> Value {
    json!({"model": "claude-haiku-4-5", "max_tokens": cap, "messages": [{"role": "user", "content": prompt}]})
}

/// A relay whose accounts' vendor has prices, and a key that may spend five cents.
async fn five_cents(accounts: Vec<Account>) -> Rig {
    let answer = |_: &_| Reply::json(200, &anthropic_json("hi", USAGE));
    let accounts = accounts.into_iter().map(|account| account.with_provider(ProviderKind::Anthropic));
    let transport = Arc::new(MemoryTransport::new(answer));
    let rig = Rig::over(accounts.collect(), RelayOptions::default(), transport).await;
    limited(&rig, |key| {
        key.policy.limits = vec![limit(LimitUnit::Cost, 50_000_000, LimitWindow::Total)];
    })
    .await;
    rig
}

#[tokio::test]
async fn the_prompt_and_the_cap_are_reserved_as_money_before_anything_is_sent() {
    let rig = five_cents(vec![account("a")]).await;
    let long = "a word ".repeat(60_000);
    for dear in [haiku(20_000, "hello"), haiku(1, &long)] {
        assert_eq!(rig.read(&dear).await.unwrap_err().kind, FaultKind::QuotaExhausted);
    }
    assert!(rig.rows().await.is_empty(), "nobody was asked");
    rig.read(&haiku(5_000, "hello")).await.unwrap();
}

#[tokio::test]
async fn what_a_request_would_cost_where_it_cannot_go_is_not_reserved() {
    let dear = |name: &str| account(name).with_model_name("claude-haiku-4-5", "claude-opus-4-5");
    let elsewhere = dear("c").with_models(&["claude-sonnet-*"]);
    let rig = five_cents(vec![account("a"), dear("b").disabled(), elsewhere]).await;
    rig.read(&haiku(8_000, "hello")).await.unwrap();

    let rig = five_cents(vec![account("a"), dear("b")]).await;
    let fault = rig.read(&haiku(8_000, "hello")).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::QuotaExhausted, "the dearest of those that may serve counts");
}

#[tokio::test]
async fn limits_of_other_models_and_shadow_limits_refuse_nobody() {
    let rig = rig(vec![at_the_sandbox("a")]).await;
    limited(&rig, |key| {
        let other = Limit { models: vec![ModelPattern::new("gpt-*")], ..limit(LimitUnit::Requests, 0, HOUR) };
        let shadow =
            Limit { name: "watched".to_owned(), shadow: true, ..limit(LimitUnit::Requests, 0, HOUR) };
        let reached = Limit { name: "reached".to_owned(), amount: 1, ..shadow.clone() };
        key.policy.limits = vec![other, shadow, reached];
    })
    .await;
    let read = ask(&rig).await.unwrap();
    assert_eq!(read.header("x-posthaste-shadow-limits"), "watched");
    assert_eq!(read.header("anthropic-ratelimit-requests-limit"), "", "nobody is refused");
    let watched = Counter {
        name: "watched".to_owned(),
        ..counter(Unit::Requests, CounterWindow::Rolling(Duration::from_secs(3_600)))
    };
    settles_at(&rig, Half::Caller, client_key("tester").id.uuid(), &watched, 1).await;
}

#[tokio::test]
async fn concurrency_is_held_as_long_as_the_answer_is_read() {
    let held = counter(Unit::Concurrency, CounterWindow::Held);
    // Whatever window it is written with.
    for window in [LimitWindow::Now, HOUR] {
        let rig = rig(vec![at_the_sandbox("a")]).await;
        limited(&rig, |key| key.policy.limits = vec![limit(LimitUnit::Concurrency, 1, window)]).await;
        let mut stream = question("sandbox-small");
        stream["stream"] = json!(true);
        let first = rig.ask(&stream).await.unwrap();
        settles_at(&rig, Half::Caller, client_key("tester").id.uuid(), &held, 1).await;
        let fault = ask(&rig).await.unwrap_err();
        assert_eq!((fault.kind, fault.retry_after), (FaultKind::RateLimited, Some(Duration::from_secs(1))));
        drop(first);
        settles_at(&rig, Half::Caller, client_key("tester").id.uuid(), &held, 0).await;
        ask(&rig).await.unwrap();
    }
}

#[tokio::test]
async fn an_account_at_its_own_limit_is_passed_over() {
    let with_limit = |name: &str, priority| {
        let mut account = at_the_sandbox(name).with_priority(priority);
        account.scheduling.limits = vec![limit(LimitUnit::Requests, 1, HOUR)];
        account
    };
    let rig = rig(vec![with_limit("first", 1), with_limit("second", 2)]).await;
    for name in ["first", "second"] {
        ask(&rig).await.unwrap();
        assert_eq!(rig.rows().await.pop().unwrap().account_id, account(name).id);
    }
    let fault = ask(&rig).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::RateLimited, "{fault}");
    assert!(fault.retry_after.unwrap() > Duration::from_secs(3_000));
    assert_eq!(rig.rows().await.len(), 2, "a refused request is no attempt");
}

#[tokio::test]
async fn a_key_is_bound_to_its_accounts() {
    let rig =
        rig(vec![at_the_sandbox("first").with_priority(1), at_the_sandbox("second").with_priority(2)]).await;
    let bind = |strict| Some(Binding { to: Place::Account(account("second").id), strict });
    limited(&rig, |key| key.policy.binding = bind(false)).await;
    ask(&rig).await.unwrap();
    assert_eq!(rig.rows().await.pop().unwrap().account_id, account("second").id, "the bound one goes first");

    limited(&rig, |key| {
        key.policy.binding = None;
        key.policy.providers = vec![ProviderKind::Gemini];
    })
    .await;
    rig.relay_forgets().await;
    let fault = ask(&rig).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::PermissionDenied, "no account of the provider");
    assert!(fault.message.contains("may only use accounts of gemini"), "{fault}");
}

#[tokio::test]
async fn a_strict_bond_leaves_nobody_else() {
    let rig = rig(vec![at_the_sandbox("first"), at_the_sandbox("second").disabled()]).await;
    limited(&rig, |key| {
        key.policy.binding = Some(Binding { to: Place::Account(account("second").id), strict: true });
    })
    .await;
    ask(&rig).await.unwrap_err();
    assert!(rig.rows().await.is_empty());
}

#[tokio::test]
async fn a_strict_bond_to_somebody_who_does_not_serve_is_told() {
    let mut other = at_the_sandbox("other");
    other.models.deny = vec![ModelPattern::new("*")];
    let rig = rig(vec![at_the_sandbox("first"), other]).await;
    for to in [account("other").id, account("gone").id] {
        limited(&rig, |key| key.policy.binding = Some(Binding { to: Place::Account(to), strict: true }))
            .await;
        rig.relay_forgets().await;
        let fault = ask(&rig).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::PermissionDenied);
        assert!(fault.message.contains("is bound to accounts that do not serve"), "{fault}");
    }
}

#[tokio::test]
async fn a_caller_is_told_where_its_tightest_limits_stand() {
    let rig = rig(vec![at_the_sandbox("a")]).await;
    limited(&rig, |key| {
        let named = |name: &str, amount, window| Limit {
            name: name.to_owned(),
            ..limit(LimitUnit::Requests, amount, window)
        };
        key.policy.limits = vec![
            named("wide", 1_000, LimitWindow::Total),
            named("tight", 2, HOUR),
            limit(LimitUnit::Tokens, 1_000_000, LimitWindow::Total),
        ];
    })
    .await;
    let read = ask(&rig).await.unwrap();
    assert_eq!(read.header("anthropic-ratelimit-requests-limit"), "2");
    assert_eq!(read.header("anthropic-ratelimit-requests-remaining"), "1");
    assert!(read.header("anthropic-ratelimit-requests-reset").ends_with('Z'));
    assert_eq!(read.header("anthropic-ratelimit-tokens-limit"), "1000000");
    assert_eq!(read.header("anthropic-ratelimit-tokens-reset"), "", "it never starts anew");

    let body = json!({"model": "sandbox-small", "messages": [{"role": "user", "content": "hello"}]});
    let answer = rig.ask_as(Dialect::OpenAiChat, Operation::Chat, body.to_string().into()).await.unwrap();
    let read = Read::from(answer).await;
    assert_eq!(read.header("x-ratelimit-remaining-requests"), "0");
    assert_eq!(read.header("x-ratelimit-reset-requests"), "1h0m0s");
    assert_eq!(read.header("anthropic-ratelimit-requests-limit"), "");

    let fault = ask(&rig).await.unwrap_err();
    let requests = fault.limits.as_ref().unwrap().requests.unwrap();
    assert_eq!((requests.limit, requests.remaining), (2, 0));
    assert!(fault.retry_after.is_some());
}

#[tokio::test]
async fn a_limit_that_never_starts_anew_is_told_with_a_time_as_well() {
    let rig = rig(vec![at_the_sandbox("a")]).await;
    limited(&rig, |key| key.policy.limits = vec![limit(LimitUnit::Requests, 0, LimitWindow::Total)]).await;
    let fault = ask(&rig).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::RateLimited);
    assert!(fault.retry_after.is_some(), "clients ask every half second without");
}
