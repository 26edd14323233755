//! The steady state: a refresh ahead of the end that nobody waits for.

use std::time::Duration;

use posthaste_core::Clock;
use posthaste_testkit::Reply;
use posthaste_vault::CredentialSource;
use tokio::{task::JoinSet, time::Instant};

use crate::support::{LIFE, Scripted, World, failure, text, token};
use posthaste_vault::oauth::OAuthError;

#[tokio::test(start_paused = true)]
async fn t5_nobody_waits_for_a_refresh_ahead_of_the_end() {
    let world = World::new().await;
    let account = world.logged_in("a", Duration::from_secs(59)).await;
    let refresh_time = Duration::from_secs(10);
    world.server.next(Scripted::Late(refresh_time));
    let instance = world.instance();
    let begun = Instant::now();
    for _ in 0..1_000 {
        assert_eq!(token(&instance, &account).await, "canary-access-0");
    }
    assert_eq!(begun.elapsed(), Duration::ZERO);
    instance.settle().await;
    assert_eq!(token(&instance, &account).await, "canary-access-1");
    assert_eq!(world.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn t5_a_burst_on_a_token_that_ends_soon_waits_for_nothing() {
    let world = World::new().await;
    let account = world.logged_in("a", Duration::from_secs(59)).await;
    world.server.next(Scripted::Late(Duration::from_secs(10)));
    let instances: Vec<_> = (0..10).map(|_| world.instance()).collect();
    let begun = Instant::now();
    let mut callers = JoinSet::new();
    for instance in &instances {
        for _ in 0..1_000 {
            let (instance, account) = (instance.clone(), account.clone());
            callers.spawn(async move { (token(&instance, &account).await, begun.elapsed()) });
        }
    }
    while let Some(caller) = callers.join_next().await {
        // The time is the runtime's own, which stands still while there is work.
        assert_eq!(caller.unwrap(), ("canary-access-0".to_owned(), Duration::ZERO));
    }
    for instance in &instances {
        instance.settle().await;
        assert_eq!(token(instance, &account).await, "canary-access-1");
    }
    assert_eq!(world.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn t5_a_token_is_refreshed_in_its_window_and_not_before() {
    let world = World::new().await;
    let mut ahead = Vec::new();
    for number in 0..40 {
        let world = World { clock: std::sync::Arc::default(), ..world.clone() };
        let account = world.logged_in(&format!("a{number}"), LIFE).await;
        let instance = world.instance();
        let ends = world.now().plus(LIFE);
        let before = world.asked();
        while world.asked() == before {
            assert!(world.now() < ends, "the token has ended");
            token(&instance, &account).await;
            // A refresh that was begun gets its turn.
            instance.settle().await;
            ahead.push(ends.since(world.now()));
            world.clock.advance(Duration::from_secs(1));
            world.server.next(Scripted::Reply(Reply::json(503, &serde_json::json!({}))));
        }
        let seconds = ahead.pop().unwrap().as_secs();
        ahead.clear();
        assert!((60..=90).contains(&seconds), "{seconds}");
    }
}

#[tokio::test(start_paused = true)]
async fn t5_accounts_do_not_all_refresh_at_the_same_moment() {
    let mut moments = std::collections::HashSet::new();
    for _ in 0..20 {
        let world = World::new().await;
        let account = world.logged_in("a", Duration::from_secs(91)).await;
        let instance = world.instance();
        while world.asked() == 0 {
            token(&instance, &account).await;
            instance.settle().await;
            world.clock.advance(Duration::from_secs(1));
        }
        moments.insert(world.now());
    }
    assert!(moments.len() > 3, "{moments:?}");
}

#[tokio::test]
async fn a_short_lived_token_is_not_refreshed_without_pause() {
    let world = World::new().await;
    let mut short = world.first_token(Duration::from_secs(20));
    short.issued_at = Some(world.now());
    let account = world.with_token("a", short).await;
    let instance = world.instance();
    token(&instance, &account).await;
    instance.settle().await;
    assert_eq!(world.asked(), 0);
    world.clock.advance(Duration::from_secs(11));
    token(&instance, &account).await;
    instance.settle().await;
    assert_eq!(world.asked(), 1);
}

#[tokio::test]
async fn a_token_without_an_end_is_kept_until_it_is_refused() {
    let world = World::new().await;
    let mut endless = world.first_token(LIFE);
    endless.expires_at = None;
    let account = world.with_token("a", endless).await;
    let instance = world.instance();
    world.clock.advance(Duration::from_secs(400 * 24 * 3600));
    let refused = instance.credential(&account).await.unwrap().unwrap();
    instance.settle().await;
    assert_eq!((text(&refused).as_str(), world.asked()), ("canary-access-0", 0));
    let next = instance.renew(&account, &refused).await.unwrap().unwrap();
    assert_eq!(text(&next), "canary-access-1");
}

#[tokio::test]
async fn a_token_without_a_refresh_token_serves_until_its_end() {
    let world = World::new().await;
    let mut single = world.first_token(Duration::from_secs(5));
    single.refresh_token = None;
    let account = world.with_token("a", single).await;
    let instance = world.instance();
    assert_eq!(token(&instance, &account).await, "canary-access-0");
    world.clock.advance(Duration::from_secs(5));
    let error = failure(&instance, &account).await;
    assert_eq!(error, OAuthError::NoRefreshToken { provider: "sandbox" });
    assert_eq!(error.advice(), "log the account in again");
    assert_eq!(world.asked(), 0);
}

#[tokio::test]
async fn jumps_of_the_clock_make_no_storm() {
    let world = World::new().await;
    let account = world.logged_in("a", Duration::from_secs(1_800)).await;
    let instance = world.instance();
    assert_eq!(token(&instance, &account).await, "canary-access-0");
    let noon = world.now();
    for jump in [3_600, 86_400] {
        world.clock.set(noon.plus(Duration::from_secs(jump)));
        let before = world.asked();
        for _ in 0..100 {
            token(&instance, &account).await;
        }
        instance.settle().await;
        assert_eq!(world.asked(), before + 1, "{jump}");
    }
    // Back again: the token seems to live for long. It is kept; when the upstream refuses it, it is renewed.
    world.clock.set(noon.minus(Duration::from_secs(3_600)));
    let before = world.asked();
    let refused = instance.credential(&account).await.unwrap().unwrap();
    assert_eq!(world.asked(), before);
    let issued = world.stored_token(&account).await.issued_at.unwrap();
    assert!(issued > world.clock.now());
    // What was issued in the future is as good as brand new.
    assert!(instance.renew(&account, &refused).await.unwrap().is_none());
}
