//! Many instances, one refresh.

use std::time::Duration;

use posthaste_core::Credential;
use posthaste_vault::{CredentialSource, RefreshingCredentials};
use tokio::{task::JoinSet, time::Instant};

use crate::support::{Scripted, World, text, token};

const EXPIRED: Duration = Duration::ZERO;

#[tokio::test(start_paused = true)]
async fn t1_a_hundred_instances_with_a_thousand_requests_each_ask_once() {
    let world = World::new().await;
    let account = world.logged_in("a", EXPIRED).await;
    let refresh_time = Duration::from_millis(700);
    world.server.next(Scripted::Late(refresh_time));
    let begun = Instant::now();
    let mut callers = JoinSet::new();
    for instance in (0..100).map(|_| world.instance()) {
        for _ in 0..1_000 {
            let (instance, account) = (instance.clone(), account.clone());
            callers.spawn(async move { (token(&instance, &account).await, begun.elapsed()) });
        }
    }
    let mut served = 0;
    let mut longest = Duration::ZERO;
    while let Some(caller) = callers.join_next().await {
        let (token, waited) = caller.unwrap();
        assert_eq!(token, "canary-access-1");
        served += 1;
        longest = longest.max(waited);
    }
    assert_eq!(served, 100_000);
    assert_eq!(world.asked(), 1);
    // The time is the runtime's own, which stands still while there is work: this counts pauses, not speed.
    assert!(longest <= refresh_time + Duration::from_millis(50), "{longest:?}");
    assert_eq!(world.stored_token(&account).await.generation, 2);
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_refreshed_once_for_all() {
    let world = World::new().await;
    let account = world.logged_in("a", Duration::from_secs(1_800)).await;
    let instances: Vec<_> = (0..10).map(|_| world.instance()).collect();
    let mut callers = JoinSet::new();
    for instance in instances.iter().cycle().take(200) {
        let (instance, account) = (instance.clone(), account.clone());
        callers.spawn(async move {
            let refused = instance.credential(&account).await.unwrap().unwrap();
            renewed(&instance, &account, &refused).await
        });
    }
    while let Some(caller) = callers.join_next().await {
        assert_eq!(caller.unwrap(), "canary-access-1");
    }
    assert_eq!(world.asked(), 1);
}

async fn renewed(
    instance: &RefreshingCredentials,
    account: &posthaste_core::Account,
    refused: &Credential,
) -> String {
    match text(refused).as_str() {
        "canary-access-0" => {
            text(&instance.renew(account, refused).await.expect("no trouble").expect("another one"))
        }
        newer => newer.to_owned(),
    }
}

#[tokio::test]
async fn an_old_snapshot_gives_the_newest_token() {
    let world = World::new().await;
    let old = world.logged_in("a", EXPIRED).await;
    let instance = world.instance();
    assert_eq!(token(&instance, &old).await, "canary-access-1");
    assert_eq!(token(&instance, &old).await, "canary-access-1");
    let new = world.stored(&old).await;
    assert_ne!(new.credential, old.credential);
    assert_eq!(token(&instance, &new).await, "canary-access-1");
    assert_eq!(token(&instance, &old).await, "canary-access-1");
    assert_eq!(world.asked(), 1);
}

#[tokio::test]
async fn a_token_that_another_instance_got_is_taken_from_the_store() {
    let world = World::new().await;
    let account = world.logged_in("a", EXPIRED).await;
    assert_eq!(token(&world.instance(), &account).await, "canary-access-1");
    assert_eq!(token(&world.instance(), &account).await, "canary-access-1");
    assert_eq!(world.asked(), 1);
}

#[tokio::test]
async fn a_brand_new_token_that_is_refused_is_not_refreshed_again() {
    let world = World::new().await;
    let account = world.logged_in("a", EXPIRED).await;
    let instance = world.instance();
    let fresh = instance.credential(&account).await.unwrap().unwrap();
    assert!(instance.renew(&account, &fresh).await.unwrap().is_none());
    assert_eq!(world.asked(), 1);
    world.clock.advance(Duration::from_secs(31));
    let next = instance.renew(&account, &fresh).await.unwrap().unwrap();
    assert_eq!(text(&next), "canary-access-2");
}

#[tokio::test]
async fn a_request_that_leaves_does_not_cut_off_the_refresh() {
    let world = World::new().await;
    let account = world.logged_in("a", EXPIRED).await;
    world.server.next(Scripted::Late(Duration::from_millis(50)));
    let instance = world.instance();
    let request = tokio::spawn({
        let (instance, account) = (instance.clone(), account.clone());
        async move { token(&instance, &account).await }
    });
    while world.asked() == 0 {
        tokio::task::yield_now().await;
    }
    request.abort();
    instance.settle().await;
    assert_eq!(world.stored_token(&account).await.access_token.expose(), "canary-access-1");
}
