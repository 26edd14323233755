//! Other vendors' services that speak OpenAI's or Anthropic's dialects, or both, each at a base URL of its own.
//!
//! What is particular about a vendor stands in its preset.

use http::HeaderMap;
use posthaste_core::{Dialect, ModelName, Operation, Payload, ProviderKind, RateWindow, Timestamp, Verdict};

use crate::{AnswerHead, Outbound, PrepareError, Provider, anthropic::Anthropic, openai, rule};

/// The adapter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Compatible {
    kind: ProviderKind,
}

impl Compatible {
    pub(crate) const fn new(kind: ProviderKind) -> Self {
        Self { kind }
    }

    const fn anthropic(self) -> Anthropic {
        Anthropic::new(self.kind)
    }
}

impl Provider for Compatible {
    fn kind(&self) -> ProviderKind {
        self.kind
    }

    fn dialects(&self, _: &ModelName) -> &'static [Dialect] {
        match self.kind {
            ProviderKind::AnthropicCompatible => &[Dialect::AnthropicMessages],
            _ => &[Dialect::OpenAiChat],
        }
    }

    fn serves(&self, operation: Operation, dialect: Dialect) -> bool {
        match dialect {
            Dialect::AnthropicMessages => self.anthropic().serves(operation, dialect),
            _ => openai::path(operation, dialect).is_some(),
        }
    }

    fn prepare(&self, outbound: &Outbound<'_>) -> Result<http::Request<Payload>, PrepareError> {
        match outbound.dialect {
            Dialect::AnthropicMessages => self.anthropic().prepare(outbound),
            _ => openai::prepare_at(outbound, outbound.address()),
        }
    }

    fn judge(&self, answer: &AnswerHead<'_>) -> Verdict {
        rule::judge(answer).unwrap_or_else(|| match answer.dialect {
            Dialect::AnthropicMessages => self.anthropic().judge(answer),
            _ => openai::judge(answer),
        })
    }

    fn limits(&self, headers: &HeaderMap, now: Timestamp) -> Option<RateWindow> {
        self.anthropic().limits(headers, now)
    }
}

#[cfg(test)]
mod tests {
    use posthaste_core::{DialectUrl, Secret};

    use super::*;
    use crate::{
        provider,
        testing::{account, model},
    };

    #[test]
    fn each_dialect_has_its_own_base_url() {
        let mut account = account(ProviderKind::OpenAiCompatible, "glm-coding-plan");
        account.auth = posthaste_core::AuthForm::Bearer;
        account.base_url = "https://chat.example.com/v4".to_owned();
        account.settings.base_urls = vec![DialectUrl {
            dialect: Dialect::AnthropicMessages,
            url: "https://messages.example.com".to_owned(),
        }];
        let credential = posthaste_core::Credential::Key(Secret::new("dummy"));
        let address = |dialect| {
            let request = provider(account.provider).prepare(&Outbound {
                account: &account,
                credential: Some(&credential),
                operation: Operation::Chat,
                dialect,
                packing: posthaste_core::Packing::Plain,
                model: &model("glm-5"),
                client_headers: &HeaderMap::new(),
                query: None,
                streamed: false,
                translated: false,
                now: Timestamp::EPOCH,
                body: Payload::from(bytes::Bytes::from("{}")),
            });
            request.unwrap().uri().to_string()
        };
        assert_eq!(address(Dialect::OpenAiChat), "https://chat.example.com/v4/chat/completions");
        assert_eq!(address(Dialect::AnthropicMessages), "https://messages.example.com/v1/messages");
    }
}
