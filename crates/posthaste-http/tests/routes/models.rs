//! Lists of models.

use http::StatusCode;
use posthaste_testkit::{AccountSetters, account};

use crate::support::{Rig, Setup, get, secret};

async fn rig() -> Rig {
    let accounts = vec![
        account("one").with_models(&["claude-haiku-4-5", "claude-sonnet-4-5"]),
        account("off").with_models(&["claude-opus-4-8"]).disabled(),
    ];
    Rig::with(Setup { accounts, ..Setup::default() }).await
}

fn ids(read: &crate::support::Read) -> Vec<String> {
    let models = read.json()["data"].as_array().unwrap().clone();
    models.iter().map(|model| model["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn the_list_is_in_the_dialect_of_the_path_or_of_the_header() {
    let rig = rig().await;
    let anthropic = rig.get("/claude/v1/models").await;
    let openai = rig.get("/openai/v1/models").await;
    insta::assert_snapshot!("models_anthropic", anthropic.shown());
    insta::assert_snapshot!("models_openai", openai.shown());
    for path in ["/v1/models", "/api/v1/models"] {
        assert_eq!(rig.get(path).await.body, openai.body, "{path}");
        let asked = get(path).header("anthropic-version", "2023-06-01").body(axum::body::Body::empty());
        assert_eq!(rig.send(asked.unwrap()).await.body, anthropic.body, "{path}");
    }
}

#[tokio::test]
async fn the_list_is_narrowed_by_the_keys_rules_and_by_what_is_switched_on() {
    let rig = rig().await;
    assert_eq!(ids(&rig.get("/v1/models?limit=1000").await), ["claude-haiku-4-5", "claude-sonnet-4-5"]);
    let narrow = http::Request::get("/v1/models").header("x-api-key", secret("narrow"));
    let read = rig.send(narrow.body(axum::body::Body::empty()).unwrap()).await;
    assert_eq!(ids(&read), ["claude-haiku-4-5"]);
}

#[tokio::test]
async fn one_model_is_shown_if_the_key_may_use_it() {
    let rig = rig().await;
    for (path, listed) in [("/claude/v1/models", "/claude/v1/models"), ("/v1/models", "/openai/v1/models")] {
        let one = rig.get(&format!("{path}/claude-haiku-4-5")).await;
        assert_eq!(one.status, StatusCode::OK);
        assert_eq!(one.json(), rig.get(listed).await.json()["data"][0]);
    }
    insta::assert_snapshot!(
        "no_such_model_anthropic",
        rig.get("/claude/v1/models/claude-opus-4-8").await.shown()
    );
    insta::assert_snapshot!("no_such_model_openai", rig.get("/openai/v1/models/a/b").await.shown());
    let narrow = http::Request::get("/v1/models/claude-sonnet-4-5").header("x-api-key", secret("narrow"));
    let read = rig.send(narrow.body(axum::body::Body::empty()).unwrap()).await;
    assert_eq!(read.status, StatusCode::NOT_FOUND);
}
