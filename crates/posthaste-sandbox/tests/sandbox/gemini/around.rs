//! Models, token counts and embeddings.

use posthaste_sandbox::Sandbox;
use serde_json::json;

use super::{OLDER, ask, path, request, tools};
use crate::asking::{ask_at, with, without_body};

#[tokio::test]
async fn models_are_listed_in_the_vendors_form() {
    let sandbox = Sandbox::default();
    let (status, list) = without_body(&sandbox, "GET", "/v1beta/models").await;
    assert_eq!(status, 200);
    assert!(
        list["models"].as_array().unwrap().iter().any(|model| model["name"] == "models/gemini-2.5-flash")
    );
    let (status, model) = without_body(&sandbox, "GET", "/v1beta/models/gemini-next").await;
    assert_eq!((status, &model["name"]), (200, &json!("models/gemini-next")));
    let (status, none) = without_body(&sandbox, "GET", "/v1beta/models/mystery").await;
    assert_eq!((status, &none["error"]["status"]), (404, &json!("NOT_FOUND")));
}

#[tokio::test]
async fn counted_and_used_tokens_agree() {
    let sandbox = Sandbox::default();
    let full = with(
        request("Hello"),
        json!({"systemInstruction": {"parts": [{"text": "Be kind."}]}, "tools": tools()}),
    );
    let wrapped = json!({"generateContentRequest": full});
    let (status, counted) = ask_at(&sandbox, &path(OLDER, "countTokens"), &wrapped).await;
    assert_eq!(status, 200, "{counted}");
    assert_eq!(counted["totalTokens"], ask(OLDER, &full).await.1["usageMetadata"]["promptTokenCount"]);
    let (_, counted) = ask_at(&sandbox, &path(OLDER, "countTokens"), &request("Hello")).await;
    assert_eq!(counted["totalTokens"], 2);
}

#[tokio::test]
async fn the_same_text_has_the_same_vector() {
    let sandbox = Sandbox::default();
    let one = json!({"content": {"parts": [{"text": "one"}]}, "outputDimensionality": 4});
    let (status, single) = ask_at(&sandbox, &path("gemini-embedding-001", "embedContent"), &one).await;
    assert_eq!((status, single["embedding"]["values"].as_array().unwrap().len()), (200, 4));
    let batch =
        json!({"requests": [one, {"content": {"parts": [{"text": "two"}]}, "output_dimensionality": 4}]});
    let (_, both) = ask_at(&sandbox, &path("gemini-embedding-001", "batchEmbedContents"), &batch).await;
    assert_eq!(both["embeddings"][0], single["embedding"]);
    assert_ne!(both["embeddings"][1], single["embedding"]);
}

#[tokio::test]
async fn paths_may_be_those_of_the_stable_version_and_of_vertex() {
    let sandbox = Sandbox::default();
    for path in [
        "/v1/models/gemini-2.5-flash:generateContent",
        "/some/prefix/v1beta/models/gemini-2.5-flash:generateContent",
        "/v1/projects/p/locations/global/publishers/google/models/gemini-2.5-flash:generateContent",
    ] {
        assert_eq!(ask_at(&sandbox, path, &request("Hello")).await.0, 200, "{path}");
    }
    let (status, none) = ask_at(&sandbox, &path(OLDER, "dream"), &request("Hello")).await;
    assert_eq!((status, &none["error"]["code"]), (404, &json!(404)));
}
