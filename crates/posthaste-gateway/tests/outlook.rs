//! Who would serve a request that nobody has sent: what is told is what becomes of one that is sent, and telling changes nothing.

#![expect(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod support;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use bytes::Bytes;
use http::HeaderValue;
use posthaste_core::{
    Account, AccountId, Barrier, Binding, ClientKey, Cooldown, CooldownReason, Dialect, Expiry, FaultKind,
    Limit, LimitOwner, LimitUnit, LimitWindow, ModelName, ModelPattern, Network, Operation, Outlook,
    OutlookQuestion, Place, Pool, PoolId, PoolRules, QueueRules, RefusingStep, RequestRecord, Route, RouteId,
    RouteTarget, Strategy, Timestamp,
};
use posthaste_gateway::{Call, RelayOptions};
use posthaste_storage::{Counter, CounterWindow, Half, Repository, Unit};
use posthaste_testkit::{
    AccountSetters, MemoryTransport, Reply, account, anthropic_error, anthropic_json, client_key,
};
use serde_json::{Value, json};
use support::{MODEL, Read, Rig, USAGE, at};

const HAIKU: &str = "claude-haiku-4-5";
const HOUR: LimitWindow = LimitWindow::Rolling { seconds: 3_600 };

/// An account of the vendor whose name is its host's.
fn named(name: &str) -> Account {
    at(name, format!("https://{name}.example"), 50)
}

/// A vendor that answers well, but for an account called `broken`.
fn vendor() -> MemoryTransport {
    MemoryTransport::new(|sent| match sent.uri.host() {
        Some("broken.example") => Reply::json(500, &anthropic_error("api_error", "broken")),
        _ => Reply::json(200, &anthropic_json("Hello", USAGE)),
    })
}

async fn rig(accounts: Vec<Account>) -> Rig {
    Rig::over(accounts, RelayOptions::default(), Arc::new(vendor())).await
}

fn pool(name: &str, rules: PoolRules) -> Pool {
    let now = Timestamp::EPOCH;
    let (id, name) = (PoolId::generate(), name.to_owned());
    Pool { id, name, rules, limits: Vec::new(), created_at: now, updated_at: now }
}

fn limit(unit: LimitUnit, amount: u64, window: LimitWindow) -> Limit {
    let (name, models, shadow) = (unit.to_string(), Vec::new(), false);
    Limit { name, unit, window, amount, models, shadow, on_loss: Default::default() }
}

fn question(model: &str) -> Value {
    json!({"model": model, "max_tokens": 64, "messages": [{"role": "user", "content": "hello"}]})
}

/// The same as a question.
fn about(body: &Value) -> OutlookQuestion {
    OutlookQuestion {
        model: ModelName::parse(body["model"].as_str().unwrap()).unwrap(),
        dialect: Dialect::AnthropicMessages,
        operation: Operation::Chat,
        streamed: false,
        pinned: None,
        session: None,
        prompt_tokens: body.to_string().len().div_ceil(4) as u64,
        max_tokens: Some(64),
    }
}

async fn key(rig: &Rig) -> ClientKey {
    let keys: Repository<ClientKey> = Repository::new(Arc::clone(&rig.stores.config));
    keys.client_key(client_key("tester").id).await.unwrap().unwrap().value
}

async fn with_key(rig: &Rig, change: impl FnOnce(&mut ClientKey)) {
    rig.with_key(change).await;
    rig.relay_forgets().await;
}

async fn look(rig: &Rig, body: &Value) -> Outlook {
    rig.relay.outlook(key(rig).await, &about(body)).await.unwrap()
}

/// Asks first who would serve it, then has it served; whatever the record has of the plan has to be as it was told.
async fn told_and_done(rig: &Rig, body: &Value) -> (Outlook, RequestRecord) {
    let outlook = look(rig, body).await;
    if let Ok(answer) = rig.ask(body).await {
        Read::from(answer).await;
    }
    let record = rig.records().await.pop().unwrap();
    if let Some(plan) = record.plans.first() {
        let planned: Vec<_> = outlook.legs.iter().map(|leg| leg.planned.clone()).collect();
        assert_eq!(planned, plan.legs, "the plan is the one that was told");
    }
    if let Some(estimated) = record.estimated {
        assert_eq!(outlook.estimated, estimated);
    }
    if let Some(refusal) = &outlook.refusal {
        assert_eq!(Some(&refusal.fault), record.fault.as_ref(), "{outlook:?}");
        assert!(record.stops.iter().all(|stop| stop.attempt.is_none()), "nobody was asked");
    } else {
        let limits: Vec<_> = outlook.limits.iter().map(|limit| &limit.limit).collect();
        assert_eq!(limits, record.limits.iter().collect::<Vec<_>>());
    }
    (outlook, record)
}

