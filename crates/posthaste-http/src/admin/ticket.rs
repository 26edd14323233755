//! The cookie of a log-in at an identity provider, from where the browser is sent away to where it is back. What it holds is
//! sealed.

use cookie::{Cookie, SameSite};
use http::{HeaderMap, HeaderValue};
use posthaste_core::Secret;

use super::session;

const COOKIE: &str = "posthaste_oidc";

/// The ticket, if the request has exactly one.
pub(super) fn read(headers: &HeaderMap) -> Option<String> {
    session::only(headers, COOKIE)
}

/// What sets the cookie. The provider's page sends the browser back, so it comes along from another site (`Lax`).
pub(super) fn set(ticket: &Secret, secure: bool) -> Option<HeaderValue> {
    let cookie = Cookie::build((COOKIE, ticket.expose()))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(secure)
        .max_age(cookie::time::Duration::minutes(10));
    let mut value = HeaderValue::try_from(cookie.build().to_string()).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// What removes it.
pub(super) fn clear() -> HeaderValue {
    HeaderValue::from_static("posthaste_oidc=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0")
}
