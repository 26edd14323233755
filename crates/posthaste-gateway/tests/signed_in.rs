//! Accounts that are logged in: where they are asked, what they are asked with, and what their vendors say of them.

#![expect(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod support;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::join_all;
use posthaste_core::{
    AccessToken, Account, AccountId, AttemptOutcome, AuthForm, Clock, CooldownReason, Credential, Dialect,
    Egress, Fault, FaultKind, ModelPattern, Operation, PresetName, Proxy, ProxyScheme, Secret, Surface,
    TokenFacts,
};
use posthaste_gateway::{Call, PathFacts};
use posthaste_provider::preset;
use posthaste_testkit::{MemoryTransport, Reply, Sent, account, client_key_secret};
use posthaste_vault::{CredentialSource, VaultError};
use serde_json::{Value, json};
use support::{
    Read, Rig,
    asking::{MODEL, question},
};

const GEMINI: Surface = Surface::plain(Dialect::GeminiGenerate);
const RESPONSES: Surface = Surface::plain(Dialect::OpenAiResponses);

/// An account of a preset, logged in.
fn signed_in(name: &str) -> Account {
    let preset = preset(name).unwrap();
    Account {
        preset: PresetName(name.to_owned()),
        provider: preset.provider,
        base_url: preset.base_url().unwrap().to_owned(),
        auth: AuthForm::OAuth,
        models: posthaste_core::ModelRules { allow: vec![ModelPattern::new("*")], ..Default::default() },
        private_address: None,
        priority: 1,
        ..account(name)
    }
}

/// Hands out `token-N`, another one each time that one was refused, and a proxy as the way out.
struct Tokens {
    facts: TokenFacts,
    renewed: AtomicUsize,
}

impl Tokens {
    fn with(facts: TokenFacts) -> Arc<Self> {
        Arc::new(Self { facts, renewed: AtomicUsize::new(0) })
    }

    fn token(&self) -> Arc<Credential> {
        let secret = Secret::new(format!("token-{}", self.renewed.load(Ordering::SeqCst)));
        Arc::new(Credential::Token(AccessToken { secret, expires_at: None, facts: self.facts.clone() }))
    }
}

#[async_trait]
impl CredentialSource for Tokens {
    async fn credential(&self, account: &Account) -> Result<Option<Arc<Credential>>, VaultError> {
        Ok((account.auth == AuthForm::OAuth).then(|| self.token()))
    }

    async fn renew(&self, _: &Account, _: &Credential) -> Result<Option<Arc<Credential>>, VaultError> {
        self.renewed.fetch_add(1, Ordering::SeqCst);
        Ok(Some(self.token()))
    }

    async fn egress(&self, _: &Account) -> Result<Egress, VaultError> {
        Ok(Egress::through(Arc::new(proxy()), false))
    }

    fn invalidate(&self, _: AccountId) {}
}

fn proxy() -> Proxy {
    Proxy { scheme: ProxyScheme::Socks5h, host: "proxy.example".to_owned(), port: 1080, login: None }
}

fn identity() -> TokenFacts {
    TokenFacts { identity: Some("me@example.org".to_owned()), ..TokenFacts::default() }
}

struct Setup {
    rig: Rig,
    transport: Arc<MemoryTransport>,
}

impl Setup {
    async fn new(
        accounts: Vec<Account>,
        facts: TokenFacts,
        answer: impl Fn(&Sent) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let transport = Arc::new(MemoryTransport::new(answer));
        let rig = Rig::presenting(accounts, Arc::clone(&transport) as _, Tokens::with(facts)).await;
        Self { rig, transport }
    }

    async fn ask(&self, client: Surface) -> Result<Read, Fault> {
        let body = question(client, "Hi", false);
        Ok(Read::from(self.rig.ask_on(client, &body, false).await?).await)
    }

