//! Presets: what an operator does not have to type.

use posthaste_core::{AuthForm, ProviderKind};

/// A row of settings that an account starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// The name to choose it by.
    pub name: &'static str,
    /// The adapter.
    pub provider: ProviderKind,
    /// Where the API stands; `None` when the operator has to tell.
    pub base_url: Option<&'static str>,
    /// How the credential is presented unless told otherwise.
    pub auth: AuthForm,
    /// Whether an account of this kind needs a credential.
    pub needs_credential: bool,
    /// One line for the operator.
    pub summary: &'static str,
}

/// Every preset.
pub fn presets() -> &'static [Preset] {
    &PRESETS
}

/// The preset with this name.
pub fn preset(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

const PRESETS: [Preset; 3] = [
    Preset {
        name: "anthropic",
        provider: ProviderKind::Anthropic,
        // https://docs.anthropic.com/en/api/overview, checked 2026-11-23
        base_url: Some("https://api.anthropic.com"),
        auth: AuthForm::XApiKey,
        needs_credential: true,
        summary: "Anthropic's official API, with an API key",
    },
    Preset {
        name: "anthropic-compatible",
        provider: ProviderKind::AnthropicCompatible,
        base_url: None,
        auth: AuthForm::XApiKey,
        needs_credential: true,
        summary: "any other service that speaks Anthropic's Messages API; give --base-url",
    },
    Preset {
        name: "sandbox",
        provider: ProviderKind::Sandbox,
        // Answered inside the process by posthaste-sandbox; nothing leaves the machine.
        base_url: Some("http://sandbox.posthaste.internal"),
        auth: AuthForm::None,
        needs_credential: false,
        summary: "the built-in imitation provider, for trying out and for tests",
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check_base_url;

    #[test]
    fn names_are_unique_and_base_urls_are_usable() {
        for (position, row) in PRESETS.iter().enumerate() {
            assert!(PRESETS[..position].iter().all(|other| other.name != row.name));
            if let Some(url) = row.base_url {
                assert_eq!(check_base_url(url).unwrap().url, url);
            }
        }
        assert_eq!(preset("sandbox").unwrap().provider, ProviderKind::Sandbox);
        assert_eq!(preset("nobody"), None);
    }
}
