//! Reading the verdict.

use posthaste_core::{Cooldown, CooldownReason, CooldownScope, Verdict};

use super::{
    limits::told_reset,
    trouble::{self, Trouble},
};
use crate::{AnswerHead, openai, resting::resting};

pub(super) fn judge(answer: &AnswerHead<'_>) -> Verdict {
    let rest = |reason| resting(answer, answer.error, reason, None);
    match trouble::read(answer) {
        None => openai::judge(answer),
        // No other account's filter is looser, and the account is in order.
        Some(Trouble::Filtered) => Verdict::ClientFault,
        // Each deployment has a quota of its own.
        Some(Trouble::Throttled) => {
            let until = told_reset(answer);
            let reason = match until {
                // A trial's quota is a day's: "Please retry after 86400 seconds".
                Some(until) if until.since(answer.now) > LONGEST_THROTTLE => CooldownReason::QuotaExhausted,
                _ => CooldownReason::RateLimited,
            };
            of_deployment(answer, resting(answer, answer.error, reason, until))
        }
        // An operator's map names what is not there, and the client can mend nothing.
        Some(Trouble::NoDeployment) if is_named_by_the_map(answer) => {
            of_deployment(answer, rest(CooldownReason::Forbidden))
        }
        Some(Trouble::NoDeployment | Trouble::WrongOperation | Trouble::OldVersion) => Verdict::NotServed,
        Some(Trouble::NoSuchPath) => rest(CooldownReason::Failing),
        Some(Trouble::KeyRefused) => Verdict::Reauthenticate,
        // Another token of the same identity would be refused as well.
        Some(Trouble::RoleMissing | Trouble::KeysOff | Trouble::FirewalledOff) => {
            rest(CooldownReason::Forbidden)
        }
    }
}

fn is_named_by_the_map(answer: &AnswerHead<'_>) -> bool {
    answer.account.model_map.0.iter().any(|(_, name)| name == answer.model)
}

/// Only the deployment that was asked for rests; the account goes on serving others.
fn of_deployment(answer: &AnswerHead<'_>, verdict: Verdict) -> Verdict {
    let scope = CooldownScope::Model(answer.model.as_str().to_owned());
    match verdict {
        Verdict::NextCandidate { cooldown: Some(cooldown) } => {
            Verdict::NextCandidate { cooldown: Some(Cooldown { scope, ..cooldown }) }
        }
        other => other,
    }
}

/// Quotas of a minute end within one, give or take a queue before the resource.
const LONGEST_THROTTLE: std::time::Duration = std::time::Duration::from_secs(10 * 60);

#[cfg(test)]
mod tests;
