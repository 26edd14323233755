//! Shaping a request.

use posthaste_core::{Operation, Packing, Payload};

use crate::{
    Outbound, PrepareError,
    path_segment::push_segment,
    shape::{Shape, json_or_events},
};

pub(crate) fn prepare(outbound: &Outbound<'_>) -> Result<http::Request<Payload>, PrepareError> {
    let sse = outbound.streamed && outbound.packing == Packing::Plain;
    Shape::of(outbound, address(outbound)?, json_or_events(sse)).request(outbound)
}

/// The request for Code Assist; the model stands in the envelope
/// (<https://github.com/google-gemini/gemini-cli>, `packages/core/src/code_assist/server.ts`, checked 2026-08-21).
pub(super) fn prepare_enveloped(outbound: &Outbound<'_>) -> Result<http::Request<Payload>, PrepareError> {
    let query = if outbound.streamed { "?alt=sse" } else { "" };
    let address = [outbound.address(), "/v1internal:", method(outbound)?, query].concat();
    Shape::of(outbound, address, json_or_events(outbound.streamed)).request(outbound)
}

fn address(outbound: &Outbound<'_>) -> Result<String, PrepareError> {
    let method = method(outbound)?;
    let base_url = outbound.address();
    let mut address = String::with_capacity(base_url.len() + 96);
    address.push_str(base_url);
    address.push_str("/v1beta/models/");
    push_segment(&mut address, outbound.model.as_str());
    address.push(':');
    address.push_str(method);
    if outbound.streamed && outbound.packing == Packing::Plain {
        address.push_str("?alt=sse");
    }
    Ok(address)
}

fn method(outbound: &Outbound<'_>) -> Result<&'static str, PrepareError> {
    Ok(match outbound.operation {
        Operation::Chat if outbound.streamed => "streamGenerateContent",
        Operation::Chat => "generateContent",
        Operation::CountTokens => "countTokens",
        Operation::BatchEmbeddings => "batchEmbedContents",
        Operation::Embeddings => "embedContent",
        _ => return Err(PrepareError::unsupported(outbound)),
    })
}
