//! What the doctor finds on the way through a proxy.

use std::{process::Command, time::Duration};

use posthaste_testkit::{Script, ScriptedUpstream};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

use crate::{
    nginx::Nginx,
    support::{Bench, Server},
};

/// A relay that believes a proxy on its own machine.
fn believing() -> Bench {
    Bench::new()
        .with("POSTHASTE_SERVER__TRUSTED_PROXIES", "127.0.0.1")
        .with("POSTHASTE_SERVER__MAX_BODY_BYTES", "4MiB")
}

fn started(bench: &Bench) -> Server {
    bench.cli("init");
    bench.serve()
}

/// What is found on the way, and whether the doctor is content.
fn told(mut doctor: Command) -> (bool, Vec<Value>) {
    let output = doctor.output().unwrap();
    let told: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    assert_eq!(told["ok"].as_bool().unwrap(), output.status.success(), "{output:?}");
    let found = told["findings"].as_array().unwrap().iter();
    let found =
        found.filter(|finding| finding["what"].as_str().is_some_and(|what| what.starts_with("through: ")));
    (output.status.success(), found.cloned().collect())
}

fn look(bench: &Bench, url: &str) -> (bool, Vec<Value>) {
    told(bench.command(&format!("doctor --json --offline --idle 2 --through {url}")))
}

/// What is not good through a relay's nginx with parts of its site replaced: what was looked at, how it is, and what to do.
async fn amiss(bench: &Bench, changes: &[(&str, &str)]) -> Vec<(String, String, String)> {
    let server = started(bench);
    let (_nginx, url) = Nginx::at_a_port(&server, changes).await;
    let (content, found) = look(bench, &url);
    let text = |finding: &Value, field: &str| finding[field].as_str().unwrap_or_default().to_owned();
    let amiss: Vec<_> = found
        .iter()
        .filter(|finding| finding["state"] != "good")
        .map(|finding| {
            let what = text(finding, "what").replace("through: ", "");
            (what, text(finding, "state"), format!("{} {}", text(finding, "seen"), text(finding, "fix")))
        })
        .collect();
    assert_eq!(content, amiss.iter().all(|(_, state, _)| state != "bad"), "{found:?}");
    // Whatever was found, nothing is left that opens the door.
    assert_eq!(bench.cli("tokens list"), json!([]));
    server.stop().await;
    amiss
}

/// That but one thing is bad, with words that are told of it.
async fn only(bench: &Bench, changes: &[(&str, &str)], what: &str, words: &[&str]) {
    let amiss = amiss(bench, changes).await;
    let [(found, state, text)] = &amiss[..] else { panic!("{amiss:?}") };
    assert_eq!((found.as_str(), state.as_str()), (what, "bad"), "{text}");
    for word in words {
        assert!(text.contains(word), "{word}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn through_the_packaged_site_all_is_well() {
    let bench = believing();
    let server = started(&bench);
    let (_nginx, url) = Nginx::at_a_port(&server, &[]).await;
    let (content, found) = look(&bench, &url);
    assert!(content && found.iter().all(|finding| finding["state"] == "good"), "{found:#?}");
    let looked: Vec<_> = found.iter().map(|finding| finding["what"].as_str().unwrap()).collect();
    let wanted = [
        "relay behind it",
        "host name",
        "client's address",
        "https",
        "key headers",
        "streams",
        "compression",
        "WebSockets",
        "large requests",
        "silence",
    ];
    assert_eq!(looked, wanted.map(|what| format!("through: {what}")));
    server.stop().await;
}

/// The relay asks nginx not to hold streams back, and nginx does as it is asked unless it is told not to.
#[tokio::test(flavor = "multi_thread")]
async fn an_nginx_that_would_buffer_does_not_where_it_hears_the_relay() {
    let amiss = amiss(&believing(), &[("proxy_buffering off;", "proxy_buffering on;")]).await;
    assert!(amiss.is_empty(), "{amiss:?}");
}

/// nginx passes on what it has, even where it buffers; others, and networks for content, wait until they have more.
#[tokio::test(flavor = "multi_thread")]
async fn streams_that_are_held_back() {
    let bench = believing();
    let server = started(&bench);
    let (_, found) = look(&bench, &holding_back(&server).await);
    let streams = found.iter().find(|finding| finding["what"] == "through: streams").unwrap();
    assert_eq!(streams["state"], "bad", "{found:#?}");
    assert!(streams["fix"].as_str().unwrap().contains("proxy_buffering off"), "{streams}");
    server.stop().await;
}

/// The address of a way to the relay that passes answers on only once nothing more has come for a while.
async fn holding_back(server: &Server) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (own, relay) = (listener.local_addr().unwrap(), server.address().to_owned());
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let relay = TcpStream::connect(&relay).await.unwrap();
            let ((mut asks, mut hears), (mut answers, mut asked)) = (client.into_split(), relay.into_split());
            tokio::spawn(async move { tokio::io::copy(&mut asks, &mut asked).await });
            tokio::spawn(async move {
                let mut held = Vec::new();
                loop {
                    match timeout(HELD_FOR, answers.read_buf(&mut held)).await {
                        Ok(Ok(0) | Err(_)) => break,
                        Ok(Ok(_)) => {}
                        Err(_) if hears.write_all(&held).await.is_err() => return,
                        Err(_) => held.clear(),
                    }
                }
                let _ = hears.write_all(&held).await;
            });
        }
    });
    format!("http://{own}")
}

/// Longer than the relay waits between two parts of the stream that it is tried with.
const HELD_FOR: Duration = Duration::from_millis(600);

