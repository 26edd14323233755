//! Step 4, admit: may this caller ask for this?

use posthaste_core::{Fault, FaultKind, KeyStatus, Origin, Timestamp};
use posthaste_wire::Envelope;

use crate::{Authenticator, Call, Caller};

/// Admits a call: the key is active and may ask for the model.
///
/// The caller is given back with the record as it counts now, since a first use may have been recorded.
pub(crate) async fn admit(
    authenticator: &Authenticator,
    call: &Call,
    envelope: &Envelope,
    now: Timestamp,
) -> Result<Caller, Fault> {
    let mut caller = call.caller.clone();
    check_status(&caller, now)?;
    if !caller.key().models.allows(envelope.model.as_str()) {
        return Err(denied(format!(
            "this client key may not use model `{}`: choose one of GET /v1/models, or ask the relay's operator",
            envelope.model
        )));
    }
    if caller.key().awaits_first_use() {
        caller = authenticator.record_first_use(&caller, now).await?;
        check_status(&caller, now)?;
    }
    Ok(caller)
}

/// Refuses a key that does not open the door.
pub(crate) fn check_status(caller: &Caller, now: Timestamp) -> Result<(), Fault> {
    match caller.key().status(now) {
        KeyStatus::Active => Ok(()),
        KeyStatus::Disabled => Err(denied("this client key is switched off: ask the relay's operator")),
        KeyStatus::Revoked => {
            Err(denied("this client key was revoked: ask the relay's operator for a new one"))
        }
        KeyStatus::Expired { at } => {
            Err(denied(format!("this client key expired at {at}: ask the relay's operator for a new one")))
        }
    }
}

fn denied(message: impl Into<std::borrow::Cow<'static, str>>) -> Fault {
    Fault::new(FaultKind::PermissionDenied, Origin::Client, message)
}
