//! Trying accounts and client keys out, with an answer that comes while it goes on.

use axum::{body::Body, extract::Request, response::Response};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderName, HeaderValue, Method, header};
use posthaste_admin::{AdminError, Command, Disclosed, TestEvent, TestReport};
use posthaste_core::Area;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tower::ServiceExt;

use super::{
    accounts::TestInput,
    errors::account,
    kinds::{AZURE, BEDROCK, CCR, CLAUDE, CONSOLE, GEMINI, OPENAI, Presets, RESPONSES},
};
use crate::admin::{
    asked::Asked,
    endpoint::{Endpoint, post},
    input::{Json, invalid},
};

/// Those of the accounts of one kind.
macro_rules! kind {
    ($path:literal, $presets:expr) => {
        post(
            concat!("/admin/", $path, "/{account}/test-stream"),
            "Test an account, and tell each step as it ends",
        )
        .needs(Area::Accounts.write())
        .body::<TestInput>()
        .streams::<TestEvent, _>(|asked: Asked, Json(input): Json<TestInput>| {
            test(asked, Some($presets), input)
        })
    };
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        post("/admin/accounts/{account}/test-stream", "Test an account, and tell each step as it ends")
            .needs(Area::Accounts.write())
            .body::<TestInput>()
            .streams::<TestEvent, _>(|asked: Asked, Json(input): Json<TestInput>| test(asked, None, input)),
        kind!("claude-accounts", CLAUDE),
        kind!("claude-console-accounts", CONSOLE),
        kind!("ccr-accounts", CCR),
        kind!("bedrock-accounts", BEDROCK),
        kind!("gemini-accounts", GEMINI),
        kind!("gemini-api-accounts", GEMINI),
        kind!("openai-accounts", OPENAI),
        kind!("openai-responses-accounts", RESPONSES),
        kind!("azure-openai-accounts", AZURE),
        post("/apiStats/api-key/test", "Try a client key out with a request as Claude's clients send it")
            .open()
            .body::<KeyTest>()
            .streams::<Value, _>(|asked: Asked, Json(input): Json<KeyTest>| anthropic(asked, input)),
        post(
            "/apiStats/api-key/test-openai",
            "Try a client key out with a request as OpenAI's clients send it",
        )
        .open()
        .body::<KeyTest>()
        .streams::<Value, _>(|asked: Asked, Json(input): Json<KeyTest>| openai(asked, input)),
        post(
            "/apiStats/api-key/test-gemini",
            "Try a client key out with a request as Gemini's clients send it",
        )
        .open()
        .body::<KeyTest>()
        .streams::<Value, _>(|asked: Asked, Json(input): Json<KeyTest>| gemini(asked, input)),
    ]
}

/// What a client key is tried out with. It is a request like any other: it counts in the key's limits and costs what it costs.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct KeyTest {
    /// The key itself; its id does not do.
    #[serde(rename = "apiKey")]
    api_key: Disclosed,
    /// For which model; a small one of the dialect's inventor when it is not told.
    model: Option<String>,
    /// What is asked, at most 2000 characters; for a word when it is not told.
    prompt: Option<String>,
    /// How long the answer may be, 1 to 1024 tokens; 64 when it is not told.
    #[serde(rename = "maxTokens")]
    max_tokens: Option<u32>,
}

async fn test(asked: Asked, presets: Option<Presets>, input: TestInput) -> Result<Response, AdminError> {
    let account = account(&asked, presets).await?;
    let (watcher, events) = mpsc::channel(EVENTS);
    let admin = asked.admin.watching_tests(watcher.clone());
    // By itself, so that the test is noted in the audit log when nobody waits for its end any more; it ends early then.
    tokio::spawn(async move {
        let command = Command::TestAccount { account, model: input.model };
        let last = match admin.act(&asked.actor, command).await.map(posthaste_admin::Replied::from_reply) {
            Ok(Some(report)) => TestEvent::Done { report: Box::<TestReport>::new(report) },
            Ok(None) => TestEvent::Error { message: "the test has no report".to_owned() },
            Err(error) => TestEvent::Error { message: error.to_string() },
        };
        // Whoever has gone is told nothing.
        let _ = watcher.send(last).await;
    });
    let frames = stream::unfold(Some(events), |events| async move {
        let mut events = events?;
        let event = events.recv().await?;
        let is_last = matches!(event, TestEvent::Done { .. } | TestEvent::Error { .. });
        let data = serde_json::to_string(&event).unwrap_or_default();
        let frame = Ok::<_, std::convert::Infallible>(Bytes::from(format!("data: {data}\n\n")));
        Some((frame, (!is_last).then_some(events)))
    });
    let mut response = Response::new(Body::from_stream(frames));
    stream_headers(&mut response);
    Ok(response)
}

