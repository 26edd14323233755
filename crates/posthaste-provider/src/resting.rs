//! The verdict that an account must rest, in the form that all vendors share.

use posthaste_core::{Cooldown, CooldownReason, Timestamp, Verdict};
use posthaste_wire::UpstreamError;

use crate::AnswerHead;

/// Ask the next candidate; this account rests until the given moment, or as long as the scheduler's back-off says.
pub(crate) fn resting(
    answer: &AnswerHead<'_>,
    error: Option<&UpstreamError>,
    reason: CooldownReason,
    until: Option<Timestamp>,
) -> Verdict {
    Verdict::NextCandidate { cooldown: Some(Cooldown::of_account(reason, until, why(answer, error))) }
}

/// What the upstream said, for the operator.
pub(crate) fn why(answer: &AnswerHead<'_>, error: Option<&UpstreamError>) -> String {
    match error {
        Some(error) => shortened(format!("{} {}: {}", answer.status.as_u16(), error.kind, error.message)),
        None => format!("{} without an error body of the API", answer.status.as_u16()),
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
