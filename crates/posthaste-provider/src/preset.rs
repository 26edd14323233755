//! Presets: what an operator does not have to type.

use posthaste_core::{AuthForm, ChatVariant, Dialect, ProviderKind};

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
    /// The dialects that such an account speaks, the preferred one first; empty for those of its provider.
    pub dialects: &'static [Dialect],
    /// How it bends Chat Completions, if it speaks that.
    pub chat: ChatVariant,
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

const PRESETS: [Preset; 17] = [
    Preset {
        name: "anthropic",
        provider: ProviderKind::Anthropic,
        // https://docs.anthropic.com/en/api/overview, checked 2026-11-23
        base_url: Some("https://api.anthropic.com"),
        auth: AuthForm::XApiKey,
        needs_credential: true,
        dialects: &[],
        chat: ChatVariant::OpenAi,
        summary: "Anthropic's official API, with an API key",
    },
    Preset {
        name: "anthropic-compatible",
        provider: ProviderKind::AnthropicCompatible,
        base_url: None,
        auth: AuthForm::XApiKey,
        needs_credential: true,
        dialects: &[],
        chat: ChatVariant::OpenAi,
        summary: "any other service that speaks Anthropic's Messages API; give --base-url",
    },
    Preset {
        name: "openai",
        provider: ProviderKind::OpenAi,
        // https://platform.openai.com/docs/api-reference/introduction, checked 2026-11-23
        base_url: Some("https://api.openai.com/v1"),
        auth: AuthForm::Bearer,
        needs_credential: true,
        dialects: &[],
        chat: ChatVariant::OpenAi,
        summary: "OpenAI's official API, with an API key",
    },
    Preset {
        name: "openai-compatible",
        provider: ProviderKind::OpenAiCompatible,
        base_url: None,
        auth: AuthForm::Bearer,
        needs_credential: true,
        dialects: &[],
        chat: ChatVariant::Compatible,
        summary: "any other service that speaks OpenAI's Chat Completions; give --base-url with its version (…/v1)",
    },
    Preset {
        name: "azure-openai",
        provider: ProviderKind::AzureOpenAi,
        base_url: None,
        auth: AuthForm::ApiKey,
        needs_credential: true,
        dialects: &[],
        chat: ChatVariant::OpenAi,
        summary: "OpenAI's models at Azure; give the resource's --base-url, map models to deployments",
    },
    Preset {
        name: "gemini",
        provider: ProviderKind::Gemini,
        // https://ai.google.dev/api, checked 2026-11-23
        base_url: Some("https://generativelanguage.googleapis.com"),
        auth: AuthForm::XGoogApiKey,
        needs_credential: true,
        dialects: &[],
        chat: ChatVariant::OpenAi,
        summary: "Google's Gemini API, with an API key",
    },
    Preset {
        name: "bedrock",
        provider: ProviderKind::Bedrock,
        base_url: None,
        auth: AuthForm::Bearer,
        needs_credential: true,
        dialects: &[],
        chat: ChatVariant::OpenAi,
        summary: "AWS Bedrock, with a Bedrock API key; give the region's --base-url",
    },
    Preset {
        name: "deepseek",
        provider: ProviderKind::OpenAiCompatible,
        // https://api-docs.deepseek.com, checked 2026-11-23
        base_url: Some("https://api.deepseek.com"),
        auth: AuthForm::Bearer,
        needs_credential: true,
        dialects: &[],
        chat: ChatVariant::DeepSeek,
        summary: "DeepSeek's API, with an API key",
    },
    Preset {
        name: "moonshot",
        provider: ProviderKind::OpenAiCompatible,
        // https://platform.moonshot.ai/docs, checked 2026-11-23
        base_url: Some("https://api.moonshot.ai/v1"),
        auth: AuthForm::Bearer,
        needs_credential: true,
        dialects: &[],
        chat: ChatVariant::Moonshot,
        summary: "Moonshot's Kimi, with an API key",
    },
    Preset {
        name: "openrouter",
        provider: ProviderKind::OpenAiCompatible,
        // https://openrouter.ai/docs, checked 2026-11-23
        base_url: Some("https://openrouter.ai/api/v1"),
        auth: AuthForm::Bearer,
        needs_credential: true,
        dialects: &[],
        chat: ChatVariant::OpenRouter,
        summary: "OpenRouter, with an API key",
    },
    Preset {
        name: "glm-coding-plan",
        provider: ProviderKind::OpenAiCompatible,
        // https://docs.z.ai/devpack/overview, checked 2026-11-23
        base_url: Some("https://api.z.ai/api/coding/paas/v4"),
        auth: AuthForm::Bearer,
        needs_credential: true,
        dialects: &[],
        chat: ChatVariant::Glm,
        summary: "GLM's coding plan at its OpenAI endpoint, with the plan's key",
    },
    Preset {
        name: "dashscope-coding-plan",
        provider: ProviderKind::OpenAiCompatible,
        // https://www.alibabacloud.com/help/model-studio, checked 2026-11-23
        base_url: Some("https://coding-intl.dashscope.aliyuncs.com/v1"),
        auth: AuthForm::Bearer,
        needs_credential: true,
        dialects: &[],
        chat: ChatVariant::Qwen,
        summary: "Alibaba's coding plan at its OpenAI endpoint, with the plan's key",
    },
    Preset {
        name: "sandbox",
        provider: ProviderKind::Sandbox,
        // Answered inside the process by posthaste-sandbox; nothing leaves the machine.
        base_url: Some("http://sandbox.posthaste.internal"),
        auth: AuthForm::None,
        needs_credential: false,
        dialects: &[],
        chat: ChatVariant::OpenAi,
        summary: "the built-in imitation provider, for trying out and for tests",
    },
    Preset {
        name: "sandbox-chat",
        provider: ProviderKind::Sandbox,
        base_url: Some("http://sandbox.posthaste.internal"),
        auth: AuthForm::None,
        needs_credential: false,
        dialects: &[Dialect::OpenAiChat],
        chat: ChatVariant::OpenAi,
        summary: "the imitation, speaking OpenAI's Chat Completions",
    },
    Preset {
        name: "sandbox-responses",
        provider: ProviderKind::Sandbox,
        base_url: Some("http://sandbox.posthaste.internal"),
        auth: AuthForm::None,
        needs_credential: false,
        dialects: &[Dialect::OpenAiResponses],
        chat: ChatVariant::OpenAi,
        summary: "the imitation, speaking OpenAI's Responses",
    },
    Preset {
        name: "sandbox-gemini",
        provider: ProviderKind::Sandbox,
        base_url: Some("http://sandbox.posthaste.internal"),
        auth: AuthForm::None,
        needs_credential: false,
        dialects: &[Dialect::GeminiGenerate],
        chat: ChatVariant::OpenAi,
        summary: "the imitation, speaking Gemini's generateContent",
    },
    Preset {
        name: "sandbox-converse",
        provider: ProviderKind::Sandbox,
        base_url: Some("http://sandbox.posthaste.internal"),
        auth: AuthForm::None,
        needs_credential: false,
        dialects: &[Dialect::BedrockConverse],
        chat: ChatVariant::OpenAi,
        summary: "the imitation, speaking Bedrock's Converse",
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
                assert_eq!(check_base_url(row.provider, url).unwrap().url, url);
            }
        }
        assert_eq!(preset("sandbox").unwrap().provider, ProviderKind::Sandbox);
        assert_eq!(preset("nobody"), None);
    }
}
