//! The session's cookie, and that no other site's page uses it.

use cookie::{Cookie, SameSite};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use posthaste_admin::{AdminError, csrf_token};
use posthaste_core::Secret;
use subtle::ConstantTimeEq;

use super::mask;

/// How the session's cookie is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CookieOptions {
    /// `Secure` where the request came over TLS, as a trusted proxy tells.
    #[default]
    AsAsked,
    /// Always `Secure`.
    Secure,
}

/// The cookie's name.
pub(super) const COOKIE: &str = "posthaste_session";

/// What a browser's page sends with what changes something. Only a page of this site can read what to send.
pub(super) const CSRF: HeaderName = HeaderName::from_static("x-csrf-token");

/// The session's token, if the request has exactly one.
pub(crate) fn cookie(headers: &HeaderMap) -> Option<String> {
    only(headers, COOKIE)
}

/// The value of the one cookie of this name.
pub(super) fn only(headers: &HeaderMap, name: &str) -> Option<String> {
    let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut own = values
        .flat_map(|value| Cookie::split_parse(value.to_owned()))
        .filter_map(Result::ok)
        .filter(|cookie| cookie.name() == name)
        .map(|cookie| cookie.value().to_owned());
    let first = own.next()?;
    // Two mean that somebody else has set one; which one, nobody knows.
    own.next().is_none().then_some(first)
}

/// What sets the cookie.
pub(super) fn set(token: &Secret, secure: bool) -> Option<HeaderValue> {
    let cookie = Cookie::build((COOKIE, token.expose()))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(secure)
        .max_age(cookie::time::Duration::days(30));
    let mut value = HeaderValue::try_from(cookie.build().to_string()).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// What removes it.
pub(super) fn clear() -> HeaderValue {
    HeaderValue::from_static("posthaste_session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0")
}

/// Refuses what changes something unless a page of this site sent it.
pub(super) fn refuse_forged(method: &Method, headers: &HeaderMap, session: &str) -> Result<(), AdminError> {
    refuse_other_sites(method, headers)?;
    if method.is_safe() {
        return Ok(());
    }
    let sent = headers.get(CSRF).and_then(|sent| sent.to_str().ok()).unwrap_or_default();
    let own = csrf_token(session);
    // As the API tells it, or as it stands in a page.
    let unmasked = mask::take_off(sent).unwrap_or_default();
    if bool::from(sent.as_bytes().ct_eq(own.as_bytes()) | unmasked.as_bytes().ct_eq(own.as_bytes())) {
        return Ok(());
    }
    let need = "the header X-CSRF-Token, as `/web/auth/user` tells it".to_owned();
    Err(AdminError::Forbidden { need })
}

/// Refuses what a browser says another site's page wants to change.
pub(super) fn refuse_other_sites(method: &Method, headers: &HeaderMap) -> Result<(), AdminError> {
    if method.is_safe() {
        return Ok(());
    }
    let fetch_site = headers.get("sec-fetch-site").and_then(|value| value.to_str().ok());
    let foreign = match headers.get(header::ORIGIN) {
        None => fetch_site.is_some_and(|site| site != "same-origin" && site != "none"),
        Some(origin) => {
            let origin = origin.to_str().unwrap_or_default();
            let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
            origin
                .split_once("://")
                .is_none_or(|(_, site)| host.is_empty() || !site.eq_ignore_ascii_case(host))
        }
    };
    if foreign {
        return Err(AdminError::Forbidden { need: "a page of this site".to_owned() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
            .collect()
    }

    #[test]
    fn one_cookie_counts_and_two_do_not() {
        let one = headers(&[("cookie", "a=b; posthaste_session=token; c=d")]);
        assert_eq!(cookie(&one).as_deref(), Some("token"));
        for other in ["a=b", "posthaste_session=1; posthaste_session=2", "xposthaste_session=1"] {
            assert_eq!(cookie(&headers(&[("cookie", other)])), None, "{other}");
        }
    }

    #[test]
    fn the_cookie_is_kept_from_pages_and_other_sites() {
        let value = set(&Secret::new("token"), true).unwrap();
        let text = value.to_str().unwrap();
        for part in ["posthaste_session=token", "HttpOnly", "SameSite=Lax", "Secure", "Path=/"] {
            assert!(text.contains(part), "{text}");
        }
        assert!(value.is_sensitive());
        assert!(!set(&Secret::new("token"), false).unwrap().to_str().unwrap().contains("Secure"));
    }

    #[test]
    fn only_a_page_of_this_site_changes_something() {
        let token = csrf_token("session");
        let own = [("host", "relay.example"), ("origin", "https://relay.example"), ("x-csrf-token", &token)];
        assert!(refuse_forged(&Method::POST, &headers(&own), "session").is_ok());
        assert!(refuse_forged(&Method::POST, &headers(&own), "another").is_err());
        assert!(refuse_forged(&Method::GET, &headers(&[]), "session").is_ok());
        let forged: [&[(&'static str, &str)]; 5] = [
            &[("host", "relay.example"), ("origin", "https://relay.example")],
            &[("host", "relay.example"), ("origin", "https://evil.example"), ("x-csrf-token", &token)],
            &[("host", "relay.example"), ("origin", "null"), ("x-csrf-token", &token)],
            &[("sec-fetch-site", "cross-site"), ("x-csrf-token", &token)],
            &[("sec-fetch-site", "same-site"), ("x-csrf-token", &token)],
        ];
        for pairs in forged {
            assert!(refuse_forged(&Method::DELETE, &headers(pairs), "session").is_err(), "{pairs:?}");
        }
    }
}
