//! Client keys and accounts that are tried out over the admin API of a running relay.

use http::Method;
use posthaste_core::{AttemptOutcome, AttemptRow};
use posthaste_testkit::{Script, anthropic_sse};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::support::{Bench, PATIENCE, Server, USAGE, eventually, furnished, whole};

/// Where a client key is tried out, and where each dialect's clients find the words of an answer.
const DOORS: [(&str, &str); 3] = [
    ("/apiStats/api-key/test", "/delta/text"),
    ("/apiStats/api-key/test-openai", "/choices/0/delta/content"),
    ("/apiStats/api-key/test-gemini", "/candidates/0/content/parts/0/text"),
];

/// The words in the events of a stream.
fn words(stream: &str, at: &str) -> String {
    let events = stream.lines().filter_map(|line| line.strip_prefix("data: "));
    let events = events.filter_map(|data| serde_json::from_str::<Value>(data).ok());
    events.filter_map(|event| Some(event.pointer(at)?.as_str()?.to_owned())).collect()
}

/// The books, once there are so many rows in them.
async fn rows(bench: &Bench, many: usize) -> Vec<AttemptRow> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let rows = bench.rows().await;
        if rows.len() >= many {
            return rows;
        }
        assert!(Instant::now() < deadline, "{many} rows are not booked, but {}", rows.len());
        sleep(std::time::Duration::from_millis(20)).await;
    }
}

