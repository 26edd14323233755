//! Client keys that were taken over from claude-relay-service: known by their old hash until they are used.

#![expect(clippy::unwrap_used, reason = "a failed setup is a failed test")]

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use posthaste_core::{ClientKey, FaultKind, HashForm, Secret};
use posthaste_gateway::Authenticator;
use posthaste_storage::{
    Changes, ConfigStore, Expect, Page, Record, RecordKind, Repository, Revision, StorageError,
    memory::MemoryStores,
};
use posthaste_testkit::{Script, ScriptedUpstream, anthropic_json, client_key, client_key_secret};
use posthaste_vault::{CrsKey, MasterKey, Vault};
use support::{Rig, USAGE, at};
use uuid::Uuid;

fn crs_key() -> CrsKey {
    CrsKey::new(Secret::new("0123456789abcdef0123456789abcdef"))
}

/// A key as it is taken over.
fn old(name: &str) -> ClientKey {
    let hash = crs_key().hash_client_key(client_key_secret(name).expose());
    ClientKey { hash, hash_form: HashForm::Crs, hint: String::new(), ..client_key(name) }
}

/// Counts look-ups, and changes a record at its first replacement behind the writer's back.
struct Watched {
    inner: Arc<dyn ConfigStore>,
    finds: AtomicUsize,
    meddles: AtomicBool,
}

#[async_trait]
impl ConfigStore for Watched {
    async fn get(&self, kind: RecordKind, id: Uuid) -> Result<Option<Record>, StorageError> {
        self.inner.get(kind, id).await
    }

    async fn find(&self, kind: RecordKind, lookup: &str) -> Result<Option<Record>, StorageError> {
        self.finds.fetch_add(1, Ordering::SeqCst);
        self.inner.find(kind, lookup).await
    }

    async fn list(&self, kind: RecordKind, after: Option<Uuid>, limit: usize) -> Result<Page, StorageError> {
        self.inner.list(kind, after, limit).await
    }

    async fn put(
        &self,
        kind: RecordKind,
        id: Uuid,
        lookup: Option<String>,
        body: String,
        expect: Expect,
    ) -> Result<u64, StorageError> {
        if self.meddles.swap(false, Ordering::SeqCst) {
            let keys = Repository::<ClientKey>::new(Arc::clone(&self.inner));
            let found = keys.get(id).await?.unwrap();
            keys.replace(ClientKey { name: "renamed".to_owned(), ..found.value }, found.version).await?;
        }
        self.inner.put(kind, id, lookup, body, expect).await
    }

    async fn delete(&self, kind: RecordKind, id: Uuid, version: u64) -> Result<(), StorageError> {
        self.inner.delete(kind, id, version).await
    }

    async fn revision(&self) -> Result<Revision, StorageError> {
        self.inner.revision().await
    }

    async fn changes(&self, since: Revision) -> Result<Changes, StorageError> {
        self.inner.changes(since).await
    }

    async fn changed(&self, since: Revision) -> Result<(), StorageError> {
        self.inner.changed(since).await
    }
}

struct Door {
    store: Arc<Watched>,
    vault: Arc<Vault>,
    keys: Repository<ClientKey>,
    authenticator: Arc<Authenticator>,
}

async fn door(knows_crs: bool) -> Door {
    let inner = MemoryStores::stores().config;
    let vault = Arc::new(Vault::open(&MasterKey::generate().unwrap(), Arc::clone(&inner)).await.unwrap());
    if knows_crs {
        vault.keep_crs_key(&*inner, &crs_key()).await.unwrap();
    }
    let store = Arc::new(Watched { inner, finds: AtomicUsize::new(0), meddles: AtomicBool::new(false) });
    let keys = Repository::new(Arc::clone(&store) as Arc<dyn ConfigStore>);
    let authenticator = Authenticator::new(Arc::clone(&vault), Arc::clone(&store) as Arc<dyn ConfigStore>);
    Door { store, vault, keys, authenticator: Arc::new(authenticator) }
}

