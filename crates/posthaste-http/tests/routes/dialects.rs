//! What the new dialects' paths say, and how each is refused.

use http::{Request, StatusCode};
use posthaste_testkit::{AccountSetters, Sent, account};
use serde_json::{Value, json};

use crate::support::{GEMINI, GPT, MODEL, PROFILE, Read, Rig, Setup, good, post, secret};

async fn rig() -> Rig {
    Rig::with(Setup::every_dialect()).await
}

fn gemini() -> String {
    json!({"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}).to_string()
}

fn converse() -> String {
    json!({"messages": [{"role": "user", "content": [{"text": "hello"}]}]}).to_string()
}

fn last(rig: &Rig) -> Sent {
    rig.transport.sent().pop().expect("an upstream was asked")
}

#[tokio::test]
async fn gemini_streams_events_or_an_array_as_it_is_asked() {
    let rig = rig().await;
    let path = format!("/gemini/v1beta/models/{GEMINI}:streamGenerateContent");
    let events = rig.post(&format!("{path}?alt=sse"), gemini()).await;
    assert!(events.header("content-type").unwrap().starts_with("text/event-stream"), "{events:?}");
    assert!(events.text().starts_with("data: {"), "{}", events.text());
    assert_eq!(last(&rig).uri.query(), Some("alt=sse"));
    let array = rig.post(&path, gemini()).await;
    assert!(array.header("content-type").unwrap().starts_with("application/json"), "{array:?}");
    assert_eq!(array.json()[0]["candidates"][0]["finishReason"], "STOP");
}

#[tokio::test]
async fn geminis_key_in_the_query_does_not_travel() {
    let rig = rig().await;
    let key = good();
    for query in [format!("key={key}"), format!("key={key}&alt=sse"), format!("alt=sse&key={key}&x=1")] {
        let path = format!("/v1beta/models/{GEMINI}:streamGenerateContent?{query}");
        let read = rig.send(Request::post(path).body(gemini().into()).unwrap()).await;
        assert_eq!(read.status, StatusCode::OK, "{}", read.text());
        let sent = last(&rig);
        assert!(!format!("{} {:?}", sent.uri, sent.headers).contains(&key[3..]), "{}", sent.uri);
    }
}

#[tokio::test]
async fn a_models_name_in_the_path_is_unescaped_and_may_hold_what_parts_paths() {
    let names = ["a/b", "a:b", "ä b", "tuned/x:y", "arn:aws:bedrock:us-east-1:0:inference-profile/us.x-v1:0"];
    let one = account("one").with_models(&names);
    let two = account("two").with_provider(posthaste_core::ProviderKind::Gemini).with_models(&names);
    let escaped = |name: &str| -> String {
        name.bytes()
            .map(|byte| {
                if byte.is_ascii_alphanumeric() {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            })
            .collect()
    };
    let rig = Rig::with(Setup { accounts: vec![two], ..Setup::every_dialect() }).await;
    for name in names {
        let path = format!("/v1beta/models/{}:generateContent", escaped(name));
        assert_eq!(rig.post(&path, gemini()).await.status, StatusCode::OK, "{path}");
        assert!(last(&rig).uri.path().ends_with(":generateContent"), "{}", last(&rig).uri);
        assert_eq!(rig.rows().await.first().map(|row| row.model.to_string()).as_deref(), Some(name));
    }
    let rig = Rig::with(Setup { accounts: vec![one], ..Setup::every_dialect() }).await;
    for name in names {
        let body = json!({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 1, "messages": []});
        let paths = [escaped(name), name.replace('ä', "%C3%A4").replace(' ', "%20")];
        for path in paths.map(|name| format!("/bedrock/model/{name}/invoke")) {
            assert_eq!(rig.post(&path, body.to_string()).await.status, StatusCode::OK, "{path}");
            assert_eq!(last(&rig).json()["model"], name);
        }
    }
}

#[tokio::test]
async fn code_assist_is_answered_in_its_envelope() {
    let rig = rig().await;
    let body = format!(r#"{{"model":"{GEMINI}","project":"p","request":{}}}"#, gemini());
    let whole = rig.post("/gemini/v1internal:generateContent", body.clone()).await;
    assert_eq!(whole.json()["response"]["candidates"][0]["finishReason"], "STOP", "{}", whole.text());
    let path = last(&rig).uri.path().to_owned();
    assert_eq!(path, format!("/v1beta/models/{GEMINI}:generateContent"));
    let events = rig.post("/gemini/v1internal:streamGenerateContent?alt=sse", body).await;
    assert!(events.text().starts_with("data: {\"response\":"), "{}", events.text());
    let other = rig.post("/gemini/v1internal:loadCodeAssist", "{}").await;
    assert_eq!(
        (other.status, &other.json()["error"]["status"]),
        (StatusCode::NOT_FOUND, &json!("NOT_FOUND"))
    );
}

#[tokio::test]
async fn azures_deployment_is_the_model_whatever_the_body_says() {
    let rig = rig().await;
    let path = format!("/azure/openai/deployments/{GPT}/chat/completions?api-version=2024-10-21");
    for body in [json!({"messages": []}), json!({"model": "another", "messages": []})] {
        let read =
            rig.send(Request::post(&path).header("api-key", good()).body(body.to_string().into()).unwrap());
        let read = read.await;
        assert_eq!(read.status, StatusCode::OK, "{}", read.text());
        assert_eq!(last(&rig).json()["model"], GPT);
    }
}

#[tokio::test]
async fn bedrock_streams_frames_of_its_own() {
    let rig = rig().await;
    let profile = PROFILE.replace(':', "%3A");
    let invoke = json!({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 64, "messages": [{"role": "user", "content": "hello"}]});
    for (path, body, event) in [
        ("converse-stream", converse(), "messageStart"),
        ("invoke-with-response-stream", invoke.to_string(), "chunk"),
    ] {
        let read = rig.post(&format!("/bedrock/model/{profile}/{path}"), body).await;
        assert_eq!(
            read.header("content-type"),
            Some("application/vnd.amazon.eventstream"),
            "{}",
            read.escaped()
        );
        assert!(read.escaped().contains(event), "{}", read.escaped());
        assert_eq!(last(&rig).json()["stream"], true);
        assert_eq!(last(&rig).json()["model"], PROFILE);
    }
}

#[tokio::test]
async fn a_path_that_names_a_vendor_is_served_by_it_alone() {
    let rig = rig().await;
    let body =
        |model: &str| json!({"model": model, "messages": [{"role": "user", "content": "hi"}]}).to_string();
    let read = rig.post("/openai/claude/v1/chat/completions", body(MODEL)).await;
    assert_eq!(read.json()["object"], "chat.completion", "{}", read.text());
    assert_eq!(last(&rig).uri.path(), "/v1/messages");
    for (path, model) in [("/openai/claude", GPT), ("/openai/gemini", MODEL)] {
        let read = rig.post(&format!("{path}/v1/chat/completions"), body(model)).await;
        assert_eq!(read.status, StatusCode::NOT_FOUND, "{path}: {}", read.text());
    }
    let listed = |read: &Read| -> Vec<Value> {
        read.json()["data"].as_array().unwrap().iter().map(|model| model["id"].clone()).collect()
    };
    assert_eq!(listed(&rig.get("/openai/gemini/v1/models").await), [GEMINI]);
    assert!(!listed(&rig.get("/openai/claude/v1/models").await).contains(&json!(GEMINI)));
    assert_eq!(rig.get(&format!("/openai/claude/v1/models/{GPT}")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn models_are_listed_in_the_dialect_of_the_path() {
    let rig = rig().await;
    for base in ["/gemini/v1beta", "/gemini/v1", "/v1beta"] {
        let read = rig.get(&format!("{base}/models?pageSize=50")).await.json();
        let names: Vec<_> = read["models"].as_array().unwrap().iter().map(|model| &model["name"]).collect();
        assert!(names.contains(&&json!(format!("models/{GEMINI}"))), "{read}");
        let one = rig.get(&format!("{base}/models/{GEMINI}")).await.json();
        assert_eq!(one["name"], format!("models/{GEMINI}"));
    }
    assert!(rig.get("/azure/openai/v1/models").await.json()["data"].is_array());
    let bedrock = rig.get("/bedrock/foundation-models").await.json();
    assert!(bedrock["modelSummaries"].is_array(), "{bedrock}");
    let bedrock =
        rig.get(&format!("/bedrock/foundation-models/{}", PROFILE.replace(':', "%3A"))).await.json();
    assert_eq!(bedrock["modelDetails"]["modelId"], PROFILE);
}

/// A path of each dialect; the last two are packed.
const PATHS: [&str; 6] = [
    "/openai/v1/responses",
    "/azure/openai/deployments/claude-sonnet-4-5/chat/completions",
    "/gemini/v1beta/models/claude-sonnet-4-5:generateContent",
    "/bedrock/model/claude-sonnet-4-5/converse",
    "/gemini/v1beta/models/claude-sonnet-4-5:streamGenerateContent",
    "/bedrock/model/claude-sonnet-4-5/invoke",
];

/// An error is in the form of its path's dialect.
fn check(path: &str, read: &Read, status: u16, at: &str) {
    assert_eq!(read.status, status, "{at} {path}: {}", read.text());
    assert_eq!(read.header("content-type"), Some("application/json"), "{at} {path}");
    let body = read.json();
    if path.starts_with("/gemini") {
        assert_eq!(body["error"]["code"], status, "{at} {path}");
        assert!(body["error"]["status"].is_string() && body["error"]["message"].is_string(), "{body}");
    } else if path.starts_with("/bedrock") {
        assert!(body["message"].is_string(), "{at} {path}: {body}");
        assert!(
            read.header("x-amzn-errortype").is_some_and(|name| name.ends_with("Exception")),
            "{at} {path}"
        );
    } else {
        assert!(
            body["error"]["message"].is_string() && body["error"]["type"].is_string(),
            "{at} {path}: {body}"
        );
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_in_the_dialect() {
    let setup = Setup { max_body_bytes: 1024 * 1024, ..Setup::every_dialect() };
    let rig = Rig::with(setup).await;
    for path in PATHS {
        check(path, &rig.post(path, "{oops").await, 400, "malformed");
        check(path, &rig.post(path, "[]").await, 400, "no object");
        check(path, &rig.post(path, b"{\"model\":\"\xff\"}".to_vec()).await, 400, "no UTF-8");
        check(path, &rig.post(path, " ".repeat(1024 * 1024 + 1)).await, 413, "too large");
        let packed = post(path).header("content-encoding", "compress").body("{}".into()).unwrap();
        check(path, &rig.send(packed).await, 415, "unknown packing");
        let get = Request::put(path).header("x-api-key", good()).body("".into()).unwrap();
        check(path, &rig.send(get).await, 405, "wrong method");
        check(path, &rig.post(&format!("{path}/nowhere"), "{}").await, 404, "wrong path");
    }
    for path in ["/gemini/v1beta/models/%00:generateContent", "/bedrock/model/%0a/converse"] {
        check(path, &rig.post(path, "{}").await, 400, "no name");
    }
    assert!(rig.transport.sent().is_empty());
}

#[tokio::test]
async fn a_model_that_a_key_may_not_use_or_nobody_serves_is_refused_in_the_dialect() {
    let rig = rig().await;
    for path in PATHS {
        let served = path.replace(MODEL, "nobodys");
        let body = if path.contains("/responses") { json!({"model": "nobodys"}) } else { json!({}) };
        check(&served, &rig.post(&served, body.to_string()).await, 404, "unserved");
        let narrow = Request::post(path).header("x-api-key", secret("narrow"));
        let body = if path.contains("/responses") { json!({"model": MODEL}) } else { json!({}) };
        let read = rig.send(narrow.body(body.to_string().into()).unwrap()).await;
        check(path, &read, 403, "forbidden");
    }
    assert!(rig.transport.sent().is_empty());
}
