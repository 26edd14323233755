//! Keys, accounts, models and conversations come and go for days of the relay's clock: what does it keep of them?
//!
//! `cargo xtask soak` runs the long form and prints a figure for each. Caches with a bound fill up first, so that what is measured
//! begins behind a warm-up.

#![expect(clippy::unwrap_used, reason = "a failed setup is a failed test")]

#[path = "../support/mod.rs"]
mod support;

mod held;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use cap::Cap;
use mimalloc::MiMalloc;
use posthaste_core::{
    Account, ClientKey, Dialect, Operation, ProviderKind, Session, Timestamp, TokenHash, UserId,
};
use posthaste_gateway::Call;
use posthaste_sandbox::Sandbox;
use posthaste_storage::{Entity, Repository, RollupPeriod};
use posthaste_storage_sqlite::SqliteStores;
use posthaste_testkit::{AccountSetters, account, client_key, client_key_secret};
use serde_json::json;
use tokio::{task::JoinHandle, time::sleep};
use uuid::Uuid;

use self::{
    held::{Held, slope},
    support::{Read, Rig, next_piece},
};

/// The allocator that ships, which counts what the relay's own code holds. SQLite, which is C, has bounds of its own.
#[global_allocator]
static HEAP: Cap<MiMalloc> = Cap::new(MiMalloc, usize::MAX);

/// How much comes and goes.
#[derive(Clone, Copy)]
struct Churn {
    warm_up: u64,
    rounds: u64,
    /// Client keys in each round.
    keys: u64,
}

#[tokio::test]
async fn what_comes_and_goes_leaves_nothing_open() {
    soak(Churn { warm_up: 2, rounds: 3, keys: 20 }).await;
}

#[tokio::test]
#[ignore = "long, and told what to do by `cargo xtask soak`"]
async fn as_long_as_it_is_told() {
    let (rounds, keys) = (told("ROUNDS", 40), told("KEYS", 500));
    // Until the largest bounded memory, that of conversations, is full; the request for a model that nobody has is part of none.
    let warm_up = 110_000 / (keys * (CONVERSATIONS - 1)) + 1;
    let held = soak(Churn { warm_up, rounds, keys }).await;
    let grown = |of: fn(&Held) -> u64| slope(&held, keys, of);
    let (resident, heap) = (grown(|held| held.resident_kib), grown(|held| held.heap_kib));
    let (first, last) = (&held[0], &held[held.len() - 1]);
    println!(
        "### Soak: {warm_up} rounds of warm-up and {rounds} more, each a day with {keys} keys\n\n- Resident memory: {} MiB behind the \
         warm-up, {} MiB at the end; {:.1} KiB more for each 1,000 keys (give or take {:.1}).\n- What the relay's own code holds: {} KiB \
         and {}; {:.1} KiB more for each 1,000 keys (give or take {:.1}).\n- Descriptors {} and {}, tasks {} \
         and {}, conversations remembered {} and {}.\n",
        first.resident_kib / 1_024,
        last.resident_kib / 1_024,
        resident.0,
        resident.1,
        first.heap_kib,
        last.heap_kib,
        heap.0,
        heap.1,
        first.descriptors,
        last.descriptors,
        first.tasks,
        last.tasks,
        first.conversations,
        last.conversations,
    );
    for (grown, noise) in [resident, heap] {
        assert!(grown - noise < MOST_KIB, "memory grows: {held:?}");
    }
}

/// What is held behind each round that counts.
async fn soak(churn: Churn) -> Vec<Held> {
    let folder = tempfile::tempdir().unwrap();
    let opened = SqliteStores::open(&folder.path().join("posthaste.db")).unwrap();
    let steady = account("steady").with_provider(ProviderKind::Sandbox);
    let rig = Rig::on(vec![steady], Arc::new(Sandbox::default()), opened.stores()).await;
    let following = follow(&rig);
    let mut held = Vec::new();
    for round in 0..churn.warm_up + churn.rounds {
        let conversations_before = rig.relay.conversations();
        a_day(&rig, round, churn.keys).await;
        assert!(
            rig.relay.conversations() > 0 || conversations_before > 0,
            "requests are part of conversations"
        );
        if round >= churn.warm_up {
            held.push(Held::now(&rig, HEAP.allocated()));
        }
    }
    for later in &held[1..] {
        assert_eq!((later.tasks, later.under_way), (held[0].tasks, 0), "{later:?}");
        // A reader of the store more or less.
        assert!(later.descriptors <= held[0].descriptors + 4, "{later:?} behind {:?}", held[0]);
    }
    following.abort();
    held
}

fn follow(rig: &Rig) -> JoinHandle<()> {
    let relay = rig.relay.clone();
    tokio::spawn(async move { relay.follow().await })
}

