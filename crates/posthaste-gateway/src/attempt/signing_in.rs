//! Step 6, credential: another one in the place of one that was refused.

use posthaste_core::{
    Account, AccountError, Cooldown, CooldownReason, Credential, FaultKind, GivenRest, Timestamp,
};
use posthaste_vault::VaultError;

use super::with_causes;
use crate::{
    journey::Journey,
    rests::{rest, rest_everywhere},
};

/// Gets another credential in the place of a refused one. An account without another rests.
pub(crate) async fn renew(journey: &Journey, account: &Account, refused: Option<&Credential>) -> bool {
    let Some(refused) = refused else {
        refuse_credential(journey, account, None);
        return false;
    };
    match journey.engine.credentials.renew(account, refused).await {
        Ok(Some(_)) => true,
        Ok(None) => {
            refuse_credential(journey, account, None);
            false
        }
        Err(error) => {
            refuse_credential(journey, account, Some(&error));
            false
        }
    }
}

/// The credential is forgotten, so that the next use reads it anew, and the account rests.
pub(crate) fn refuse_credential(journey: &Journey, account: &Account, error: Option<&VaultError>) {
    let engine = &journey.engine;
    engine.credentials.invalidate(account.id);
    let mut why = "the upstream does not accept its credential".to_owned();
    if let Some(error) = error {
        why.push_str(", and another could not be had: ");
        why.push_str(&with_causes(error));
    }
    let now = engine.clock.now();
    let cooldown = rest_without_credential(error, why, now);
    // The upstream has refused it; that the token server cannot be reached may be so from here alone.
    let parked = if cooldown.reason == CooldownReason::Unauthorised {
        rest_everywhere(engine, account, None, &cooldown, now)
    } else {
        rest(engine, account, None, &cooldown, now)
    };
    journey.trail.rests(&parked);
    let rest = GivenRest { reason: parked.reason, until: parked.until };
    let (account, message, request) = (account.id, cooldown.why, Some(journey.id));
    let refused = parked.reason == CooldownReason::Unauthorised;
    let kind = if refused { FaultKind::Unauthenticated } else { FaultKind::UpstreamFailed };
    engine.errors.note(AccountError {
        account,
        at: now,
        kind,
        status: None,
        model: None,
        message,
        request,
        rest: Some(rest),
    });
}

/// A token server that cannot be asked now is trouble that passes; everything else wants an operator.
pub(crate) fn rest_without_credential(error: Option<&VaultError>, why: String, now: Timestamp) -> Cooldown {
    match error {
        Some(VaultError::OAuth { error, retry_after }) if !error.needs_operator() => {
            Cooldown::of_account(CooldownReason::Failing, retry_after.map(|wait| now.plus(wait)), why)
        }
        _ => Cooldown::of_account(CooldownReason::Unauthorised, None, why),
    }
}
