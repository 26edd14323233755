//! Token servers that fail.

use std::{sync::Arc, time::Duration};

use posthaste_core::{AuthForm, TransportError};
use posthaste_testkit::{AccountSetters, Reply};
use posthaste_vault::{
    CredentialSource, VaultError,
    oauth::{OAuthClients, OAuthError, OAuthSettings, oauth_provider},
};
use rstest::rstest;
use serde_json::json;
use tokio::time::{advance, sleep};
use url::Url;

use crate::support::{Scripted, World, failure, invalid_grant, oauth_error, token};

fn page(status: u16) -> Reply {
    Reply::json(status, &json!("a page"))
}

#[tokio::test(start_paused = true)]
async fn t3_invalid_grant_is_for_good_and_is_asked_once() {
    let world = World::new().await;
    let account = world.logged_in("a", Duration::ZERO).await;
    world.server.next(Scripted::Reply(invalid_grant()));
    let instance = world.instance();
    for _ in 0..50 {
        let error = failure(&instance, &account).await;
        assert_eq!(error, OAuthError::InvalidGrant { provider: "sandbox", why: "revoked".to_owned() });
        assert_eq!(error.advice(), "log the account in again");
        sleep(Duration::from_secs(600)).await;
    }
    // It is written down: other instances and the next start do not ask either.
    let stored = world.stored(&account).await;
    for seen in [&account, &stored] {
        assert!(matches!(failure(&world.instance(), seen).await, OAuthError::InvalidGrant { .. }));
    }
    assert_eq!(world.asked(), 1);
    let token = world.stored_token(&account).await;
    assert_eq!(token.refused.unwrap().why, "revoked");
    assert_eq!((token.generation, token.refreshing), (1, None));
}

