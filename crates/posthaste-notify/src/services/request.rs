//! What all requests have in common: the address, JSON, signatures.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::{Request, Uri, header};
use posthaste_core::{Payload, Secret};
use serde_json::Value;
use sha2::Sha256;
use url::Url;

use super::Sending;
use crate::ChannelError;

/// The address that a channel's target is.
pub(super) fn target(sending: &Sending<'_>) -> Result<Url, ChannelError> {
    address("target", sending.opened.target()?.expose(), sending)
}

/// Reads an address. Without consent to private addresses it must be encrypted; where it leads to is checked when it is
/// called. What is wrong with it is told without it.
pub(super) fn address(field: &'static str, text: &str, sending: &Sending<'_>) -> Result<Url, ChannelError> {
    let url = Url::parse(text.trim())
        .map_err(|_| ChannelError::invalid(field, "it is no address such as https://example.com/hook"))?;
    match url.scheme() {
        "https" => {}
        "http" if sending.channel.private_address.is_some() => {}
        "http" => return Err(ChannelError::invalid(field, "it must begin with https://")),
        _ => return Err(ChannelError::invalid(field, "it must begin with https://")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(ChannelError::invalid(field, "names and passwords may not stand in it"));
    }
    Ok(url)
}

/// Scheme and host of an address, for operators' eyes.
pub(crate) fn host_of(target: &Secret) -> Option<String> {
    let url = Url::parse(target.expose().trim()).ok()?;
    let host = url.host_str()?;
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    Some(format!("{}://{host}{port}", url.scheme()))
}

/// A token that becomes a part of a path: nothing in it may end the part.
pub(super) fn token<'a>(sending: &'a Sending<'_>, extra: &str) -> Result<&'a str, ChannelError> {
    let token = sending.opened.target()?.expose().trim();
    let is_fine = |character: char| character.is_ascii_alphanumeric() || extra.contains(character);
    if token.is_empty() || !token.chars().all(is_fine) {
        return Err(ChannelError::invalid("target", "it has characters that such a token does not have"));
    }
    Ok(token)
}

/// Sends JSON.
pub(super) fn post(url: &Url, body: &Value) -> Result<Request<Payload>, ChannelError> {
    post_bytes(url, body.to_string().into_bytes())
}

/// The same for bytes that were signed.
pub(super) fn post_bytes(url: &Url, body: Vec<u8>) -> Result<Request<Payload>, ChannelError> {
    let unusable = || ChannelError::invalid("target", "it cannot be called");
    // The part behind `#` is the browser's own.
    let mut url = url.clone();
    url.set_fragment(None);
    let uri: Uri = url.as_str().parse().map_err(|_| unusable())?;
    Request::post(uri)
        .header(header::CONTENT_TYPE, "application/json; charset=utf-8")
        .header(header::USER_AGENT, USER_AGENT)
        .body(Payload::from(Bytes::from(body)))
        .map_err(|_| unusable())
}

/// HMAC-SHA256 (RFC 2104) in base64.
pub(super) fn signature(key: &[u8], parts: &[&[u8]]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    parts.iter().for_each(|part| mac.update(part));
    STANDARD.encode(mac.finalize().into_bytes())
}

const USER_AGENT: &str = concat!("posthaste/", env!("CARGO_PKG_VERSION"));
