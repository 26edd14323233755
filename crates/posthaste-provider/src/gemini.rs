//! Google's Gemini API.
//!
//! API reference: <https://ai.google.dev/api/generate-content>; facts checked 2026-11-23. Its oddities:
//!
//! - model and method stand in the path, and whether the answer is a stream of events in the query (`alt=sse`);
//! - there are no rate-limit headers and no `retry-after`;
//! - a bad key is a 400;
//! - those who are logged in are served by Code Assist, which has an address and an envelope of its own, and wants to know
//!   the project that is charged, see `project.rs`.

pub(crate) mod project;
mod request;
mod table;
mod verdict;

use posthaste_core::{
    Account, AuthForm, Dialect, ModelName, Operation, Packing, Payload, ProviderKind, Verdict,
};

pub(crate) use self::{request::prepare, verdict::judge};
use crate::{
    AnswerHead, Outbound, PrepareError, Provider,
    settings::{Own, SettingsError, check_foreign},
};

/// The adapter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gemini;

impl Provider for Gemini {
    fn kind(&self) -> ProviderKind {
        ProviderKind::Gemini
    }

    fn dialects(&self, _: &ModelName) -> &'static [Dialect] {
        &[Dialect::GeminiGenerate]
    }

    fn serves(&self, operation: Operation, dialect: Dialect) -> bool {
        dialect == Dialect::GeminiGenerate
            && matches!(
                operation,
                Operation::Chat | Operation::CountTokens | Operation::Embeddings | Operation::BatchEmbeddings
            )
    }

    fn check(&self, account: &Account) -> Result<(), SettingsError> {
        check_foreign(account, Own::Google)
    }

    fn speaks(&self, account: &Account, operation: Operation, _: Dialect) -> bool {
        !is_code_assist(account) || matches!(operation, Operation::Chat | Operation::CountTokens)
    }

    fn packing(&self, account: &Account, _: Dialect, client: Option<Packing>) -> Packing {
        if is_code_assist(account) { Packing::CodeAssist } else { packing(client) }
    }

    fn seeks_project(&self, account: &Account) -> bool {
        is_code_assist(account) && account.settings.project.is_none()
    }

    fn prepare(&self, outbound: &Outbound<'_>) -> Result<http::Request<Payload>, PrepareError> {
        if is_code_assist(outbound.account) {
            request::prepare_enveloped(outbound)
        } else {
            prepare(outbound)
        }
    }

    fn judge(&self, answer: &AnswerHead<'_>) -> Verdict {
        judge(answer)
    }
}

/// Whether Code Assist serves an account.
fn is_code_assist(account: &Account) -> bool {
    account.auth == AuthForm::OAuth
}

/// The API itself can stream an array: a client that wants one gets the upstream's bytes.
pub(crate) fn packing(client: Option<Packing>) -> Packing {
    client.filter(|client| *client == Packing::JsonArray).unwrap_or_default()
}
