//! An attempt to shape, and the shaped request as text.

use http::HeaderMap;
use posthaste_core::{
    AccessToken, Account, AccountId, AccountSettings, AuthForm, AwsKeys, Credential, Dialect, ModelMap,
    ModelName, ModelRules, Operation, Packing, Payload, PresetName, ProviderKind, SchedulingRules, Secret,
    Timestamp, TokenFacts,
};
use posthaste_provider::{Outbound, PrepareError, provider};

pub(crate) fn account(provider: ProviderKind, base_url: &str, auth: AuthForm) -> Account {
    Account {
        id: AccountId::generate(),
        name: "tester".to_owned(),
        preset: PresetName(provider.as_str().to_owned()),
        provider,
        base_url: base_url.to_owned(),
        auth,
        dialects: Vec::new(),
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

pub(crate) fn key(text: &str) -> Credential {
    Credential::Key(Secret::new(text))
}

pub(crate) fn token(text: &str) -> Credential {
    let token = AccessToken { secret: Secret::new(text), expires_at: None, facts: TokenFacts::default() };
    Credential::Token(token)
}

/// The keys of AWS's own examples.
pub(crate) fn aws(session_token: Option<&str>) -> Credential {
    Credential::Aws(AwsKeys {
        access_key_id: "AKIDEXAMPLE".to_owned(),
        secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
        session_token: session_token.map(Secret::new),
        expires_at: None,
    })
}

/// What is asked for, in one line.
pub(crate) struct Ask<'a> {
    pub(crate) account: &'a Account,
    pub(crate) credential: Option<Credential>,
    pub(crate) operation: Operation,
    pub(crate) dialect: Dialect,
    pub(crate) model: &'a str,
    pub(crate) streamed: bool,
    pub(crate) client_headers: &'a [(&'static str, &'static str)],
    pub(crate) body: Payload,
}

impl Ask<'_> {
    pub(crate) fn prepare(&self) -> Result<http::Request<Payload>, PrepareError> {
        let adapter = provider(self.account.provider);
        let headers: HeaderMap = self
            .client_headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect();
        adapter.prepare(&Outbound {
            account: self.account,
            credential: self.credential.as_ref(),
            operation: self.operation,
            dialect: self.dialect,
            packing: adapter.packing(self.account, self.dialect, None),
            model: &ModelName::parse(self.model).unwrap(),
            client_headers: &headers,
            query: None,
            streamed: self.streamed,
            translated: false,
            now: "2026-11-26T12:00:00Z".parse().unwrap(),
            body: self.body.clone(),
        })
    }

    /// Every bit of the request, headers by name. Credentials are written out, and must be marked as sensitive.
    pub(crate) fn text(&self) -> String {
        let request = self.prepare().unwrap();
        let mut headers: Vec<_> = request
            .headers()
            .iter()
            .map(|(name, value)| {
                let secret = matches!(name.as_str(), "authorization" | "api-key" | "x-amz-security-token");
                assert_eq!(value.is_sensitive(), secret, "{name}");
                (name.as_str(), value.to_str().unwrap())
            })
            .collect();
        headers.sort_unstable();
        let headers: String = headers.into_iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
        let body = String::from_utf8(request.body().to_bytes().to_vec()).unwrap();
        format!("{} {}\n{headers}\n{body}", request.method(), request.uri())
    }
}

/// A body of Anthropic's as the gateway packs it for `InvokeModel`.
pub(crate) fn invoke_body(body: &'static str, betas: &[&str]) -> Payload {
    posthaste_wire::to_invoke(&bytes::Bytes::from_static(body.as_bytes()), betas).unwrap()
}

pub(crate) fn plain(body: &'static str) -> Payload {
    Payload::from(bytes::Bytes::from_static(body.as_bytes()))
}

/// The packings are the adapter's to say; a wrong one would hide in a body.
pub(crate) fn packing(account: &Account, dialect: Dialect) -> Packing {
    provider(account.provider).packing(account, dialect, None)
}
