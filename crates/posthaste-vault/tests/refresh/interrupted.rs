//! Refreshes that are cut off, overtaken, or met by others' writes.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use posthaste_core::Account;
use posthaste_storage::{
    Changes, ConfigStore, Expect, Page, Record, RecordKind, Revision, StorageError, Stores,
};
use posthaste_vault::{CredentialSource, oauth::OAuthError};
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep},
};
use uuid::Uuid;

use crate::support::{Scripted, World, failure, token};

/// A store whose writes of accounts can be held up, or fail, from the nth on.
struct Troubled {
    inner: Arc<dyn ConfigStore>,
    writes: AtomicUsize,
    /// The first write that is held up.
    held_from: AtomicUsize,
    gate: Semaphore,
    down: AtomicBool,
}

impl Troubled {
    fn new(inner: &Stores) -> Arc<Self> {
        Arc::new(Self {
            inner: Arc::clone(&inner.config),
            writes: AtomicUsize::new(0),
            held_from: AtomicUsize::new(usize::MAX),
            gate: Semaphore::new(0),
            down: AtomicBool::new(false),
        })
    }

    fn stores(self: &Arc<Self>, inner: &Stores) -> Stores {
        Stores { config: Arc::clone(self) as Arc<dyn ConfigStore>, ..inner.clone() }
    }

    fn up(&self) -> Result<(), StorageError> {
        if self.down.load(Ordering::SeqCst) {
            return Err(StorageError::unavailable("the test", "took it down"));
        }
        Ok(())
    }
}

#[async_trait]
impl ConfigStore for Troubled {
    async fn get(&self, kind: RecordKind, id: Uuid) -> Result<Option<Record>, StorageError> {
        self.up()?;
        self.inner.get(kind, id).await
    }

