//! Steps 6 and 7: the account's credential, and the request as its vendor wants it.

use posthaste_core::{Cooldown, CooldownReason, Egress, Origin, StopEnd};
use posthaste_provider::Provider;
use tokio::time::Instant;

use super::{Setback, Stop, signing_in::rest_without_credential, with_causes};
use crate::{
    journey::{Journey, Upload},
    prepare::{Prepared, prepare},
    projects::NoProject,
    rests::rest,
    turns::Tally,
};

/// All that an attempt needs.
pub(crate) struct Ready {
    pub(crate) prepared: Prepared,
    pub(crate) egress: Egress,
}

/// Steps 6 and 7, credential and prepare. An account that is not set up right rests, and the next one is asked.
pub(crate) async fn ready_request(
    journey: &Journey,
    upload: &Upload,
    Stop { account, model, .. }: Stop<'_>,
    vendor: &dyn Provider,
    tally: &mut Tally,
) -> Result<Ready, Setback> {
    let engine = &journey.engine;
    let unusable = |cooldown: &Cooldown| {
        let parked = rest(engine, account, None, cooldown, engine.clock.now());
        journey.trail.rests(&parked);
        journey.trail.end(StopEnd::Unusable);
        Setback::Next
    };
    let failing = |why| Cooldown::of_account(CooldownReason::Failing, None, why);
    let credential = engine.credentials.credential(account).await.map_err(|error| {
        let why = format!("it has no credential: {}", with_causes(&error));
        unusable(&rest_without_credential(Some(&error), why, engine.clock.now()))
    })?;
    let mut egress = engine
        .credentials
        .egress(account)
        .await
        .map_err(|error| unusable(&failing(format!("its proxy's password cannot be read: {error}"))))?;
    egress.connect_timeout = journey.options.overrides(account.provider).connect.or(egress.connect_timeout);
    tally.presented.clone_from(&credential);
    let began = Instant::now();
    let found = if vendor.seeks_project(account) {
        let transport = &*engine.transport;
        let project = engine.projects.of(account, credential.as_deref(), &egress, transport).await;
        Some(project.map_err(|none| match none {
            NoProject::TokenRefused => Setback::Renew,
            NoProject::Rest(cooldown) => unusable(&cooldown),
        })?)
    } else {
        None
    };
    tally.upstream_wait += began.elapsed();
    let project = account.settings.project.as_deref().or(found.as_deref());
    let prepared = prepare(journey, upload, (account, model), vendor, credential.as_deref(), project);
    let prepared = prepared.map_err(|fault| match fault.origin {
        Origin::Client => Setback::Final(fault),
        Origin::Relay | Origin::Upstream => {
            let cause = fault.source.as_ref().map_or_else(|| fault.to_string(), ToString::to_string);
            unusable(&failing(cause))
        }
    })?;
    Ok(Ready { prepared, egress })
}
