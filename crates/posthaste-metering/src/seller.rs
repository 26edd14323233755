//! Whose price list counts for an account.

use posthaste_core::{Account, ProviderKind};

/// Who sells: an account's provider, and the preset that tells the vendor behind a dialect that many speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Seller<'a> {
    /// The adapter.
    pub provider: ProviderKind,
    /// The preset; empty where it is not known.
    pub preset: &'a str,
}

impl<'a> From<&'a Account> for Seller<'a> {
    fn from(account: &'a Account) -> Self {
        Self { provider: account.provider, preset: &account.preset.0 }
    }
}

impl From<ProviderKind> for Seller<'_> {
    fn from(provider: ProviderKind) -> Self {
        Self { provider, preset: "" }
    }
}

impl Seller<'_> {
    /// Whether the adapter serves many vendors.
    pub(crate) const fn is_compatible(&self) -> bool {
        matches!(self.provider, ProviderKind::AnthropicCompatible | ProviderKind::OpenAiCompatible)
    }

    /// The lists that name the provider's models. The sandbox imitates Anthropic's beside its own; Bedrock calls Anthropic's
    /// by names of its own, under which they stand on its list.
    pub(crate) const fn own_lists(&self) -> &'static [&'static str] {
        match self.provider {
            ProviderKind::Anthropic | ProviderKind::AnthropicCompatible => &["anthropic"],
            ProviderKind::OpenAi | ProviderKind::OpenAiCompatible => &["openai"],
            ProviderKind::AzureOpenAi => &["azure", "openai"],
            ProviderKind::Gemini => &["gemini"],
            ProviderKind::Bedrock => &["bedrock"],
            ProviderKind::Sandbox => &["sandbox", "anthropic"],
        }
    }
}

/// The order in which a name is looked for when the vendor is not known: those who make models before those who resell
/// them.
pub(crate) const OTHER_LISTS: [&str; 11] = [
    "anthropic",
    "zhipu",
    "moonshot",
    "deepseek",
    "dashscope",
    "openai",
    "gemini",
    "amazon_nova",
    "vertex",
    "bedrock",
    "azure",
];

/// Those of them who make models, whose names tell a list's reader what is meant.
pub(crate) const MAKERS: usize = 7;