fn turns(outlook: &Outlook) -> Vec<AccountId> {
    outlook.turns.iter().map(|turn| turn.account).collect()
}

/// Who was asked, each once.
fn asked(record: &RequestRecord) -> Vec<AccountId> {
    let sent = record.stops.iter().filter(|stop| stop.attempt.is_some());
    let mut asked: Vec<_> = sent.map(|stop| stop.account).collect();
    asked.dedup();
    asked
}

async fn keep(rig: &Rig, pools: Vec<Pool>, routes: Vec<(&str, Vec<RouteTarget>)>) {
    let (store, now) = (&rig.stores.config, Timestamp::EPOCH);
    for pool in pools {
        Repository::new(Arc::clone(store)).create(pool).await.unwrap();
    }
    for (name, targets) in routes {
        let (id, model) = (RouteId::generate(), ModelName::parse(name).unwrap());
        let route = Route { id, model, targets, created_at: now, updated_at: now };
        Repository::new(Arc::clone(store)).create(route).await.unwrap();
    }
    rig.relay_forgets().await;
}

fn to(model: &str, place: Option<Place>) -> RouteTarget {
    RouteTarget { model: ModelName::parse(model).unwrap(), place }
}

/// A route over two pools: one account rests, one is full, one fails, and the second pool serves.
async fn a_chain() -> Rig {
    let patient = PoolRules { strategy: Strategy::Sequential, ..PoolRules::default() };
    let (main, spare) = (pool("main", patient.clone()), pool("spare", patient));
    let member = |name, pool: &Pool| {
        let mut account = named(name);
        account.scheduling.pools = vec![pool.id];
        account
    };
    let mut full = member("full", &main);
    full.priority = 10;
    full.scheduling.limits = vec![limit(LimitUnit::Requests, 0, HOUR)];
    let accounts =
        vec![member("tired", &main), full, member("broken", &main), member("good", &spare), named("outside")];
    let rig = rig(accounts).await;
    let (first, second) = (Place::Pool(main.id), Place::Pool(spare.id));
    keep(&rig, vec![main, spare], vec![("house", vec![to(MODEL, Some(first)), to(HAIKU, Some(second))])])
        .await;
    let now = rig.relay_now();
    let until = Some(now.plus(Duration::from_secs(600)));
    let rest = Cooldown::of_account(CooldownReason::RateLimited, until, "slow down");
    rig.scheduler.rest(account("tired").id, &rest, now);
    rig
}

#[tokio::test]
async fn a_chain_of_pools_is_told_as_it_is_gone() {
    let rig = a_chain().await;
    let (outlook, record) = told_and_done(&rig, &question("house")).await;
    assert!(outlook.refusal.is_none() && outlook.route.is_some() && !outlook.last_resort);
    let ids = ["broken", "good", "full", "tired", "outside"].map(|name| account(name).id);
    let [broken, good, full, tired, outside] = ids;
    assert_eq!(turns(&outlook), [broken, good]);
    assert_eq!(asked(&record), [broken, good], "and so it went");
    let [first, second] = &outlook.legs[..] else { panic!("{outlook:?}") };
    let seats: Vec<_> = first.planned.asked.iter().map(|asked| asked.account).collect();
    assert_eq!(seats, [full, broken], "by priority");
    let held = first.known[0].full.as_ref().unwrap();
    assert_eq!((held.whose, held.of.as_str(), held.limit.limit), (LimitOwner::Account(full), "full", 0));
    assert!(first.known[1].full.is_none() && first.known[0].priority == 10);
    let barrier = |account| first.planned.passed_over.iter().find(|over| over.account == account).unwrap();
    assert_eq!(barrier(tired).barrier, Barrier::Rests);
    assert_eq!(barrier(tired).rest.as_ref().unwrap().why.as_ref(), "slow down");
    assert_eq!(barrier(outside).barrier, Barrier::NotInThePlace);
    assert_eq!(second.planned.model.as_str(), HAIKU);
    assert_eq!(second.known[0].upstream_model.as_str(), HAIKU);
    assert!(!first.by_chance && first.attempts == 4 && first.known[0].first_percent.is_none());
}

