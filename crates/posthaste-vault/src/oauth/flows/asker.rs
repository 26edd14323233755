//! The client of the `oauth2` crate as the flows use it, and what comes back in our words.

use std::fmt;

use oauth2::{
    AccessToken, AuthType, ClientId, ClientSecret, DeviceCodeErrorResponse, ExtraTokenFields,
    RequestTokenError, StandardErrorResponse, StandardTokenResponse, TokenResponse,
    basic::{
        BasicErrorResponse, BasicErrorResponseType, BasicRevocationErrorResponse,
        BasicTokenIntrospectionResponse, BasicTokenType,
    },
};
use posthaste_core::{Secret, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use crate::{
    StoredToken,
    oauth::{OAuthClient, OAuthError, exchange::Exchange, facts},
};

/// Notes why no answer came: the crate takes that as a reason to wait longer, and does not tell.
pub(super) struct Watched<'a> {
    pub(super) exchange: &'a Exchange<'a>,
    pub(super) failure: &'a parking_lot::Mutex<Option<OAuthError>>,
}

impl<'c> oauth2::AsyncHttpClient<'c> for Watched<'_> {
    type Error = OAuthError;
    type Future =
        std::pin::Pin<Box<dyn Future<Output = Result<oauth2::HttpResponse, OAuthError>> + Send + 'c>>;

    fn call(&'c self, request: oauth2::HttpRequest) -> Self::Future {
        Box::pin(async move {
            let answer = self.exchange.call(request).await;
            *self.failure.lock() = answer.as_ref().err().cloned();
            answer
        })
    }
}

/// Everything that the answer holds beside the standard's fields.
#[derive(Deserialize, Serialize)]
pub(super) struct Beside {
    #[serde(flatten)]
    all: Map<String, Value>,
}

impl ExtraTokenFields for Beside {}

/// An identity token may be among it.
impl fmt::Debug for Beside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Beside(…)")
    }
}

pub(super) type Answer = StandardTokenResponse<Beside, BasicTokenType>;

pub(super) type Asker = oauth2::Client<
    BasicErrorResponse,
    Answer,
    BasicTokenIntrospectionResponse,
    oauth2::StandardRevocableToken,
    BasicRevocationErrorResponse,
>;

pub(super) fn requester(client: &OAuthClient) -> Asker {
    let asker = Asker::new(ClientId::new(client.client_id.clone())).set_auth_type(AuthType::RequestBody);
    match &client.client_secret {
        Some(secret) => asker.set_client_secret(ClientSecret::new(secret.expose().to_owned())),
        None => asker,
    }
}

pub(super) fn stored(client: &OAuthClient, answer: &Answer, asked_at: Timestamp) -> StoredToken {
    StoredToken {
        provider: client.provider.name.to_owned(),
        access_token: Secret::new(AccessToken::secret(answer.access_token()).as_str()),
        refresh_token: answer.refresh_token().map(|token| Secret::new(token.secret().as_str())),
        issued_at: Some(asked_at),
        expires_at: answer.expires_in().map(|life| asked_at.plus(life)),
        facts: facts::read(client.provider, &answer.extra_fields().all),
        generation: 0,
        refreshing: None,
        refused: None,
    }
}

pub(super) fn read_error(
    client: &OAuthClient,
    url: &Url,
    error: RequestTokenError<OAuthError, StandardErrorResponse<BasicErrorResponseType>>,
) -> OAuthError {
    match error {
        RequestTokenError::Request(error) => error,
        RequestTokenError::ServerResponse(told) => {
            refusal(client, told.error().as_ref(), told.error_description().map(String::as_str))
        }
        RequestTokenError::Parse(fault, _) => unreadable(url, &fault.path().to_string()),
        RequestTokenError::Other(what) => unreadable(url, &what),
    }
}

pub(super) fn read_device_error(
    client: &OAuthClient,
    url: &Url,
    error: RequestTokenError<OAuthError, DeviceCodeErrorResponse>,
) -> OAuthError {
    match error {
        RequestTokenError::Request(error) => error,
        RequestTokenError::ServerResponse(told) => {
            refusal(client, told.error().as_ref(), told.error_description().map(String::as_str))
        }
        RequestTokenError::Parse(fault, _) => unreadable(url, &fault.path().to_string()),
        RequestTokenError::Other(what) => unreadable(url, &what),
    }
}

/// RFC 6749 §5.2 and RFC 8628 §3.5.
fn refusal(client: &OAuthClient, error: &str, why: Option<&str>) -> OAuthError {
    let provider = client.provider.name;
    let why = why.unwrap_or("no reason was given").to_owned();
    match error {
        "invalid_grant" => OAuthError::InvalidGrant { provider, why },
        "invalid_client" | "unauthorized_client" => OAuthError::InvalidClient { provider, why },
        "access_denied" => OAuthError::Denied { provider },
        "expired_token" => OAuthError::ExpiredCode { provider },
        other => OAuthError::Refused { provider, error: other.to_owned(), why },
    }
}

/// The parser's own message would repeat the value that it stumbled over.
fn unreadable(url: &Url, at: &str) -> OAuthError {
    let host = url.host_str().unwrap_or_default().to_owned();
    OAuthError::BadAnswer {
        host,
        what: format!("`{at}` is missing or of another type than the standard says"),
    }
}