#[tokio::test]
async fn t3_the_old_token_serves_to_its_end_after_a_refusal() {
    let world = World::new().await;
    let account = world.logged_in("a", Duration::from_secs(30)).await;
    world.server.next(Scripted::Reply(invalid_grant()));
    let instance = world.instance();
    for _ in 0..10 {
        assert_eq!(token(&instance, &account).await, "canary-access-0");
        instance.settle().await;
    }
    world.clock.advance(Duration::from_secs(30));
    assert!(failure(&instance, &account).await.needs_login());
    assert_eq!(world.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_new_login_ends_the_refusal() {
    let world = World::new().await;
    let account = world.logged_in("a", Duration::ZERO).await;
    world.server.next(Scripted::Reply(invalid_grant()));
    let instance = world.instance();
    failure(&instance, &account).await;
    let mut login = world.first_token(Duration::from_secs(3_000));
    login.access_token = posthaste_core::Secret::new("canary-login");
    login.generation = 0;
    let saved = instance.store_login(account.id, login).await.unwrap().value;
    assert_eq!(world.stored_token(&account).await.generation, 2);
    assert_eq!(token(&instance, &saved).await, "canary-login");
    // An account that is at hand from before the login does not bring the old token back.
    assert_eq!(token(&instance, &account).await, "canary-login");
    assert_eq!(token(&world.instance(), &saved).await, "canary-login");
}

#[tokio::test(start_paused = true)]
async fn an_operator_may_try_a_refused_token_again() {
    let world = World::new().await;
    let account = world.logged_in("a", Duration::ZERO).await;
    world.server.next(Scripted::Reply(invalid_grant()));
    let instance = world.instance();
    failure(&instance, &account).await;
    let report = instance.refresh(&world.stored(&account).await).await.unwrap();
    assert_eq!(report.generation, 2);
    assert_eq!(token(&instance, &account).await, "canary-access-1");
    assert_eq!(instance.refresh(&account).await.unwrap().generation, 3);
}

#[rstest]
#[case::limited(page(429))]
#[case::broken(page(500))]
#[case::down(page(503))]
#[case::garbage(page(200))]
#[case::wrong_page(page(404))]
#[case::client(Reply::json(401, &json!({"error": "invalid_client"})))]
#[case::cut(Reply::failure(TransportError::Broken("the test broke it".into())))]
#[case::hang(Reply::never())]
#[tokio::test(start_paused = true)]
async fn t3_everything_else_backs_off_and_heals(#[case] reply: Reply) {
    let world = World::new().await;
    let account = world.logged_in("a", Duration::from_secs(30)).await;
    world.server.next(Scripted::Reply(reply));
    let instance = world.instance();
    // The old token serves, and the server is not asked again at once.
    for _ in 0..100 {
        assert_eq!(token(&instance, &account).await, "canary-access-0");
    }
    instance.settle().await;
    for _ in 0..100 {
        assert_eq!(token(&instance, &account).await, "canary-access-0");
    }
    instance.settle().await;
    assert_eq!(world.asked(), 1);
    advance(Duration::from_secs(1)).await;
    assert_eq!(token(&instance, &account).await, "canary-access-0");
    instance.settle().await;
    assert_eq!(world.asked(), 2);
    assert_eq!(token(&instance, &account).await, "canary-access-1");
}

#[tokio::test(start_paused = true)]
async fn failures_in_a_row_are_further_apart() {
    let world = World::new().await;
    let account = world.logged_in("a", Duration::ZERO).await;
    let instance = world.instance();
    let begun = tokio::time::Instant::now();
    let mut asked_at = Vec::new();
    while begun.elapsed() < Duration::from_secs(3_600) {
        world.server.next(Scripted::Reply(page(500)));
        let before = world.asked();
        let failed = instance.credential(&account).await.unwrap_err();
        let VaultError::OAuth { error: OAuthError::Busy { status: 500, .. }, retry_after } = failed else {
            panic!("{failed:?}")
        };
        if world.asked() > before {
            asked_at.push(begun.elapsed());
            assert!(retry_after.is_some_and(|wait| wait <= Duration::from_secs(300)));
        }
        sleep(Duration::from_millis(100)).await;
    }
    let gaps: Vec<_> = asked_at.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps[0] >= Duration::from_millis(800) && gaps[0] <= Duration::from_millis(1_100), "{gaps:?}");
    assert!(gaps[4] >= Duration::from_millis(12_800), "{gaps:?}");
    assert!(gaps.iter().all(|gap| *gap <= Duration::from_secs(301)), "{gaps:?}");
    assert!(asked_at.len() < 25, "{}", asked_at.len());
}

#[tokio::test(start_paused = true)]
async fn a_servers_own_wait_is_kept() {
    let world = World::new().await;
    let account = world.logged_in("a", Duration::ZERO).await;
    world.server.next(Scripted::Reply(page(429).header("retry-after", "120")));
    let instance = world.instance();
    failure(&instance, &account).await;
    sleep(Duration::from_secs(119)).await;
    failure(&instance, &account).await;
    assert_eq!(world.asked(), 1);
    sleep(Duration::from_secs(2)).await;
    assert_eq!(token(&instance, &account).await, "canary-access-1");
}

#[tokio::test(start_paused = true)]
async fn another_token_server_stands_in() {
    let world = World::new().await;
    let account = world.logged_in("a", Duration::ZERO).await;
    let urls = ["https://one.example/token", "https://two.example/token"];
    let settings = OAuthSettings {
        token_urls: urls.iter().map(|url| Url::parse(url).unwrap()).collect(),
        ..OAuthSettings::default()
    };
    let clients = Arc::new(OAuthClients::new([(oauth_provider("sandbox").unwrap(), settings)]));
    let flows = world.flows(clients, Arc::new(world.transport.clone()));
    let instance = posthaste_vault::RefreshingCredentials::new(&world.stores, flows, []);
    let refused = TransportError::Connect { host: "one.example".to_owned(), source: "refused".into() };
    world.server.next(Scripted::Reply(Reply::failure(refused)));
    assert_eq!(token(&instance, &account).await, "canary-access-1");
    let hosts: Vec<_> =
        world.transport.sent().iter().map(|sent| sent.uri.host().unwrap().to_owned()).collect();
    assert_eq!(hosts, ["one.example", "two.example"]);
}

#[tokio::test]
async fn what_is_not_set_up_is_said_before_anything_is_asked() {
    let world = World::new().await;
    let mut token = world.first_token(Duration::ZERO);
    token.provider = "claude".to_owned();
    let account = world.with_token("a", token).await;
    let error = failure(&world.instance(), &account).await;
    assert_eq!(error, OAuthError::NotConfigured { provider: "claude", key: "client_id" });
    assert_eq!(world.asked(), 0);
    assert_eq!(world.stored(&account).await.credential, account.credential);
}

#[tokio::test]
async fn an_account_that_was_never_logged_in_says_so() {
    let world = World::new().await;
    let mut account = world.logged_in("a", Duration::ZERO).await;
    account.credential = None;
    assert_eq!(failure(&world.instance(), &account).await, OAuthError::NotLoggedIn);
    let key = world
        .vault
        .seal(&posthaste_vault::account_credential_place(account.id), &posthaste_core::Secret::new("a key"));
    let account = account.with_credential(AuthForm::OAuth, key.unwrap());
    let error = world.instance().credential(&account).await.unwrap_err();
    assert!(matches!(error, VaultError::Unsealable { .. }), "{error:?}");
}

#[tokio::test]
async fn an_account_that_is_gone_says_so() {
    let world = World::new().await;
    let account = world.logged_in("a", Duration::ZERO).await;
    world.accounts().remove(account.id.uuid(), 1).await.unwrap();
    let error = oauth_error(world.instance().credential(&account).await.unwrap_err());
    assert_eq!(error, OAuthError::Gone);
}
