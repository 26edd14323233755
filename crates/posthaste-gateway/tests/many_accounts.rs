//! A relay of so many accounts that not all of them are put in order for each request.

mod support;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use posthaste_core::{
    Account, AccountId, FaultKind, Limit, LimitUnit, LimitWindow, PoolRules, PresetName, ProviderKind,
    Strategy,
};
use posthaste_gateway::RelayOptions;
use posthaste_sandbox::{SANDBOX_BASE_URL, Sandbox};
use posthaste_storage::Repository;
use posthaste_testkit::{AccountSetters, account};
use serde_json::json;
use support::Rig;

fn accounts(count: usize) -> Vec<Account> {
    let one = |number: usize| {
        let mut account = account(&format!("a{number}")).with_base_url(SANDBOX_BASE_URL).without_consent();
        account.preset = PresetName("sandbox".to_owned());
        account.provider = ProviderKind::Sandbox;
        account
    };
    (0..count).map(one).collect()
}

async fn rig(accounts: Vec<Account>, strategy: Strategy) -> Rig {
    let rules = PoolRules { strategy, ..RelayOptions::default().rules };
    let options = RelayOptions { rules, ..RelayOptions::default() };
    Rig::over(accounts, options, Arc::new(Sandbox::default())).await
}

/// A conversation of its own for each number.
async fn ask(rig: &Rig, number: usize) -> Result<(), FaultKind> {
    let content = format!("question {number}");
    let body = json!({"model": "sandbox-small", "max_tokens": 64, "messages": [{"role": "user", "content": content}]});
    rig.read(&body).await.map(drop).map_err(|fault| fault.kind)
}

async fn served_by(rig: &Rig) -> Vec<AccountId> {
    rig.rows().await.into_iter().map(|row| row.account_id).collect()
}

#[tokio::test]
async fn each_of_them_comes_to_its_turn() {
    for strategy in [Strategy::QuotaPaced, Strategy::LeastRecentlyUsed] {
        let rig = rig(accounts(100), strategy).await;
        for number in 0..100 {
            ask(&rig, number).await.unwrap();
        }
        let served: BTreeSet<_> = served_by(&rig).await.into_iter().collect();
        assert_eq!(served.len(), 100, "{strategy:?}");
    }
}

/// Those before them are at their own limits, which no plan knows.
#[tokio::test]
async fn those_are_asked_as_well_that_stand_behind_the_first_ones() {
    let mut accounts = accounts(100);
    for account in &mut accounts {
        account.scheduling.limits = vec![Limit {
            name: "once".to_owned(),
            unit: LimitUnit::Requests,
            window: LimitWindow::Rolling { seconds: 3_600 },
            amount: 1,
            models: Vec::new(),
            shadow: false,
            on_loss: Default::default(),
        }];
    }
    let mut ids: Vec<_> = accounts.iter().map(|account| account.id).collect();
    ids.sort_unstable();
    let rig = rig(accounts, Strategy::Sequential).await;
    for number in 0..100 {
        ask(&rig, number).await.unwrap();
    }
    assert_eq!(served_by(&rig).await, ids, "one after another");
    assert_eq!(ask(&rig, 100).await, Err(FaultKind::RateLimited));
}

#[tokio::test]
async fn a_conversation_stays_where_it_is_however_many_others_there_are() {
    let rig = rig(accounts(200), Strategy::LeastRecentlyUsed).await;
    ask(&rig, 0).await.unwrap();
    for number in 1..10 {
        ask(&rig, number).await.unwrap();
    }
    ask(&rig, 0).await.unwrap();
    let served = served_by(&rig).await;
    assert_eq!(served[10], served[0]);
}

#[tokio::test]
async fn an_account_ends_at_its_time_and_a_change_counts_at_once() {
    let mut accounts = accounts(2);
    let ends_at = Rig::new(Vec::new()).await.relay_now().plus(Duration::from_secs(60));
    accounts[0].scheduling.expires_at = Some(ends_at);
    accounts[1].enabled = false;
    let (ending, other) = (accounts[0].id, accounts[1].id);
    let rig = rig(accounts, Strategy::LeastRecentlyUsed).await;
    ask(&rig, 0).await.unwrap();
    rig.clock.set(ends_at);
    assert_eq!(ask(&rig, 1).await, Err(FaultKind::Overloaded));

    let kept: Repository<Account> = Repository::new(Arc::clone(&rig.stores.config));
    let found = kept.get(other.uuid()).await.unwrap().unwrap();
    kept.replace(Account { enabled: true, ..found.value }, found.version).await.unwrap();
    rig.relay_forgets().await;
    ask(&rig, 2).await.unwrap();
    assert_eq!(served_by(&rig).await, [ending, other]);
}
