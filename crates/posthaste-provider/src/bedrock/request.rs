//! Shaping a request.

use posthaste_core::{Dialect, Operation, Payload};

use crate::{
    Outbound, PrepareError,
    path_segment::push_segment,
    shape::{JSON, Shape},
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
    let accept = if outbound.streamed { EVENT_STREAM } else { JSON };
    // Also bodies of Anthropic's come with the headers of Bedrock's own clients.
    let client_headers = (!outbound.translated).then_some(Dialect::BedrockConverse);
    Shape { address, accept, client_headers }.request(outbound)
}

const EVENT_STREAM: &str = "application/vnd.amazon.eventstream";
