//! What Azure does differently from OpenAI.

use posthaste_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::asking::{ask_at, post, text, with};

const CHAT: &str = "/openai/deployments/gpt-4.1/chat/completions?api-version=2024-10-21";
const REFUSED: &str = "ANTHROPIC_MAGIC_STRING_TRIGGER_REFUSAL_1FAEFB6177B4672DEE07F9D3AFC62588";

fn request(text: &str) -> Value {
    json!({"messages": [{"role": "user", "content": text}]})
}

#[tokio::test]
async fn the_filters_findings_stand_beside_the_choices() {
    let (status, answer) = ask_at(&Sandbox::default(), CHAT, &request("Hello")).await;
    assert_eq!((status, &answer["model"]), (200, &json!("gpt-4.1")));
    assert_eq!(answer["prompt_filter_results"][0]["content_filter_results"]["jailbreak"]["detected"], false);
    assert_eq!(answer["choices"][0]["content_filter_results"]["hate"]["severity"], "safe");
    let v1 = with(request("Hello"), json!({"model": "gpt-4.1"}));
    assert_eq!(ask_at(&Sandbox::default(), "/openai/v1/chat/completions", &v1).await.1, answer);
}

#[tokio::test]
async fn a_stream_begins_with_an_empty_chunk() {
    let asked = with(request("Hello"), json!({"stream": true}));
    let stream = text(post(&Sandbox::default(), CHAT, &asked).await).await;
    let first: Value =
        serde_json::from_str(stream.lines().next().unwrap().trim_start_matches("data: ")).unwrap();
    assert_eq!((&first["id"], &first["created"], &first["choices"]), (&json!(""), &json!(0), &json!([])));
    assert_eq!(first["prompt_filter_results"][0]["prompt_index"], 0);
}

#[tokio::test]
async fn responses_and_embeddings_have_their_paths() {
    let sandbox = Sandbox::default();
    let asked = json!({"model": "gpt-4.1", "input": "Hello"});
    let (status, answer) = ask_at(&sandbox, "/openai/v1/responses", &asked).await;
    assert_eq!((status, &answer["content_filters"][1]["source_type"]), (200, &json!("completion")));
    let asked = json!({"model": "text-embedding-3-small", "input": "Hello"});
    assert_eq!(ask_at(&sandbox, "/openai/v1/embeddings", &asked).await.0, 200);
    let path = "/openai/deployments/text-embedding-3-small/embeddings?api-version=2024-10-21";
    assert_eq!(ask_at(&sandbox, path, &json!({"input": "Hello"})).await.0, 200);
}

#[tokio::test]
async fn a_refused_prompt_is_a_400_of_the_filter() {
    let v1 = json!({"model": "gpt-4.1", "input": REFUSED});
    for (path, asked) in [(CHAT, request(REFUSED)), ("/openai/v1/responses", v1)] {
        let (status, answer) = ask_at(&Sandbox::default(), path, &asked).await;
        assert_eq!((status, &answer["error"]["code"]), (400, &json!("content_filter")));
        assert_eq!(answer["error"]["innererror"]["code"], "ResponsibleAIPolicyViolation");
    }
}

#[tokio::test]
async fn errors_of_the_service_have_a_code_and_a_message_alone() {
    for (deployment, status, code) in [
        ("sandbox-401", 401, "401"),
        ("sandbox-429-retry-after-7", 429, "429"),
        ("sandbox-500", 500, "InternalServerError"),
        ("sandbox-529", 503, "ServiceUnavailable"),
        ("mystery", 404, "DeploymentNotFound"),
    ] {
        let path = CHAT.replace("gpt-4.1", deployment);
        let (got, answer) = ask_at(&Sandbox::default(), &path, &request("Hello")).await;
        assert_eq!((got, &answer["error"]["code"]), (status, &json!(code)));
        assert!(answer["error"].get("param").is_none());
    }
    let (status, answer) = ask_at(&Sandbox::default(), "/openai/v1/dreams", &json!({})).await;
    assert_eq!((status, &answer["error"]["message"]), (404, &json!("Resource not found")));
    // What the model refuses has OpenAI's fields.
    let (status, answer) = ask_at(&Sandbox::default(), CHAT, &with(request("Hello"), json!({"n": 0}))).await;
    assert_eq!((status, &answer["error"]["param"]), (400, &json!("n")));
}
