//! `[pricing.multiplier]`

use std::collections::HashMap;

use posthaste_core::{Multiplier, ProviderKind};

use super::section::section;

section! {
    /// What client keys are billed for a dollar of cost at each provider's accounts, such as `"1.2"`: from 0 to 1000 with up
    /// to six decimals. What is billed is the cost times this times the client key's own `--multiplier`, rounded once; the
    /// cost itself stays as it is. Limits in dollars count what is billed.
    "pricing.multiplier" => PricingMultiplier {
        /// At Anthropic.
        anthropic: Multiplier = "1",
        /// At services that speak Anthropic's dialect.
        anthropic_compatible: Multiplier = "1",
        /// At OpenAI.
        openai: Multiplier = "1",
        /// At services that speak OpenAI's dialects.
        openai_compatible: Multiplier = "1",
        /// At Azure OpenAI.
        azure_openai: Multiplier = "1",
        /// At Gemini.
        gemini: Multiplier = "1",
        /// At Bedrock.
        bedrock: Multiplier = "1",
        /// At the built-in imitation.
        sandbox: Multiplier = "1",
    }
}

impl PricingMultiplier {
    /// What is not billed as it is, by provider.
    pub(crate) fn by_provider(&self) -> HashMap<ProviderKind, Multiplier> {
        let all = [
            (ProviderKind::Anthropic, self.anthropic),
            (ProviderKind::AnthropicCompatible, self.anthropic_compatible),
            (ProviderKind::OpenAi, self.openai),
            (ProviderKind::OpenAiCompatible, self.openai_compatible),
            (ProviderKind::AzureOpenAi, self.azure_openai),
            (ProviderKind::Gemini, self.gemini),
            (ProviderKind::Bedrock, self.bedrock),
            (ProviderKind::Sandbox, self.sandbox),
        ];
        all.into_iter().filter(|(_, multiplier)| *multiplier != Multiplier::ONE).collect()
    }
}