fn stream_headers(response: &mut Response) {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

async fn anthropic(asked: Asked, input: KeyTest) -> Result<Response, AdminError> {
    let Checked { key, model, prompt, most } = input.checked("claude-haiku-4-5")?;
    let body = json!({
        "model": model, "max_tokens": most, "stream": true,
        "messages": [{ "role": "user", "content": prompt }],
    });
    relayed(asked, &key, "/v1/messages", &body).await
}

async fn openai(asked: Asked, input: KeyTest) -> Result<Response, AdminError> {
    let Checked { key, model, prompt, most } = input.checked("gpt-5-mini")?;
    let body = json!({
        "model": model, "max_completion_tokens": most, "stream": true,
        "messages": [{ "role": "user", "content": prompt }],
    });
    relayed(asked, &key, "/openai/v1/chat/completions", &body).await
}

async fn gemini(asked: Asked, input: KeyTest) -> Result<Response, AdminError> {
    let Checked { key, model, prompt, most } = input.checked("gemini-2.5-flash")?;
    let path = format!("/gemini/v1beta/models/{model}:streamGenerateContent?alt=sse");
    let body = json!({
        "contents": [{ "role": "user", "parts": [{ "text": prompt }] }],
        "generationConfig": { "maxOutputTokens": most },
    });
    relayed(asked, &key, &path, &body).await
}

/// An input that can be sent.
struct Checked {
    key: HeaderValue,
    model: String,
    prompt: String,
    most: u32,
}

impl KeyTest {
    fn checked(self, usual: &str) -> Result<Checked, AdminError> {
        let key = HeaderValue::from_str(self.api_key.secret().expose().trim());
        let mut key = key.map_err(|_| invalid("apiKey", "is no client key"))?;
        key.set_sensitive(true);
        let model = self.model.unwrap_or_else(|| usual.to_owned());
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if model.is_empty() || model.len() > LONGEST_MODEL || !model.bytes().all(is_plain) {
            return Err(invalid("model", "is not a model's name of letters, digits, `-`, `_` and `.`"));
        }
        let prompt = self.prompt.unwrap_or_else(|| "Say ok.".to_owned());
        if prompt.is_empty() || prompt.chars().count() > LONGEST_PROMPT {
            return Err(invalid("prompt", format!("has not 1 to {LONGEST_PROMPT} characters")));
        }
        let most = self.max_tokens.unwrap_or(64);
        if !(1..=MOST_TOKENS).contains(&most) {
            return Err(invalid("maxTokens", format!("is not a number from 1 to {MOST_TOKENS}")));
        }
        Ok(Checked { key, model, prompt, most })
    }
}

/// Has the relay serve a request as if its client had sent it from where this one came.
async fn relayed(asked: Asked, key: &HeaderValue, path: &str, body: &Value) -> Result<Response, AdminError> {
    let Some(relay) = asked.relayed else {
        return Err(AdminError::Conflict { what: "no relay runs here that could serve it".to_owned() });
    };
    let mut request = Request::builder().method(Method::POST).uri(path).header(header::CONTENT_TYPE, JSON);
    for (name, value) in &asked.headers {
        if FROM_WHERE.contains(name) {
            request = request.header(name, value);
        }
    }
    let request = request.header("x-api-key", key).body(Body::from(body.to_string()));
    let mut request = request.map_err(|_| invalid("model", "cannot stand in a path"))?;
    *request.extensions_mut() = asked.extensions;
    let mut response = relay.oneshot(request).await.unwrap_or_else(|never| match never {});
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// What tells where a request comes from, behind trusted proxies.
static FROM_WHERE: [HeaderName; 3] =
    [HeaderName::from_static("x-forwarded-for"), header::FORWARDED, header::USER_AGENT];

const JSON: &str = "application/json";

/// More than there are steps, and words in a tiny answer.
const EVENTS: usize = 256;

const LONGEST_MODEL: usize = 128;
const LONGEST_PROMPT: usize = 2_000;
const MOST_TOKENS: u32 = 1_024;
