//! Accounts: identities at providers.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    AccountId, Dialect, ModelName, ModelPattern, ModelRules, ProxySettings, SchedulingRules, Sealed,
    Timestamp,
};

/// The vendor, and with it the adapter that shapes requests and reads answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ProviderKind {
    /// Anthropic's own API.
    Anthropic,
    /// Another vendor that speaks Anthropic's dialect.
    AnthropicCompatible,
    /// OpenAI's own API.
    OpenAi,
    /// Another vendor that speaks OpenAI's dialects.
    OpenAiCompatible,
    /// OpenAI's models at Azure.
    AzureOpenAi,
    /// Google's Gemini API.
    Gemini,
    /// AWS Bedrock.
    Bedrock,
    /// The built-in imitation.
    Sandbox,
}

impl ProviderKind {
    /// Every kind, in the order of their declaration.
    pub const ALL: [Self; 8] = [
        Self::Anthropic,
        Self::AnthropicCompatible,
        Self::OpenAi,
        Self::OpenAiCompatible,
        Self::AzureOpenAi,
        Self::Gemini,
        Self::Bedrock,
        Self::Sandbox,
    ];

    /// The stable name used in metrics, the ledger and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::AnthropicCompatible => "anthropic-compatible",
            Self::OpenAi => "open-ai",
            Self::OpenAiCompatible => "open-ai-compatible",
            Self::AzureOpenAi => "azure-open-ai",
            Self::Gemini => "gemini",
            Self::Bedrock => "bedrock",
            Self::Sandbox => "sandbox",
        }
    }

    /// Position in [`Self::ALL`], for tables indexed by kind.
    pub const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for ProviderKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The name of the preset that an account was made from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct PresetName(pub String);

impl fmt::Display for PresetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// How an account's credential is presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum AuthForm {
    /// `x-api-key: …`
    XApiKey,
    /// `authorization: Bearer …`
    Bearer,
    /// `x-goog-api-key: …`
    XGoogApiKey,
    /// `api-key: …`
    ApiKey,
    /// `authorization: Bearer …` with an access token that the vault keeps fresh: the account was logged in.
    OAuth,
    /// A bearer token of Microsoft Entra, which the vault gets for an application (client credentials).
    Entra,
    /// Requests are signed with AWS keys (Signature Version 4).
    AwsKeys,
    /// As [`AwsKeys`](Self::AwsKeys), with the keys of the machine: environment, profile, web identity, container or
    /// instance role.
    AwsChain,
    /// Nothing is presented.
    None,
}

/// An operator's recorded consent that an account may be called at a loopback, private or link-local address.
///
/// Without it such addresses are refused, so that a base URL cannot be used to reach what lies beside the relay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PrivateAddressConsent {
    /// When it was given.
    pub given_at: Timestamp,
    /// How it was given, for the operator's eye.
    pub how: String,
}

/// Names that an account gives to models: the first pattern that fits the client's name tells the upstream's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct ModelMap(pub Vec<(ModelPattern, ModelName)>);

impl ModelMap {
    /// The upstream's name for the client's `model`; `None` keeps it as it is.
    pub fn upstream_name(&self, model: &str) -> Option<&ModelName> {
        self.0.iter().find(|(pattern, _)| pattern.matches(model)).map(|(_, name)| name)
    }
}

/// What only some vendors ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct AccountSettings {
    /// AWS: the region; told by the base URL when not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// AWS: the named profile of the machine's chain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Azure: the `api-version` of the deployments' API; the v1 API is used when not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
    /// Google: the project of Code Assist; found out when not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The base URLs of dialects that stand elsewhere than the account's own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub base_urls: Vec<DialectUrl>,
    /// Coding plans: the day of the month (1 to 31) on which the subscription renews.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan_day: Option<u8>,
}

/// Where one of an account's dialects is spoken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DialectUrl {
    /// The dialect.
    pub dialect: Dialect,
    /// Its base URL.
    pub url: String,
}

/// One identity at a provider, as configured. Its health lives in the scheduler.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Account {
    /// Its identity.
    pub id: AccountId,
    /// The operator's name for it, unique.
    pub name: String,
    /// The preset that it was made from.
    pub preset: PresetName,
    /// The adapter that serves it.
    pub provider: ProviderKind,
    /// Where the API stands, without a trailing slash and without `/v1/…`.
    pub base_url: String,
    /// How the credential is presented.
    pub auth: AuthForm,
    /// The dialects that it speaks, the preferred one first; empty for those that its provider speaks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dialects: Vec<Dialect>,
    /// The sealed credential; `None` where none is needed.
    pub credential: Option<Sealed>,
    /// 1 to 100; lower goes first.
    pub priority: u8,
    /// Whether it takes part.
    pub enabled: bool,
    /// Which of the clients' model names it serves.
    #[serde(default)]
    pub models: ModelRules,
    /// What it calls them.
    #[serde(default)]
    pub model_map: ModelMap,
    /// Consent to a private address, if given.
    #[serde(default)]
    pub private_address: Option<PrivateAddressConsent>,
    /// The proxy that it is called through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<ProxySettings>,
    /// What only its vendor asks for.
    #[serde(default)]
    pub settings: AccountSettings,
    /// How it takes part in scheduling.
    #[serde(default)]
    pub scheduling: SchedulingRules,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Account {
    /// The priority of an account that was given none.
    pub const DEFAULT_PRIORITY: u8 = 50;

    /// Where it speaks a dialect.
    pub fn base_url_of(&self, dialect: Dialect) -> &str {
        let own = self.settings.base_urls.iter().find(|own| own.dialect == dialect);
        own.map_or(&self.base_url, |own| &own.url)
    }

    /// Whether it serves the client's `model`.
    pub fn serves(&self, model: &str) -> bool {
        self.models.allows(model)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_pattern_that_fits_names_the_model() {
        let name = |name| ModelName::parse(name).unwrap();
        let map = ModelMap(vec![
            (ModelPattern::new("claude-haiku-*"), name("small")),
            (ModelPattern::new("claude-*"), name("large")),
        ]);
        assert_eq!(map.upstream_name("claude-haiku-4-5"), Some(&name("small")));
        assert_eq!(map.upstream_name("claude-opus-4-8"), Some(&name("large")));
        assert_eq!(map.upstream_name("gpt-5"), None);
    }
}
