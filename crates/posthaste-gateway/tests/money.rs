//! What is booked for an exchange: on the terms that the upstream tells, and as the operator chose where it has no price.

mod support;

use std::sync::Arc;

use bytes::Bytes;
use posthaste_core::{
    ClientKey, CostBasis, Dialect, FaultKind, ModelName, Multiplier, Operation, OwnPrice, OwnPriceId,
    OwnRates, PoolRules, ProviderKind, ServiceRates, ServiceTier, Setting, SettingValue, Strategy, Terms,
    Timestamp, Usage,
};
use posthaste_gateway::RelayOptions;
use posthaste_metering::{PriceBook, UnknownModels};
use posthaste_storage::Repository;
use posthaste_testkit::{AccountSetters, MemoryTransport, Reply, account, anthropic_json, anthropic_sse};
use serde_json::json;
use support::{Read, Rig, USAGE, streamed, whole};

/// A relay with one account, whose upstream always answers with this.
async fn answering(provider: ProviderKind, answer: impl Fn() -> Reply + Send + Sync + 'static) -> Rig {
    let transport = MemoryTransport::new(move |_| answer());
    Rig::over(vec![account("one").with_provider(provider)], RelayOptions::default(), Arc::new(transport))
        .await
}

#[tokio::test]
async fn the_tier_that_answered_is_billed_and_not_the_one_that_was_asked_for() {
    let answer = json!({"id": "c", "object": "chat.completion", "created": 1, "model": "gpt-5.4", "service_tier": "flex",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hi"}}],
        "usage": {"prompt_tokens": 1_000, "completion_tokens": 100, "total_tokens": 1_100}});
    let rig = answering(ProviderKind::OpenAi, move || Reply::json(200, &answer)).await;
    let asked = json!({"model": "gpt-5.4", "service_tier": "priority", "messages": [{"role": "user", "content": "hi"}]});
    let asked = Bytes::from(asked.to_string());
    let answer = rig.ask_as(Dialect::OpenAiChat, Operation::Chat, asked).await.unwrap();
    assert_eq!(Read::from(answer).await.status, 200);
    let row = &rig.rows().await[0];
    assert_eq!(row.usage.terms, Terms { tier: ServiceTier::Flex, ..Terms::PLAIN });
    // GPT-5.4's flex tier: $1.25 in, $7.50 out.
    assert_eq!((row.cost.as_nanos(), row.cost_basis), (1_250_000 + 750_000, CostBasis::Priced));
}

#[tokio::test]
async fn fast_mode_told_at_the_start_of_a_stream_is_billed_at_its_end() {
    let mut events = anthropic_sse(&["Hel", "lo"], USAGE);
    let opening = String::from_utf8(events[0].to_vec()).unwrap();
    let fast = opening.replace(r#""usage":{"#, r#""usage":{"speed":"fast","#);
    assert_ne!(opening, fast);
    events[0] = fast.into();
    let rig = answering(ProviderKind::Anthropic, move || Reply::sse(events.clone())).await;
    let plain = || Reply::sse(anthropic_sse(&["Hel", "lo"], USAGE));
    let plain = answering(ProviderKind::Anthropic, plain).await;
    let mut body = streamed();
    body["model"] = "claude-opus-5".into();
    for rig in [&rig, &plain] {
        rig.read(&body).await.unwrap();
    }
    let (fast, plain) = (&rig.rows().await[0], &plain.rows().await[0]);
    assert!(fast.usage.terms.fast && !plain.usage.terms.fast);
    assert_eq!(fast.cost.as_nanos(), 2 * plain.cost.as_nanos());
}

#[tokio::test]
async fn absurd_counts_become_no_fortune() {
    let usage = Usage { input: 1 << 52, output: 1 << 52, ..Usage::NONE };
    let rig =
        answering(ProviderKind::Anthropic, move || Reply::json(200, &anthropic_json("hi", usage))).await;
    rig.read(&whole()).await.unwrap();
    let row = &rig.rows().await[0];
    // One window of Claude Sonnet 4.5 at $3 and its longest answer at $15.
    assert_eq!((row.usage.input, row.usage.output, row.cost_basis), (200_000, 64_000, CostBasis::Capped));
    assert_eq!(row.cost.as_nanos(), 600_000_000 + 960_000_000);
}

#[tokio::test]
async fn a_model_without_a_price_is_booked_assumed_or_refused_as_the_operator_chose() {
    let named = |name: &str| ModelName::parse(name).unwrap();
    let mut body = whole();
    body["model"] = "claude-of-tomorrow".into();
    let choose = async |unknown| {
        let answer = |_: &_| Reply::json(200, &anthropic_json("hi", USAGE));
        let transport = Arc::new(MemoryTransport::new(answer));
        let prices = Arc::new(PriceBook::builtin().with_unknown(unknown).unwrap());
        Rig::priced(vec![account("one").with_provider(ProviderKind::Anthropic)], transport, prices).await
    };

    let unpriced = choose(UnknownModels::Unpriced).await;
    unpriced.read(&body).await.unwrap();
    let row = &unpriced.rows().await[0];
    assert_eq!((row.cost.as_nanos(), row.cost_basis), (0, CostBasis::Unpriced));

    let assuming = choose(UnknownModels::PricedAs(named("claude-opus-5"))).await;
    assuming.read(&body).await.unwrap();
    let row = &assuming.rows().await[0];
    assert!(row.cost.as_nanos() > 0 && row.cost_basis == CostBasis::Assumed);

    let refusing = choose(UnknownModels::Refused).await;
    let fault = refusing.read(&body).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::PermissionDenied);
    assert!(
        fault.message.contains("claude-of-tomorrow") && fault.message.contains("no price"),
        "{}",
        fault.message
    );
    assert!(refusing.rows().await.is_empty());
    refusing.read(&whole()).await.unwrap();
    assert_eq!(refusing.rows().await[0].cost_basis, CostBasis::Priced);
}

