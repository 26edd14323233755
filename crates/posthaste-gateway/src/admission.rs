//! Step 4, admit: may this caller ask for this?

use std::borrow::Cow;

use posthaste_core::{
    ClientKey, Fault, FaultKind, KeyStatus, ModelName, Operation, Origin, ProviderKind, Timestamp,
};
use posthaste_wire::Envelope;

use crate::{Call, Caller, asked::AskedModel, authenticate::unknown_key, engine::Engine, planning::may_use};

/// Admits a call: the key is active, may ask for the model and has accounts for it.
///
/// The caller is given back with the record as it counts now, since a first use may have been recorded.
pub(crate) async fn admit(
    engine: &Engine,
    call: &Call,
    envelope: &Envelope,
    model: &AskedModel,
) -> Result<Caller, Fault> {
    let now = engine.clock.now();
    let mut caller = call.caller.clone();
    may_ask(engine, &caller, call.operation, (envelope, model), now).map_err(|denied| {
        if let Denied::Unpriced(_, provider, upstream) = &denied {
            engine.notices.unpriced(*provider, upstream.as_str(), false, now);
        }
        denied.into_fault()
    })?;
    if caller.key().awaits_first_use() {
        caller = engine.authenticator.record_first_use(&caller, now).await?;
        check_status(&caller, now)?;
    }
    Ok(caller)
}

/// Why a caller may not ask for something.
pub(crate) enum Denied {
    /// The key does not open for it.
    Key(Fault),
    /// The model has no price at this provider, where it goes by this name.
    Unpriced(Fault, ProviderKind, ModelName),
}

impl Denied {
    /// What the client is told.
    pub(crate) fn into_fault(self) -> Fault {
        match self {
            Self::Key(fault) | Self::Unpriced(fault, ..) => fault,
        }
    }
}

impl From<Fault> for Denied {
    fn from(fault: Fault) -> Self {
        Self::Key(fault)
    }
}

/// Whether a caller may ask for this now. Tells nobody and changes nothing.
pub(crate) fn may_ask(
    engine: &Engine,
    caller: &Caller,
    operation: Operation,
    (envelope, model): (&Envelope, &AskedModel),
    now: Timestamp,
) -> Result<(), Denied> {
    check_status(caller, now)?;
    if !model.is_allowed(&caller.key().models) {
        let message = format!(
            "this client key may not use model `{}`: choose one of GET /v1/models, or ask the relay's operator",
            envelope.model
        );
        return Err(denied(message).into());
    }
    // What a route leads to, planning knows.
    if engine.directory.route(model.name().as_str()).is_none() {
        check_accounts(engine, caller.key(), model)?;
        if operation != Operation::CountTokens {
            check_price(engine, model)?;
        }
    }
    Ok(())
}

/// Refuses a key that does not open the door.
pub(crate) fn check_status(caller: &Caller, now: Timestamp) -> Result<(), Fault> {
    match caller.key().status(now) {
        KeyStatus::Active => Ok(()),
        // Its holder learns no more than that of a key whose record is gone.
        KeyStatus::Deleted => Err(unknown_key()),
        KeyStatus::Disabled => Err(denied(match &caller.key().disabled_because {
            Some(reason) => {
                Cow::from(format!("this client key is switched off ({reason}): ask the relay's operator"))
            }
            None => Cow::from("this client key is switched off: ask the relay's operator"),
        })),
        KeyStatus::Revoked => {
            Err(denied("this client key was revoked: ask the relay's operator for a new one"))
        }
        KeyStatus::Expired { at } => {
            Err(denied(format!("this client key expired at {at}: ask the relay's operator for a new one")))
        }
    }
}

/// Refuses a model that is served, but by nobody whom the key may use. Whether those it may use can serve now is for
/// planning to say.
fn check_accounts(engine: &Engine, key: &ClientKey, model: &AskedModel) -> Result<(), Fault> {
    let policy = &key.policy;
    if policy.providers.is_empty() && policy.binding.is_none_or(|binding| !binding.strict) {
        return Ok(());
    }
    let accounts = engine.directory.all();
    let mut serving = accounts.iter().filter(|account| model.is_served(account)).peekable();
    if serving.peek().is_none() || serving.clone().any(|account| may_use(policy, account)) {
        return Ok(());
    }
    let of_its_providers = |provider| policy.providers.is_empty() || policy.providers.contains(&provider);
    if serving.any(|account| of_its_providers(account.provider)) {
        return Err(denied(format!(
            "this client key is bound to accounts that do not serve model `{}`: ask the relay's operator",
            model.name()
        )));
    }
    let providers: Vec<_> = policy.providers.iter().copied().map(ProviderKind::as_str).collect();
    Err(denied(format!(
        "this client key may only use accounts of {}, and none of those serves model `{}`",
        providers.join(", "),
        model.name()
    )))
}

/// Refuses a model that is served, but has a price nowhere, where the operator wants that.
fn check_price(engine: &Engine, model: &AskedModel) -> Result<(), Denied> {
    let prices = engine.prices.now();
    if !prices.refuses_some() {
        return Ok(());
    }
    let accounts = engine.directory.all();
    let mut serving = accounts.iter().filter(|account| model.is_served(account)).peekable();
    let Some(first) = serving.peek().copied() else { return Ok(()) };
    if serving.any(|account| !model.is_refused(account, &prices)) {
        return Ok(());
    }
    let fault = denied(format!(
        "model `{}` has no price, and this relay serves none without: ask the relay's operator",
        model.name()
    ));
    Err(Denied::Unpriced(fault, first.provider, model.upstream(first)))
}

fn denied(message: impl Into<Cow<'static, str>>) -> Fault {
    Fault::new(FaultKind::PermissionDenied, Origin::Client, message)
}
