//! X6: where a relay can be sent, by everybody who may name an address.

use std::time::Duration;

use http::Method;
use posthaste_testkit::{Script, ScriptedUpstream};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::support::{Bench, Server, UPSTREAM_KEY, furnished, whole};

/// This machine, in all spellings that some reader takes for it.
const SPELLINGS: [&str; 30] = [
    "127.0.0.1",
    "127.0.0.2",
    "127.1",
    "127.0.1",
    "0x7f.0.0.1",
    "0x7f000001",
    "0X7F.1",
    "2130706433",
    "017700000001",
    "0177.0.0.1",
    "0177.0x0.0.1",
    "127.0.0.1.",
    "0",
    "0.0.0.0",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "[::1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "①②⑦.⓪.⓪.①",
    "127。0。0。1",
    "127%2e0%2e0%2e1",
    "api.example.com@127.0.0.1",
    "127.0.0.1\\@api.example.com",
];

/// Other places that strangers do not reach, and addresses that are none.
const ELSEWHERE: [&str; 24] = [
    "http://169.254.169.254/latest/meta-data/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://100.100.100.200/latest/meta-data/",
    "http://2852039166/",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://192.168.0.1/",
    "http://[fd00::1]/",
    "http://[fe80::1]/",
    "http://[::ffff:10.0.0.1]/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "file:///etc/passwd",
    "file://localhost/etc/passwd",
    "gopher://127.0.0.1:6379/_PING",
    "ftp://127.0.0.1/",
    "dict://127.0.0.1:6379/info",
    "ldap://127.0.0.1/",
    "unix:///var/run/docker.sock",
    "data:text/plain,hello",
    "javascript:alert(1)",
    "//127.0.0.1/",
    "http:127.0.0.1",
    "http://",
];

/// Every address that is to be refused, those on this machine with the port of somebody who listens.
fn addresses(port: u16) -> Vec<String> {
    let here = SPELLINGS.iter().map(|host| format!("http://{host}:{port}/"));
    here.chain(ELSEWHERE.iter().map(|url| (*url).to_owned())).collect()
}

struct Desk {
    server: Server,
    token: String,
    /// Whom nobody may reach.
    victim: ScriptedUpstream,
}

impl Desk {
    /// Somebody who may do everything with accounts and channels, and nothing with settings.
    async fn new(bench: &Bench) -> Self {
        let made = bench.cli("tokens create t --scope accounts:write --scope notifications:write");
        let victim = ScriptedUpstream::start(|_| Script::text(200, "the inner network")).await;
        Self { server: bench.serve(), token: made["token"].as_str().unwrap().to_owned(), victim }
    }

