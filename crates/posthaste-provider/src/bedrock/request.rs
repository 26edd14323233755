//! Shaping a request.

use posthaste_core::{Account, AuthForm, Credential, Dialect, Operation, Payload};

use super::{
    region::region_of,
    sign::{Scope, Unsignable, sign_request},
};
use crate::{
    Outbound, PrepareError,
    path_segment::push_segment,
    shape::{JSON, Shape},
};

pub(crate) fn prepare(outbound: &Outbound<'_>) -> Result<http::Request<Payload>, PrepareError> {
    let accept = if outbound.streamed { EVENT_STREAM } else { JSON };
    // Also bodies of Anthropic's come with the headers of Bedrock's own clients.
    let client_headers = (!outbound.translated).then_some(Dialect::BedrockConverse);
    let shape = Shape { address: address(outbound)?, accept, client_headers };
    match outbound.account.auth {
        AuthForm::AwsKeys | AuthForm::AwsChain => {
            let mut request = shape.without_credential(outbound)?;
            sign(&mut request, outbound)?;
            Ok(request)
        }
        _ => shape.request(outbound),
    }
}

fn address(outbound: &Outbound<'_>) -> Result<String, PrepareError> {
    let operation = match (outbound.operation, outbound.dialect, outbound.streamed) {
        (Operation::Chat, Dialect::BedrockConverse, false) => "converse",
        (Operation::Chat, Dialect::BedrockConverse, true) => "converse-stream",
        (Operation::Chat, Dialect::AnthropicMessages, false) => "invoke",
        (Operation::Chat, Dialect::AnthropicMessages, true) => "invoke-with-response-stream",
        (Operation::CountTokens, Dialect::BedrockConverse, _) => "count-tokens",
        _ => return Err(PrepareError::unsupported(outbound)),
    };
    let base_url = &outbound.account.base_url;
    let mut address = String::with_capacity(base_url.len() + 96);
    address.push_str(base_url);
    address.push_str("/model/");
    push_segment(&mut address, outbound.model.as_str());
    address.push('/');
    address.push_str(operation);
    Ok(address)
}

fn sign(request: &mut http::Request<Payload>, outbound: &Outbound<'_>) -> Result<(), PrepareError> {
    let name = |account: &Account| account.name.clone();
    let account = outbound.account;
    let keys = match outbound.credential {
        Some(Credential::Aws(keys)) => keys,
        Some(_) => return Err(PrepareError::CredentialKind { account: name(account) }),
        None => return Err(PrepareError::NoCredential { account: name(account) }),
    };
    let region = region_of(account).ok_or_else(|| PrepareError::NoRegion { account: name(account) })?;
    let scope = Scope { keys, region, service: SERVICE, now: outbound.now };
    sign_request(request, &scope)
        .map_err(|Unsignable| PrepareError::CredentialForm { account: name(account) })
}

const EVENT_STREAM: &str = "application/vnd.amazon.eventstream";

/// The name that requests to Bedrock's run time are signed for (`botocore`'s `bedrock-runtime` model, `signingName`).
const SERVICE: &str = "bedrock";
