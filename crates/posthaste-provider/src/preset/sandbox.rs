//! The built-in imitation, answered inside the process; nothing leaves the machine.

use posthaste_core::{AuthForm, Dialect, ProviderKind};

use super::{Preset, Site};

const SANDBOX: Preset = Preset {
    provider: ProviderKind::Sandbox,
    sites: &[Site::new("", "http://sandbox.posthaste.internal")],
    auth: AuthForm::None,
    needs_credential: false,
    oauth: Some("sandbox"),
    ..Preset::BASE
};

pub(super) const ROWS: &[Preset] = &[
    Preset {
        name: "sandbox",
        summary: "the built-in imitation provider, for trying out and for tests",
        ..SANDBOX
    },
    Preset {
        name: "sandbox-chat",
        dialects: &[Dialect::OpenAiChat],
        summary: "the imitation, speaking OpenAI's Chat Completions",
        ..SANDBOX
    },
    Preset {
        name: "sandbox-responses",
        dialects: &[Dialect::OpenAiResponses],
        summary: "the imitation, speaking OpenAI's Responses",
        ..SANDBOX
    },
    Preset {
        name: "sandbox-gemini",
        dialects: &[Dialect::GeminiGenerate],
        summary: "the imitation, speaking Gemini's generateContent",
        ..SANDBOX
    },
    Preset {
        name: "sandbox-converse",
        dialects: &[Dialect::BedrockConverse],
        summary: "the imitation, speaking Bedrock's Converse",
        ..SANDBOX
    },
];
