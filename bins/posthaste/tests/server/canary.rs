//! Marked secrets run through everything, and are then looked for everywhere.

use std::{fs, path::Path};

use bytes::Bytes;
use posthaste_core::Payload;
use posthaste_testkit::{Script, ScriptedUpstream, anthropic_error};
use serde_json::json;

use crate::support::{Bench, UPSTREAM_KEY, serving, streamed, whole};

const METRICS_TOKEN: &str = "dummy-CANARY-metrics-token";
const STRANGERS_KEY: &str = "cr_dummy-CANARY-strangers-key";
const PROMPT: &str = "dummy-CANARY-prompt";

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_found_outside_of_its_place() {
    let bench = Bench::new()
        .with("POSTHASTE_LOG__FILTER", "debug")
        .with("POSTHASTE_SERVER__METRICS_TOKEN", METRICS_TOKEN);
    let upstream = ScriptedUpstream::start(serving).await;
    bench.add_account("one", &upstream);
    bench.add_account("two", &upstream);
    let key = bench.create_key("team");
    let server = bench.serve();
    let client = server.client();
    let mut told = String::new();
    let mut ask = async |url: String, secret: &str, body: String| {
        let request = http::Request::post(format!("{}{url}", server.base)).header("x-api-key", secret);
        let answer = client.send(request.body(Payload::from(Bytes::from(body))).unwrap()).await.unwrap();
        told.push_str(&format!("{} {:?}\n", answer.status, answer.headers));
        told.push_str(&answer.text().await.unwrap_or_default());
    };

    let prompt = |mut body: serde_json::Value| {
        body["messages"][0]["content"] = json!(PROMPT);
        body.to_string()
    };
    for url in [
        "/v1/messages".to_owned(),
        "/openai/v1/chat/completions".to_owned(),
        format!("/v1/messages?key={key}"),
    ] {
        for body in [prompt(whole()), prompt(streamed())] {
            ask(url.clone(), &key, body.clone()).await;
            ask(url.clone(), STRANGERS_KEY, body.clone()).await;
        }
        ask(url.clone(), &key, format!("{{\"model\":\"m\",\"x\": {PROMPT}")).await;
        ask(url.clone(), &key, json!({"model": "nobody-serves-this", "messages": PROMPT}).to_string()).await;
    }
    ask(format!("/nowhere?key={key}"), &key, prompt(whole())).await;
    // Upstreams that fail in each way, with their complaint about us.
    for script in [
        Script::json(401, &anthropic_error("authentication_error", "invalid x-api-key")),
        Script::hang_up(),
        Script::json(400, &anthropic_error("invalid_request_error", "no")),
        Script::raw("garbage"),
        Script::json(500, &anthropic_error("api_error", "no")),
        Script::json(200, &json!({"nonsense": true})),
    ] {
        upstream.enqueue(script);
        ask("/v1/messages".to_owned(), &key, prompt(whole())).await;
    }
    assert!(upstream.received().iter().all(|request| request.header("x-api-key") == Some(UPSTREAM_KEY)));
    assert!(told.contains("200 ") && told.contains("401 ") && told.contains("400 "), "{told}");

    let metrics = server.get("/metrics", ("authorization", &format!("Bearer {METRICS_TOKEN}"))).await;
    assert_eq!(metrics.status, 200);
    let metrics = metrics.text().await.unwrap();
    let wrong =
        server.get("/metrics", ("authorization", &format!("Bearer {STRANGERS_KEY}"))).await.text().await;
    let health = server.get("/health", ("x-api-key", &key)).await.text().await.unwrap();
    let mut lists = String::new();
    for line in ["accounts list", "accounts show one", "keys list", "keys show team", "status", "config show"]
    {
        lists.push_str(&bench.cli(line).to_string());
    }

    let mut places = vec![
        ("answers".to_owned(), told),
        ("metrics".to_owned(), metrics),
        ("a refusal of metrics".to_owned(), wrong.unwrap()),
        ("health".to_owned(), health),
        ("lists".to_owned(), lists),
        ("log".to_owned(), server.log()),
    ];
    assert!(places.last().unwrap().1.contains("outcome=\"complete\""), "the log is on");
    let while_running = files(&bench.data());
    assert!(while_running.iter().any(|(name, _)| name.ends_with("posthaste.db-wal")), "{while_running:?}");
    server.stop().await;
    for (name, bytes) in while_running.into_iter().chain(files(&bench.data())) {
        // Only looked through for secrets, which are plain ASCII: other bytes may become anything else.
        places.push((name, bytes.into_iter().map(char::from).collect()));
    }
    let secrets = [&key[3..], "CANARY-upstream", METRICS_TOKEN, "CANARY-strangers-key", PROMPT];
    for (name, text) in &places {
        // Clients may be told what is wrong with their own words.
        for secret in secrets.iter().filter(|secret| name != "answers" || **secret != PROMPT) {
            let found = text.find(*secret).map(|at| &text[at.saturating_sub(120)..(at + 60).min(text.len())]);
            assert_eq!(found, None, "{secret} stands in {name}");
        }
    }
}

fn files(data: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(data).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_file() && name != "master.key" {
            found.push((name, fs::read(entry.path()).unwrap()));
        }
    }
    found
}
