//! What operators are told.

use http::StatusCode;
use posthaste_core::Area;
use posthaste_testkit::{Reply, Sent};
use serde_json::{Value, json};

use super::bench::{Served, Socket, served, setup};
use crate::support::{GPT, MODEL, Setup, every_answer};

async fn chat(served: &Served, model: &str) -> StatusCode {
    let body = json!({"model": model, "stream": true, "messages": [{"role": "user", "content": "hello"}]});
    let read = served.rig.post("/v1/chat/completions", body.to_string()).await;
    read.status
}

/// The events of requests, until so many have come.
async fn requests(socket: &mut Socket, most: usize) -> Vec<Value> {
    let mut events = Vec::new();
    while events.len() < most {
        let told = socket.of("requests").await;
        events.extend(told["content"].as_array().unwrap().clone());
    }
    events
}

#[tokio::test]
async fn a_request_is_told_when_it_comes_and_when_it_is_over() {
    let served = served(setup()).await;
    let mut socket = served.watching(&["requests"]).await;
    assert_eq!(chat(&served, GPT).await, StatusCode::OK);
    let told = requests(&mut socket, 2).await;
    let (began, ended) = (&told[0], &told[1]);
    assert_eq!((&began["event"], &ended["event"]), (&json!("began"), &json!("ended")));
    assert_eq!(
        (&began["key"], &began["model"], &began["dialect"]),
        (&json!("good"), &json!(GPT), &json!("open-ai-chat"))
    );
    assert_eq!(began["id"], ended["id"]);
    assert_eq!(
        (&ended["status"], &ended["account"], &ended["attempts"]),
        (&json!(200), &json!("openai"), &json!(1))
    );
    assert_eq!((&ended["usage"]["input"], &ended["usage"]["output"]), (&json!(12), &json!(34)));
    assert!(ended["ended_us"].is_u64() && ended["cost"].is_string(), "{ended}");
    assert!(!served.rig.rows().await.is_empty());
    let nobody = chat(&served, "nobodys").await;
    assert_eq!(nobody, StatusCode::NOT_FOUND);
    let told = requests(&mut socket, 2).await;
    assert_eq!(told[1]["fault"]["kind"], "not_found", "{told:?}");
    assert!(told[1]["account"].is_null() && told[1]["status"].is_null());
}

#[tokio::test]
async fn totals_tell_how_much_goes_on() {
    let served = served(setup()).await;
    let mut socket = served.watching(&["totals"]).await;
    let before = socket.message().await;
    assert_eq!((&before["type"], &before["content"]["requests"]), (&json!("totals"), &json!(0)));
    chat(&served, GPT).await;
    chat(&served, "nobodys").await;
    let told = socket.of("totals").await["content"].clone();
    for (name, count) in [
        ("requests", 2),
        ("answered", 1),
        ("refused", 1),
        ("attempts", 1),
        ("failed_attempts", 0),
        ("input_tokens", 12),
        ("output_tokens", 34),
        ("in_flight", 0),
        ("open_streams", 0),
        ("requests_per_minute", 1),
        ("tokens_per_minute", 46),
    ] {
        assert_eq!(told[name], count, "{name}: {told}");
    }
}

#[tokio::test]
async fn an_account_that_rests_is_told_to_those_who_watch_accounts() {
    let limited = |sent: &Sent| match sent.uri.path().ends_with("/messages") {
        true => Reply::json(
            429,
            &json!({"type": "error", "error": {"type": "rate_limit_error", "message": "slow"}}),
        )
        .header("retry-after", "30"),
        false => every_answer(sent),
    };
    let served = served(Setup { answer: Box::new(limited), ..setup() }).await;
    let mut accounts = served.watching(&["accounts"]).await;
    let mut requests = served.watching(&["requests"]).await;
    chat(&served, MODEL).await;
    let told = accounts.message().await;
    assert_eq!(told["type"], "accounts", "{told}");
    let notice = &told["content"][0];
    assert!(notice["subject"].to_string().contains("one") && notice["at"].is_string(), "{notice}");
    let mut kinds = Vec::new();
    while kinds.len() < 2 {
        let told = requests.message().await;
        assert_eq!(told["type"], "requests", "what is not asked for is not told: {told}");
        kinds.extend(told["content"].as_array().unwrap().iter().map(|told| told["event"].clone()));
    }
}

#[tokio::test]
async fn topics_are_let_go_and_asked_for_by_name() {
    let served = served(setup()).await;
    let mut socket = served.watching(&["requests", "totals"]).await;
    socket.say(&json!({"type": "unsubscribe", "content": {"topics": ["totals"]}})).await;
    assert_eq!(socket.of("subscribed").await["content"]["topics"], json!(["requests"]));
    for (wrong, code) in [
        (json!({"type": "subscribe", "content": {"topics": ["gossip"]}}), "invalid_request"),
        (json!({"type": "subscribe", "content": {"topics": "totals"}}), "invalid_request"),
        (json!({"type": "text", "content": "hello", "model": GPT}), "permission_denied"),
    ] {
        socket.say(&wrong).await;
        assert_eq!(socket.error().await["code"], code, "{wrong}");
    }
    chat(&served, GPT).await;
    assert_eq!(requests(&mut socket, 2).await.len(), 2);
}

#[tokio::test]
async fn what_a_log_in_may_not_see_it_is_not_told() {
    let served = served(setup()).await;
    let token = served.token("board", &[Area::Usage.read()]).await;
    let mut socket = served.open(&token).await;
    for topic in ["requests", "accounts", "notices", "logs"] {
        socket.say(&json!({"type": "subscribe", "content": {"topics": ["totals", topic]}})).await;
        assert_eq!(socket.error().await["code"], "permission_denied", "{topic}");
    }
    socket.say(&json!({"type": "subscribe", "content": {"topics": ["totals"]}})).await;
    assert_eq!(socket.of("subscribed").await["content"]["topics"], json!(["totals"]));
}

#[tokio::test]
async fn more_than_can_be_told_is_lost_and_that_is_told() {
    let sockets =
        posthaste_http::SocketOptions { tick: std::time::Duration::from_secs(3), ..super::bench::quick() };
    let served = served(Setup { sockets, ..setup() }).await;
    let mut socket = served.watching(&["requests"]).await;
    for _ in 0..200 {
        chat(&served, "nobodys").await;
    }
    let (mut told, mut lost) = (0, 0);
    while told + lost < 400 {
        let message = socket.message().await;
        match message["type"].as_str() {
            Some("requests") => told += message["content"].as_array().unwrap().len() as u64,
            Some("lost") => lost += message["content"]["events"].as_u64().unwrap(),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(told + lost, 400, "each is told or counted as lost");
    assert!(lost > 0, "a look tells a hundred at most");
}
