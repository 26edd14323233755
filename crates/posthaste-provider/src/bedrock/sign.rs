//! Signature Version 4: a request signed with AWS keys.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>; the computing is
//! `aws-sigv4`'s. Bedrock wants the path encoded once more for the signature than it is sent.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use http::{HeaderName, HeaderValue, header};
use posthaste_core::{AwsKeys, Payload, Timestamp};
use sha2::{Digest, Sha256};

/// What a signature depends on beside the request.
pub(super) struct Scope<'a> {
    /// Signs.
    pub(super) keys: &'a AwsKeys,
    /// Where the endpoint stands.
    pub(super) region: &'a str,
    /// AWS's name for the service.
    pub(super) service: &'a str,
    /// The present moment: AWS takes a signature for five minutes before and after it.
    pub(super) now: Timestamp,
}

/// The keys hold what no header may carry, or the address is none that can be signed.
#[derive(Debug)]
pub(super) struct Unsignable;

/// Signs a request: adds `x-amz-date`, `authorization` and, for temporary keys, `x-amz-security-token`. The last two are
/// marked as sensitive.
///
/// Signed are the host, what the body is, and AWS's own headers; others may be changed by proxies on the way.
pub(super) fn sign_request(
    request: &mut http::Request<Payload>,
    scope: &Scope<'_>,
) -> Result<(), Unsignable> {
    for (name, value, sensitive) in signature(request, scope)? {
        let mut value = HeaderValue::try_from(value).map_err(|_| Unsignable)?;
        value.set_sensitive(sensitive);
        request.headers_mut().insert(name, value);
    }
    Ok(())
}

type Signed = (HeaderName, String, bool);

fn signature(request: &http::Request<Payload>, scope: &Scope<'_>) -> Result<Vec<Signed>, Unsignable> {
    let keys = scope.keys;
    let token = keys.session_token.as_ref().map(|token| token.expose().to_owned());
    let credentials =
        Credentials::new(&keys.access_key_id, keys.secret_access_key.expose(), token, None, "posthaste");
    let identity = credentials.into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(scope.region)
        .name(scope.service)
        .time(moment(scope.now))
        // Paths are encoded twice and their dots resolved, as all services but S3 want it.
        .settings(SigningSettings::default())
        .build()
        .map_err(|_| Unsignable)?
        .into();
    let headers = request.headers().iter().filter(|(name, _)| is_signed(name));
    let headers: Vec<_> = headers
        .map(|(name, value)| value.to_str().map(|value| (name.as_str(), value)))
        .collect::<Result<_, _>>()
        .map_err(|_| Unsignable)?;
    // The digest and not the body, which is not to be joined for it, nor to come into anybody's trace.
    let body = SignableBody::Precomputed(digest(request.body()));
    let address = request.uri().to_string();
    let signable = SignableRequest::new(request.method().as_str(), &address, headers.into_iter(), body)
        .map_err(|_| Unsignable)?;
    let (instructions, _) = sign(signable, &params).map_err(|_| Unsignable)?.into_parts();
    let (headers, _) = instructions.into_parts();
    headers
        .into_iter()
        .map(|header| {
            let name = HeaderName::from_static(header.name());
            let sensitive = header.sensitive() || name == header::AUTHORIZATION;
            Ok((name, header.value().to_owned(), sensitive))
        })
        .collect()
}

fn is_signed(name: &HeaderName) -> bool {
    *name == header::CONTENT_TYPE || name.as_str().starts_with("x-amz")
}

fn digest(body: &Payload) -> String {
    let mut hasher = Sha256::new();
    body.parts().iter().for_each(|part| hasher.update(part));
    hex::encode(hasher.finalize())
}

fn moment(now: Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_micros(u64::try_from(now.as_micros()).unwrap_or_default())
}

#[cfg(test)]
mod tests;
