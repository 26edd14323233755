//! Shaping a request.

use http::Method;
use posthaste_core::{Operation, Packing, Payload};

use crate::{
    Outbound, PrepareError,
    auth::{write_content_headers, write_credential},
    headers::copy_client_headers,
    path_segment::push_segment,
};

pub(crate) fn prepare(outbound: &Outbound<'_>) -> Result<http::Request<Payload>, PrepareError> {
    let account = outbound.account;
    let mut request = http::Request::builder()
        .method(Method::POST)
        .uri(address(outbound)?)
        .body(outbound.body.clone())
        .map_err(|source| PrepareError::Address { account: account.name.clone(), source })?;
    let headers = request.headers_mut();
    headers.reserve(16);
    if !outbound.translated {
        copy_client_headers(outbound.dialect, outbound.client_headers, headers);
    }
    let sse = outbound.streamed && outbound.packing == Packing::Plain;
    write_content_headers(if sse { "text/event-stream" } else { "application/json" }, headers);
    write_credential(outbound, headers)?;
    Ok(request)
}

fn address(outbound: &Outbound<'_>) -> Result<String, PrepareError> {
    let method = match outbound.operation {
        Operation::Chat if outbound.streamed => "streamGenerateContent",
        Operation::Chat => "generateContent",
        Operation::CountTokens => "countTokens",
        Operation::BatchEmbeddings => "batchEmbedContents",
        Operation::Embeddings => "embedContent",
        _ => return Err(PrepareError::unsupported(outbound)),
    };
    let mut address = String::with_capacity(outbound.account.base_url.len() + 96);
    address.push_str(&outbound.account.base_url);
    address.push_str("/v1beta/models/");
    push_segment(&mut address, outbound.model.as_str());
    address.push(':');
    address.push_str(method);
    if outbound.streamed && outbound.packing == Packing::Plain {
        address.push_str("?alt=sse");
    }
    Ok(address)
}