#[tokio::test]
async fn a_price_of_the_operators_own_counts_while_the_relay_runs_until_it_is_removed() {
    let prices = Arc::new(PriceBook::builtin().with_unknown(UnknownModels::Refused).unwrap());
    let transport = Arc::new(MemoryTransport::new(|_| Reply::json(200, &anthropic_json("hi", USAGE))));
    let rig =
        Rig::priced(vec![account("one").with_provider(ProviderKind::Anthropic)], transport, prices).await;
    let mut body = whole();
    body["model"] = "claude-of-tomorrow".into();
    assert_eq!(rig.read(&body).await.unwrap_err().kind, FaultKind::PermissionDenied);
    let own = OwnPrice {
        id: OwnPriceId::generate(),
        provider: "anthropic".to_owned(),
        model: ModelName::parse("claude-of-tomorrow").unwrap(),
        rates: OwnRates { input: Some(0), output: Some(5_000_000_000), ..OwnRates::default() },
        note: String::new(),
        created_at: Timestamp::EPOCH,
        updated_at: Timestamp::EPOCH,
    };
    let records = Repository::<OwnPrice>::new(Arc::clone(&rig.stores.config));
    let kept = records.create(own).await.unwrap();
    rig.relay_forgets().await;
    rig.read(&body).await.unwrap();
    let row = &rig.rows().await[0];
    let output = i64::try_from(USAGE.output).unwrap();
    assert_eq!((row.cost.as_nanos(), row.cost_basis), (output * 5_000, CostBasis::Priced));
    records.remove(kept.value.id.uuid(), kept.version).await.unwrap();
    rig.relay_forgets().await;
    assert_eq!(rig.read(&body).await.unwrap_err().kind, FaultKind::PermissionDenied);
}

#[tokio::test]
async fn what_is_billed_is_the_cost_times_the_keys_and_the_providers_multipliers() {
    let transport = MemoryTransport::new(move |_| Reply::json(200, &anthropic_json("hi", USAGE)));
    let multipliers = [(ProviderKind::Anthropic, Multiplier::from_millionths(1_100_000))];
    let options = RelayOptions { multipliers: multipliers.into(), ..RelayOptions::default() };
    let rig =
        Rig::over(vec![account("one").with_provider(ProviderKind::Anthropic)], options, Arc::new(transport))
            .await;
    let keys = Repository::<ClientKey>::new(Arc::clone(&rig.stores.config));
    let found = keys.all().await.unwrap().pop().unwrap();
    let mut key = found.value;
    key.policy.multiplier = Multiplier::from_millionths(1_500_000);
    keys.replace(key, found.version).await.unwrap();
    let mut body = whole();
    body["model"] = "claude-opus-5".into();
    rig.read(&body).await.unwrap();
    let row = &rig.rows().await[0];
    assert!(row.cost.as_nanos() > 0);
    assert_eq!(row.billed.as_nanos(), row.cost.as_nanos() * 165 / 100);
}