#[tokio::test]
async fn nothing_is_sent_reserved_counted_or_remembered() {
    let transport = vendor();
    let mut limited = named("good");
    limited.scheduling.limits = vec![limit(LimitUnit::Requests, 9, LimitWindow::Total)];
    let rig = Rig::over(vec![limited, named("other")], RelayOptions::default(), Arc::new(transport.clone()));
    let rig = rig.await;
    with_key(&rig, |key| {
        key.expiry = Expiry::AfterFirstUse { seconds: 3_600 };
        key.policy.limits = vec![limit(LimitUnit::Requests, 9, LimitWindow::Total)];
        key.policy.queue = Some(QueueRules { length: 3, patience_ms: 1_000 });
    })
    .await;
    let before = (key(&rig).await, rig.stores.config.revision().await.unwrap(), rig.relay.totals());
    let question = OutlookQuestion { session: Some("talk".to_owned()), ..about(&question(MODEL)) };
    for _ in 0..3 {
        let outlook = rig.relay.outlook(key(&rig).await, &question).await.unwrap();
        assert!(outlook.refusal.is_none() && outlook.turns.len() == 2, "{outlook:?}");
    }
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(before, (key(&rig).await, rig.stores.config.revision().await.unwrap(), rig.relay.totals()));
    assert!(transport.sent().is_empty() && rig.records().await.is_empty() && rig.rows().await.is_empty());
    assert!(rig.notices.told().is_empty());
    assert_eq!((rig.relay.conversations(), rig.relay.in_flight(), rig.relay.waiting()), (0, 0, Vec::new()));
    let counter = Counter { name: "requests".to_owned(), unit: Unit::Requests, window: CounterWindow::Total };
    let owners = [(Half::Caller, client_key("tester").id.uuid()), (Half::Seat, account("good").id.uuid())];
    for (half, owner) in owners {
        let used = rig.stores.admission.used(half, owner, &counter, rig.relay_now()).await.unwrap();
        assert_eq!(used, 0, "{half:?}");
    }
    for name in ["good", "other"] {
        assert_eq!(rig.scheduler.in_flight(account(name).id), 0);
    }
    // Who is least recently used is so still: nothing was noted of either.
    let order = look(&rig, &self::question(MODEL)).await.legs[0].planned.asked.clone();
    assert!(order.iter().all(|asked| !asked.why.contains("longest unused")), "{order:?}");
}

#[tokio::test]
async fn a_key_that_may_not_is_told_what_its_holder_would_be() {
    let rig = rig(vec![named("good")]).await;
    with_key(&rig, |key| key.models.deny = vec![ModelPattern::new("claude-*")]).await;
    let (outlook, _) = told_and_done(&rig, &question(MODEL)).await;
    let refusal = outlook.refusal.clone().unwrap();
    assert_eq!((refusal.by, refusal.fault.kind), (RefusingStep::Key, FaultKind::PermissionDenied));
    assert!(refusal.fault.message.unwrap().contains("may not use model `claude-sonnet-4-5`"));
    let left = &outlook.legs[0].planned.passed_over;
    assert_eq!(left[0].barrier, Barrier::NotForThisKey, "and the plan is told all the same");

    with_key(&rig, |key| {
        key.models.deny.clear();
        key.enabled = false;
        key.policy.networks = vec![Network::parse("192.0.2.0/24").unwrap()];
    })
    .await;
    let outlook = look(&rig, &question(MODEL)).await;
    let refusal = outlook.refusal.clone().unwrap();
    assert!(refusal.by == RefusingStep::Key && refusal.fault.message.unwrap().contains("switched off"));
    assert_eq!(outlook.networks.len(), 1, "where a request comes from is not asked, so it is told");
    assert_eq!(turns(&outlook), [account("good").id]);
}