#[tokio::test]
async fn an_old_key_works_and_is_kept_under_the_relays_own_hash_from_its_first_use_on() {
    let door = door(true).await;
    door.keys.create(old("moved")).await.unwrap();
    let secret = client_key_secret("moved");
    let caller = door.authenticator.authenticate(Some(secret.expose())).await.unwrap();
    assert_eq!(caller.key().name, "moved");

    let kept = door.keys.client_key(client_key("moved").id).await.unwrap().unwrap();
    assert_eq!((kept.version, kept.value.hash_form), (2, HashForm::Own));
    assert_eq!(kept.value.hash, door.vault.hash_client_key(secret.expose()));
    assert!(kept.value.hint.len() == 4 && secret.expose().ends_with(&kept.value.hint));
    assert!(door.keys.by_crs_hash(old("moved").hash).await.unwrap().is_none());

    door.authenticator.forget_all();
    assert!(door.authenticator.authenticate(Some(secret.expose())).await.is_ok());
    assert_eq!(door.keys.client_key(client_key("moved").id).await.unwrap().unwrap().version, 2);
}

#[tokio::test]
async fn many_first_uses_at_once_are_one_change() {
    let door = door(true).await;
    door.keys.create(old("moved")).await.unwrap();
    let asks = (0..20).map(|_| {
        let authenticator = Arc::clone(&door.authenticator);
        tokio::spawn(async move {
            authenticator.authenticate(Some(client_key_secret("moved").expose())).await.is_ok()
        })
    });
    for ask in asks.collect::<Vec<_>>() {
        assert!(ask.await.unwrap());
    }
    assert_eq!(door.keys.client_key(client_key("moved").id).await.unwrap().unwrap().version, 2);
}

#[tokio::test]
async fn a_change_that_comes_between_is_kept() {
    let door = door(true).await;
    door.keys.create(old("moved")).await.unwrap();
    door.store.meddles.store(true, Ordering::SeqCst);
    let caller = door.authenticator.authenticate(Some(client_key_secret("moved").expose())).await.unwrap();
    assert_eq!(caller.key().name, "renamed");
    let kept = door.keys.client_key(client_key("moved").id).await.unwrap().unwrap();
    assert_eq!((kept.value.name.as_str(), kept.value.hash_form), ("renamed", HashForm::Own));
}

#[tokio::test]
async fn a_strangers_key_costs_one_look_up_more_and_is_remembered() {
    for (knows_crs, most) in [(false, 1), (true, 2)] {
        let door = door(knows_crs).await;
        for _ in 0..5 {
            let fault = door.authenticator.authenticate(Some("cr_stranger")).await.unwrap_err();
            assert_eq!(fault.kind, FaultKind::Unauthenticated);
        }
        let finds = door.store.finds.load(Ordering::SeqCst);
        assert!(finds <= most, "{finds} look-ups");
    }
}

#[tokio::test]
async fn c7_each_of_many_wrong_keys_costs_one_look_up_and_a_good_one_keeps_its_place() {
    let door = door(false).await;
    let good = ClientKey { hash: door.vault.hash_client_key("cr_good-dummy"), ..client_key("good") };
    door.keys.create(good).await.unwrap();
    assert!(door.authenticator.authenticate(Some("cr_good-dummy")).await.is_ok());
    let before = door.store.finds.load(Ordering::SeqCst);
    for _ in 0..2 {
        for number in 0..20_000 {
            let wrong = format!("cr_{number:032}");
            assert!(door.authenticator.authenticate(Some(&wrong)).await.is_err());
        }
        assert!(door.authenticator.authenticate(Some("cr_good-dummy")).await.is_ok());
    }
    assert_eq!(door.store.finds.load(Ordering::SeqCst) - before, 20_000);
}

#[tokio::test]
async fn the_old_hash_itself_opens_nothing() {
    let door = door(true).await;
    door.keys.create(old("moved")).await.unwrap();
    let hash = old("moved").hash.to_hex();
    for presented in [hash.clone(), format!("crs-{hash}")] {
        assert!(door.authenticator.authenticate(Some(&presented)).await.is_err());
    }
}

#[tokio::test]
async fn a_relay_that_runs_learns_of_keys_that_are_taken_over_elsewhere() {
    let upstream = ScriptedUpstream::start(|_| Script::json(200, &anthropic_json("hi", USAGE))).await;
    let rig = Rig::new(vec![at("only", upstream.base_url(), 1)]).await;
    let following = rig.relay.clone();
    tokio::spawn(async move { following.follow().await });
    let secret = client_key_secret("moved");
    assert!(rig.relay.authenticate(Some(secret.expose())).await.is_err());

    // The refusal is remembered, and has to be forgotten.
    let keys = Repository::<ClientKey>::new(rig.stores.config.clone());
    rig.vault.keep_crs_key(&*rig.stores.config, &crs_key()).await.unwrap();
    keys.create(old("moved")).await.unwrap();
    for _ in 0..200 {
        if rig.relay.authenticate(Some(secret.expose())).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never let in");
}
