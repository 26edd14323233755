//! Over real sockets: the true client, a scripted token server.

use std::{sync::Arc, time::Duration};

use posthaste_core::Transport;
use posthaste_testkit::{Script, ScriptedUpstream};
use posthaste_upstream::{HttpTransport, UpstreamOptions};
use posthaste_vault::{
    RefreshingCredentials,
    oauth::{Loopback, OAuthClients, OAuthError, OAuthSettings, oauth_provider},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use url::Url;

use crate::support::{World, failure, token};

const TOKENS: &str =
    r#"{"access_token":"canary-wire","refresh_token":"canary-next","token_type":"Bearer","expires_in":3600}"#;

fn transport() -> Arc<dyn Transport> {
    Arc::new(HttpTransport::new(&UpstreamOptions::default()).expect("TLS is set up"))
}

fn clients(token_url: &str) -> Arc<OAuthClients> {
    let settings = OAuthSettings {
        token_urls: vec![Url::parse(token_url).expect("an address")],
        ..OAuthSettings::default()
    };
    Arc::new(OAuthClients::new([(oauth_provider("sandbox").expect("a row"), settings)]))
}

#[tokio::test]
async fn a_token_is_refreshed_over_a_real_connection() {
    let server = ScriptedUpstream::start(|_| Script::json(200, &serde_json::from_str(TOKENS).unwrap())).await;
    let world = World::new().await;
    let account = world.logged_in("a", Duration::ZERO).await;
    let flows = world.flows(clients(&format!("{}/token", server.base_url())), transport());
    let instance = RefreshingCredentials::new(&world.stores, flows, []);
    assert_eq!(token(&instance, &account).await, "canary-wire");
    let received = server.received();
    assert_eq!(received.len(), 1);
    assert_eq!((received[0].method.as_str(), received[0].path.as_str()), ("POST", "/token"));
    let body = String::from_utf8(received[0].body.to_vec()).unwrap();
    assert_eq!(body, "grant_type=refresh_token&refresh_token=canary-refresh-0&client_id=posthaste-sandbox");
    assert_eq!(world.stored_token(&account).await.refresh_token.unwrap().expose(), "canary-next");
}

#[tokio::test]
async fn a_server_that_is_down_is_named() {
    let server = ScriptedUpstream::queued().await;
    let address = format!("{}/token", server.base_url());
    server.kill().await;
    let world = World::new().await;
    let account = world.logged_in("a", Duration::ZERO).await;
    let flows = world.flows(clients(&address), transport());
    let error = failure(&RefreshingCredentials::new(&world.stores, flows, []), &account).await;
    assert!(
        matches!(&error, OAuthError::Unreachable { host, unsent: true, .. } if host == "127.0.0.1"),
        "{error:?}"
    );
}

async fn browse(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    stream.write_all(request.as_bytes()).await.expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("a page");
    answer
}

#[tokio::test]
async fn the_browsers_redirect_is_taken_on_this_machine() {
    let loopback = Loopback::bind(&Url::parse("http://127.0.0.1:0/callback").unwrap()).await.unwrap();
    let world = World::new().await;
    let flows = world.flows(Arc::default(), transport());
    let start = flows.start_code("sandbox", Some(loopback.redirect_uri())).unwrap();
    let port = loopback.redirect_uri().port().unwrap();
    assert_ne!(port, 0);
    let address = format!("127.0.0.1:{port}");
    // Browsers open connections ahead of need and leave them silent.
    let _silent = TcpStream::connect(&address).await.unwrap();
    let state = start.state.clone();
    let waiting = tokio::spawn(async move { loopback.wait(&state, Duration::from_secs(30)).await });
    for (request, status) in [
        ("GET /favicon.ico HTTP/1.1\r\n\r\n", "404"),
        ("POST /callback?code=x HTTP/1.1\r\n\r\n", "404"),
        ("GET /callback?code=x&state=wrong HTTP/1.1\r\n\r\n", "400"),
        ("nonsense\r\n\r\n", "404"),
    ] {
        let answer = browse(&address, request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{request}: {answer}");
    }
    let request = format!("GET /callback?code=c-1&state={} HTTP/1.1\r\nhost: x\r\n\r\n", start.state);
    assert!(browse(&address, &request).await.starts_with("HTTP/1.1 200"));
    let url = waiting.await.unwrap().unwrap();
    assert_eq!(url.query_pairs().next().unwrap().1, "c-1");
}

#[tokio::test]
async fn a_redirect_that_does_not_come_is_not_waited_for_for_ever() {
    let loopback = Loopback::bind(&Url::parse("http://localhost:0/callback").unwrap()).await.unwrap();
    let error = loopback.wait("state", Duration::from_millis(20)).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    for elsewhere in ["http://192.0.2.1:0/cb", "https://127.0.0.1:0/cb", "http://example.com/cb"] {
        let url = Url::parse(elsewhere).unwrap();
        assert!(!Loopback::fits(&url), "{elsewhere}");
        assert!(Loopback::bind(&url).await.is_err(), "{elsewhere}");
    }
}