#[tokio::test]
async fn a_limit_that_is_used_up_refuses_as_it_was_told() {
    let rig = rig(vec![named("good")]).await;
    let spent = limit(LimitUnit::Cost, 0, LimitWindow::Total);
    let shadow = Limit { shadow: true, name: "seen".to_owned(), ..limit(LimitUnit::Requests, 0, HOUR) };
    with_key(&rig, |key| key.policy.limits = vec![shadow.clone(), spent]).await;
    let (outlook, _) = told_and_done(&rig, &question(HAIKU)).await;
    let refusal = outlook.refusal.clone().unwrap();
    assert_eq!((refusal.by, refusal.fault.kind), (RefusingStep::Limit, FaultKind::QuotaExhausted));
    let [seen, cost] = &outlook.limits[..] else { panic!("{:?}", outlook.limits) };
    assert!(!seen.limit.refused() && seen.limit.shadow && cost.limit.refused());
    assert_eq!((cost.whose, cost.of.as_str()), (LimitOwner::ClientKey(client_key("tester").id), "tester"));

    // Of a window that opens with a request, only a request learns when it ends.
    let rolling = limit(LimitUnit::Requests, 0, HOUR);
    with_key(&rig, |key| key.policy.limits = vec![shadow, rolling]).await;
    let refusal = look(&rig, &question(HAIKU)).await.refusal.unwrap();
    assert_eq!(refusal.fault.kind, FaultKind::RateLimited);
    assert!(refusal.fault.message.unwrap().contains("when its window of 3600 s is over"));
}

#[tokio::test]
async fn a_request_that_would_wait_in_line_is_not_refused() {
    let rig = rig(vec![named("good")]).await;
    with_key(&rig, |key| key.policy.limits = vec![limit(LimitUnit::Concurrency, 0, LimitWindow::Now)]).await;
    let (outlook, _) = told_and_done(&rig, &question(MODEL)).await;
    assert_eq!(outlook.refusal.unwrap().by, RefusingStep::Limit);
    with_key(&rig, |key| key.policy.queue = Some(QueueRules { length: 1, patience_ms: 50 })).await;
    let outlook = look(&rig, &question(MODEL)).await;
    assert!(outlook.refusal.is_none() && outlook.limits[0].waits, "{outlook:?}");
    with_key(&rig, |key| key.policy.queue = Some(QueueRules { length: 0, patience_ms: 50 })).await;
    let outlook = look(&rig, &question(MODEL)).await;
    assert!(outlook.refusal.is_some() && !outlook.limits[0].waits, "a line without places");
}

#[tokio::test]
async fn what_nobody_serves_is_told_as_it_is_refused() {
    let rig = rig(vec![named("good").with_models(&["claude-*"]), named("off").disabled()]).await;
    let (outlook, _) = told_and_done(&rig, &question("gpt-5")).await;
    let refusal = outlook.refusal.clone().unwrap();
    assert_eq!((refusal.by, refusal.fault.kind), (RefusingStep::Nobody, FaultKind::NotFound));
    let barriers: BTreeSet<_> = outlook.legs[0].planned.passed_over.iter().map(|over| over.barrier).collect();
    assert_eq!(barriers, [Barrier::Disabled, Barrier::ModelNotServed].into());

    let strict = Binding { to: Place::Account(account("off").id), strict: true };
    with_key(&rig, |key| key.policy.binding = Some(strict)).await;
    let (outlook, _) = told_and_done(&rig, &question(MODEL)).await;
    assert!(outlook.refusal.is_some() && outlook.turns.is_empty());
}

#[tokio::test]
async fn where_all_are_full_it_is_refused_or_waits() {
    let mut full = named("full");
    full.scheduling.limits = vec![limit(LimitUnit::Requests, 0, LimitWindow::Total)];
    let rig = rig(vec![full]).await;
    let (outlook, _) = told_and_done(&rig, &question(MODEL)).await;
    let message = outlook.refusal.unwrap().fault.message.unwrap();
    assert!(message.contains("at the limit"), "{message}");
    let rules = PoolRules { patience_ms: 30_000, ..PoolRules::default() };
    rig.relay.set_options(RelayOptions { rules, ..RelayOptions::default() });
    let outlook = look(&rig, &question(MODEL)).await;
    assert!(outlook.refusal.is_none() && outlook.waits_ms.is_some(), "{outlook:?}");
    assert_eq!(outlook.legs[0].patience_ms, 30_000);
}

