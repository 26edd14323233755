//! Reading the verdict.

use posthaste_core::{Cooldown, CooldownReason, CooldownScope, Dialect, Verdict};
use posthaste_wire::spoiled;

use super::{
    advice::CLOCK,
    trouble::{self, Trouble},
};
use crate::{AnswerHead, reset::retry_after, resting::resting};

pub(crate) fn judge(answer: &AnswerHead<'_>) -> Verdict {
    let told = answer.error.map(|error| error.kind.as_str()).unwrap_or_default();
    // The model's doing, not the account's.
    if answer.status.is_success() && spoiled(Dialect::BedrockConverse, told).is_some() {
        return Verdict::NextCandidate { cooldown: None };
    }
    let Some(trouble) = trouble::read(answer) else { return Verdict::Deliver };
    let rest = |reason| resting(answer, answer.error, reason, retry_after(answer.headers, answer.now));
    let of_model = |reason| of_model(answer, rest(reason));
    match trouble {
        // Quotas are a model's own (https://docs.aws.amazon.com/bedrock/latest/userguide/quotas.html).
        Trouble::Throttled => of_model(CooldownReason::RateLimited),
        Trouble::DayUsedUp => of_model(CooldownReason::QuotaExhausted),
        Trouble::QuotaUsedUp => rest(CooldownReason::QuotaExhausted),
        Trouble::NotReady => of_model(CooldownReason::Overloaded),
        Trouble::Overloaded => rest(CooldownReason::Overloaded),
        Trouble::KeysRefused | Trouble::ApiKeyRefused => Verdict::Reauthenticate,
        // Other keys would be refused as well.
        Trouble::ClockOff => because(CLOCK, rest(CooldownReason::Failing)),
        Trouble::WrongRegion | Trouble::AccountBlocked => rest(CooldownReason::Forbidden),
        Trouble::NotAllowed | Trouble::UseCaseMissing => of_model(CooldownReason::Forbidden),
        // An operator's map names what is not there: another account may do better, and the client can mend nothing.
        Trouble::NeedsProfile | Trouble::UnknownModel if is_named_by_the_map(answer) => {
            of_model(CooldownReason::Forbidden)
        }
        // Another region may have it.
        Trouble::NeedsProfile | Trouble::UnknownModel => Verdict::NotServed,
        Trouble::BadRequest => Verdict::ClientFault,
        Trouble::ModelFailed => of_model(CooldownReason::Failing),
        Trouble::Failed | Trouble::NotTheApi => rest(CooldownReason::Failing),
    }
}

fn is_named_by_the_map(answer: &AnswerHead<'_>) -> bool {
    answer.account.model_map.0.iter().any(|(_, name)| name == answer.model)
}

/// Only the model that was asked for rests; the account goes on serving others.
fn of_model(answer: &AnswerHead<'_>, verdict: Verdict) -> Verdict {
    let scope = CooldownScope::Model(answer.model.as_str().to_owned());
    changed(verdict, |cooldown| Cooldown { scope, ..cooldown })
}

/// What stands behind AWS's words, for the operator.
fn because(why: &str, verdict: Verdict) -> Verdict {
    changed(verdict, |cooldown| Cooldown { why: format!("{why} ({})", cooldown.why), ..cooldown })
}

fn changed(verdict: Verdict, change: impl FnOnce(Cooldown) -> Cooldown) -> Verdict {
    match verdict {
        Verdict::NextCandidate { cooldown } => Verdict::NextCandidate { cooldown: cooldown.map(change) },
        other => other,
    }
}

#[cfg(test)]
mod tests;
