//! The vendors' own APIs.

use posthaste_core::{AuthForm, ChatVariant, ProviderKind};

use super::{Preset, Site};

pub(super) const ROWS: &[Preset] = &[
    Preset {
        name: "anthropic",
        provider: ProviderKind::Anthropic,
        sites: &[Site::new("", "https://api.anthropic.com")],
        auth: AuthForm::XApiKey,
        oauth: Some("claude"),
        source: "https://docs.anthropic.com/en/api/overview, checked 2026-11-23",
        summary: "Anthropic's official API, with an API key or logged in",
        ..Preset::BASE
    },
    Preset {
        name: "anthropic-compatible",
        provider: ProviderKind::AnthropicCompatible,
        auth: AuthForm::XApiKey,
        summary: "any other service that speaks Anthropic's Messages API; give --base-url",
        ..Preset::BASE
    },
    Preset {
        name: "openai",
        provider: ProviderKind::OpenAi,
        sites: &[Site::new("", "https://api.openai.com/v1")],
        oauth: Some("openai"),
        // https://github.com/openai/codex, `codex-rs/model-provider-info`, checked 2026-11-23.
        oauth_base_url: Some("https://chatgpt.com/backend-api/codex"),
        source: "https://platform.openai.com/docs/api-reference/introduction, checked 2026-11-23",
        summary: "OpenAI's official API, with an API key; logged in: a ChatGPT plan, which speaks Responses alone",
        ..Preset::BASE
    },
    Preset {
        name: "openai-compatible",
        chat: ChatVariant::Compatible,
        summary: "any other service that speaks OpenAI's Chat Completions; give --base-url with its version (…/v1)",
        ..Preset::BASE
    },
    Preset {
        name: "azure-openai",
        provider: ProviderKind::AzureOpenAi,
        auth: AuthForm::ApiKey,
        summary: "OpenAI's models at Azure; give the resource's --base-url, map models to deployments",
        ..Preset::BASE
    },
    Preset {
        name: "gemini",
        provider: ProviderKind::Gemini,
        sites: &[Site::new("", "https://generativelanguage.googleapis.com")],
        auth: AuthForm::XGoogApiKey,
        oauth: Some("google"),
        // https://github.com/google-gemini/gemini-cli, `packages/core/src/code_assist/server.ts`, checked 2026-08-21.
        oauth_base_url: Some("https://cloudcode-pa.googleapis.com"),
        source: "https://ai.google.dev/api, checked 2026-11-23",
        summary: "Google's Gemini API, with an API key; logged in: Gemini Code Assist, with its project",
        ..Preset::BASE
    },
    Preset {
        name: "bedrock",
        provider: ProviderKind::Bedrock,
        source: "https://docs.aws.amazon.com/bedrock/latest/APIReference, checked 2026-11-26",
        summary: "AWS Bedrock, with a Bedrock API key, AWS keys or the machine's; give the --region",
        ..Preset::BASE
    },
];