#[tokio::test]
async fn nobody_well_is_told_as_the_last_resort() {
    let rig = rig(vec![named("good")]).await;
    let failing = Cooldown::of_account(CooldownReason::Failing, None, "broken");
    // Rests grow with each failure in a row.
    for _ in 0..8 {
        let now = rig.relay_now();
        let parked = rig.scheduler.rest(account("good").id, &failing, now);
        rig.clock.advance(parked.until.since(now) + Duration::from_millis(100));
    }
    rig.scheduler.rest(account("good").id, &failing, rig.relay_now());
    rig.clock.advance(Duration::from_secs(11));
    let (outlook, record) = told_and_done(&rig, &question(MODEL)).await;
    assert!(outlook.last_resort, "{outlook:?}");
    assert_eq!(asked(&record), turns(&outlook));
}

#[tokio::test]
async fn lots_are_told_as_chances() {
    let rules = PoolRules { strategy: Strategy::Weighted, ..PoolRules::default() };
    let lots = pool("lots", rules);
    let weighed = |name, weight| {
        let mut account = named(name);
        account.scheduling.weight = weight;
        account.scheduling.pools = vec![lots.id];
        account
    };
    let rig = rig(vec![weighed("light", 1), weighed("heavy", 3)]).await;
    let place = Some(Place::Pool(lots.id));
    keep(&rig, vec![lots], vec![("house", vec![to(MODEL, place)])]).await;
    let outlook = look(&rig, &question("house")).await;
    let leg = &outlook.legs[0];
    assert!(leg.by_chance);
    assert_eq!(leg.planned.asked[0].account, account("heavy").id, "the likeliest goes first");
    let [heavy, light] = [0, 1].map(|at: usize| leg.known[at].first_percent.unwrap());
    assert!((65..=85).contains(&heavy) && (99..=101).contains(&(heavy + light)), "{heavy} {light}");
    assert_eq!(outlook, Outlook { at: outlook.at, ..look(&rig, &question("house")).await }, "it stays so");

    let mut firsts = Vec::new();
    for number in 0..40 {
        let mut body = question("house");
        // A conversation that goes on would stay where it is.
        body["messages"][0]["content"] = json!(format!("hello {number}"));
        rig.read(&body).await.unwrap();
        firsts.push(asked(&rig.records().await.pop().unwrap())[0]);
    }
    let times = firsts.iter().filter(|first| **first == account("heavy").id).count();
    assert!((18..40).contains(&times), "{times} of 40");
}

#[tokio::test]
async fn a_conversation_is_found_by_what_its_client_calls_it() {
    let rig = rig(vec![named("one"), named("two"), named("three")]).await;
    let body = question(MODEL);
    let mut call = Call::new(
        rig.caller().await,
        Dialect::AnthropicMessages,
        Operation::Chat,
        Bytes::from(body.to_string()),
    );
    call.headers.insert("x-session-id", HeaderValue::from_static("talk"));
    Read::from(rig.relay.call(call).await.unwrap()).await;
    let home = asked(&rig.records().await.pop().unwrap())[0];
    let asks = |session: &str| OutlookQuestion { session: Some(session.to_owned()), ..about(&body) };
    let outlook = rig.relay.outlook(key(&rig).await, &asks("talk")).await.unwrap();
    assert_eq!(outlook.conversation.unwrap().home, Some(home));
    assert_eq!(turns(&outlook)[0], home);
    assert!(outlook.legs[0].planned.asked[0].why.contains("warm cache"), "{:?}", outlook.legs[0].planned);
    let other = rig.relay.outlook(key(&rig).await, &asks("another")).await.unwrap();
    assert_eq!(other.conversation.unwrap().home, None);
    assert_ne!(turns(&other)[0], home, "the one that was just used goes last");
}

#[tokio::test]
async fn an_alias_and_another_dialect_are_told() {
    let rig = rig(vec![named("good")]).await;
    let question =
        OutlookQuestion { dialect: Dialect::OpenAiChat, streamed: true, ..about(&question(MODEL)) };
    let outlook = rig.relay.outlook(key(&rig).await, &question).await.unwrap();
    let known = &outlook.legs[0].known[0];
    assert_eq!((known.dialect, known.first_event_ms), (Dialect::AnthropicMessages, 60_000));
    let pinned = OutlookQuestion { pinned: Some(Dialect::GeminiGenerate), ..question };
    let outlook = rig.relay.outlook(key(&rig).await, &pinned).await.unwrap();
    assert_eq!(outlook.legs[0].planned.passed_over[0].barrier, Barrier::PinnedElsewhere);
    assert_eq!(outlook.refusal.unwrap().by, RefusingStep::Nobody);
}
