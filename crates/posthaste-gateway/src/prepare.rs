//! Step 7, prepare: the client's bytes as they are, spliced, or translated; then the vendor's request.

use posthaste_core::{Account, Dialect, Fault, FaultKind, ModelName, Origin, Payload, Secret};
use posthaste_provider::{Outbound, Provider, preset, upstream_dialect};
use posthaste_translate::{Loss, StreamContext, Target, translate_request};

use crate::journey::{Journey, Upload};

/// A finished request with what its answer has to go through.
pub(crate) struct Prepared {
    pub(crate) request: http::Request<Payload>,
    pub(crate) upstream_dialect: Dialect,
    pub(crate) upstream_model: ModelName,
    /// Set when the answer has to be translated back.
    pub(crate) translation: Option<StreamContext>,
    /// What could not be carried.
    pub(crate) losses: Vec<Loss>,
}

pub(crate) fn prepare(
    journey: &Journey,
    upload: &Upload,
    account: &Account,
    provider: &dyn Provider,
    credential: Option<&Secret>,
) -> Result<Prepared, Fault> {
    let model = &journey.envelope.model;
    let renamed = account.model_map.upstream_name(model.as_str()).filter(|name| *name != model);
    let upstream_model = renamed.unwrap_or(model).clone();
    let upstream_dialect = upstream_dialect(account, journey.operation, journey.dialect, &upstream_model)
        .ok_or_else(|| no_endpoint(journey))?;
    let packing = provider.packing(upstream_dialect, None);
    let (body, translation, losses) = if upstream_dialect == journey.dialect {
        (same_dialect_body(journey, upload, renamed), None, Vec::new())
    } else {
        let now = journey.engine.clock.now();
        let id = journey.id.uuid();
        let from = journey.dialect;
        let translated = translate_request(
            from,
            &target(account, upstream_dialect),
            &upload.body,
            &upstream_model,
            id,
            now,
        )?;
        (Payload::from(translated.body), Some(translated.context), translated.losses)
    };
    let request = provider
        .prepare(&Outbound {
            account,
            credential,
            operation: journey.operation,
            dialect: upstream_dialect,
            packing,
            model: &upstream_model,
            client_headers: &upload.headers,
            query: upload.query.as_deref(),
            streamed: journey.envelope.stream,
            translated: translation.is_some(),
            body,
        })
        .map_err(|error| {
            let message = "an upstream account of the relay is not set up right: its operator has to look";
            Fault::new(FaultKind::UpstreamFailed, Origin::Relay, message).caused_by(error)
        })?;
    Ok(Prepared { request, upstream_dialect, upstream_model, translation, losses })
}

fn target(account: &Account, dialect: Dialect) -> Target {
    let variant = preset(&account.preset.0).map(|preset| preset.chat).unwrap_or_default();
    Target { dialect, account: Some(account.id), variant }
}

fn no_endpoint(journey: &Journey) -> Fault {
    let message = format!("an upstream account has no endpoint for {}", journey.operation);
    Fault::new(FaultKind::UpstreamFailed, Origin::Relay, message)
}

fn same_dialect_body(journey: &Journey, upload: &Upload, renamed: Option<&ModelName>) -> Payload {
    match renamed {
        None => Payload::from(upload.body.clone()),
        Some(name) => journey.envelope.with_model(&upload.body, name),
    }
}
