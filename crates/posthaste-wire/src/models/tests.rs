use super::*;

fn entries() -> Vec<ModelEntry> {
    vec![
        ModelEntry {
            id: "claude-sonnet-4-6".to_owned(),
            display_name: "Claude Sonnet 4.6".to_owned(),
            created: Timestamp::from_secs(1_771_286_400),
            owned_by: "anthropic".to_owned(),
            kind: ModelKind::Conversation,
            context_window: Some(1_000_000),
            max_output: Some(128_000),
        },
        ModelEntry {
            id: "gpt-5-mini".to_owned(),
            display_name: "GPT-5 \"mini\"".to_owned(),
            created: Timestamp::EPOCH,
            owned_by: "openai".to_owned(),
            kind: ModelKind::Embedding,
            context_window: None,
            max_output: None,
        },
    ]
}

fn rendered(dialect: Dialect, models: &[ModelEntry]) -> String {
    let page = Page { models, has_more: false };
    String::from_utf8(render_models(dialect, &page).to_vec()).unwrap()
}

#[test]
fn each_dialect_lists_models_in_its_shape() {
    insta::assert_snapshot!(rendered(Dialect::AnthropicMessages, &entries()));
    insta::assert_snapshot!(rendered(Dialect::OpenAiChat, &entries()));
    insta::assert_snapshot!(rendered(Dialect::BedrockConverse, &entries()));
    insta::assert_snapshot!(rendered(Dialect::GeminiGenerate, &entries()));
}

#[test]
fn a_page_tells_how_to_go_on() {
    let entries = entries();
    let page = Page { models: &entries[..1], has_more: true };
    let rendered = |dialect| String::from_utf8(render_models(dialect, &page).to_vec()).unwrap();
    assert!(rendered(Dialect::AnthropicMessages).contains(r#""has_more":true"#));
    assert!(rendered(Dialect::GeminiGenerate).ends_with(r#""nextPageToken":"claude-sonnet-4-6"}"#));
}

#[test]
fn an_empty_list_is_a_list() {
    insta::assert_snapshot!(rendered(Dialect::AnthropicMessages, &[]), @r#"{"data":[],"has_more":false,"first_id":null,"last_id":null}"#);
    insta::assert_snapshot!(rendered(Dialect::OpenAiChat, &[]), @r#"{"object":"list","data":[]}"#);
    insta::assert_snapshot!(rendered(Dialect::GeminiGenerate, &[]), @r#"{"models":[]}"#);
}
