//! Signature Version 4 for the token service
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>). Mechanisms know nothing of
//! each other, hence the likeness to the one in `posthaste-provider`; the computing is `aws-sigv4`'s.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign as compute},
    sign::v4,
};
use http::{HeaderName, HeaderValue, Request, header};
use posthaste_core::{AwsKeys, Payload, Timestamp};
use sha2::{Digest, Sha256};

/// What a signature depends on beside the request.
pub(super) struct Scope<'a> {
    pub(super) keys: &'a AwsKeys,
    pub(super) region: &'a str,
    pub(super) service: &'a str,
    pub(super) now: Timestamp,
}

/// Signs a request; `None` when the keys hold what no header may carry.
pub(super) fn sign(request: &mut Request<Payload>, scope: &Scope<'_>) -> Option<()> {
    let keys = scope.keys;
    let token = keys.session_token.as_ref().map(|token| token.expose().to_owned());
    let identity =
        Credentials::new(&keys.access_key_id, keys.secret_access_key.expose(), token, None, "posthaste")
            .into();
    let now = Duration::from_micros(u64::try_from(scope.now.as_micros()).unwrap_or_default());
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(scope.region)
        .name(scope.service)
        .time(SystemTime::UNIX_EPOCH + now)
        .settings(SigningSettings::default())
        .build()
        .ok()?
        .into();
    let address = request.uri().to_string();
    let kind = request.headers().get(header::CONTENT_TYPE)?.to_str().ok()?.to_owned();
    let body = SignableBody::Precomputed(hex::encode(Sha256::digest(request.body().to_bytes())));
    let headers = [(header::CONTENT_TYPE.as_str(), kind.as_str())];
    let signable =
        SignableRequest::new(request.method().as_str(), &address, headers.into_iter(), body).ok()?;
    let (headers, _) = compute(signable, &params).ok()?.into_parts().0.into_parts();
    for signed in headers {
        let mut value = HeaderValue::try_from(signed.value()).ok()?;
        value.set_sensitive(true);
        request.headers_mut().insert(HeaderName::from_static(signed.name()), value);
    }
    Some(())
}
