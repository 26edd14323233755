//! OpenAI's models at Azure.

use posthaste_core::{Account, AuthForm, Dialect, Operation, ProviderKind};
use posthaste_provider::PrepareError;
use rstest::rstest;

use crate::support::{Ask, account, key, plain, token};

const RESOURCE: &str = "https://res.openai.azure.com";

fn azure(auth: AuthForm, api_version: Option<&str>) -> Account {
    let mut account = account(ProviderKind::AzureOpenAi, RESOURCE, auth);
    account.settings.api_version = api_version.map(str::to_owned);
    account
}

const CHAT: &str = r#"{"model":"house gpt","messages":[{"role":"user","content":"hi"}]}"#;
const RESPONSES: &str = r#"{"model":"house gpt","input":"hi"}"#;
const EMBEDDINGS: &str = r#"{"model":"house gpt","input":["hi"]}"#;
const IMAGES: &str = r#"{"model":"house gpt","prompt":"a cat"}"#;

fn ask<'a>(account: &'a Account, operation: Operation, dialect: Dialect, body: &'static str) -> Ask<'a> {
    Ask {
        account,
        credential: Some(key("dummy-azure-key")),
        operation,
        dialect,
        model: "house gpt",
        streamed: false,
        client_headers: &[
            ("user-agent", "AzureOpenAI/Python"),
            ("api-key", "cr_dummy"),
            ("x-ms-useragent", "x"),
        ],
        body: plain(body),
    }
}

#[rstest]
#[case::chat(Operation::Chat, Dialect::OpenAiChat, CHAT, "/openai/v1/chat/completions")]
#[case::responses(Operation::Chat, Dialect::OpenAiResponses, RESPONSES, "/openai/v1/responses")]
#[case::embeddings(Operation::Embeddings, Dialect::OpenAiChat, EMBEDDINGS, "/openai/v1/embeddings")]
#[case::images(Operation::Images, Dialect::OpenAiChat, IMAGES, "/openai/v1/images/generations")]
fn the_v1_api_names_the_deployment_in_the_body(
    #[case] operation: Operation,
    #[case] dialect: Dialect,
    #[case] body: &'static str,
    #[case] path: &str,
    #[values(false, true)] streamed: bool,
) {
    let account = azure(AuthForm::ApiKey, None);
    let accept = if streamed { "text/event-stream" } else { "application/json" };
    let expected = format!(
        "POST {RESOURCE}{path}
accept: {accept}
accept-encoding: identity
api-key: dummy-azure-key
content-type: application/json
user-agent: AzureOpenAI/Python

{body}"
    );
    assert_eq!(Ask { streamed, ..ask(&account, operation, dialect, body) }.text(), expected);
}

#[rstest]
#[case::chat(
    Operation::Chat,
    Dialect::OpenAiChat,
    CHAT,
    "/openai/deployments/house%20gpt/chat/completions?api-version=2024-10-21"
)]
#[case::responses(
    Operation::Chat,
    Dialect::OpenAiResponses,
    RESPONSES,
    "/openai/responses?api-version=2024-10-21"
)]
#[case::embeddings(
    Operation::Embeddings,
    Dialect::OpenAiChat,
    EMBEDDINGS,
    "/openai/deployments/house%20gpt/embeddings?api-version=2024-10-21"
)]
#[case::images(
    Operation::Images,
    Dialect::OpenAiChat,
    IMAGES,
    "/openai/deployments/house%20gpt/images/generations?api-version=2024-10-21"
)]
fn the_dated_api_names_it_in_the_path(
    #[case] operation: Operation,
    #[case] dialect: Dialect,
    #[case] body: &'static str,
    #[case] target: &str,
    #[values(false, true)] streamed: bool,
) {
    let account = azure(AuthForm::ApiKey, Some("2024-10-21"));
    let accept = if streamed { "text/event-stream" } else { "application/json" };
    let expected = format!(
        "POST {RESOURCE}{target}
accept: {accept}
accept-encoding: identity
api-key: dummy-azure-key
content-type: application/json
user-agent: AzureOpenAI/Python

{body}"
    );
    assert_eq!(Ask { streamed, ..ask(&account, operation, dialect, body) }.text(), expected);
}

#[rstest]
#[case(AuthForm::Bearer)]
#[case(AuthForm::Entra)]
fn tokens_are_bearers_and_come_without_a_key(#[case] auth: AuthForm) {
    for api_version in [None, Some("2024-10-21")] {
        let account = azure(auth, api_version);
        let credential = Some(token("dummy-entra-token"));
        let text = Ask { credential, ..ask(&account, Operation::Chat, Dialect::OpenAiChat, CHAT) }.text();
        assert!(text.contains("\nauthorization: Bearer dummy-entra-token\n"), "{text}");
        assert!(!text.contains("api-key:"), "{text}");
    }
}

#[rstest]
#[case(Operation::CountTokens, Dialect::OpenAiResponses)]
#[case(Operation::Compact, Dialect::OpenAiResponses)]
#[case(Operation::Embeddings, Dialect::OpenAiResponses)]
fn what_azure_does_not_have_is_refused(#[case] operation: Operation, #[case] dialect: Dialect) {
    let account = azure(AuthForm::ApiKey, None);
    let error = ask(&account, operation, dialect, CHAT).prepare().unwrap_err();
    assert!(matches!(error, PrepareError::Unsupported { .. }), "{error}");
}
