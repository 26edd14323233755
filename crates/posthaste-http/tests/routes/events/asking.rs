//! What holders of client keys ask, and what they are told.

use http::StatusCode;
use posthaste_core::AttemptOutcome;
use posthaste_testkit::{Reply, Sent};
use serde_json::{Value, json};

use super::bench::{served, setup, text};
use crate::{
    socket::Held,
    support::{GEMINI, GPT, MODEL, Setup, chat_sse, every_answer, good, secret},
};

#[tokio::test]
async fn a_text_is_answered_piece_by_piece_and_booked() {
    let served = served(setup()).await;
    for address in [served.address, served.own] {
        let (mut socket, _) = served.try_at(address, "/ws", &[super::bench::bearer(&good())]).await.unwrap();
        socket.message().await;
        socket.ask(json!({"id": "q1", "system": "be brief", "max_tokens": 9})).await;
        let answer = socket.answer().await;
        assert_eq!(text(&answer), "hello");
        assert!(answer.iter().all(|message| message["id"] == "q1"), "{answer:?}");
        let done = answer.last().unwrap();
        assert_eq!(done["type"], "done");
        let content = &done["content"];
        assert_eq!((&content["stop_reason"], &content["model"]), (&json!("stop"), &json!(GPT)));
        assert_eq!((&content["usage"]["input"], &content["usage"]["output"]), (&json!(12), &json!(34)));
        let rows = served.rig.rows().await;
        let row = rows.iter().find(|row| content["request_id"] == row.request_id.to_string()).unwrap();
        assert_eq!((row.outcome, row.usage.input, row.usage.output), (AttemptOutcome::Complete, 12, 34));
        assert!(row.streamed);
    }
    let sent = served.rig.transport.sent().pop().unwrap();
    let body = sent.json();
    assert_eq!(
        body["messages"],
        json!([{"role": "system", "content": "be brief"}, {"role": "user", "content": "hello"}])
    );
    assert_eq!((&body["stream"], &body["max_completion_tokens"]), (&json!(true), &json!(9)));
    for name in ["sec-websocket-key", "sec-websocket-protocol", "origin", "cookie"] {
        assert!(!sent.headers.contains_key(name), "{name}");
    }
}

#[tokio::test]
async fn the_model_named_last_is_meant_and_one_has_to_be_named_first() {
    let served = served(setup()).await;
    let mut socket = served.asking().await;
    socket.say(&json!({"type": "text", "content": "hello", "id": "a"})).await;
    let error = socket.message().await;
    assert_eq!(
        (&error["type"], &error["id"], &error["content"]["code"]),
        (&json!("error"), &json!("a"), &json!("invalid_request"))
    );
    assert!(error["content"]["message"].as_str().unwrap().contains("name the model"), "{error}");
    socket.ask(json!({})).await;
    socket.answer().await;
    socket.say(&json!({"type": "text", "content": "again"})).await;
    assert_eq!(text(&socket.answer().await), "hello");
    assert_eq!(served.rig.transport.sent().len(), 2);
}

#[tokio::test]
async fn a_conversation_is_remembered_on_its_connection() {
    let served = served(setup()).await;
    let mut socket = served.asking().await;
    for content in ["one", "two"] {
        socket.ask(json!({"content": content, "conversation": "c"})).await;
        socket.answer().await;
    }
    socket.ask(json!({"content": "alone"})).await;
    socket.answer().await;
    let said: Vec<Vec<String>> = served
        .rig
        .transport
        .sent()
        .iter()
        .map(|sent| {
            let body = sent.json();
            let messages = body["messages"].as_array().unwrap().clone();
            messages.iter().map(|message| message["content"].as_str().unwrap().to_owned()).collect()
        })
        .collect();
    assert_eq!(said, [vec!["one"], vec!["one", "hello", "two"], vec!["alone"]]);
}