    async fn find(&self, kind: RecordKind, lookup: &str) -> Result<Option<Record>, StorageError> {
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
        if self.writes.fetch_add(1, Ordering::SeqCst) >= self.held_from.load(Ordering::SeqCst) {
            let _ = self.gate.acquire().await.expect("the gate is never closed");
        }
        self.up()?;
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

async fn until(what: impl Fn() -> bool) {
    while !what() {
        sleep(Duration::from_millis(5)).await;
    }
}

/// Writes of one refresh: the mark, then the tokens.
const THE_TOKENS: usize = 1;

#[tokio::test(start_paused = true)]
async fn t2_an_instance_that_dies_between_answer_and_store_is_told_of_once() {
    let world = World::new().await;
    let account = world.logged_in("a", Duration::ZERO).await;
    let troubled = Troubled::new(&world.stores);
    troubled.held_from.store(THE_TOKENS, Ordering::SeqCst);
    let dying = world.instance_on(&troubled.stores(&world.stores), Arc::new(world.transport.clone()), []);
    let request = tokio::spawn({
        let (dying, account) = (dying.clone(), account.clone());
        async move { dying.credential(&account).await.map(drop) }
    });
    until(|| troubled.writes.load(Ordering::SeqCst) == 2).await;
    // The tokens are on their way into the store for ever: the instance is as good as dead.
    request.abort();
    assert!(world.stored_token(&account).await.refreshing.is_some());

    let next = world.instance();
    let begun = Instant::now();
    let ticking = tokio::spawn({
        let clock = Arc::clone(&world.clock);
        async move {
            loop {
                sleep(Duration::from_secs(1)).await;
                clock.advance(Duration::from_secs(1));
            }
        }
    });
    // The lock has to lapse first; requests do not wait for that.
    let error = failure(&next, &account).await;
    assert!(matches!(error, OAuthError::Store { .. }), "{error:?}");
    next.settle().await;
    assert!(begun.elapsed() >= Duration::from_secs(59), "{:?}", begun.elapsed());
    let error = failure(&next, &account).await;
    let OAuthError::InvalidGrant { why, .. } = &error else { panic!("{error:?}") };
    assert!(why.contains("cut off"), "{why}");
    for _ in 0..10 {
        assert!(failure(&next, &account).await.needs_login());
        sleep(Duration::from_secs(300)).await;
    }
    assert_eq!(world.asked(), 2);
    assert!(world.stored_token(&account).await.refused.is_some());
    ticking.abort();
}

#[tokio::test(start_paused = true)]
async fn t2_an_issuer_that_forgives_lets_the_next_holder_recover() {
    let world = World::new().await;
    let account = world.logged_in("a", Duration::ZERO).await;
    let troubled = Troubled::new(&world.stores);
    // It dies before the server has read anything.
    world.server.next(Scripted::Reply(posthaste_testkit::Reply::never()));
    let dying = world.instance_on(&troubled.stores(&world.stores), Arc::new(world.transport.clone()), []);
    let request = tokio::spawn(async move { dying.credential(&account).await.map(drop) });
    until(|| world.asked() == 1).await;
    request.abort();
    world.clock.advance(Duration::from_secs(61));
    let account = world.accounts().all().await.unwrap().remove(0).value;
    assert!(world.stored_token(&account).await.refreshing.is_some());
    assert_eq!(token(&world.instance(), &account).await, "canary-access-1");
    assert_eq!(world.stored_token(&account).await.refreshing, None);
}

#[tokio::test(start_paused = true)]
async fn t4_a_holder_whose_lock_lapsed_changes_nothing() {
    let world = World::new().await;
    let account = world.logged_in("a", Duration::ZERO).await;
    let troubled = Troubled::new(&world.stores);
    let late = world.instance_on(&troubled.stores(&world.stores), Arc::new(world.transport.clone()), []);
    // It is suspended between the mark and the answer; meanwhile the server has done nothing.
    let suspended = Duration::from_secs(25);
    world.server.next(Scripted::Reply(
        posthaste_testkit::Reply::json(
            200,
            &serde_json::json!({"access_token": "canary-late", "refresh_token": "canary-late-refresh", "token_type": "Bearer", "expires_in": 3600}),
        )
        .after(suspended),
    ));
    let waiting = tokio::spawn({
        let (late, account) = (late.clone(), account.clone());
        async move { failure_or_token(&late, &account).await }
    });
    until(|| world.asked() == 1).await;
    world.clock.advance(Duration::from_secs(61));
    assert_eq!(token(&world.instance(), &account).await, "canary-access-1");
    let written = world.stored_token(&account).await;
    drop(waiting.await.unwrap());
    late.settle().await;
    assert_eq!(world.stored_token(&account).await, written);
    // And it goes on with what the other one stored.
    assert_eq!(token(&late, &account).await, "canary-access-1");
}

async fn failure_or_token(
    source: &posthaste_vault::RefreshingCredentials,
    account: &Account,
) -> Result<(), String> {
    source.credential(account).await.map(drop).map_err(|error| error.to_string())
}

#[tokio::test(start_paused = true)]
async fn an_operators_change_is_neither_lost_nor_kept_waiting() {
    let world = World::new().await;
    let account = world.logged_in("a", Duration::ZERO).await;
    world.server.next(Scripted::Late(Duration::from_secs(5)));
    let instance = world.instance();
    let request = tokio::spawn({
        let (instance, account) = (instance.clone(), account.clone());
        async move { token(&instance, &account).await }
    });
    until(|| world.asked() == 1).await;
    // The refresh is under way: two changes, one at a time.
    for priority in [7, 8] {
        let current = world.accounts().account(account.id).await.unwrap().unwrap();
        let changed = Account { priority, name: format!("renamed-{priority}"), ..current.value };
        world.accounts().replace(changed, current.version).await.unwrap();
    }
    assert_eq!(request.await.unwrap(), "canary-access-1");
    let stored = world.stored(&account).await;
    assert_eq!((stored.priority, stored.name.as_str()), (8, "renamed-8"));
    assert_eq!(world.stored_token(&account).await.generation, 2);
    assert_eq!(world.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_login_during_a_refresh_wins() {
    let world = World::new().await;
    let account = world.logged_in("a", Duration::ZERO).await;
    world.server.next(Scripted::Late(Duration::from_secs(5)));
    let instance = world.instance();
    let request = tokio::spawn({
        let (instance, account) = (instance.clone(), account.clone());
        async move { token(&instance, &account).await }
    });
    until(|| world.asked() == 1).await;
    let mut login = world.first_token(Duration::from_secs(3_000));
    login.access_token = posthaste_core::Secret::new("canary-login");
    instance.store_login(account.id, login).await.unwrap();
    assert_eq!(request.await.unwrap(), "canary-login");
    assert_eq!(world.stored_token(&account).await.access_token.expose(), "canary-login");
}

#[tokio::test(start_paused = true)]
async fn an_account_that_takes_a_key_during_a_refresh_keeps_the_key() {
    let world = World::new().await;
    let account = world.logged_in("a", Duration::ZERO).await;
    world.server.next(Scripted::Late(Duration::from_secs(5)));
    let instance = world.instance();
    let request = tokio::spawn({
        let (instance, account) = (instance.clone(), account.clone());
        async move { failure(&instance, &account).await }
    });
    until(|| world.asked() == 1).await;
    let current = world.accounts().account(account.id).await.unwrap().unwrap();
    let place = posthaste_vault::account_credential_place(account.id);
    let key = world.vault.seal(&place, &posthaste_core::Secret::new("a key")).unwrap();
    let changed =
        Account { auth: posthaste_core::AuthForm::XApiKey, credential: Some(key.clone()), ..current.value };
    world.accounts().replace(changed, current.version).await.unwrap();
    assert_eq!(request.await.unwrap(), OAuthError::NotLoggedIn);
    assert_eq!(world.stored(&account).await.credential, Some(key));
}

#[tokio::test(start_paused = true)]
async fn tokens_are_kept_until_the_store_is_back() {
    let world = World::new().await;
    let account = world.logged_in("a", Duration::ZERO).await;
    let troubled = Troubled::new(&world.stores);
    let instance = world.instance_on(&troubled.stores(&world.stores), Arc::new(world.transport.clone()), []);
    world.server.next(Scripted::Late(Duration::from_secs(1)));
    let request = tokio::spawn({
        let (instance, account) = (instance.clone(), account.clone());
        async move { failure(&instance, &account).await }
    });
    until(|| world.asked() == 1).await;
    troubled.down.store(true, Ordering::SeqCst);
    // The request gives up; what is not in the store is not given out either.
    let error = request.await.unwrap();
    assert!(matches!(error, OAuthError::Store { .. }), "{error:?}");
    sleep(Duration::from_secs(30)).await;
    troubled.down.store(false, Ordering::SeqCst);
    instance.settle().await;
    assert_eq!(token(&instance, &account).await, "canary-access-1");
    assert_eq!(world.asked(), 1);
}