async fn tried(server: &Server, path: &str, body: &Value) -> (u16, String) {
    let answer = server.ask(Method::POST, path, None, body).await;
    (answer.status, answer.text().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_key_is_tried_out_with_a_real_answer_that_is_booked() {
    let (bench, upstream, key) = furnished(Bench::new()).await;
    let server = bench.serve();
    for (path, at) in DOORS {
        let answer = server.ask(Method::POST, path, None, &json!({ "apiKey": key })).await;
        assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"), "{path}");
        assert!(answer.header("content-type").starts_with("text/event-stream"), "{path}");
        let text = answer.text().await.unwrap();
        assert_eq!(words(&text, at), "hello", "{path}: {text}");
        assert!(!text.contains(&key), "{path}");
    }
    assert_eq!(upstream.received().len(), 3);
    let listed = bench.cli("keys show team");
    for row in rows(&bench, 3).await {
        assert_eq!(json!(row.key_id), listed["id"], "{row:?}");
        assert_eq!((row.usage.input, row.usage.output), (USAGE.input, USAGE.output), "{row:?}");
        assert_eq!((row.outcome, row.streamed), (AttemptOutcome::Complete, true), "{row:?}");
    }
    let log = server.log();
    server.stop().await;
    assert!(!log.contains(&key));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_opens_no_door_is_not_tried_out() {
    let (bench, upstream, _) = furnished(Bench::new()).await;
    let disabled = bench.create_key("disabled");
    bench.cli("keys update disabled --enabled false");
    let revoked = bench.create_key("revoked");
    bench.cli("keys revoke revoked");
    let deleted = bench.create_key("deleted");
    bench.cli("keys delete deleted");
    let made = bench.cli("keys create --name expired --expires-in 1s");
    let expired = made["key"].as_str().unwrap().to_owned();
    let server = bench.serve();
    eventually("a key expires", || {
        (bench.cli("keys show expired")["state"]["status"] == "expired").then_some(())
    })
    .await;

    let unknown = "cr_dummy-that-nobody-has".to_owned();
    for (path, _) in DOORS {
        for (what, body) in [
            ("no key", json!({})),
            ("an identity", json!({ "apiId": "00000000-0000-0000-0000-000000000000" })),
            ("no text", json!({ "apiKey": 7 })),
        ] {
            let (status, text) = tried(&server, path, &body).await;
            assert_eq!(status, 400, "{what} at {path}: {text}");
        }
        for (what, key, wanted) in [
            ("unknown", &unknown, 401),
            ("deleted", &deleted, 401),
            ("disabled", &disabled, 403),
            ("revoked", &revoked, 403),
            ("expired", &expired, 403),
        ] {
            let (status, text) = tried(&server, path, &json!({ "apiKey": key })).await;
            assert_eq!(status, wanted, "{what} at {path}: {text}");
            assert!(!text.contains(key.as_str()), "{what} at {path}: {text}");
        }
    }
    assert_eq!(upstream.received().len(), 0);
    server.stop().await;
    assert_eq!(bench.rows().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_tried_out_step_by_step_and_tells_what_it_used() {
    let (bench, upstream, key) = furnished(Bench::new()).await;
    let account = bench.cli("accounts show one")["id"].as_str().unwrap().to_owned();
    let made = bench.cli("tokens create t --scope accounts:write --scope audit:read");
    let token = made["token"].as_str().unwrap();
    let server = bench.serve();
    for path in ["accounts/one", "claude-console-accounts/one", &format!("accounts/{account}")] {
        let path = format!("/admin/{path}/test-stream");
        let answer = server.ask(Method::POST, &path, Some(token), &json!({})).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "text/event-stream"), "{path}");
        let text = answer.text().await.unwrap();
        let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
        let events: Vec<Value> = data.map(|event| serde_json::from_str(event).unwrap()).collect();
        let steps: Vec<_> = events.iter().filter(|event| event["event"] == "step").collect();
        let named: Vec<_> = steps.iter().map(|step| step["name"].as_str().unwrap()).collect();
        assert!(named.starts_with(&["credential"]) && named.ends_with(&["first_event", "end"]), "{named:?}");
        assert_eq!(words(&text, "/text"), "hello", "{text}");
        let (last, account) = (events.last().unwrap(), json!(account));
        assert_eq!((&last["event"], &last["report"]["ok"]), (&json!("done"), &json!(true)), "{last}");
        assert_eq!(last["report"]["account_id"], account, "{last}");
    }
    for (path, wanted) in [("gemini-accounts/one", 404), ("accounts/nobody", 404)] {
        for action in ["test-stream", "usage"] {
            let path = format!("/admin/{path}/{action}");
            let method = if action == "usage" { Method::GET } else { Method::POST };
            let body = if action == "usage" { Value::Null } else { json!({}) };
            let answer = server.ask(method, &path, Some(token), &body).await;
            // A stream begins before it is known whether there is such an account.
            let (status, text) = (answer.status, answer.text().await.unwrap());
            let refused = status == wanted || (status == 200 && text.contains(r#""event":"error""#));
            assert!(refused, "{path}: {status} {text}");
        }
    }
    let answer = server.post(&key, &whole()).await.unwrap();
    answer.text().await.unwrap();
    rows(&bench, 1).await;
    for path in ["accounts/one", "claude-console-accounts/one"] {
        let answer =
            server.ask(Method::GET, &format!("/admin/{path}/usage"), Some(token), &Value::Null).await;
        let used = &answer.json().await["data"];
        assert_eq!((&used["account"], &used["windows"]), (&json!("one"), &json!([])), "{used}");
        // What is tried out is the operator's, and in nobody's books.
        for window in ["five_hours", "week"] {
            assert_eq!(used[window]["attempts"], 1, "{used}");
            assert_eq!(used[window]["usage"]["output"], USAGE.output, "{used}");
        }
    }
    assert_eq!(upstream.received().len(), 4);
    let reader = bench.cli("tokens create r --scope accounts:read");
    let reader = reader["token"].as_str();
    let refused = server.ask(Method::POST, "/admin/accounts/one/test-stream", reader, &json!({})).await;
    assert_eq!(refused.status, 403);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_s_test_ends_when_whoever_watches_it_leaves() {
    let (bench, upstream, _) = furnished(Bench::new()).await;
    let made = bench.cli("tokens create t --scope accounts:write");
    let token = made["token"].as_str().unwrap();
    let server = bench.serve();
    upstream.enqueue(Script::sse(&anthropic_sse(&["hel", "lo"], USAGE)[..3]).stall());
    let mut answer =
        server.ask(Method::POST, "/admin/accounts/one/test-stream", Some(token), &json!({})).await;
    while !String::from_utf8_lossy(&answer.piece().await.unwrap().unwrap()).contains("first_event") {}
    assert_eq!(upstream.aborted(), 0);
    drop(answer);
    upstream.wait_aborted(1).await;
    let noted = eventually("it is in the audit log", || {
        let log = bench.cli("audit list --action account.test");
        log.as_array().unwrap().first().cloned()
    })
    .await;
    assert_eq!(noted["outcome"], "failed", "{noted}");
    assert!(noted["why"].as_str().unwrap().contains("left"), "{noted}");
    server.stop().await;
}
