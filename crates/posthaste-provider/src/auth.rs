//! Presenting an account's credential.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use posthaste_core::{Account, AuthForm, Credential};

use crate::PrepareError;

/// Writes the credential into the header that the account's form names, marked as sensitive.
pub(crate) fn write_credential(
    account: &Account,
    credential: Option<&Credential>,
    headers: &mut HeaderMap,
) -> Result<(), PrepareError> {
    let name_of = || account.name.clone();
    let (name, prefix) = match account.auth {
        AuthForm::None => return Ok(()),
        AuthForm::AwsKeys | AuthForm::AwsChain => {
            return Err(PrepareError::CredentialKind { account: name_of() });
        }
        AuthForm::XApiKey => (HeaderName::from_static("x-api-key"), ""),
        AuthForm::Bearer | AuthForm::OAuth | AuthForm::Entra => (header::AUTHORIZATION, "Bearer "),
        AuthForm::XGoogApiKey => (HeaderName::from_static("x-goog-api-key"), ""),
        AuthForm::ApiKey => (HeaderName::from_static("api-key"), ""),
    };
    let credential = credential.ok_or_else(|| PrepareError::NoCredential { account: name_of() })?;
    let secret = credential.text().ok_or_else(|| PrepareError::CredentialKind { account: name_of() })?;
    let mut value = HeaderValue::try_from([prefix, secret.expose()].concat())
        .map_err(|_| PrepareError::CredentialForm { account: name_of() })?;
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