#[tokio::test]
async fn a_rate_that_an_operator_sets_goes_before_the_configurations_while_the_relay_runs() {
    let transport = MemoryTransport::new(move |_| Reply::json(200, &anthropic_json("hi", USAGE)));
    let multipliers = [(ProviderKind::Anthropic, Multiplier::from_millionths(1_100_000))];
    let options = RelayOptions { multipliers: multipliers.into(), ..RelayOptions::default() };
    let rig =
        Rig::over(vec![account("one").with_provider(ProviderKind::Anthropic)], options, Arc::new(transport))
            .await;
    let mut body = whole();
    body["model"] = "claude-opus-5".into();
    let settings = Repository::<Setting>::new(Arc::clone(&rig.stores.config));
    let rates =
        ServiceRates { rates: [(ProviderKind::Anthropic, Multiplier::from_millionths(500_000))].into() };
    let setting = Setting { value: SettingValue::ServiceRates(rates), updated_at: Timestamp::EPOCH };
    rig.read(&body).await.unwrap();
    let kept = settings.create(setting).await.unwrap();
    rig.relay_forgets().await;
    rig.read(&body).await.unwrap();
    settings.remove(ServiceRates::ID, kept.version).await.unwrap();
    rig.relay_forgets().await;
    rig.read(&body).await.unwrap();
    let rows = rig.rows().await;
    let shares: Vec<_> = rows.iter().map(|row| row.billed.as_nanos() * 100 / row.cost.as_nanos()).collect();
    assert!(rows[0].cost.as_nanos() > 0);
    assert_eq!(shares, [110, 50, 110]);
}

#[tokio::test]
async fn a_rate_that_changes_while_a_request_runs_is_not_its_rate() {
    let transport = MemoryTransport::new(move |_| Reply::sse(anthropic_sse(&["hel", "lo"], USAGE)));
    let rig = Rig::over(
        vec![account("one").with_provider(ProviderKind::Anthropic)],
        RelayOptions::default(),
        Arc::new(transport),
    )
    .await;
    let mut body = streamed();
    body["model"] = "claude-opus-5".into();
    let settings = Repository::<Setting>::new(Arc::clone(&rig.stores.config));
    let at = |millionths| {
        let rates = [(ProviderKind::Anthropic, Multiplier::from_millionths(millionths))].into();
        let value = SettingValue::ServiceRates(ServiceRates { rates });
        Setting { value, updated_at: Timestamp::EPOCH }
    };
    let kept = settings.create(at(1_500_000)).await.unwrap();
    rig.relay_forgets().await;
    let running = rig.ask(&body).await.unwrap();
    settings.replace(at(2_000_000), kept.version).await.unwrap();
    rig.relay_forgets().await;
    Read::from(running).await;
    rig.read(&body).await.unwrap();
    let rows = rig.rows().await;
    assert!(rows[0].cost.as_nanos() > 0);
    let shares: Vec<_> = rows.iter().map(|row| row.billed.as_nanos() * 100 / row.cost.as_nanos()).collect();
    assert_eq!(shares, [150, 200]);
}

#[tokio::test]
async fn the_lowest_cost_is_that_at_the_accounts_own_multiplier() {
    let at = |name: &str, millionths| {
        let mut account = account(name).with_provider(ProviderKind::Anthropic);
        account.scheduling.multiplier = Multiplier::from_millionths(millionths);
        account
    };
    let cheap = at("cheap", 500_000);
    let wanted = cheap.id;
    let rules = PoolRules { strategy: Strategy::LowestCost, ..PoolRules::default() };
    let options = RelayOptions { rules, ..RelayOptions::default() };
    let transport = MemoryTransport::new(|_| Reply::json(200, &anthropic_json("hi", USAGE)));
    let accounts = vec![at("dear", 2_000_000), cheap, at("usual", 1_000_000)];
    let rig = Rig::over(accounts, options, Arc::new(transport)).await;
    for topic in ["one", "two", "three"] {
        let mut body = whole();
        body["messages"][0]["content"] = topic.into();
        rig.read(&body).await.unwrap();
    }
    let served: Vec<_> = rig.rows().await.iter().map(|row| row.account_id).collect();
    assert_eq!(served, [wanted; 3]);
}