    /// What was sent to a method of Code Assist.
    fn sent_to(&self, method: &str) -> Vec<Sent> {
        let method = format!("/v1internal:{method}");
        self.transport.sent().into_iter().filter(|sent| sent.uri.path() == method).collect()
    }
}

fn enveloped() -> Value {
    json!({"traceId": "t-1", "response": {"candidates": [{"finishReason": "STOP", "index": 0,
            "content": {"role": "model", "parts": [{"text": "Hello"}]}}],
        "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 4, "totalTokenCount": 7}}})
}

fn code_assist(loaded: &Value) -> impl Fn(&Sent) -> Reply + Send + Sync + 'static {
    let loaded = loaded.clone();
    move |sent| match sent.uri.path() {
        "/v1internal:loadCodeAssist" => Reply::json(200, &loaded),
        "/v1internal:countTokens" => Reply::json(200, &json!({"totalTokens": 7})),
        _ => Reply::json(200, &enveloped()),
    }
}

#[tokio::test]
async fn a_project_is_found_once_through_the_accounts_own_way_out() {
    let loaded = json!({"currentTier": {"id": "free-tier"}, "cloudaicompanionProject": "p-1"});
    let setup = Setup::new(vec![signed_in("gemini")], identity(), code_assist(&loaded)).await;
    for answer in join_all((0..20).map(|_| setup.ask(GEMINI))).await {
        assert!(answer.unwrap().text().contains("Hello"));
    }
    assert_eq!(setup.sent_to("loadCodeAssist").len(), 1);
    let asked = setup.sent_to("generateContent");
    assert_eq!(asked.len(), 20);
    for sent in setup.transport.sent() {
        assert_eq!(sent.uri.host(), Some("cloudcode-pa.googleapis.com"));
        assert_eq!(sent.headers["authorization"], "Bearer token-0");
        assert_eq!(sent.egress.proxy.as_deref(), Some(&proxy()));
    }
    let inner: Value = question(GEMINI, "Hi", false);
    assert_eq!(asked[0].json(), json!({"model": MODEL, "project": "p-1", "request": inner}));
}

#[tokio::test]
async fn an_operators_project_wins() {
    let mut account = signed_in("gemini");
    account.settings.project = Some("mine".to_owned());
    let setup = Setup::new(vec![account], identity(), code_assist(&json!({}))).await;
    setup.ask(GEMINI).await.unwrap();
    assert!(setup.sent_to("loadCodeAssist").is_empty());
    assert_eq!(setup.sent_to("generateContent")[0].json()["project"], "mine");
}

#[tokio::test]
async fn a_refused_search_parks_the_account_with_advice_and_the_next_one_serves() {
    let refused = json!({"ineligibleTiers": [{"reasonCode": "UNSUPPORTED_LOCATION", "reasonMessage": "not in your country"}]});
    let mut second = signed_in("gemini");
    (second.id, second.name, second.priority) = (AccountId::generate(), "second".to_owned(), 2);
    second.settings.project = Some("mine".to_owned());
    let first = signed_in("gemini");
    let id = first.id;
    let setup = Setup::new(vec![first, second], identity(), code_assist(&refused)).await;
    assert!(setup.ask(GEMINI).await.unwrap().text().contains("Hello"));
    let parked = setup.rig.scheduler.parked(id, setup.rig.clock.now()).unwrap();
    assert_eq!(parked.reason, CooldownReason::Forbidden);
    assert!(parked.why.contains("not in your country") && parked.why.contains("--project"), "{}", parked.why);
    assert_eq!(setup.rig.rows().await.len(), 1, "a search is no attempt");
}

#[tokio::test]
async fn a_token_that_the_search_is_refused_with_is_renewed_once() {
    let loaded = json!({"currentTier": {"id": "free-tier"}, "cloudaicompanionProject": "p-1"});
    let answer = code_assist(&loaded);
    let setup = Setup::new(vec![signed_in("gemini")], identity(), move |sent| {
        if sent.headers["authorization"] == "Bearer token-0" {
            return Reply::json(
                401,
                &json!({"error": {"code": 401, "status": "UNAUTHENTICATED", "message": "m"}}),
            );
        }
        answer(sent)
    })
    .await;
    setup.ask(GEMINI).await.unwrap();
    assert_eq!(setup.sent_to("loadCodeAssist").len(), 2);
    assert_eq!(setup.sent_to("generateContent")[0].headers["authorization"], "Bearer token-1");
}

#[tokio::test(start_paused = true)]
async fn a_search_that_gets_no_answer_parks_the_account_for_a_while() {
    let account = signed_in("gemini");
    let id = account.id;
    let setup = Setup::new(vec![account], identity(), |_| Reply::never()).await;
    assert_eq!(setup.ask(GEMINI).await.unwrap_err().kind, FaultKind::Overloaded);
    let parked = setup.rig.scheduler.parked(id, setup.rig.clock.now()).unwrap();
    assert_eq!(parked.reason, CooldownReason::Failing);
    assert!(parked.why.contains("in time"), "{}", parked.why);
}

#[tokio::test]
async fn code_assist_counts_the_conversation() {
    let mut account = signed_in("gemini");
    account.settings.project = Some("mine".to_owned());
    let setup = Setup::new(vec![account], identity(), code_assist(&json!({}))).await;
    let caller = setup.rig.relay.authenticate(Some(client_key_secret("tester").expose())).await.unwrap();
    let messages =
        json!({"model": MODEL, "system": "Be brief.", "messages": [{"role": "user", "content": "Hi"}]});
    let call = Call {
        path: PathFacts::default(),
        ..Call::new(
            caller,
            Dialect::AnthropicMessages,
            Operation::CountTokens,
            Bytes::from(messages.to_string()),
        )
    };
    let answer = Read::from(setup.rig.relay.call(call).await.unwrap()).await;
    assert_eq!(serde_json::from_slice::<Value>(&answer.body).unwrap(), json!({"input_tokens": 7}));
    assert!(answer.header("x-posthaste-dropped").contains("systemInstruction"), "{:?}", answer.headers);
    let asked = setup.sent_to("countTokens").remove(0).json();
    let contents = json!([{"role": "user", "parts": [{"text": "Hi"}]}]);
    assert_eq!(asked, json!({"request": {"model": format!("models/{MODEL}"), "contents": contents}}));
}

fn answered() -> Reply {
    let item = json!({"id": "msg_1", "type": "message", "role": "assistant", "status": "completed",
        "content": [{"type": "output_text", "text": "Hello", "annotations": []}]});
    let events = [
        json!({"type": "response.created", "response": {"id": "resp_1", "object": "response", "status": "in_progress", "output": []}}),
        json!({"type": "response.output_item.added", "output_index": 0, "item": {"id": "msg_1", "type": "message",
            "role": "assistant", "status": "in_progress", "content": []}}),
        json!({"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "item_id": "msg_1", "delta": "Hello"}),
        json!({"type": "response.output_item.done", "output_index": 0, "item": item}),
        // As recorded: the last event leaves the items out.
        json!({"type": "response.completed", "response": {"id": "resp_1", "object": "response", "status": "completed",
            "model": MODEL, "output": [], "usage": {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}}}),
    ];
    Reply::sse(events.map(|event| Bytes::from(format!("data: {event}\n\n"))))
}

fn plan() -> TokenFacts {
    TokenFacts { account: Some("acc-1".to_owned()), ..TokenFacts::default() }
}

#[tokio::test]
async fn a_plan_streams_and_its_client_gets_a_whole_answer() {
    let setup = Setup::new(vec![signed_in("openai")], plan(), |_| answered()).await;
    let body = json!({"model": MODEL, "input": "Hi", "max_output_tokens": 9, "store": true});
    let answer = Read::from(setup.rig.ask_on(RESPONSES, &body, false).await.unwrap()).await;
    let told: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(told["output"][0]["content"][0]["text"], "Hello");
    assert_eq!(answer.header("x-posthaste-dropped"), "max_output_tokens,store");
    let sent = setup.transport.sent().remove(0);
    assert_eq!(sent.uri, "https://chatgpt.com/backend-api/codex/responses");
    assert_eq!(sent.headers["chatgpt-account-id"], "acc-1");
    assert_eq!(sent.headers["accept"], "text/event-stream");
    let input =
        json!([{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}]);
    let expected =
        json!({"model": MODEL, "input": input, "stream": true, "store": false, "instructions": ""});
    assert_eq!(sent.json(), expected);
    assert_eq!(setup.rig.rows().await[0].usage.output, 4);
}

/// Nothing is kept there, so that a request which goes on from an answer has to bring the conversation along.
#[tokio::test]
async fn a_plans_answers_cannot_be_gone_on_from() {
    let setup = Setup::new(vec![signed_in("openai")], plan(), |_| answered()).await;
    setup.ask(RESPONSES).await.unwrap();
    let body = json!({"model": MODEL, "input": "And?", "previous_response_id": "resp_1"});
    let fault = setup.rig.ask_on(RESPONSES, &body, false).await.map(|_| ()).unwrap_err();
    assert_eq!(fault.kind, FaultKind::AnswerNotFound);
    assert_eq!(setup.transport.sent().len(), 1);
}

#[tokio::test]
async fn a_plan_that_is_used_up_rests_until_its_own_reset() {
    let error = |resets_at: i64| {
        json!({"type": "usage_limit_reached", "message": "The usage limit has been reached",
            "plan_type": "plus", "resets_at": resets_at, "resets_in_seconds": 602_705})
    };
    for in_stream in [false, true] {
        let account = signed_in("openai");
        let id = account.id;
        let setup = Setup::new(vec![account], plan(), move |sent| {
            let resets_at = sent.headers["x-client-request-id"].to_str().unwrap().parse().unwrap();
            if in_stream {
                let event = json!({"type": "error", "error": error(resets_at), "status_code": 429});
                Reply::sse([Bytes::from(format!("data: {event}\n\n"))])
            } else {
                Reply::json(429, &json!({"error": error(resets_at)}))
            }
        })
        .await;
        let now = setup.rig.clock.now();
        let resets_at = now.as_secs() + 602_705;
        let caller = setup.rig.relay.authenticate(Some(client_key_secret("tester").expose())).await.unwrap();
        let body = question(RESPONSES, "Hi", in_stream).to_string();
        let mut call = Call::new(caller, Dialect::OpenAiResponses, Operation::Chat, Bytes::from(body));
        call.headers.insert("x-client-request-id", resets_at.into());
        let fault = setup.rig.relay.call(call).await.map(|_| ()).unwrap_err();
        assert_eq!(fault.retry_after.map(|wait| wait.as_secs()), Some(602_705), "{fault}");
        let parked = setup.rig.scheduler.parked(id, now).unwrap();
        assert_eq!((parked.reason, parked.until.as_secs()), (CooldownReason::QuotaExhausted, resets_at));
        let outcome = setup.rig.rows().await[0].outcome;
        assert_eq!(outcome, AttemptOutcome::Failed(FaultKind::QuotaExhausted));
    }
}

#[tokio::test]
async fn a_token_tells_where_qwen_serves() {
    let facts =
        TokenFacts { base_url: Some("https://api.example.cn/v1".to_owned()), ..TokenFacts::default() };
    let completion = json!({"id": "c", "object": "chat.completion", "model": MODEL, "choices": [{"index": 0,
        "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello"}}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 4}});
    let setup = Setup::new(vec![signed_in("qwen")], facts, move |_| Reply::json(200, &completion)).await;
    setup.ask(Surface::plain(Dialect::OpenAiChat)).await.unwrap();
    assert_eq!(setup.transport.sent()[0].uri, "https://api.example.cn/v1/chat/completions");
}
