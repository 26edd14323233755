//! TLS on the relay's own address.

use std::{path::PathBuf, time::Duration};

use bytes::Bytes;
use http::Method;
use posthaste_core::Payload;
use posthaste_testkit::{ScriptedUpstream, TestAuthority};
use posthaste_upstream::UpstreamOptions;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

use crate::support::{Bench, Client, PATIENCE, Server, furnished, streamed, whole};

struct Desk {
    bench: Bench,
    _upstream: ScriptedUpstream,
    key: String,
}

impl Desk {
    async fn new() -> Self {
        let bench = Bench::new();
        let folder = bench.folder.path().to_owned();
        let file = |name: &str| folder.join(name).to_str().unwrap().to_owned();
        let bench = bench
            .with("POSTHASTE_SERVER__TLS_CERTIFICATE_FILE", &file("relay.crt"))
            .with("POSTHASTE_SERVER__TLS_KEY_FILE", &file("relay.key"))
            .with("POSTHASTE_SERVER__HEADER_READ_TIMEOUT", "2s");
        let (bench, _upstream, key) = furnished(bench).await;
        Self { bench, _upstream, key }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.bench.folder.path().join(name)
    }

    fn certify(&self, authority: &TestAuthority) {
        let (certificate, key) = authority.server_pem(&["127.0.0.1"]);
        std::fs::write(self.file("relay.key"), key).unwrap();
        std::fs::write(self.file("relay.crt"), certificate).unwrap();
    }
}

/// Somebody who trusts that authority.
fn trusting(server: &Server, authority: &TestAuthority) -> Client {
    server.client_with(UpstreamOptions {
        authorities: vec![authority.certificate()],
        ..UpstreamOptions::default()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_are_served_over_tls_and_nothing_else_is_spoken() {
    let (desk, authority) = (Desk::new().await, TestAuthority::new());
    desk.certify(&authority);
    let server = desk.bench.serve();
    assert!(server.base.starts_with("https://"), "{}", server.base);
    let client = trusting(&server, &authority);
    for body in [whole(), streamed()] {
        let answer = client.post(&desk.key, &body).await.unwrap();
        assert_eq!(answer.status, 200);
        assert!(answer.text().await.unwrap().contains("lo"));
    }
    assert!(server.client().post(&desk.key, &whole()).await.is_err(), "who does not trust it gets nothing");

    let address = server.base.strip_prefix("https://").unwrap();
    let mut plain = TcpStream::connect(address).await.unwrap();
    plain.write_all(b"GET /health HTTP/1.1\r\nHost: relay\r\n\r\n").await.unwrap();
    let mut said = Vec::new();
    let _ = timeout(PATIENCE, plain.read_to_end(&mut said)).await.expect("it is closed");
    assert!(!String::from_utf8_lossy(&said).contains("HTTP/1.1 200"), "{said:?}");
    // Whoever says nothing is not waited for.
    let mut silent = TcpStream::connect(address).await.unwrap();
    let _ = timeout(PATIENCE, silent.read_to_end(&mut said)).await.expect("it is closed as well");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_s_cookie_goes_over_tls_only() {
    let (desk, authority) = (Desk::new().await, TestAuthority::new());
    desk.certify(&authority);
    let server = desk.bench.serve();
    let client = trusting(&server, &authority);
    let token = crate::support::eventually("a token is shown", || {
        let log = server.log();
        let line = log.lines().find(|line| line.contains("set-up token"))?;
        Some(line.rsplit(' ').next()?.to_owned())
    })
    .await;
    let post = async |path: &str, body: Value| {
        let request = http::Request::builder()
            .method(Method::POST)
            .uri(format!("{}{path}", server.base))
            .header("content-type", "application/json")
            .body(Payload::from(Bytes::from(body.to_string())));
        client.send(request.unwrap()).await.unwrap()
    };
    let password = "correct horse battery";
    let made = post("/web/auth/setup", json!({ "token": token, "name": "ada", "password": password })).await;
    assert_eq!(made.status, 200);
    let signed =
        post("/web/auth/login", json!({ "username": "ada", "password": password, "cookie": true })).await;
    assert_eq!(signed.status, 200);
    let cookie = signed.header("set-cookie");
    assert!(cookie.contains("Secure") && cookie.contains("HttpOnly"), "{cookie}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_certificate_is_taken_without_a_restart() {
    let (desk, first, second) = (Desk::new().await, TestAuthority::new(), TestAuthority::new());
    desk.certify(&first);
    let server = desk.bench.serve();
    let old = trusting(&server, &first);
    assert_eq!(old.post(&desk.key, &whole()).await.unwrap().status, 200);
    // What cannot be used leaves the one before in force.
    std::fs::write(desk.file("relay.crt"), "no certificate").unwrap();
    let output = desk.bench.command("config reload").output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let why = String::from_utf8_lossy(&output.stderr);
    assert!(why.contains("tls_certificate_file") && why.contains("no certificate in it"), "{why}");
    assert_eq!(trusting(&server, &first).post(&desk.key, &whole()).await.unwrap().status, 200);

    desk.certify(&second);
    let begun = Instant::now();
    while trusting(&server, &second).post(&desk.key, &whole()).await.is_err() {
        assert!(begun.elapsed() < PATIENCE, "the new one is not taken");
        sleep(Duration::from_millis(200)).await;
    }
    assert!(trusting(&server, &first).post(&desk.key, &whole()).await.is_err());
    // The connection that was open goes on.
    assert_eq!(old.post(&desk.key, &whole()).await.unwrap().status, 200);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_cannot_be_used_keeps_the_relay_from_starting() {
    let (desk, authority) = (Desk::new().await, TestAuthority::new());
    let start = || {
        let output = desk.bench.command("serve --listen 127.0.0.1:0").output().unwrap();
        assert!(!output.status.success(), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(start().contains("relay.crt cannot be read"));
    desk.certify(&authority);
    let (_, other) = authority.server_pem(&["127.0.0.1"]);
    std::fs::write(desk.file("relay.key"), other).unwrap();
    assert!(start().contains("cannot be used together"));
    std::fs::write(desk.file("relay.key"), "dummy-CANARY").unwrap();
    let why = start();
    assert!(why.contains("no private key in it") && !why.contains("CANARY"), "{why}");
    let half = Bench::new().with("POSTHASTE_SERVER__TLS_KEY_FILE", "relay.key");
    let output = half.command("config check").output().unwrap();
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("server.tls_certificate_file: is needed"),
        "{output:?}"
    );
}
