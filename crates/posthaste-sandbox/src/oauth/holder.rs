//! Who presents an access token to the API.

use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use posthaste_core::{Payload, RelayBody};
use serde_json::json;

use super::{
    OAuth, answer,
    ticket::{Kind, Ticket},
    token::account_id,
};

/// Somebody who logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    /// Stays the same from one token to the next.
    pub(crate) subject: String,
}

impl OAuth {
    /// Who presents an access token; `Ok(None)` is somebody with a key, or with nothing at all.
    ///
    /// What begins as the sandbox's tokens do is checked wherever it is presented. Behind [`SIGNED_IN`] nothing else
    /// is let in.
    ///
    /// # Errors
    /// Why a token is not good.
    pub(crate) fn holder(&self, request: &Request<Payload>) -> Result<Option<Holder>, &'static str> {
        let headers = request.headers();
        if let Some(token) = bearer(headers)
            && token.starts_with(Kind::Access.prefix())
        {
            return self.holder_of(token).map(Some);
        }
        if headers.values().any(is_misplaced) {
            return Err("a token is no key: present the access token as a bearer token");
        }
        let path = request.uri().path();
        if path.starts_with(&[SIGNED_IN, "/"].concat()) {
            return Err("log in first: only access tokens are taken here");
        }
        Ok(None)
    }

    /// Tells who holds a token (OpenID Connect Core 1.0 §5.3).
    pub(super) fn user_info(&self, request: &Request<Payload>) -> Response<RelayBody> {
        let told = bearer(request.headers()).ok_or("no bearer token").and_then(|token| self.holder_of(token));
        match told {
            Ok(Holder { subject }) => {
                let body = json!({ "sub": account_id(&subject), "email": subject });
                answer::json(StatusCode::OK, &body)
            }
            Err(why) => {
                let body = json!({ "error": "invalid_token", "error_description": why });
                let mut response = answer::json(StatusCode::UNAUTHORIZED, &body);
                let challenge = HeaderValue::from_static("Bearer error=\"invalid_token\"");
                response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
                response
            }
        }
    }

    fn holder_of(&self, token: &str) -> Result<Holder, &'static str> {
        let ticket = Ticket::read(Kind::Access, self.seed, token).ok_or("the access token is not known")?;
        if ticket.expires_at.is_some_and(|end| self.now() >= end) {
            return Err("the access token has expired");
        }
        if self.state.lock().families.is_revoked(&ticket.family) {
            return Err("the access token was revoked");
        }
        Ok(Holder { subject: ticket.subject })
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

/// A token of ours where it does not belong, or a refresh token anywhere.
fn is_misplaced(value: &HeaderValue) -> bool {
    let text = value.to_str().unwrap_or_default();
    let text = text.strip_prefix("Bearer ").unwrap_or(text);
    text.starts_with(Kind::Access.prefix()) || text.starts_with(Kind::Refresh.prefix())
}

/// The path of an address at which nothing opens but access tokens.
pub(super) const SIGNED_IN: &str = "/signed-in";
