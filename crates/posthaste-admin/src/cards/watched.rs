//! Redeeming by whoever holds a client key: with an entry in the audit log, and with waits after codes that give nothing.

use posthaste_core::ClientKey;
use serde_json::json;

use super::{HeldRedemption, RedemptionView, called};
use crate::{
    Actor, Admin, AdminError, Disclosed,
    audit::{AuditTarget, Noted, Outcome},
};

/// Redeems a card for a key that `actor` has.
///
/// # Errors
/// As [`CardService::redeem`](super::CardService::redeem), and [`AdminError::TooMany`] after too many codes that gave nothing.
pub(crate) async fn redeem_watched(
    admin: &Admin,
    key: &ClientKey,
    code: &Disclosed,
    actor: &Actor,
) -> Result<HeldRedemption, AdminError> {
    let (misses, now) = (admin.card_misses(), admin.now());
    let tried_for = key.id.to_string();
    let _tried = misses.begin(&tried_for, actor.address, now).map_err(|wait| AdminError::TooMany { wait })?;
    let redeemed = admin.cards().redeem_for(key, code, called(actor)).await;
    match &redeemed {
        Ok(_) => misses.hit(&tried_for, actor.address),
        // Also a card that is over or does not fit: each try is an entry in the audit log, which nobody is to fill.
        Err(AdminError::NotFound { .. } | AdminError::Conflict { .. }) => {
            misses.missed(&tried_for, actor.address, now);
        }
        Err(_) => {}
    }
    note(admin, key, actor, &redeemed).await;
    redeemed.map(HeldRedemption::from)
}

async fn note(admin: &Admin, key: &ClientKey, actor: &Actor, redeemed: &Result<RedemptionView, AdminError>) {
    let target =
        AuditTarget { kind: "client_key".to_owned(), id: Some(key.id.uuid()), name: key.name.clone() };
    let (outcome, why, after) = match redeemed {
        Ok(view) => {
            let told =
                json!({ "redemption": view.id, "card": view.card, "hint": view.hint, "gives": view.gives });
            (Outcome::Done, None, Some(told))
        }
        Err(error @ AdminError::NotFound { .. }) => (Outcome::Refused, Some(error.to_string()), None),
        Err(error) => (Outcome::Failed, Some(error.to_string()), None),
    };
    let noted = Noted { action: "own_key.redeem", target: Some(target), outcome, why, before: None, after };
    admin.audit().note(actor, noted).await;
}