    async fn ask(&self, method: Method, path: &str, body: &Value) -> (u16, String) {
        let answer = self.server.ask(method, path, Some(&self.token), body).await;
        (answer.status, answer.text().await.unwrap())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn x6_no_account_reaches_the_relay_s_own_network_without_an_admin() {
    let (bench, _upstream, _key) = furnished(Bench::new()).await;
    let desk = Desk::new(&bench).await;
    let mut added = 0;
    for (number, url) in addresses(desk.victim.address().port()).into_iter().enumerate() {
        let name = format!("account-{number}");
        let elsewhere = json!([{ "dialect": "anthropic-messages", "url": url }]);
        for new in [
            json!({ "preset": "anthropic-compatible", "name": name, "base_url": url, "api_key": UPSTREAM_KEY }),
            json!({ "preset": "glm-coding-plan", "name": format!("{name}-other"), "api_key": UPSTREAM_KEY,
                "base_url": "https://api.example.invalid", "base_urls": elsewhere }),
        ] {
            let (status, said) = desk.ask(Method::POST, "/admin/accounts", &new).await;
            if status != 200 {
                assert!(status == 400 || status == 403, "{url}: {status} {said}");
                continue;
            }
            // A name: it is looked at when it is called.
            added += 1;
            let path = format!("/admin/accounts/{}/test", new["name"].as_str().unwrap());
            let (_, said) = desk.ask(Method::POST, &path, &json!({ "model": whole()["model"] })).await;
            let told: Value = serde_json::from_str(&said).unwrap();
            assert_eq!(told["data"]["ok"], false, "{url}: {said}");
        }
    }
    assert!(desk.victim.received().is_empty(), "{:?}", desk.victim.received());
    assert_eq!(desk.victim.open_connections(), 0);
    assert!(added < 10, "{added}");
    desk.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn x6_no_channel_reaches_the_relay_s_own_network_without_an_admin() {
    let (bench, _upstream, _key) = furnished(Bench::new()).await;
    let desk = Desk::new(&bench).await;
    for url in addresses(desk.victim.address().port()) {
        let channel = json!({ "name": "c", "service": { "kind": "webhook" }, "with": { "target": url } });
        let (status, said) = desk.ask(Method::POST, "/admin/webhook/test", &channel).await;
        let told: Value = serde_json::from_str(&said).unwrap();
        let delivered = status == 200 && told["data"]["outcome"] == "delivered";
        assert!(!delivered && status < 500, "{url}: {status} {said}");
    }
    assert!(desk.victim.received().is_empty(), "{:?}", desk.victim.received());
    assert_eq!(desk.victim.open_connections(), 0);
    desk.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn x6_no_price_list_is_fetched_from_the_relay_s_own_network_unasked() {
    let (bench, _upstream, _key) = furnished(Bench::new()).await;
    let made = bench.cli("tokens create keeper --scope settings:write");
    let desk = Desk { token: made["token"].as_str().unwrap().to_owned(), ..Desk::new(&bench).await };
    // Whoever may change settings names this machine's own address on purpose; no other one, and no way around.
    let meant =
        ["127", "0x7f", "0X7F", "2130706433", "0177", "localhost", "LOCALHOST", "[::1]", "[0:0", "①", "\\"];
    for url in addresses(desk.victim.address().port()) {
        let host = url.trim_start_matches("http://");
        if meant.iter().any(|meant| host.starts_with(meant)) || host.contains('\\') {
            continue;
        }
        for url in [url.clone(), url.replacen("http://", "https://", 1)] {
            let look = json!({ "url": url, "dry_run": true });
            let (status, said) = desk.ask(Method::POST, "/admin/prices/update", &look).await;
            assert_eq!(status, 400, "{url}: {said}");
        }
    }
    assert!(desk.victim.received().is_empty(), "{:?}", desk.victim.received());
    desk.server.stop().await;
}

/// An upstream that everybody may call answers with the way to one that nobody may.
#[tokio::test(flavor = "multi_thread")]
async fn x6_nobody_is_led_on_by_a_redirect() {
    let victim = ScriptedUpstream::start(|_| Script::text(200, "the inner network")).await;
    let to = victim.base_url();
    let bench = Bench::new();
    let upstream = ScriptedUpstream::start(move |_| {
        Script::text(307, "").header("location", &format!("{to}/v1/messages"))
    })
    .await;
    bench.add_account("one", &upstream);
    let key = bench.create_key("team");
    let server = bench.serve();
    for _ in 0..3 {
        let answer = server.post(&key, &whole()).await.unwrap();
        assert_ne!(answer.status, 200);
        assert!(!answer.text().await.unwrap().contains("inner network"));
    }
    let output =
        bench.command(&format!("pricing update {}/list.json --dry-run", upstream.base_url())).output();
    assert!(!output.unwrap().status.success());
    sleep(Duration::from_millis(100)).await;
    assert!(victim.received().is_empty());
    server.stop().await;
}

/// Clients name addresses, too: those of images and documents. The relay passes them on or leaves them out; it fetches none.
#[tokio::test(flavor = "multi_thread")]
async fn x6_addresses_within_a_request_are_fetched_by_nobody_here() {
    let (bench, upstream, key) = furnished(Bench::new()).await;
    let victim = ScriptedUpstream::start(|_| Script::text(200, "the inner network")).await;
    let url = format!("{}/image.png", victim.base_url());
    let model = whole()["model"].clone();
    let server = bench.serve();
    let asked = [
        (
            "/v1/messages",
            json!({ "model": model, "max_tokens": 9, "messages": [{ "role": "user", "content": [
            { "type": "image", "source": { "type": "url", "url": url } },
            { "type": "document", "source": { "type": "url", "url": url } }] }] }),
        ),
        (
            "/v1/chat/completions",
            json!({ "model": model, "messages": [{ "role": "user", "content": [
            { "type": "text", "text": "look" }, { "type": "image_url", "image_url": { "url": url } }] }] }),
        ),
        (
            "/v1/responses",
            json!({ "model": model, "input": [{ "role": "user", "content": [
            { "type": "input_text", "text": "look" }, { "type": "input_image", "image_url": url },
            { "type": "input_file", "file_url": url }] }],
            "tools": [{ "type": "mcp", "server_label": "x", "server_url": url }] }),
        ),
    ];
    let gemini = json!({ "contents": [{ "role": "user", "parts": [{ "text": "look" },
        { "fileData": { "mimeType": "image/png", "fileUri": url } }] }] });
    let path = format!("/v1beta/models/{}:generateContent", model.as_str().unwrap());
    for (path, body) in asked.into_iter().chain([(path.as_str(), gemini)]) {
        let request = http::Request::post(format!("{}{path}", server.base))
            .header("x-api-key", &key)
            .body(posthaste_core::Payload::from(bytes::Bytes::from(body.to_string())));
        let answer = server.client().send(request.unwrap()).await.unwrap();
        assert!(answer.status < 500, "{path}: {}", answer.status);
        answer.text().await.unwrap();
    }
    assert!(!upstream.received().is_empty(), "some of them were asked on");
    assert!(victim.received().is_empty());
    server.stop().await;
}