#[tokio::test(flavor = "multi_thread")]
async fn streams_that_are_compressed() {
    let gzip = "proxy_buffering off; gzip on; gzip_types text/event-stream; gzip_proxied any;";
    only(&believing(), &[("proxy_buffering off;", gzip)], "compression", &["gzip off"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_too_large_for_the_proxy() {
    let small = [("client_max_body_size 64m;", "client_max_body_size 1m;")];
    only(&believing(), &small, "large requests", &["4 MiB", "413", "client_max_body_size 4m"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_that_is_not_waited_for() {
    let hasty = [("proxy_read_timeout 960s;", "proxy_read_timeout 1s;")];
    only(&believing(), &hasty, "silence", &["of 2 s", "proxy_read_timeout 960s"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn upgrades_that_are_not_passed_on() {
    let plain = [
        ("proxy_set_header Upgrade $http_upgrade;", ""),
        ("proxy_set_header Connection $posthaste_connection;", ""),
    ];
    only(&believing(), &plain, "WebSockets", &["proxy_set_header Upgrade"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_does_not_tell_who_asks() {
    let silent = [
        ("proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;", ""),
        ("proxy_set_header X-Forwarded-Proto $scheme;", ""),
    ];
    let amiss = amiss(&believing(), &silent).await;
    let [(address, bad, fix), (https, odd, other)] = &amiss[..] else { panic!("{amiss:?}") };
    assert_eq!((address.as_str(), bad.as_str()), ("client's address", "bad"));
    assert!(fix.contains("X-Forwarded-For") && !fix.contains("trusted_proxies ="), "{fix}");
    assert_eq!((https.as_str(), odd.as_str()), ("https", "odd"));
    assert!(other.contains("X-Forwarded-Proto"), "{other}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_is_not_believed() {
    let bench = Bench::new().with("POSTHASTE_SERVER__MAX_BODY_BYTES", "4MiB");
    only(&bench, &[], "client's address", &["trusted_proxies = \"127.0.0.1\""]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_lets_clients_say_who_they_are() {
    let open = "set $from $http_x_forwarded_for; if ($from = '') { set $from $remote_addr; } \
                proxy_set_header X-Forwarded-For $from;";
    let open = [("proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;", open)];
    only(&believing(), &open, "client's address", &["pretend", "$proxy_add_x_forwarded_for"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_name_that_is_not_passed_on() {
    only(&believing(), &[("proxy_set_header Host $host;", "")], "host name", &["Host $host"]).await;
    let listed = believing().with("POSTHASTE_ADMIN__HOSTS", "relay.example.com 127.0.0.1");
    let amiss = amiss(&listed, &[("proxy_set_header Host $host;", "proxy_set_header Host other;")]).await;
    assert!(amiss[0].0 == "host name" && amiss[0].2.contains("admin.hosts"), "{amiss:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_are_taken_away() {
    let without = |name: &str| format!("proxy_buffering off; proxy_set_header {name} '';");
    let change = without("x-api-key");
    only(&believing(), &[("proxy_buffering off;", &change)], "key headers", &["`x-api-key`"]).await;
    let change = without("Authorization");
    let amiss = amiss(&believing(), &[("proxy_buffering off;", &change)]).await;
    assert_eq!((amiss[0].0.as_str(), amiss[0].1.as_str()), ("key headers", "bad"), "{amiss:?}");
    assert!(amiss[0].2.contains("`authorization`") && amiss[1].1 == "skipped", "{amiss:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_at_which_the_relay_is_not() {
    let (bench, other) = (believing(), believing());
    let first = |url: &str| {
        let (content, found) = look(&bench, url);
        assert!(!content, "{found:?}");
        found[0].clone()
    };
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    bench.cli("init");
    assert_eq!(first("relay.example")["what"], "through: address");
    assert_eq!(first("http://nobody.invalid")["what"], "through: name");
    assert_eq!(first(&format!("http://{closed}"))["what"], "through: connection");
    let (server, other) = (bench.serve(), started(&other));
    assert!(first(&other.base)["seen"].as_str().unwrap().contains("another relay"));
    let vendor = ScriptedUpstream::start(|_| Script::json(404, &json!({ "error": "who are you" }))).await;
    assert!(first(&vendor.base_url())["seen"].as_str().unwrap().contains("not this relay"));
    let tls = server.base.replace("http://", "https://");
    assert_eq!(first(&tls)["what"], "through: TLS");
    // Without a proxy nothing is wrong, and nobody claims that one is there.
    let (content, found) = look(&bench, &server.base);
    let address = found.iter().find(|finding| finding["what"] == "through: client's address").unwrap();
    assert!(content && address["state"] == "skipped", "{found:?}");
    // A proxy that has lost its relay.
    let (_nginx, url) = Nginx::at_a_port(&other, &[]).await;
    other.stop().await;
    assert!(first(&url)["seen"].as_str().unwrap().contains("502"));
    server.stop().await;
    let stopped = first(&url);
    assert_eq!(stopped["what"], "through: own token", "{stopped}");
}

#[tokio::test(flavor = "multi_thread")]
async fn from_afar_the_token_that_is_given_is_shown() {
    let bench = believing();
    bench.cli("init");
    let token = bench.cli("tokens create looker --scope system:read")["token"].as_str().unwrap().to_owned();
    let server = bench.serve();
    let (_nginx, url) = Nginx::at_a_port(&server, &[]).await;
    let desk = Bench::new().with("POSTHASTE_REMOTE_TOKEN", &token);
    let line = format!("doctor --json --offline --idle 1 --through {url} --server {}", server.base);
    let (_, found) = told(desk.command(&line));
    assert!(found.len() > 5 && found.iter().all(|finding| finding["state"] == "good"), "{found:#?}");
    assert_eq!(bench.cli("tokens list").as_array().unwrap().len(), 1, "it is still there");
    server.stop().await;
}
