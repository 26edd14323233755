//! `[timeouts.<provider>]`

use std::{collections::HashMap, time::Duration};

use posthaste_core::ProviderKind;
use posthaste_gateway::TimeoutOverrides;

use super::{Section, SectionInfo, Shown, reader::Reader, section::section};

/// The keys of one provider; the reference shows them once for all.
macro_rules! timeouts_section {
    ($name:literal => $section:ident) => {
        section! {
            /// Time-outs of one provider's accounts, in place of those in `[relay]`; `<provider>` is `anthropic`,
            /// `anthropic_compatible`, `openai`, `openai_compatible`, `azure_openai`, `gemini`, `bedrock` or `sandbox`.
            $name in "timeouts.<provider>" => $section {
                /// How long name resolution, connecting and TLS may take together.
                connect: Option<Duration> = unset,
                /// How long the first event of a stream may take.
                first_event: Option<Duration> = unset,
                /// How long the head of an answer that is no stream may take.
                head: Option<Duration> = unset,
                /// How long an answer may fall silent between two reads.
                gap: Option<Duration> = unset,
            }
        }

        impl $section {
            fn overrides(&self) -> TimeoutOverrides {
                let Self { connect, first_event, head, gap } = *self;
                TimeoutOverrides { connect, first_event, head, gap }
            }
        }
    };
}

timeouts_section!("timeouts.anthropic" => TimeoutsAnthropic);
timeouts_section!("timeouts.anthropic_compatible" => TimeoutsAnthropicCompatible);
timeouts_section!("timeouts.openai" => TimeoutsOpenAi);
timeouts_section!("timeouts.openai_compatible" => TimeoutsOpenAiCompatible);
timeouts_section!("timeouts.azure_openai" => TimeoutsAzureOpenAi);
timeouts_section!("timeouts.gemini" => TimeoutsGemini);
timeouts_section!("timeouts.bedrock" => TimeoutsBedrock);
timeouts_section!("timeouts.sandbox" => TimeoutsSandbox);

/// Everything below `[timeouts]`.
#[derive(Clone, Debug)]
pub struct Timeouts {
    /// `[timeouts.anthropic]`
    pub anthropic: TimeoutsAnthropic,
    /// `[timeouts.anthropic_compatible]`
    pub anthropic_compatible: TimeoutsAnthropicCompatible,
    /// `[timeouts.openai]`
    pub openai: TimeoutsOpenAi,
    /// `[timeouts.openai_compatible]`
    pub openai_compatible: TimeoutsOpenAiCompatible,
    /// `[timeouts.azure_openai]`
    pub azure_openai: TimeoutsAzureOpenAi,
    /// `[timeouts.gemini]`
    pub gemini: TimeoutsGemini,
    /// `[timeouts.bedrock]`
    pub bedrock: TimeoutsBedrock,
    /// `[timeouts.sandbox]`
    pub sandbox: TimeoutsSandbox,
}

impl Timeouts {
    pub(super) const SECTIONS: [SectionInfo; 8] = [
        TimeoutsAnthropic::INFO,
        TimeoutsAnthropicCompatible::INFO,
        TimeoutsOpenAi::INFO,
        TimeoutsOpenAiCompatible::INFO,
        TimeoutsAzureOpenAi::INFO,
        TimeoutsGemini::INFO,
        TimeoutsBedrock::INFO,
        TimeoutsSandbox::INFO,
    ];

    /// What is set, by provider.
    pub fn overrides(&self) -> HashMap<ProviderKind, TimeoutOverrides> {
        let all = [
            (ProviderKind::Anthropic, self.anthropic.overrides()),
            (ProviderKind::AnthropicCompatible, self.anthropic_compatible.overrides()),
            (ProviderKind::OpenAi, self.openai.overrides()),
            (ProviderKind::OpenAiCompatible, self.openai_compatible.overrides()),
            (ProviderKind::AzureOpenAi, self.azure_openai.overrides()),
            (ProviderKind::Gemini, self.gemini.overrides()),
            (ProviderKind::Bedrock, self.bedrock.overrides()),
            (ProviderKind::Sandbox, self.sandbox.overrides()),
        ];
        all.into_iter().filter(|(_, own)| *own != TimeoutOverrides::default()).collect()
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            anthropic: TimeoutsAnthropic::read(reader),
            anthropic_compatible: TimeoutsAnthropicCompatible::read(reader),
            openai: TimeoutsOpenAi::read(reader),
            openai_compatible: TimeoutsOpenAiCompatible::read(reader),
            azure_openai: TimeoutsAzureOpenAi::read(reader),
            gemini: TimeoutsGemini::read(reader),
            bedrock: TimeoutsBedrock::read(reader),
            sandbox: TimeoutsSandbox::read(reader),
        }
    }

    pub(super) fn show(&self) -> Vec<Shown> {
        [
            self.anthropic.show(),
            self.anthropic_compatible.show(),
            self.openai.show(),
            self.openai_compatible.show(),
            self.azure_openai.show(),
            self.gemini.show(),
            self.bedrock.show(),
            self.sandbox.show(),
        ]
        .concat()
    }
}
