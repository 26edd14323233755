//! OpenAI's API, and every vendor that speaks its dialects.
//!
//! API reference: <https://platform.openai.com/docs/api-reference>; facts checked 2026-11-23. Its oddities:
//!
//! - the base URL holds the version (`…/v1`), as OpenAI's own SDKs have it, since vendors differ in it;
//! - `insufficient_quota` comes as a 429 that no waiting mends;
//! - the type of a 401 is `invalid_request_error`: the code tells;
//! - only some vendors have Responses;
//! - those who are logged in are served elsewhere, see `plan.rs`.

mod limits;
mod plan;
mod request;
mod table;
mod verdict;

use http::HeaderMap;
use posthaste_core::{
    Account, Dialect, ModelName, Operation, Payload, PlanUse, ProviderKind, RateWindow, Timestamp, Verdict,
};
use posthaste_wire::EditError;

pub(crate) use self::{
    request::{path, prepare_at},
    verdict::judge,
};
use crate::{AnswerHead, Fitted, Outbound, PrepareError, Provider};

/// The adapter, for OpenAI itself and for compatible vendors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenAi {
    kind: ProviderKind,
}

impl OpenAi {
    pub(crate) const fn new(kind: ProviderKind) -> Self {
        Self { kind }
    }
}

impl Provider for OpenAi {
    fn kind(&self) -> ProviderKind {
        self.kind
    }

    fn dialects(&self, _: &ModelName) -> &'static [Dialect] {
        match self.kind {
            // Only Responses keeps reasoning between the turns of a tool loop.
            ProviderKind::OpenAi => &[Dialect::OpenAiResponses, Dialect::OpenAiChat],
            _ => &[Dialect::OpenAiChat],
        }
    }

    fn serves(&self, operation: Operation, dialect: Dialect) -> bool {
        path(operation, dialect).is_some()
    }

    fn speaks(&self, account: &Account, operation: Operation, dialect: Dialect) -> bool {
        !plan::is_plan(account) || plan::serves(operation, dialect)
    }

    fn only_streams(&self, account: &Account, operation: Operation) -> bool {
        plan::is_plan(account) && operation == Operation::Chat
    }

    fn keeps_answers(&self, account: &Account) -> bool {
        !plan::is_plan(account)
    }

    fn fit(&self, account: &Account, operation: Operation, body: Payload) -> Result<Fitted, EditError> {
        if plan::is_plan(account) && operation == Operation::Chat {
            plan::fit(&body)
        } else {
            Ok(Fitted::as_it_is(body))
        }
    }

    fn prepare(&self, outbound: &Outbound<'_>) -> Result<http::Request<Payload>, PrepareError> {
        let mut request = prepare_at(outbound, outbound.address())?;
        if plan::is_plan(outbound.account) {
            plan::name_account(outbound.credential, request.headers_mut());
        }
        Ok(request)
    }

    fn judge(&self, answer: &AnswerHead<'_>) -> Verdict {
        judge(answer)
    }

    fn limits(&self, headers: &HeaderMap, now: Timestamp) -> Option<RateWindow> {
        limits::tightest_window(headers, now)
    }

    fn plan_use(&self, headers: &HeaderMap, now: Timestamp) -> Vec<PlanUse> {
        limits::plan_use(headers, now)
    }
}
