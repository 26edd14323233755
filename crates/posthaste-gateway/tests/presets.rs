//! Every preset serves a whole and a streamed chat with tools from every client dialect, and what leaves for its upstream
//! is exactly what the vendor documents: address, headers and body. The answers are the sandbox's.

#![expect(clippy::unwrap_used, reason = "a failed setup is a failed test")]

mod support;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request, Response, Uri, header};
use posthaste_core::{
    AccessToken, Account, AccountId, AttemptOutcome, AuthForm, Credential, Dialect, DialectUrl, Egress,
    ModelName, ModelPattern, Operation, Packing, Payload, PresetName, ProviderKind, RelayBody, Secret,
    Surface, TokenFacts, Transport, TransportError,
};
use posthaste_gateway::{Call, PathFacts};
use posthaste_provider::{Preset, preset, presets};
use posthaste_sandbox::{SANDBOX_BASE_URL, Sandbox};
use posthaste_testkit::{account, client_key_secret};
use posthaste_vault::{CredentialSource, VaultError};
use posthaste_wire::{Framing, Splitter};
use serde_json::{Value, json};
use support::{Read, Rig};

const MODEL: &str = "sandbox-small";
const KEY: &str = "dummy-key-of-the-account";
const TOOL: &str = "get_weather";

const CLIENTS: [Surface; 8] = [
    Surface::plain(Dialect::AnthropicMessages),
    Surface::plain(Dialect::OpenAiChat),
    Surface::plain(Dialect::OpenAiResponses),
    Surface::plain(Dialect::GeminiGenerate),
    Surface { dialect: Dialect::GeminiGenerate, packing: Packing::JsonArray },
    Surface { dialect: Dialect::GeminiGenerate, packing: Packing::CodeAssist },
    Surface::plain(Dialect::BedrockConverse),
    Surface { dialect: Dialect::AnthropicMessages, packing: Packing::Invoke },
];

#[tokio::test]
async fn every_preset_serves_every_client_with_tools() {
    for preset in presets() {
        every_client_is_served(account_of(preset), TokenFacts::default()).await;
    }
}

#[tokio::test]
async fn every_sign_in_serves_every_client_with_tools() {
    for name in ["openai", "gemini", "qwen"] {
        let mut account = account_of(preset(name).unwrap());
        account.auth = AuthForm::OAuth;
        every_client_is_served(account, facts_of(name)).await;
    }
}

async fn every_client_is_served(account: Account, facts: TokenFacts) {
    let name = account.name.clone();
    let upstream = Arc::new(StrictUpstream {
        account: account.clone(),
        facts: facts.clone(),
        sandbox: Sandbox::default(),
    });
    let rig = Rig::presenting(vec![account], upstream, Arc::new(Dummies(facts))).await;
    for client in CLIENTS {
        for stream in [false, true] {
            let at = format!("{client:?} at {name}, streamed: {stream}");
            let answer = ask(&rig, client, stream).await;
            assert_eq!(answer.status, 200, "{at}: {}", String::from_utf8_lossy(&answer.body));
            let told = if stream { frames(client, &answer.body) } else { answer.text().to_owned() };
            assert!(told.contains(TOOL) && told.contains("city"), "{at}: {told}");
        }
    }
    let rows = rig.rows().await;
    assert_eq!(rows.len(), 2 * CLIENTS.len(), "{name}: one attempt each");
    assert!(rows.iter().all(|row| row.outcome == AttemptOutcome::Complete), "{name}");
}

/// What a vendor's token server tells beside the token.
fn facts_of(name: &str) -> TokenFacts {
    let known = |there: &str, fact: &str| (name == there).then(|| fact.to_owned());
    TokenFacts {
        base_url: known("qwen", "https://api.example.cn/v1"),
        account: known("openai", "acc-1"),
        identity: known("gemini", "me@example.org"),
    }
}

/// What a stream's frames hold, one after another.
fn frames(client: Surface, body: &[u8]) -> String {
    let mut told = Vec::new();
    let mut splitter = Splitter::new(Framing::of(client));
    splitter.push(body, |frame| told.extend_from_slice(frame.data)).unwrap();
    splitter.finish(|frame| told.extend_from_slice(frame.data)).unwrap();
    String::from_utf8(told).unwrap()
}

