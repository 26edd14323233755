//! The verdict that an account must rest, in the form that all vendors share.

use posthaste_core::{Cooldown, CooldownReason, CooldownScope, Timestamp, Verdict};
use posthaste_wire::UpstreamError;

use crate::AnswerHead;

/// Ask the next candidate; this account rests until the given moment, or as long as the scheduler's back-off says.
pub(crate) fn resting(
    answer: &AnswerHead<'_>,
    error: Option<&UpstreamError>,
    reason: CooldownReason,
    until: Option<Timestamp>,
) -> Verdict {
    rest(reason, CooldownScope::Account, until, why(answer, error))
}

/// The same for a part of the account.
pub(crate) fn resting_of(
    answer: &AnswerHead<'_>,
    reason: CooldownReason,
    scope: CooldownScope,
    until: Option<Timestamp>,
) -> Verdict {
    rest(reason, scope, until, why(answer, answer.error))
}

fn rest(reason: CooldownReason, scope: CooldownScope, until: Option<Timestamp>, why: String) -> Verdict {
    Verdict::NextCandidate { cooldown: Some(Cooldown { reason, scope, until, why }) }
}

/// What the upstream said, for the operator.
pub(crate) fn why(answer: &AnswerHead<'_>, error: Option<&UpstreamError>) -> String {
    let status = answer.status.as_u16();
    match error {
        Some(UpstreamError { kind, message, .. }) => shortened(format!("{status} {kind}: {message}")),
        None => format!("{status} without an error body of the API"),
    }
}

fn shortened(mut why: String) -> String {
    if why.len() > WHY_BYTES {
        let end = (0..=WHY_BYTES).rev().find(|end| why.is_char_boundary(*end)).unwrap_or(0);
        why.truncate(end);
        why.push('…');
    }
    why
}

const WHY_BYTES: usize = 200;
