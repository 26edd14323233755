//! What must be true of the headers that a client's request leaves with: nothing travels that is not listed, the account's credential
//! stands in its place once, and no byte of the client's makes another line or another host.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use posthaste_core::{
    Account, AccountId, AccountSettings, AuthForm, Credential, Dialect, ModelMap, ModelName, ModelRules,
    Operation, Packing, PresetName, ProviderKind, SchedulingRules, Secret, Timestamp,
};
use posthaste_provider::{Outbound, provider};

/// Prepares a request with the headers in the input: in its first line a digit chooses the vendor and the rest is the query, each
/// other line is a header.
///
/// # Panics
/// When something leaves that must not.
pub fn travel(input: &[u8]) {
    let mut lines = input.split(|byte| *byte == b'\n');
    let first = lines.next().unwrap_or_default();
    let vendor = usize::from(first.first().copied().unwrap_or(0)) % VENDORS.len();
    let query = first.get(1..).and_then(|query| str::from_utf8(query).ok()).filter(|query| is_query(query));
    let headers = read(lines);
    let (provider, dialect) = VENDORS[vendor];
    check(provider, dialect, query, &headers);
}

const VENDORS: [(ProviderKind, Dialect); 4] = [
    (ProviderKind::Anthropic, Dialect::AnthropicMessages),
    (ProviderKind::OpenAi, Dialect::OpenAiChat),
    (ProviderKind::OpenAi, Dialect::OpenAiResponses),
    (ProviderKind::Gemini, Dialect::GeminiGenerate),
];

/// As a server of HTTP lets it through.
fn is_query(query: &str) -> bool {
    !query.is_empty()
        && format!("http://relay/?{query}").parse::<http::Uri>().is_ok_and(|uri| uri.query() == Some(query))
}

fn read<'a>(lines: impl Iterator<Item = &'a [u8]>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines.take(256) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            headers.append(name, value);
        }
    }
    headers
}

fn check(kind: ProviderKind, dialect: Dialect, query: Option<&str>, headers: &HeaderMap) {
    let account = account(kind, dialect);
    let credential = Credential::Key(Secret::new(SECRET.to_owned()));
    let model = ModelName::parse("model").expect("a name");
    let prepared = provider(kind).prepare(&Outbound {
        account: &account,
        credential: Some(&credential),
        operation: Operation::Chat,
        dialect,
        packing: Packing::Plain,
        model: &model,
        client_headers: headers,
        query,
        streamed: false,
        translated: false,
        now: Timestamp::EPOCH,
        body: Bytes::from_static(b"{}").into(),
    });
    let Ok(request) = prepared else { return };
    assert_eq!(request.uri().host(), Some("upstream.example"), "{:?}", request.uri());
    assert!(request.uri().path().starts_with("/base/"), "{:?}", request.uri());
    let carrying = request.headers().iter().filter(|(_, value)| value.as_bytes() == SECRET.as_bytes());
    assert_eq!(carrying.map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["x-api-key"]);
    let named: Vec<_> =
        headers.get_all(header::CONNECTION).iter().filter_map(|line| line.to_str().ok()).collect();
    for (name, value) in request.headers() {
        assert!(!NEVER.contains(&name.as_str()), "{name}");
        assert!(!value.as_bytes().iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)), "{name}");
        let is_named = named
            .iter()
            .flat_map(|line| line.split(','))
            .any(|hop| hop.trim().eq_ignore_ascii_case(name.as_str()));
        assert!(!is_named || OWN.contains(&name.as_str()), "{name} was called the connection's own");
    }
}

fn account(provider: ProviderKind, dialect: Dialect) -> Account {
    Account {
        id: AccountId::generate(),
        name: "one".to_owned(),
        preset: PresetName("dummy".to_owned()),
        provider,
        base_url: "https://upstream.example/base".to_owned(),
        auth: AuthForm::XApiKey,
        dialects: vec![dialect],
        credential: None,
        priority: Account::DEFAULT_PRIORITY,
        enabled: true,
        models: ModelRules::default(),
        model_map: ModelMap::default(),
        private_address: None,
        proxy: None,
        settings: AccountSettings::default(),
        scheduling: SchedulingRules::default(),
        created_at: Timestamp::EPOCH,
        updated_at: Timestamp::EPOCH,
    }
}

const SECRET: &str = "sk-dummy-of-the-account";

/// What the relay says for itself, whatever the client calls its own.
const OWN: [&str; 5] = ["accept", "accept-encoding", "anthropic-version", "content-type", "x-api-key"];

/// What no upstream may see of a client.
const NEVER: [&str; 22] = [
    "authorization",
    "api-key",
    "x-goog-api-key",
    "proxy-authorization",
    "cookie",
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "forwarded",
    "x-forwarded-for",
    "x_forwarded_for",
    "x-real-ip",
    "referer",
    "origin",
    "idempotency-key",
    "anthropic-workspace-id",
    "openai-organization",
    "openai-project",
];
