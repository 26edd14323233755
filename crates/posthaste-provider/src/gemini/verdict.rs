//! Reading the verdict.
//!
//! Source of the table: <https://ai.google.dev/gemini-api/docs/troubleshooting>, and recorded answers of 2026-11-23.

use posthaste_core::{CooldownReason, Dialect, Verdict};
use posthaste_wire::spoiled;

use crate::{AnswerHead, reset::retry_after, resting::resting};

pub(crate) fn judge(answer: &AnswerHead<'_>) -> Verdict {
    let error = answer.error;
    let says = |words: &str| error.is_some_and(|error| error.message.contains(words));
    let is = |kind: &str| error.is_some_and(|error| error.kind == kind);
    let rest = |reason| resting(answer, error, reason, retry_after(answer.headers, answer.now));
    match answer.status.as_u16() {
        // A bad key comes as a request that is wrong.
        400 if says("API key") => Verdict::Reauthenticate,
        // "User location is not supported", "billing": about the account, not about the request.
        400 if is("FAILED_PRECONDITION") => rest(CooldownReason::Forbidden),
        429 => rest(CooldownReason::RateLimited),
        _ if is("RESOURCE_EXHAUSTED") => rest(CooldownReason::RateLimited),
        503 => rest(CooldownReason::Overloaded),
        _ if is("UNAVAILABLE") => rest(CooldownReason::Overloaded),
        401 | 403 if error.is_none() => rest(CooldownReason::Failing),
        401 => Verdict::Reauthenticate,
        403 => rest(CooldownReason::Forbidden),
        404 if error.is_none() => rest(CooldownReason::Failing),
        408 | 409 | 499 => Verdict::NextCandidate { cooldown: None },
        400..=499 => Verdict::ClientFault,
        500..=599 => rest(CooldownReason::Failing),
        200..=299 if is("INVALID_ARGUMENT") => Verdict::ClientFault,
        // The model's doing, not the account's.
        200..=299 if error.is_some_and(|error| spoiled(Dialect::GeminiGenerate, &error.kind).is_some()) => {
            Verdict::NextCandidate { cooldown: None }
        }
        200..=299 if error.is_some() => rest(CooldownReason::Failing),
        200..=299 => Verdict::Deliver,
        _ => rest(CooldownReason::Failing),
    }
}
