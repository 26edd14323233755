//! Shaping a request.

use http::Method;
use posthaste_core::{Dialect, Operation, Payload};

use crate::{
    Outbound, PrepareError,
    auth::{write_content_headers, write_credential},
    headers::copy_client_headers,
    path_segment::push_segment,
};

pub(crate) fn prepare(outbound: &Outbound<'_>) -> Result<http::Request<Payload>, PrepareError> {
    let account = outbound.account;
    let operation = match (outbound.operation, outbound.dialect, outbound.streamed) {
        (Operation::Chat, Dialect::BedrockConverse, false) => "converse",
        (Operation::Chat, Dialect::BedrockConverse, true) => "converse-stream",
        (Operation::Chat, Dialect::AnthropicMessages, false) => "invoke",
        (Operation::Chat, Dialect::AnthropicMessages, true) => "invoke-with-response-stream",
        (Operation::CountTokens, Dialect::BedrockConverse, _) => "count-tokens",
        _ => return Err(PrepareError::unsupported(outbound)),
    };
    let mut address = String::with_capacity(account.base_url.len() + 96);
    address.push_str(&account.base_url);
    address.push_str("/model/");
    push_segment(&mut address, outbound.model.as_str());
    address.push('/');
    address.push_str(operation);
    let mut request = http::Request::builder()
        .method(Method::POST)
        .uri(address)
        .body(outbound.body.clone())
        .map_err(|source| PrepareError::Address { account: account.name.clone(), source })?;
    let headers = request.headers_mut();
    headers.reserve(16);
    if !outbound.translated {
        copy_client_headers(Dialect::BedrockConverse, outbound.client_headers, headers);
    }
    let accept = if outbound.streamed { "application/vnd.amazon.eventstream" } else { "application/json" };
    write_content_headers(accept, headers);
    write_credential(outbound, headers)?;
    Ok(request)
}