fn account_of(preset: &Preset) -> Account {
    let site = preset.sites.first();
    let others = site.map_or(&[][..], |site| site.others);
    let mut made = account(preset.name);
    made.preset = PresetName(preset.name.to_owned());
    made.provider = preset.provider;
    made.base_url = site.map_or("https://api.example.com/base", |site| site.base_url).to_owned();
    made.auth = preset.auth;
    made.dialects = preset.dialects.to_vec();
    made.models.allow = vec![ModelPattern::new("sandbox-*")];
    made.settings.base_urls = others
        .iter()
        .map(|(dialect, url)| DialectUrl { dialect: *dialect, url: (*url).to_owned() })
        .collect();
    made
}

/// Presents a dummy in the form that the account asks for.
struct Dummies(TokenFacts);

#[async_trait]
impl CredentialSource for Dummies {
    async fn credential(&self, account: &Account) -> Result<Option<Arc<Credential>>, VaultError> {
        let secret = Secret::new(KEY);
        Ok(match account.auth {
            AuthForm::None => None,
            AuthForm::OAuth | AuthForm::Entra => {
                let token = AccessToken { secret, expires_at: None, facts: self.0.clone() };
                Some(Arc::new(Credential::Token(token)))
            }
            _ => Some(Arc::new(Credential::Key(secret))),
        })
    }

    async fn egress(&self, account: &Account) -> Result<Egress, VaultError> {
        Ok(Egress::direct(account.private_address.is_some()))
    }

    fn invalidate(&self, _: AccountId) {}
}

/// Checks each request to the letter, and lets the sandbox answer it.
struct StrictUpstream {
    account: Account,
    facts: TokenFacts,
    sandbox: Sandbox,
}

#[async_trait]
impl Transport for StrictUpstream {
    async fn send(
        &self,
        request: Request<Payload>,
        egress: &Egress,
    ) -> Result<Response<RelayBody>, TransportError> {
        let native = self.check(&request);
        let (mut head, body) = request.into_parts();
        head.headers.remove("chatgpt-account-id");
        head.uri = [SANDBOX_BASE_URL, &native].concat().parse().unwrap();
        for name in [header::AUTHORIZATION.as_str(), "x-api-key", "x-goog-api-key", "api-key"] {
            head.headers.remove(name);
        }
        self.sandbox.send(Request::from_parts(head, body), egress).await
    }
}

impl StrictUpstream {
    /// Where the sandbox serves what was asked for.
    fn check(&self, request: &Request<Payload>) -> String {
        let account = &self.account;
        let address = request.uri().to_string();
        let at = format!("{}: {address}", account.name);
        assert_eq!(request.method(), Method::POST, "{at}");
        let body: Value = serde_json::from_slice(&request.body().to_bytes()).unwrap();
        let all = if self.is_signed_in() { wanted_signed_in(account) } else { wanted(account) };
        let wanted = all.into_iter().find(|wanted| wanted.address == address);
        let wanted = wanted.unwrap_or_else(|| panic!("{at}: not an address of the vendor"));
        self.check_headers(request, &wanted, &at);
        if wanted.native == LOAD {
            assert_eq!(body, loading(), "{at}");
            return wanted.native;
        }
        if self.is_signed_in() {
            check_signed_in(account, request, &body, &at);
        }
        if wanted.names_model {
            assert_eq!(body["model"], MODEL, "{at}");
        } else {
            assert!(
                body.get("model").is_none() && body.get("stream").is_none(),
                "{at}: both stand in the path"
            );
        }
        let tools = body.pointer(wanted.tools).and_then(Value::as_array);
        assert_eq!(tools.map(Vec::len), Some(1), "{at}: {body}");
        wanted.native
    }

    fn is_signed_in(&self) -> bool {
        self.facts != TokenFacts::default()
    }

