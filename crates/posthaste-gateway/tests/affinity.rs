//! Conversations stay with the account that holds their prompt cache, and no longer than it can serve.

#![expect(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod support;

use std::{collections::HashSet, sync::Arc};

use posthaste_core::{
    Account, AffinityRules, Clock, Cooldown, CooldownReason, PoolRules, PresetName, ProviderKind,
};
use posthaste_gateway::RelayOptions;
use posthaste_sandbox::{SANDBOX_BASE_URL, Sandbox};
use posthaste_testkit::{AccountSetters, account};
use serde_json::{Value, json};
use support::Rig;

fn accounts(count: usize) -> Vec<Account> {
    let one = |number| {
        let mut account = account(&format!("a{number}")).with_base_url(SANDBOX_BASE_URL).without_consent();
        account.preset = PresetName("sandbox".to_owned());
        account.provider = ProviderKind::Sandbox;
        account
    };
    (0..count).map(one).collect()
}

async fn rig(affinity: AffinityRules) -> Rig {
    let rules = PoolRules { affinity, ..PoolRules::default() };
    let options = RelayOptions { rules, ..RelayOptions::default() };
    Rig::over(accounts(4), options, Arc::new(Sandbox::default())).await
}

/// The n-th request of a conversation that begins with `topic`.
fn turn(topic: &str, turns: usize) -> Value {
    let mut messages = vec![json!({"role": "user", "content": topic})];
    for number in 0..turns {
        messages.push(json!({"role": "assistant", "content": "well"}));
        messages.push(json!({"role": "user", "content": format!("and {number}?")}));
    }
    json!({"model": "sandbox-small", "max_tokens": 16, "system": "be brief", "messages": messages})
}

async fn ask(rig: &Rig, body: &Value) {
    rig.read(body).await.unwrap();
}

/// Who served each request, in order.
async fn served(rig: &Rig) -> Vec<posthaste_core::AccountId> {
    rig.rows().await.iter().map(|row| row.account_id).collect()
}

#[tokio::test]
async fn a_conversation_stays_and_others_spread() {
    let rig = rig(AffinityRules::default()).await;
    for turns in 0..5 {
        for topic in ["one", "two", "three", "four"] {
            ask(&rig, &turn(topic, turns)).await;
        }
    }
    let served = served(&rig).await;
    for topic in 0..4 {
        let homes: HashSet<_> = served.iter().skip(topic).step_by(4).collect();
        assert_eq!(homes.len(), 1, "conversation {topic} moved: {served:?}");
    }
    assert_eq!(
        served[..4].iter().collect::<HashSet<_>>().len(),
        4,
        "new conversations go to the next account"
    );
}

#[tokio::test]
async fn without_affinity_every_request_goes_to_the_next_account() {
    let rig = rig(AffinityRules { enabled: false, ..AffinityRules::default() }).await;
    for turns in 0..4 {
        ask(&rig, &turn("one", turns)).await;
    }
    assert_eq!(served(&rig).await.iter().collect::<HashSet<_>>().len(), 4);
}

#[tokio::test]
async fn a_conversation_leaves_an_account_that_rests_and_does_not_come_back() {
    let rig = rig(AffinityRules::default()).await;
    ask(&rig, &turn("one", 0)).await;
    let first = served(&rig).await[0];
    rig.scheduler.rest(
        first,
        &Cooldown::of_account(CooldownReason::RateLimited, None, "429"),
        rig.clock.now(),
    );
    ask(&rig, &turn("one", 1)).await;
    rig.scheduler.release(first);
    for turns in 2..5 {
        ask(&rig, &turn("one", turns)).await;
    }
    let served = served(&rig).await;
    assert_ne!(served[1], first);
    assert!(served[1..].iter().all(|account| *account == served[1]), "{served:?}");
}

#[tokio::test]
async fn another_relay_of_the_same_store_knows_the_home() {
    let rig = rig(AffinityRules::default()).await;
    ask(&rig, &turn("one", 0)).await;
    let home = served(&rig).await[0];
    // The store is told beside the answer.
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    let other = rig.another().await;
    for turns in 1..4 {
        ask(&other, &turn("one", turns)).await;
    }
    assert!(served(&rig).await.iter().all(|account| *account == home));
}

#[tokio::test]
async fn a_conversation_is_forgotten_in_its_time() {
    let rig = rig(AffinityRules { ttl_seconds: 60, ..AffinityRules::default() }).await;
    ask(&rig, &turn("one", 0)).await;
    rig.clock.advance(std::time::Duration::from_secs(61));
    ask(&rig, &turn("one", 1)).await;
    let served = served(&rig).await;
    assert_ne!(served[0], served[1], "the next account is due");
}
