//! Which adapter serves which vendor.

use posthaste_core::ProviderKind;

use crate::{
    Provider, anthropic::Anthropic, azure_openai::AzureOpenAi, bedrock::Bedrock, compatible::Compatible,
    gemini::Gemini, openai::OpenAi, sandbox::Sandbox,
};

static ANTHROPIC: Anthropic = Anthropic::new(ProviderKind::Anthropic);
static ANTHROPIC_COMPATIBLE: Compatible = Compatible::new(ProviderKind::AnthropicCompatible);
static OPENAI: OpenAi = OpenAi::new(ProviderKind::OpenAi);
static OPENAI_COMPATIBLE: Compatible = Compatible::new(ProviderKind::OpenAiCompatible);

/// The adapter that serves `kind`.
pub fn provider(kind: ProviderKind) -> &'static dyn Provider {
    match kind {
        ProviderKind::Anthropic => &ANTHROPIC,
        ProviderKind::AnthropicCompatible => &ANTHROPIC_COMPATIBLE,
        ProviderKind::OpenAi => &OPENAI,
        ProviderKind::OpenAiCompatible => &OPENAI_COMPATIBLE,
        ProviderKind::AzureOpenAi => &AzureOpenAi,
        ProviderKind::Gemini => &Gemini,
        ProviderKind::Bedrock => &Bedrock,
        ProviderKind::Sandbox => &Sandbox,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_own_adapter() {
        for kind in ProviderKind::ALL {
            assert_eq!(provider(kind).kind(), kind);
        }
    }
}