    fn check_headers(&self, request: &Request<Payload>, wanted: &Wanted, at: &str) {
        let headers = request.headers();
        let credential = match self.account.auth {
            AuthForm::XApiKey => Some(("x-api-key", KEY.to_owned())),
            AuthForm::XGoogApiKey => Some(("x-goog-api-key", KEY.to_owned())),
            AuthForm::ApiKey => Some(("api-key", KEY.to_owned())),
            AuthForm::None => None,
            _ => Some(("authorization", format!("Bearer {KEY}"))),
        };
        let mut names: Vec<_> = headers.keys().map(header::HeaderName::as_str).collect();
        names.sort_unstable();
        let mut expected = vec!["accept", "accept-encoding", "content-type"];
        expected.extend(credential.iter().map(|(name, _)| *name));
        expected.extend(wanted.version.then_some("anthropic-version"));
        expected.extend(self.facts.account.is_some().then_some("chatgpt-account-id"));
        expected.sort_unstable();
        assert_eq!(names, expected, "{at}");
        if let Some((name, value)) = credential {
            assert_eq!(headers[name], value, "{at}");
            assert!(headers[name].is_sensitive(), "{at}");
        }
        if let Some(id) = &self.facts.account {
            assert_eq!(headers["chatgpt-account-id"], id.as_str(), "{at}");
        }
        assert_eq!(headers["content-type"], "application/json", "{at}");
        assert_eq!(headers["accept-encoding"], "identity", "{at}");
    }
}

/// A request as the vendor documents it.
struct Wanted {
    address: String,
    native: String,
    tools: &'static str,
    names_model: bool,
    version: bool,
}

fn wanted(account: &Account) -> Vec<Wanted> {
    let base = |dialect| account.base_url_of(dialect);
    let openai = match account.provider {
        ProviderKind::AzureOpenAi => [base(Dialect::OpenAiChat), "/openai/v1"].concat(),
        ProviderKind::Sandbox => [base(Dialect::OpenAiChat), "/v1"].concat(),
        _ => base(Dialect::OpenAiChat).to_owned(),
    };
    let plain = |address: String, native: &str, version| Wanted {
        address,
        native: native.to_owned(),
        tools: "/tools",
        names_model: true,
        version,
    };
    let mut wanted = vec![
        plain([base(Dialect::AnthropicMessages), "/v1/messages"].concat(), "/v1/messages", true),
        plain([&openai, "/chat/completions"].concat(), "/v1/chat/completions", false),
        plain([&openai, "/responses"].concat(), "/v1/responses", false),
    ];
    let in_path = |base: &str, path: String, tools, version| Wanted {
        address: [base, &path].concat(),
        native: path,
        tools,
        names_model: false,
        version,
    };
    for method in ["generateContent", "streamGenerateContent", "streamGenerateContent?alt=sse"] {
        let path = format!("/v1beta/models/{MODEL}:{method}");
        wanted.push(in_path(base(Dialect::GeminiGenerate), path, "/tools/0/functionDeclarations", false));
    }
    for method in ["converse", "converse-stream"] {
        let path = format!("/model/{MODEL}/{method}");
        wanted.push(in_path(base(Dialect::BedrockConverse), path, "/toolConfig/tools", false));
    }
    wanted
}

/// What a vendor documents for those who are logged in.
fn wanted_signed_in(account: &Account) -> Vec<Wanted> {
    let wanted = |address: &str, native: &str, tools| Wanted {
        address: address.to_owned(),
        native: native.to_owned(),
        tools,
        names_model: true,
        version: false,
    };
    match account.preset.0.as_str() {
        "openai" => {
            vec![wanted("https://chatgpt.com/backend-api/codex/responses", "/v1/responses", "/tools")]
        }
        "qwen" => {
            vec![wanted("https://api.example.cn/v1/chat/completions", "/v1/chat/completions", "/tools")]
        }
        _ => [LOAD, "/v1internal:generateContent", "/v1internal:streamGenerateContent?alt=sse"]
            .map(|path| {
                let address = ["https://cloudcode-pa.googleapis.com", path].concat();
                wanted(&address, path, "/request/tools/0/functionDeclarations")
            })
            .into(),
    }
}

