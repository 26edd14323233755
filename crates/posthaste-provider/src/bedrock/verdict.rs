//! Reading the verdict.
//!
//! Source of the table: <https://docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html>, and
//! recorded answers of 2026-11-23. The kind stands in a header of an error answer, and in the type of an exception within
//! a stream.

use posthaste_core::{CooldownReason, Dialect, Verdict};
use posthaste_wire::spoiled;

use crate::{AnswerHead, reset::retry_after, resting::resting};

pub(crate) fn judge(answer: &AnswerHead<'_>) -> Verdict {
    let kind = kind(answer);
    let rest = |reason| resting(answer, answer.error, reason, retry_after(answer.headers, answer.now));
    match (kind.as_str(), answer.status.as_u16()) {
        ("throttlingexception" | "modelnotreadyexception", _) => rest(CooldownReason::RateLimited),
        ("servicequotaexceededexception", _) => rest(CooldownReason::QuotaExhausted),
        ("serviceunavailableexception", _) => rest(CooldownReason::Overloaded),
        (
            "unrecognizedclientexception"
            | "expiredtokenexception"
            | "invalidsignatureexception"
            | "incompletesignature"
            | "missingauthenticationtokenexception",
            _,
        ) => Verdict::Reauthenticate,
        ("accessdeniedexception", _) => rest(CooldownReason::Forbidden),
        ("validationexception" | "resourcenotfoundexception", _) => Verdict::ClientFault,
        (
            "modeltimeoutexception"
            | "modelerrorexception"
            | "modelstreamerrorexception"
            | "internalserverexception",
            _,
        ) => rest(CooldownReason::Failing),
        (_, 429) => rest(CooldownReason::RateLimited),
        (_, 503) => rest(CooldownReason::Overloaded),
        (_, 401 | 403 | 404) => rest(CooldownReason::Failing),
        (_, 400..=499) => Verdict::ClientFault,
        (_, 200..=299) if answer.error.is_none() => Verdict::Deliver,
        // The model's doing, not the account's.
        (word, 200..=299) if spoiled(Dialect::BedrockConverse, word).is_some() => {
            Verdict::NextCandidate { cooldown: None }
        }
        _ => rest(CooldownReason::Failing),
    }
}

/// The exception's name in lower case: streams begin it with a small letter, headers with a capital one and end it with a
/// colon and a link.
fn kind(answer: &AnswerHead<'_>) -> String {
    let header = answer.headers.get("x-amzn-errortype").and_then(|value| value.to_str().ok());
    let told = header.or_else(|| answer.error.map(|error| error.kind.as_str())).unwrap_or_default();
    told.split(':').next().unwrap_or_default().to_ascii_lowercase()
}
