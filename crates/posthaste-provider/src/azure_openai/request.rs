//! Shaping a request.

use posthaste_core::{Dialect, Payload};

use crate::{
    Outbound, PrepareError,
    openai::{path, prepare_at},
    path_segment::push_segment,
    shape::{Shape, json_or_events},
};

pub(super) fn prepare(outbound: &Outbound<'_>) -> Result<http::Request<Payload>, PrepareError> {
    let base_url = outbound.account.base_url.as_str();
    match &outbound.account.settings.api_version {
        None => prepare_at(outbound, &[base_url, "/openai/v1"].concat()),
        Some(version) => {
            let address = dated_address(outbound, base_url, version)?;
            Shape::of(outbound, address, json_or_events(outbound.streamed)).request(outbound)
        }
    }
}

/// Where an operation stands in the older form of the API. Responses, which came late to it, names the deployment in the
/// body (<https://learn.microsoft.com/azure/ai-foundry/openai/reference-preview>, checked 2026-11-26).
fn dated_address(outbound: &Outbound<'_>, base_url: &str, version: &str) -> Result<String, PrepareError> {
    let path =
        path(outbound.operation, outbound.dialect).ok_or_else(|| PrepareError::unsupported(outbound))?;
    let mut address = String::with_capacity(base_url.len() + 128);
    address.push_str(base_url);
    address.push_str("/openai");
    if outbound.dialect != Dialect::OpenAiResponses {
        address.push_str("/deployments/");
        push_segment(&mut address, outbound.model.as_str());
    }
    address.push_str(path);
    address.push_str("?api-version=");
    address.push_str(version);
    Ok(address)
}
