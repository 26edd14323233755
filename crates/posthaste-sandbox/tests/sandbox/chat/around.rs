//! Models, embeddings, legacy completions and images.

use posthaste_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::asking::{ask_at, post, text, without_body};

#[tokio::test]
async fn models_are_listed_in_the_vendors_form() {
    let sandbox = Sandbox::default();
    let (status, list) = without_body(&sandbox, "GET", "/v1/models").await;
    assert_eq!((status, &list["object"]), (200, &json!("list")));
    assert!(list["data"].as_array().unwrap().iter().any(|model| model["id"] == "sandbox-reasoner"));
    let (status, model) = without_body(&sandbox, "GET", "/v1/models/gpt-5.4").await;
    assert_eq!((status, &model["object"], &model["id"]), (200, &json!("model"), &json!("gpt-5.4")));
    let (status, none) = without_body(&sandbox, "GET", "/v1/models/mystery").await;
    assert_eq!((status, &none["error"]["code"]), (404, &json!("model_not_found")));
}

#[tokio::test]
async fn embeddings_come_as_numbers_and_as_base64() {
    let sandbox = Sandbox::default();
    let mut request = json!({"model": "text-embedding-3-small", "input": ["one", "two"], "dimensions": 4});
    let (status, floats) = ask_at(&sandbox, "/v1/embeddings", &request).await;
    assert_eq!(status, 200, "{floats}");
    assert_eq!(floats["data"][1]["index"], 1);
    assert_eq!(floats["data"][0]["embedding"].as_array().unwrap().len(), 4);
    assert_ne!(floats["data"][0]["embedding"], floats["data"][1]["embedding"]);
    assert_eq!(floats["usage"], json!({"prompt_tokens": 2, "total_tokens": 2}));
    request["encoding_format"] = json!("base64");
    let (_, base64) = ask_at(&sandbox, "/v1/embeddings", &request).await;
    // Four numbers of four bytes.
    assert_eq!(base64["data"][0]["embedding"].as_str().unwrap().len(), 24);
    request["input"] = json!([]);
    let (status, refused) = ask_at(&sandbox, "/v1/embeddings", &request).await;
    assert_eq!((status, &refused["error"]["param"]), (400, &json!("input")));
}

#[tokio::test]
async fn legacy_completions_stream_the_same_text() {
    let sandbox = Sandbox::default();
    let mut request = json!({"model": "gpt-3.5-turbo-instruct", "prompt": "Count to 9", "max_tokens": 5});
    let (status, whole) = ask_at(&sandbox, "/v1/completions", &request).await;
    assert_eq!((status, &whole["object"]), (200, &json!("text_completion")));
    assert_eq!(whole["choices"][0]["text"], "1, 2, 3, 4, 5, 6, 7,");
    assert_eq!(whole["choices"][0]["finish_reason"], "length");
    request["stream"] = json!(true);
    request["stream_options"] = json!({"include_usage": true});
    let streamed = text(post(&sandbox, "/v1/completions", &request).await).await;
    let mut lines: Vec<_> = streamed.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    assert_eq!(lines.pop(), Some("[DONE]"));
    let chunks: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let joined: String = chunks.iter().filter_map(|chunk| chunk["choices"][0]["text"].as_str()).collect();
    assert_eq!(joined, whole["choices"][0]["text"].as_str().unwrap());
    assert_eq!(chunks.last().unwrap()["usage"], whole["usage"]);
}

#[tokio::test]
async fn images_are_small() {
    let request = json!({"model": "gpt-image-1", "prompt": "a dot", "n": 2});
    let (status, images) = ask_at(&Sandbox::default(), "/v1/images/generations", &request).await;
    assert_eq!((status, images["data"].as_array().unwrap().len()), (200, 2));
    assert!(images["data"][0]["b64_json"].as_str().unwrap().starts_with("iVBORw0KGgo"));
}