#[tokio::test]
async fn a_request_of_each_dialect_is_answered_in_its_own_events() {
    let served = served(setup()).await;
    let mut socket = served.asking().await;
    let hello = json!([{"role": "user", "content": "hello"}]);
    for (dialect, model, body, first) in [
        (
            "anthropic-messages",
            None,
            json!({"model": MODEL, "max_tokens": 9, "messages": hello}),
            "message_start",
        ),
        ("openai-chat", None, json!({"model": GPT, "messages": hello, "stream": false}), ""),
        ("open-ai-responses", None, json!({"model": GPT, "input": "hello"}), "response.created"),
        (
            "gemini-generate",
            Some(GEMINI),
            json!({"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}),
            "",
        ),
    ] {
        let mut message = json!({"type": "request", "id": dialect, "dialect": dialect, "content": body});
        if let Some(model) = model {
            message["model"] = json!(model);
        }
        socket.say(&message).await;
        let answer = socket.answer().await;
        let (done, events) = answer.split_last().unwrap();
        assert_eq!(done["type"], "done", "{dialect}: {done}");
        let usage = &done["content"]["usage"];
        let untold = dialect == "openai-chat";
        assert_eq!(usage["output"], if untold { Value::Null } else { json!(34) }, "{dialect}: {done}");
        assert!(
            !events.is_empty() && events.iter().all(|event| event["type"] == "event"),
            "{dialect}: {events:?}"
        );
        assert!(events.iter().all(|event| event["content"]["data"].is_object()), "{dialect}: {events:?}");
        if !first.is_empty() {
            assert_eq!(events[0]["content"]["event"], first);
        }
    }
    assert_eq!(served.rig.rows().await.len(), 4);
}

#[tokio::test]
async fn what_cannot_be_served_is_told_and_the_connection_lives_on() {
    let refusing = |sent: &Sent| match sent.json()["messages"][0]["content"].as_str() {
        Some("refuse") => {
            let error = json!({"type": "invalid_request_error", "message": "no such thing", "param": null, "code": null});
            Reply::json(400, &json!({"error": error}))
        }
        Some("break") => Reply::sse_then_break(chat_sse(&["hel", "lo"]).drain(..2).collect::<Vec<_>>()),
        _ => every_answer(sent),
    };
    let served = served(Setup { answer: Box::new(refusing), ..setup() }).await;
    let mut socket = served.asking().await;
    for (message, code) in [
        (json!({"type": "dance"}), "invalid_request"),
        (json!([]), "invalid_request"),
        (json!({"type": "text", "content": "x", "modle": "m"}), "invalid_request"),
        (json!({"type": "text", "content": "x", "model": "nobodys"}), "not_found"),
        (json!({"type": "request", "dialect": "bedrock-converse", "content": {}}), "invalid_request"),
        (json!({"type": "request", "dialect": "openai-chat", "content": []}), "invalid_request"),
        (
            json!({"type": "request", "dialect": "openai-chat", "content": {"messages": []}}),
            "invalid_request",
        ),
        (json!({"type": "subscribe", "content": {"topics": ["totals"]}}), "permission_denied"),
        (json!({"type": "cancel", "id": "nothing"}), "invalid_request"),
        (json!({"type": "text", "content": "x", "model": GPT, "id": "x".repeat(200)}), "invalid_request"),
    ] {
        socket.say(&message).await;
        assert_eq!(socket.error().await["code"], code, "{message}");
    }
    assert!(served.rig.transport.sent().is_empty());
    socket.ask(json!({"content": "refuse"})).await;
    let error = socket.error().await;
    assert_eq!((&error["code"], &error["status"]), (&json!("invalid_request"), &json!(400)));
    assert_eq!(
        (&error["message"], &error["error"]["error"]["type"]),
        (&json!("no such thing"), &json!("invalid_request_error"))
    );
    socket.say(&json!({"type": "ping", "content": {"n": 1}})).await;
    let pong = socket.message().await;
    assert_eq!((&pong["type"], &pong["content"]), (&json!("pong"), &json!({"n": 1})));
    // An answer that breaks off ends in an error after what was said.
    socket.ask(json!({"content": "break", "conversation": "c"})).await;
    let answer = socket.answer().await;
    assert_eq!(text(&answer), "hel");
    let error = answer.last().unwrap();
    assert_eq!((&error["type"], &error["content"]["code"]), (&json!("error"), &json!("upstream_failed")));
}

#[tokio::test]
async fn a_key_s_limits_hold() {
    let served = served(setup()).await;
    let mut socket = served.open(&secret("once")).await;
    socket.ask(json!({})).await;
    assert_eq!(socket.answer().await.last().unwrap()["type"], "done");
    socket.ask(json!({"id": "second"})).await;
    let error = socket.error().await;
    assert!(matches!(error["code"].as_str(), Some("rate_limited" | "quota_exhausted")), "{error}");
    assert!(error["retry_after_seconds"].is_u64(), "{error}");
    assert_eq!(served.rig.transport.sent().len(), 1);
    let mut narrow = served.open(&secret("narrow")).await;
    narrow.ask(json!({})).await;
    assert_eq!(narrow.error().await["code"], "permission_denied", "another model than the key may ask");
}

#[tokio::test]
async fn questions_wait_for_each_other_and_any_can_be_cancelled() {
    let held = Held::new();
    let answer = Box::new(held.answering(chat_sse(&["hel", "lo"]), 2));
    let served = served(Setup { answer, ..setup() }).await;
    let mut socket = served.asking().await;
    for id in ["a", "b", "c"] {
        socket.ask(json!({"id": id})).await;
    }
    assert_eq!(socket.message().await["id"], "a");
    socket.ask(json!({"id": "a"})).await;
    assert!(socket.error().await["message"].as_str().unwrap().contains("not answered yet"));
    socket.say(&json!({"type": "cancel", "id": "b"})).await;
    let cancelled = socket.message().await;
    assert_eq!((&cancelled["type"], &cancelled["id"]), (&json!("cancelled"), &json!("b")));
    assert_eq!(served.rig.transport.sent().len(), 1, "the others wait");
    socket.say(&json!({"type": "cancel", "id": "a"})).await;
    assert_eq!(socket.of("cancelled").await["id"], "a");
    assert_eq!(socket.message().await["id"], "c", "the next one has begun");
    held.go.notify_one();
    let answer = socket.answer().await;
    assert_eq!(answer.last().unwrap()["type"], "done");
    held.let_go().await;
    let rows = served.rig.rows().await;
    let outcomes: Vec<_> = rows.iter().map(|row| row.outcome).collect();
    assert_eq!(outcomes.len(), 2, "{outcomes:?}");
    assert!(outcomes.contains(&AttemptOutcome::Cancelled) && outcomes.contains(&AttemptOutcome::Complete));
}

#[tokio::test]
async fn too_many_that_wait_are_refused() {
    let held = Held::new();
    let answer = Box::new(held.answering(chat_sse(&["hel", "lo"]), 2));
    let served = served(Setup { answer, ..setup() }).await;
    let mut socket = served.asking().await;
    socket.ask(json!({"id": "0"})).await;
    socket.message().await;
    for number in 1..10 {
        socket.ask(json!({"id": number.to_string()})).await;
    }
    let error = socket.message().await;
    assert_eq!((&error["id"], &error["content"]["code"]), (&json!("9"), &json!("rate_limited")));
}

#[tokio::test]
async fn whoever_leaves_frees_what_is_held() {
    let held = Held::new();
    let answer = Box::new(held.answering(chat_sse(&["hel", "lo"]), 2));
    let served = served(Setup { answer, ..setup() }).await;
    let mut socket = served.asking().await;
    socket.ask(json!({})).await;
    assert_eq!(socket.message().await["type"], "delta");
    drop(socket);
    held.let_go().await;
    served.let_go().await;
    assert_eq!(served.rig.rows().await[0].outcome, AttemptOutcome::Cancelled);
}

#[tokio::test]
async fn a_plain_request_is_told_to_open_a_socket() {
    let served = served(setup()).await;
    let read = served.rig.get("/ws").await;
    assert_eq!(read.status, StatusCode::METHOD_NOT_ALLOWED);
    let message: Value = read.json();
    assert!(message["error"]["message"].as_str().unwrap().contains("upgrade: websocket"), "{message}");
}