/// Keys and accounts are made, used and removed; then a day is over, and what is older is forgotten.
async fn a_day(rig: &Rig, day: u64, keys: u64) {
    let stored: Repository<ClientKey> = Repository::new(Arc::clone(&rig.stores.config));
    let accounts: Repository<Account> = Repository::new(Arc::clone(&rig.stores.config));
    let mut made = Vec::new();
    for number in 0..(keys / 50).max(1) {
        let name = format!("a{day}-{number}");
        let one = account(&name).with_provider(ProviderKind::Sandbox).with_priority(1);
        let version = accounts.create(one.clone()).await.unwrap().version;
        made.push((one.id, version));
    }
    for number in 0..keys {
        let name = format!("k{day}-{number}");
        let secret = client_key_secret(&name);
        let mut key = client_key(&name);
        key.hash = rig.vault.hash_client_key(secret.expose());
        let version = stored.create(key.clone()).await.unwrap().version;
        for conversation in 0..CONVERSATIONS {
            use_once(rig, secret.expose(), (day, number), conversation).await;
        }
        rig.stores.sessions.begin(&session(rig, day, number)).await.unwrap();
        remove(&stored, key.id.uuid(), version).await;
        assert!(rig.relay.authenticate(Some(&format!("cr_{day:032x}{number:032x}"))).await.is_err());
    }
    for (id, version) in made {
        remove(&accounts, id.uuid(), version).await;
    }
    rig.ledger.flush().await;
    rig.relay.flush_records().await;
    let now = rig.clock.advance(DAY);
    forget(rig, now).await;
    // The changes are followed before the next day.
    sleep(Duration::from_millis(20)).await;
}

/// A whole answer, a stream to its end, one that is left, and a model that nobody has.
async fn use_once(rig: &Rig, secret: &str, (day, number): (u64, u64), conversation: u64) {
    let model = if conversation == 3 { format!("model-{day}-{number}") } else { "sandbox-plain".to_owned() };
    let session = format!("user_0_account__session_{day:08x}-0000-0000-{conversation:04x}-{number:012x}");
    let body = json!({"model": model, "max_tokens": 64, "stream": conversation > 0,
        "metadata": {"user_id": session}, "messages": [{"role": "user", "content": "hello"}]});
    let caller = rig.relay.authenticate(Some(secret)).await.unwrap();
    let body = Bytes::from(body.to_string());
    let call = Call::new(caller, Dialect::AnthropicMessages, Operation::Chat, body);
    let Ok(answer) = rig.relay.call(call).await else { return };
    if conversation == 2 {
        let mut body = answer.response.into_body();
        next_piece(&mut body).await;
        return;
    }
    Read::from(answer).await;
}

/// The relay may have noted the first use of a key in the meantime.
async fn remove<T: Entity>(stored: &Repository<T>, id: Uuid, version: u64) {
    let version = stored.get(id).await.unwrap().map_or(version, |found| found.version);
    stored.remove(id, version).await.unwrap();
}

fn session(rig: &Rig, day: u64, number: u64) -> Session {
    let now = rig.relay_now();
    let mut token = [0; 32];
    token[..8].copy_from_slice(&day.to_be_bytes());
    token[8..16].copy_from_slice(&number.to_be_bytes());
    Session {
        token: TokenHash::new(token),
        user: UserId::generate(),
        began_at: now,
        used_at: now,
        until: now.plus(DAY / 2),
        address: None,
        agent: String::new(),
    }
}

/// As housekeeping does.
async fn forget(rig: &Rig, now: Timestamp) {
    let before = now.minus(DAY / 2);
    while rig.stores.ledger.forget_rows(before, 10_000).await.unwrap() == 10_000 {}
    for period in RollupPeriod::ALL {
        while rig.stores.ledger.forget_rollups(period, before, 10_000).await.unwrap() == 10_000 {}
    }
    rig.stores.requests.trim(before, 1_000).await.unwrap();
    while rig.stores.sessions.sweep(now, 1_000).await.unwrap() == 1_000 {}
}

fn told(name: &str, otherwise: u64) -> u64 {
    #[expect(clippy::disallowed_methods, reason = "the way by which a task talks to the test that it starts")]
    let told = std::env::var(format!("POSTHASTE_SOAK_{name}"));
    told.map_or(otherwise, |text| text.parse().unwrap())
}

const DAY: Duration = Duration::from_secs(86_400);

/// Requests of each key, each in a conversation of its own.
const CONVERSATIONS: u64 = 4;

/// What may be there more for each 1,000 keys, each with four requests: an index of the store's grows slowly.
const MOST_KIB: f64 = 64.0;
