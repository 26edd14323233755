//! Anthropic's Messages API, and every vendor that speaks it.
//!
//! API reference: <https://docs.anthropic.com/en/api/messages>; facts checked 2026-11-23. Its oddities:
//!
//! - `anthropic-version` is required; what a body may hold depends on it, so the client's own travels on;
//! - 529 means that the service has too much to do, whoever asks;
//! - a low balance comes as a 400 of type `invalid_request_error`;
//! - an error may come as the first event of a 200.

mod limits;
mod request;
mod verdict;

use http::HeaderMap;
use posthaste_core::{
    Dialect, ModelName, Operation, Payload, PlanUse, ProviderKind, RateWindow, Timestamp, Verdict,
};

use crate::{AnswerHead, Outbound, PrepareError, Provider};

/// The adapter, for Anthropic itself, for compatible vendors and for the built-in imitation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Anthropic {
    kind: ProviderKind,
}

impl Anthropic {
    pub(crate) const fn new(kind: ProviderKind) -> Self {
        Self { kind }
    }
}

impl Provider for Anthropic {
    fn kind(&self) -> ProviderKind {
        self.kind
    }

    fn dialects(&self, _: &ModelName) -> &'static [Dialect] {
        &[Dialect::AnthropicMessages]
    }

    fn serves(&self, operation: Operation, dialect: Dialect) -> bool {
        dialect == Dialect::AnthropicMessages && matches!(operation, Operation::Chat | Operation::CountTokens)
    }

    fn prepare(&self, outbound: &Outbound<'_>) -> Result<http::Request<Payload>, PrepareError> {
        request::prepare(outbound)
    }

    fn judge(&self, answer: &AnswerHead<'_>) -> Verdict {
        verdict::judge(answer)
    }

    fn limits(&self, headers: &HeaderMap, now: Timestamp) -> Option<RateWindow> {
        limits::tightest_window(headers, now)
    }

    fn plan_use(&self, headers: &HeaderMap, now: Timestamp) -> Vec<PlanUse> {
        limits::plan_use(headers, now)
    }
}