/// What a body for those who are logged in must hold, and must not.
fn check_signed_in(account: &Account, request: &Request<Payload>, body: &Value, at: &str) {
    match account.preset.0.as_str() {
        "openai" => {
            assert_eq!(request.headers()["accept"], "text/event-stream", "{at}");
            assert_eq!((&body["stream"], &body["store"]), (&json!(true), &json!(false)), "{at}");
            assert!(body["instructions"].is_string() && body["input"].is_array(), "{at}: {body}");
            for refused in [
                "max_output_tokens",
                "temperature",
                "top_p",
                "metadata",
                "user",
                "previous_response_id",
                "prompt_cache_retention",
                "safety_identifier",
                "stream_options",
            ] {
                assert!(body.get(refused).is_none(), "{at}: {refused}");
            }
        }
        "gemini" => {
            let members: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(members, ["model", "project", "request"], "{at}");
            assert_eq!(body["project"], "sandbox-project", "{at}");
            for outside in ["model", "stream", "session_id", "project"] {
                assert!(body["request"].get(outside).is_none(), "{at}: {outside}");
            }
        }
        _ => {}
    }
}

fn loading() -> Value {
    json!({"metadata": {"ideType": "IDE_UNSPECIFIED", "platform": "PLATFORM_UNSPECIFIED", "pluginType": "GEMINI"}})
}

const LOAD: &str = "/v1internal:loadCodeAssist";

async fn ask(rig: &Rig, client: Surface, stream: bool) -> Read {
    let caller = rig.relay.authenticate(Some(client_key_secret("tester").expose())).await.unwrap();
    let in_path = !matches!(
        (client.dialect, client.packing),
        (Dialect::AnthropicMessages | Dialect::OpenAiChat | Dialect::OpenAiResponses, Packing::Plain)
    );
    let call = Call {
        surface: client,
        path: PathFacts {
            model: (in_path && client.packing != Packing::CodeAssist)
                .then(|| ModelName::parse(MODEL).unwrap()),
            stream: in_path.then_some(stream),
            pinned: None,
        },
        ..Call::new(
            caller,
            client.dialect,
            Operation::Chat,
            Bytes::from(question(client, stream).to_string()),
        )
    };
    Read::from(rig.relay.call(call).await.unwrap()).await
}

/// A question that makes the sandbox call the tool.
fn question(client: Surface, stream: bool) -> Value {
    let text = format!("What is the weather in Zürich? Use {TOOL}.");
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
    let function = json!({"name": TOOL, "description": "Tells the weather", "parameters": schema});
    let body = match client.dialect {
        Dialect::AnthropicMessages => {
            let mut body = json!({"max_tokens": 500, "messages": [{"role": "user", "content": text}],
                "tools": [{"name": TOOL, "description": "Tells the weather", "input_schema": schema}]});
            if client.packing == Packing::Invoke {
                body["anthropic_version"] = json!("bedrock-2023-05-31");
            } else {
                body["model"] = json!(MODEL);
                body["stream"] = json!(stream);
            }
            body
        }
        Dialect::OpenAiChat => json!({"model": MODEL, "stream": stream,
            "messages": [{"role": "user", "content": text}],
            "tools": [{"type": "function", "function": function}]}),
        Dialect::OpenAiResponses => json!({"model": MODEL, "stream": stream, "input": text,
            "tools": [{"type": "function", "name": TOOL, "description": "Tells the weather", "parameters": schema, "strict": false}]}),
        Dialect::GeminiGenerate => json!({"contents": [{"role": "user", "parts": [{"text": text}]}],
            "tools": [{"functionDeclarations": [function]}]}),
        Dialect::BedrockConverse => json!({"messages": [{"role": "user", "content": [{"text": text}]}],
            "toolConfig": {"tools": [{"toolSpec": {"name": TOOL, "description": "Tells the weather", "inputSchema": {"json": schema}}}]}}),
    };
    match client.packing {
        Packing::CodeAssist => json!({"model": MODEL, "project": "p", "request": body}),
        _ => body,
    }
}

#[test]
fn addresses_are_checked_whole() {
    let account = account_of(preset("anthropic").unwrap());
    let wanted = wanted(&account);
    assert!(wanted.iter().any(|wanted| wanted.address == "https://api.anthropic.com/v1/messages"));
    assert!(wanted.iter().all(|wanted| wanted.address.parse::<Uri>().is_ok()));
}
