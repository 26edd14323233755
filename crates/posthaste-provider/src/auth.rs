//! Presenting an account's credential.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use posthaste_core::AuthForm;

use crate::{Outbound, PrepareError};

/// Writes the credential into the header that the account's form names, marked as sensitive.
pub(crate) fn write_credential(outbound: &Outbound<'_>, headers: &mut HeaderMap) -> Result<(), PrepareError> {
    let account = || outbound.account.name.clone();
    let (name, prefix) = match outbound.account.auth {
        AuthForm::None => return Ok(()),
        AuthForm::AwsKeys | AuthForm::AwsChain => {
            return Err(PrepareError::CredentialKind { account: account() });
        }
        AuthForm::XApiKey => (HeaderName::from_static("x-api-key"), ""),
        AuthForm::Bearer | AuthForm::OAuth | AuthForm::Entra => (header::AUTHORIZATION, "Bearer "),
        AuthForm::XGoogApiKey => (HeaderName::from_static("x-goog-api-key"), ""),
        AuthForm::ApiKey => (HeaderName::from_static("api-key"), ""),
    };
    let credential = outbound.credential.ok_or_else(|| PrepareError::NoCredential { account: account() })?;
    let secret = credential.text().ok_or_else(|| PrepareError::CredentialKind { account: account() })?;
    let mut value = HeaderValue::try_from([prefix, secret.expose()].concat())
        .map_err(|_| PrepareError::CredentialForm { account: account() })?;
    value.set_sensitive(true);
    headers.insert(name, value);
    Ok(())
}

/// The headers that every JSON API takes: what the body is, what is expected, and that it must not be compressed, since
/// a compressed answer could be neither watched nor passed on in time.
pub(crate) fn write_content_headers(accept: &'static str, headers: &mut HeaderMap) {
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
}
