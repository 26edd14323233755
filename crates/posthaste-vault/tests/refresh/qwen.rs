//! Qwen's manners: refreshed five minutes ahead, and the next token may be good elsewhere.

use std::{sync::Arc, time::Duration};

use posthaste_core::Credential;
use posthaste_testkit::Reply;
use posthaste_vault::{
    CredentialSource, RefreshingCredentials,
    oauth::{OAuthClients, OAuthSettings, oauth_provider},
};
use serde_json::json;

use crate::support::{LIFE, Scripted, World};

#[tokio::test(start_paused = true)]
async fn a_token_of_qwen_is_refreshed_five_minutes_ahead_and_tells_where_it_is_good() {
    let world = World::new().await;
    let mut first = world.first_token(LIFE);
    first.provider = "qwen".to_owned();
    first.facts.base_url = Some("https://portal.qwen.ai/v1".to_owned());
    let account = world.with_token("q", first).await;
    let settings = OAuthSettings { client_id: Some("dummy-client".to_owned()), ..OAuthSettings::default() };
    let clients = OAuthClients::new([(oauth_provider("qwen").unwrap(), settings)]);
    let flows = world.flows(Arc::new(clients), Arc::new(world.transport.clone()));
    let instance = RefreshingCredentials::new(&world.stores, flows, []);
    // As the vendor answers: without another refresh token.
    let next = json!({"access_token": "canary-access-1", "token_type": "Bearer", "expires_in": LIFE.as_secs(),
        "resource_url": "elsewhere.example"});
    world.server.next(Scripted::Reply(Reply::json(200, &next)));
    let served_at = async || {
        let credential = instance.credential(&account).await.unwrap().unwrap();
        instance.settle().await;
        let Credential::Token(token) = &*credential else { panic!("a token") };
        token.facts.base_url.clone().unwrap()
    };

    // Up to half of the window comes on top, so that accounts do not all come at once.
    world.clock.advance(LIFE - Duration::from_secs(451));
    assert_eq!(served_at().await, "https://portal.qwen.ai/v1");
    assert_eq!(world.asked(), 0);
    world.clock.advance(Duration::from_secs(152));
    assert_eq!(served_at().await, "https://portal.qwen.ai/v1", "nobody waits");
    assert_eq!(world.asked(), 1);
    assert_eq!(served_at().await, "https://elsewhere.example/v1");
    let kept = world.stored_token(&account).await.refresh_token.unwrap();
    assert_eq!(kept.expose(), "canary-refresh-0");
}
