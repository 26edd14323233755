//! AWS Bedrock.
//!
//! API reference: <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_Operations_Amazon_Bedrock_Runtime.html>; facts
//! checked 2026-11-23. Its oddities:
//!
//! - model and operation stand in the path, the model percent-encoded;
//! - streams are AWS event streams;
//! - Anthropic's models are also served with Anthropic's own bodies (`InvokeModel`), less the model and the wish for a
//!   stream, which both stand in the path;
//! - models answer under the name of an inference profile, which depends on the region;
//! - requests are signed, or carry a Bedrock API key as a bearer token;
//! - what went wrong is told by a header (`x-amzn-errortype`).
//!
//! The base URL is the region's (`https://bedrock-runtime.REGION.amazonaws.com`), or an endpoint of one's own in a virtual
//! private cloud.

mod advice;
mod naming;
mod region;
mod request;
mod settings;
mod sign;
mod trouble;
mod verdict;

use posthaste_core::{
    Account, AccountSettings, Dialect, ModelName, Operation, Packing, Payload, ProviderKind, Verdict,
};

pub(crate) use self::{request::prepare, verdict::judge};
use crate::{AnswerHead, Outbound, PrepareError, Provider, SettingsError};

/// The adapter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bedrock;

impl Provider for Bedrock {
    fn kind(&self) -> ProviderKind {
        ProviderKind::Bedrock
    }

    fn dialects(&self, model: &ModelName) -> &'static [Dialect] {
        if model.as_str().contains("anthropic.") {
            &[Dialect::AnthropicMessages, Dialect::BedrockConverse]
        } else {
            &[Dialect::BedrockConverse]
        }
    }

    fn own_name(&self, account: &Account, model: &str) -> Option<ModelName> {
        let name = naming::profile(model, region::region_of(account))?;
        ModelName::parse(&name).ok()
    }

    fn base_url(&self, settings: &AccountSettings) -> Result<String, SettingsError> {
        settings::base_url(settings)
    }

    fn check(&self, account: &Account) -> Result<(), SettingsError> {
        settings::check(account)
    }

    fn serves(&self, operation: Operation, dialect: Dialect) -> bool {
        serves(operation, dialect)
    }

    fn packing(&self, _: &Account, dialect: Dialect, _: Option<Packing>) -> Packing {
        packing(dialect)
    }

    fn prepare(&self, outbound: &Outbound<'_>) -> Result<http::Request<Payload>, PrepareError> {
        prepare(outbound)
    }

    fn judge(&self, answer: &AnswerHead<'_>) -> Verdict {
        judge(answer)
    }

    fn advise(&self, answer: &AnswerHead<'_>) -> Option<String> {
        advice::advise(answer)
    }

    fn trouble(&self, answer: &AnswerHead<'_>) -> Option<&'static str> {
        trouble::read(answer).and_then(trouble::Trouble::name)
    }
}

/// Whether Bedrock has a model that clients know by this name of Anthropic's.
pub(crate) fn knows(model: &str) -> bool {
    naming::knows(model)
}

/// `InvokeModel` cannot count.
fn serves(operation: Operation, dialect: Dialect) -> bool {
    match dialect {
        Dialect::BedrockConverse => matches!(operation, Operation::Chat | Operation::CountTokens),
        Dialect::AnthropicMessages => operation == Operation::Chat,
        _ => false,
    }
}

fn packing(dialect: Dialect) -> Packing {
    if dialect == Dialect::AnthropicMessages { Packing::Invoke } else { Packing::Plain }
}
