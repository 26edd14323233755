//! Limits that client keys share: of their owner, and of their owner's team.

#![expect(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod support;

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use posthaste_core::{
    Account, ClientKey, Dialect, Fault, FaultKind, Limit, LimitUnit, LimitWindow, Operation, Owner,
    PresetName, ProviderKind, Team, TeamId, Timestamp, UserId,
};
use posthaste_gateway::{Call, RelayOptions};
use posthaste_sandbox::{SANDBOX_BASE_URL, Sandbox};
use posthaste_storage::Repository;
use posthaste_testkit::{AccountSetters, account, client_key, client_key_secret};
use serde_json::json;
use support::{Read, Rig};

const KEYS: [&str; 4] = ["one", "two", "three", "four"];

fn at_the_sandbox() -> Account {
    let mut account = account("a").with_base_url(SANDBOX_BASE_URL).without_consent();
    account.preset = PresetName("sandbox".to_owned());
    account.provider = ProviderKind::Sandbox;
    account
}

fn limit(name: &str, unit: LimitUnit, amount: u64) -> Limit {
    let window = match unit {
        LimitUnit::Concurrency => LimitWindow::Now,
        _ => LimitWindow::Rolling { seconds: 3_600 },
    };
    Limit {
        name: name.to_owned(),
        unit,
        window,
        amount,
        models: Vec::new(),
        shadow: false,
        on_loss: Default::default(),
    }
}

fn owner(name: &str, limits: Vec<Limit>, team: Option<TeamId>) -> Owner {
    let (created_at, updated_at) = (Timestamp::EPOCH, Timestamp::EPOCH);
    Owner { id: UserId::generate(), name: name.to_owned(), limits, team, created_at, updated_at }
}

fn team(limits: Vec<Limit>) -> Team {
    let (created_at, updated_at) = (Timestamp::EPOCH, Timestamp::EPOCH);
    Team { id: TeamId::generate(), name: "crew".to_owned(), limits, created_at, updated_at }
}

/// A relay with four keys; whose each is, `owner_of` says.
async fn rig(
    owners: &[Owner],
    team: Option<Team>,
    owner_of: impl Fn(usize) -> (UserId, Vec<Limit>),
) -> Arc<Rig> {
    let rig = Rig::over(vec![at_the_sandbox()], RelayOptions::default(), Arc::new(Sandbox::default())).await;
    for owner in owners {
        Repository::new(Arc::clone(&rig.stores.config)).create(owner.clone()).await.unwrap();
    }
    if let Some(team) = team {
        Repository::new(Arc::clone(&rig.stores.config)).create(team).await.unwrap();
    }
    for (number, name) in KEYS.into_iter().enumerate() {
        let mut key: ClientKey = client_key(name);
        key.hash = rig.vault.hash_client_key(client_key_secret(name).expose());
        let (owner, limits) = owner_of(number);
        key.policy.owner = Some(owner);
        key.policy.limits = limits;
        Repository::new(Arc::clone(&rig.stores.config)).create(key).await.unwrap();
    }
    Arc::new(rig.another().await)
}

async fn ask(rig: &Rig, key: &str) -> Result<Read, Fault> {
    let caller = rig.relay.authenticate(Some(client_key_secret(key).expose())).await?;
    let body = json!({"model": "sandbox-small", "max_tokens": 64, "messages": [{"role": "user", "content": "hello"}]});
    let call = Call::new(caller, Dialect::AnthropicMessages, Operation::Chat, body.to_string());
    Ok(Read::from(rig.relay.call(call).await?).await)
}

/// Four requests of each of 64 clients that take turns over the keys; tells how many each key was served.
async fn storm(rig: &Arc<Rig>) -> [u32; 4] {
    let clients = (0..64).map(|client| {
        let rig = Arc::clone(rig);
        tokio::spawn(async move {
            let mut served = 0;
            for _ in 0..4 {
                match ask(&rig, KEYS[client % 4]).await {
                    Ok(_) => served += 1,
                    Err(fault) => assert_eq!(fault.kind, FaultKind::RateLimited, "{fault}"),
                }
            }
            served
        })
    });
    let mut served = [0; 4];
    for (client, count) in join_all(clients).await.into_iter().enumerate() {
        served[client % 4] += count.unwrap();
    }
    served
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_clients_of_one_owners_keys_get_exactly_what_the_owner_may() {
    let alice = owner("alice", vec![limit("requests", LimitUnit::Requests, 100)], None);
    // The first key may less than its share; its limit has the same name as the owner's.
    let own = |number| if number == 0 { vec![limit("requests", LimitUnit::Requests, 7)] } else { Vec::new() };
    let rig = rig(std::slice::from_ref(&alice), None, |number| (alice.id, own(number))).await;
    let served = storm(&rig).await;
    assert_eq!((served.iter().sum::<u32>(), served[0] <= 7), (100, true), "{served:?}");
    let fault = ask(&rig, "two").await.unwrap_err();
    let whose = "limit `requests` of all client keys of `alice` together: 100 of 100";
    assert!(fault.message.contains(whose), "{fault}");
    assert!(fault.retry_after.unwrap() > Duration::from_secs(3_000));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_teams_limit_is_shared_by_its_owners_who_keep_their_own() {
    let team = team(vec![limit("requests", LimitUnit::Requests, 50)]);
    let alice = owner("alice", vec![limit("requests", LimitUnit::Requests, 10)], Some(team.id));
    let bob = owner("bob", Vec::new(), Some(team.id));
    let whose = |number: usize| if number.is_multiple_of(2) { alice.id } else { bob.id };
    let rig = rig(&[alice.clone(), bob.clone()], Some(team), |number| (whose(number), Vec::new())).await;
    let served = storm(&rig).await;
    assert_eq!(served.iter().sum::<u32>(), 50, "{served:?}");
    assert!(served[0] + served[2] <= 10, "{served:?}");
    let fault = ask(&rig, "two").await.unwrap_err();
    assert!(fault.message.contains("limit `requests` of team `crew`: 50 of 50"), "{fault}");
}

#[tokio::test]
async fn concurrency_of_an_owner_is_shared_and_given_back() {
    let alice = owner("alice", vec![limit("concurrency", LimitUnit::Concurrency, 1)], None);
    let rig = rig(std::slice::from_ref(&alice), None, |_| (alice.id, Vec::new())).await;
    let caller = rig.relay.authenticate(Some(client_key_secret("one").expose())).await.unwrap();
    let body = json!({"model": "sandbox-small", "max_tokens": 64, "stream": true, "messages": [{"role": "user", "content": "hello"}]});
    let call = Call::new(caller, Dialect::AnthropicMessages, Operation::Chat, body.to_string());
    let first = rig.relay.call(call).await.unwrap();
    let fault = ask(&rig, "two").await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::RateLimited);
    drop(first);
    for _ in 0..1_000 {
        if ask(&rig, "two").await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("the owner's place is not given back");
}

#[tokio::test]
async fn an_owner_without_a_record_leaves_a_key_alone() {
    let rig = rig(&[], None, |_| (UserId::generate(), vec![limit("requests", LimitUnit::Requests, 1)])).await;
    for key in KEYS {
        ask(&rig, key).await.unwrap();
        let fault = ask(&rig, key).await.unwrap_err();
        assert!(fault.message.contains("limit `requests` of this client key: 1 of 1"), "{fault}");
    }
    let rows = rig.rows().await;
    assert_eq!((rows.len(), rows.iter().all(|row| row.owner.is_some())), (4, true));
}
