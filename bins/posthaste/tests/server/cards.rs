//! Redemption cards and service rates at running relays.

use http::Method;
use posthaste_testkit::{ScriptedUpstream, spawn_redis_with};
use serde_json::{Value, json};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::support::{Bench, PATIENCE, Server, serving, whole};

const DOLLAR: u64 = 1_000_000_000;

/// A client key that lives of cards: it has a limit of nothing.
fn key_without_money(bench: &Bench, name: &str) -> String {
    let made = bench.cli(&format!("keys create --name {name} --limit cost=0/total"));
    made["key"].as_str().unwrap().to_owned()
}

fn limit(bench: &Bench, name: &str) -> u64 {
    bench.cli(&format!("keys show {name}"))["policy"]["limits"][0]["amount"].as_u64().unwrap()
}

/// Redeems many times at once, at one relay after the other, and tells how each try ended.
async fn redeem_at_once(servers: &[&Server], key: &str, code: &str, times: usize) -> Vec<u16> {
    let mut tries = JoinSet::new();
    for number in 0..times {
        let client = servers[number % servers.len()].client();
        let body = json!({ "apiKey": key, "code": code }).to_string();
        let request = http::Request::post(format!("{}/apiStats/api/redeem-card", client.base()))
            .header("content-type", "application/json")
            .body(posthaste_core::Payload::from(bytes::Bytes::from(body)))
            .unwrap();
        tries.spawn(async move { client.send(request).await.unwrap().status });
    }
    let mut told = tries.join_all().await;
    told.sort_unstable();
    told
}

/// Asks until the relay answers so.
async fn until_answered(server: &Server, key: &str, status: u16) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = server.post(key, &whole()).await.unwrap();
        let found = answer.status;
        let text = answer.text().await.unwrap();
        if found == status {
            return;
        }
        assert!(Instant::now() < deadline, "{found} and not {status}: {text}");
        sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_lets_a_key_go_on_and_rates_say_what_that_is_billed() {
    let bench = Bench::new();
    let upstream = ScriptedUpstream::start(serving).await;
    bench.add_account("one", &upstream);
    let key = key_without_money(&bench, "held");
    let token = bench.cli("tokens create t --scope keys:write --scope settings:write --scope usage:read");
    let token = token["token"].as_str();
    let server = bench.serve();
    let refused = server.post(&key, &whole()).await.unwrap();
    assert!(refused.status >= 400, "{}", refused.status);

    let new = json!({ "quota": 2 * DOLLAR, "note": "order 17" });
    let made = server.ask(Method::POST, "/admin/quota-cards", token, &new).await.json().await;
    let code = made["data"][0]["code"].as_str().unwrap();
    let told = redeem_at_once(&[&server], &key, code, 4).await;
    assert_eq!(told, [200, 409, 409, 409]);
    assert_eq!(limit(&bench, "held"), 2 * DOLLAR);
    until_answered(&server, &key, 200).await;

    let wrong = json!({ "apiKey": key, "code": "phc-aaaa-aaaa-aaaa-aaaa-aaaa-aaaa" });
    let answer = server.ask(Method::POST, "/apiStats/api/redeem-card", None, &wrong).await;
    assert_eq!(answer.status, 404);
    let text = answer.text().await.unwrap();
    assert!(text.contains("six groups of four"), "{text}");

    let rates = json!({ "rates": { "anthropic-compatible": "2.5" } });
    let set = server.ask(Method::PUT, "/admin/service-rates", token, &rates).await;
    assert_eq!(set.status, 200);
    let deadline = Instant::now() + PATIENCE;
    let last = loop {
        server.post(&key, &whole()).await.unwrap().text().await.unwrap();
        let rows = bench.rows().await;
        let last = rows.iter().max_by_key(|row| row.request_id).unwrap().clone();
        if last.billed != last.cost || Instant::now() > deadline {
            break last;
        }
    };
    assert!(last.cost.as_nanos() > 0);
    assert_eq!(last.billed.as_nanos() * 2, last.cost.as_nanos() * 5);
    let explained = bench.cli(&format!("explain {}", last.request_id));
    assert_eq!(explained["billed"], json!(last.billed), "{explained}");
    server.stop().await;
    // What is kept holds without the relay.
    let rates = bench.cli("pricing rates");
    let said: Vec<_> = rates.as_array().unwrap().iter().filter(|rate| rate["set"] == true).collect();
    assert_eq!(said, [&json!({ "provider": "anthropic-compatible", "rate": "2.5", "set": true })]);
    assert!(!bench.cli("cards list").to_string().contains(code));
    assert!(!folder_has(&bench, code));
}

/// Whether some file of the data folder has the text.
fn folder_has(bench: &Bench, text: &str) -> bool {
    std::fs::read_dir(bench.data()).unwrap().map(Result::unwrap).any(|file| {
        let bytes = std::fs::read(file.path()).unwrap_or_default();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_tries_at_two_relays_on_one_redis_one_has_the_card() {
    let redis = spawn_redis_with(&[]);
    let desk =
        Bench::new().with("POSTHASTE_DATA__STORE", "redis").with("POSTHASTE_DATA__REDIS_URL", &redis.url());
    let keys = ["held-0", "held-1", "held-2"].map(|name| (name, key_without_money(&desk, name)));
    let master = std::fs::read_to_string(desk.data().join("master.key")).unwrap();
    let other = desk.like().with("POSTHASTE_VAULT__MASTER_KEY", master.trim());
    let (first, second) = (desk.serve(), other.serve());
    let made = desk.cli("cards create --quota 1 --count 3");
    for ((name, key), card) in keys.iter().zip(made.as_array().unwrap()) {
        let told = redeem_at_once(&[&first, &second], key, card["code"].as_str().unwrap(), 4).await;
        assert_eq!((told, limit(&desk, name)), (vec![200, 409, 409, 409], DOLLAR));
    }
    let stats: Value = desk.cli("cards stats");
    let redeemed = stats["by_status"].as_array().unwrap().iter().find(|sum| sum["status"] == "redeemed");
    assert_eq!(redeemed.unwrap()["cards"], 3, "{stats}");
    first.stop().await;
    second.stop().await;
}
