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

/// Six of Anthropic's models, of which pages are cut.
async fn catalogue() -> Rig {
    let models =
        ["claude-haiku-4-5", "claude-opus-4-8", "claude-opus-5", "claude-sonnet-5", "own", "own-too"];
    Rig::with(Setup { accounts: vec![account("one").with_models(&models)], ..Setup::default() }).await
}

#[tokio::test]
async fn anthropics_list_is_read_page_by_page_in_both_directions() {
    let rig = catalogue().await;
    let first = rig.get("/claude/v1/models?limit=4").await.json();
    assert_eq!((&first["has_more"], &first["last_id"]), (&true.into(), &"claude-sonnet-5".into()));
    let second = rig.get("/claude/v1/models?limit=4&after_id=claude-sonnet-5").await;
    assert_eq!(
        (ids(&second), &second.json()["has_more"]),
        (vec!["own".into(), "own-too".into()], &false.into())
    );
    let back = rig.get("/claude/v1/models?limit=2&before_id=own").await;
    assert_eq!(ids(&back), ["claude-opus-5", "claude-sonnet-5"]);
    assert_eq!(back.json()["has_more"], true);
    insta::assert_snapshot!("no_such_limit_anthropic", rig.get("/claude/v1/models?limit=0").await.shown());
}

#[tokio::test]
async fn geminis_list_is_read_page_by_page_and_tells_what_a_model_takes() {
    let rig = catalogue().await;
    let first = rig.get("/gemini/v1beta/models?pageSize=5").await.json();
    assert_eq!(first["models"].as_array().unwrap().len(), 5);
    assert_eq!(first["models"][0]["inputTokenLimit"], 200_000);
    assert_eq!(first["models"][0]["outputTokenLimit"], 64_000);
    let token = first["nextPageToken"].as_str().unwrap();
    insta::assert_snapshot!(
        "models_gemini",
        rig.get(&format!("/gemini/v1beta/models?pageSize=5&pageToken={token}")).await.shown()
    );
    insta::assert_snapshot!("no_such_page_gemini", rig.get("/v1beta/models?pageSize=x").await.shown());
}

#[tokio::test]
async fn a_model_is_found_by_an_alias_and_shown_by_its_own_name() {
    let rig = rig().await;
    for path in ["/claude/v1/models", "/openai/v1/models"] {
        let one = rig.get(&format!("{path}/claude-haiku-4.5")).await;
        assert_eq!(one.json()["id"], "claude-haiku-4-5");
    }
    assert_eq!(rig.get("/claude/v1/models/claude-opus-4.8").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_vendor_that_cannot_be_told_offers_what_its_account_names() {
    let mapped = account("one").with_model_name("fast", "claude-haiku-4-5").with_model_name("own-*", "x");
    let rig = Rig::with(Setup { accounts: vec![mapped], ..Setup::default() }).await;
    let list = rig.get("/v1/models").await;
    assert!(ids(&list).contains(&"fast".to_owned()), "{:?}", ids(&list));
    let fast = rig.get("/claude/v1/models/fast").await.json();
    assert_eq!((&fast["display_name"], &fast["max_tokens"]), (&"Fast".into(), &64_000.into()));
}
