//! Client keys that open for some networks, or for some clients, only.

use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use http::{Request, StatusCode};
use posthaste_core::Network;

use crate::support::{Read, Rig, Setup, secret, whole};

async fn behind_a_proxy() -> Rig {
    let trusted_proxies = vec![Network::parse("10.0.0.0/8").unwrap()];
    Rig::with(Setup { trusted_proxies, ..Setup::default() }).await
}

/// Asks with a key, from a peer, with one more header.
async fn ask(rig: &Rig, key: &str, peer: Option<&str>, (name, value): (&str, &str)) -> Read {
    let request = Request::post("/v1/messages").header("x-api-key", secret(key)).header(name, value);
    let mut request = request.body(whole().into()).unwrap();
    if let Some(peer) = peer {
        let peer = SocketAddr::new(peer.parse().unwrap(), 4711);
        request.extensions_mut().insert(ConnectInfo(peer));
    }
    rig.send(request).await
}

fn message(read: &Read) -> String {
    assert_eq!(read.status, StatusCode::FORBIDDEN, "{read:?}");
    assert_eq!(read.json()["error"]["type"], "permission_error");
    read.json()["error"]["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_key_of_a_network_opens_for_its_addresses_alone() {
    let rig = behind_a_proxy().await;
    let plain = ("x-other", "1");
    assert_eq!(ask(&rig, "office", Some("192.0.2.7"), plain).await.status, StatusCode::OK);
    assert_eq!(ask(&rig, "office", Some("::ffff:192.0.2.7"), plain).await.status, StatusCode::OK);
    assert!(message(&ask(&rig, "office", Some("203.0.113.9"), plain).await).contains("203.0.113.9"));
    assert!(message(&ask(&rig, "office", None, plain).await).contains("is not known"));
    assert_eq!(ask(&rig, "good", None, plain).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_proxy_is_believed_only_where_it_is_trusted() {
    let rig = behind_a_proxy().await;
    let told = ("x-forwarded-for", "192.0.2.7");
    assert_eq!(ask(&rig, "office", Some("10.0.0.1"), told).await.status, StatusCode::OK);
    assert!(message(&ask(&rig, "office", Some("203.0.113.9"), told).await).contains("203.0.113.9"));
    let forged = ("x-forwarded-for", "192.0.2.7, 203.0.113.9");
    assert!(message(&ask(&rig, "office", Some("10.0.0.1"), forged).await).contains("203.0.113.9"));
    let garbage = ("x-forwarded-for", "somewhere");
    assert!(message(&ask(&rig, "office", Some("10.0.0.1"), garbage).await).contains("cannot be read"));
    assert_eq!(ask(&rig, "good", Some("10.0.0.1"), garbage).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_list_of_models_and_the_socket_are_behind_the_same_door() {
    let rig = behind_a_proxy().await;
    for path in ["/v1/models", "/v1/responses"] {
        let request = Request::get(path).header("x-api-key", secret("office"));
        let read = rig.send(request.body(axum::body::Body::empty()).unwrap()).await;
        assert_eq!(read.status, StatusCode::FORBIDDEN, "{path}: {read:?}");
    }
}

#[tokio::test]
async fn a_key_of_some_clients_opens_for_those_that_call_themselves_so() {
    let rig = Rig::new().await;
    let claude_code = ("user-agent", "claude-cli/2.1.197 (external, cli)");
    assert_eq!(ask(&rig, "agents", None, claude_code).await.status, StatusCode::OK);
    let refused = message(&ask(&rig, "agents", None, ("user-agent", "curl/8")).await);
    assert!(refused.contains("claude-code") && refused.contains("curl/8"), "{refused}");
    assert_eq!(rig.transport.sent().len(), 1, "a refused request is sent to nobody");
}

#[tokio::test]
async fn a_key_that_is_switched_off_says_why() {
    let rig = Rig::new().await;
    assert!(message(&ask(&rig, "moved", None, ("x-other", "1")).await).contains("(moved to team b)"));
}

#[tokio::test]
async fn the_server_tells_who_the_peer_is() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let rig = Rig::new().await;
    let stop = tokio_util::sync::CancellationToken::new();
    let (address, serving) = rig.listen(stop.clone()).await;
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET /v1/models HTTP/1.1\r\nhost: relay\r\nconnection: close\r\nx-api-key: {}\r\n\r\n",
        secret("office")
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 403") && answer.contains("127.0.0.1 is in none"), "{answer}");
    stop.cancel();
    serving.await.unwrap();
}
