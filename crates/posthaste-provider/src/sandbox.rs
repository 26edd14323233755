//! The built-in imitation, which speaks every dialect: each vendor's adapter, at the sandbox's address.

use http::HeaderMap;
use posthaste_core::{
    Account, Dialect, ModelName, Operation, Packing, Payload, PlanUse, ProviderKind, RateWindow, Timestamp,
    Verdict,
};

use crate::{AnswerHead, Outbound, PrepareError, Provider, anthropic::Anthropic, bedrock, gemini, openai};

/// The adapter. An account at the sandbox speaks the dialects of its preset.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sandbox;

const ANTHROPIC: Anthropic = Anthropic::new(ProviderKind::Sandbox);

impl Provider for Sandbox {
    fn kind(&self) -> ProviderKind {
        ProviderKind::Sandbox
    }

    fn dialects(&self, _: &ModelName) -> &'static [Dialect] {
        &[Dialect::AnthropicMessages]
    }

    fn serves(&self, operation: Operation, dialect: Dialect) -> bool {
        match dialect {
            Dialect::AnthropicMessages => ANTHROPIC.serves(operation, dialect),
            Dialect::OpenAiChat | Dialect::OpenAiResponses => openai::path(operation, dialect).is_some(),
            Dialect::GeminiGenerate => gemini::Gemini.serves(operation, dialect),
            Dialect::BedrockConverse => bedrock::Bedrock.serves(operation, dialect),
        }
    }

    fn packing(&self, _: &Account, dialect: Dialect, client: Option<Packing>) -> Packing {
        if dialect == Dialect::GeminiGenerate { gemini::packing(client) } else { Packing::Plain }
    }

    fn prepare(&self, outbound: &Outbound<'_>) -> Result<http::Request<Payload>, PrepareError> {
        match outbound.dialect {
            Dialect::AnthropicMessages => ANTHROPIC.prepare(outbound),
            Dialect::OpenAiChat | Dialect::OpenAiResponses => {
                openai::prepare_at(outbound, &[outbound.address(), "/v1"].concat())
            }
            Dialect::GeminiGenerate => gemini::prepare(outbound),
            Dialect::BedrockConverse => bedrock::prepare(outbound),
        }
    }

    fn judge(&self, answer: &AnswerHead<'_>) -> Verdict {
        match answer.dialect {
            Dialect::AnthropicMessages => ANTHROPIC.judge(answer),
            Dialect::OpenAiChat | Dialect::OpenAiResponses => openai::judge(answer),
            Dialect::GeminiGenerate => gemini::judge(answer),
            Dialect::BedrockConverse => bedrock::judge(answer),
        }
    }

    fn limits(&self, headers: &HeaderMap, now: Timestamp) -> Option<RateWindow> {
        ANTHROPIC.limits(headers, now)
    }

    fn plan_use(&self, headers: &HeaderMap, now: Timestamp) -> Vec<PlanUse> {
        ANTHROPIC.plan_use(headers, now)
    }
}
