//! How a key stays known while its holder goes from one look to the next.
//!
//! Not in the address, which is kept in histories and logs, and not in a hidden field, which would put the key into each page and
//! ask for "sending the form again" on each look back. The browser keeps a ticket of the holders' service in a cookie: sealed, without
//! the key in it, for an hour, only for these pages, not for scripts, and not for what other sites link or send.

use cookie::{Cookie, SameSite};
use http::{HeaderMap, HeaderValue, header};
use posthaste_admin::HolderService;
use posthaste_core::Secret;

/// The ticket, if the request has exactly one.
pub(crate) fn read(headers: &HeaderMap) -> Option<String> {
    let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut own = values
        .flat_map(|value| Cookie::split_parse(value.to_owned()).filter_map(Result::ok))
        .filter(|cookie| cookie.name() == NAME)
        .map(|cookie| cookie.value().to_owned());
    let first = own.next()?;
    // Two mean that somebody else has set one; which one, nobody knows.
    own.next().is_none().then_some(first)
}

/// What has the browser keep it.
pub(super) fn keep(ticket: &Secret, secure: bool) -> Option<HeaderValue> {
    let lasts = i64::try_from(HolderService::TICKET_LASTS.as_secs()).unwrap_or_default();
    let cookie = Cookie::build((NAME, ticket.expose()))
        .path(PLACE)
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(secure)
        .max_age(cookie::time::Duration::seconds(lasts));
    let mut value = HeaderValue::try_from(cookie.build().to_string()).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// What has it forgotten.
pub(super) fn forget() -> HeaderValue {
    HeaderValue::from_static(
        "posthaste_held_key=; Path=/admin-next/key; HttpOnly; SameSite=Strict; Max-Age=0",
    )
}

const NAME: &str = "posthaste_held_key";
const PLACE: &str = "/admin-next/key";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ticket_is_for_these_pages_alone() {
        let value = keep(&Secret::new("sealed"), true).unwrap();
        let text = value.to_str().unwrap();
        for part in ["HttpOnly", "SameSite=Strict", "Secure", "Path=/admin-next/key", "Max-Age=3600"] {
            assert!(text.contains(part), "{text}");
        }
        assert!(value.is_sensitive());
        assert!(!keep(&Secret::new("sealed"), false).unwrap().to_str().unwrap().contains("Secure"));
        let forgotten = forget();
        let forgotten = forgotten.to_str().unwrap();
        assert!(forgotten.starts_with(&format!("{NAME}=;")) && forgotten.contains(PLACE));
    }

    #[test]
    fn one_counts_and_two_do_not() {
        let ticket = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, HeaderValue::from_static(text));
            read(&headers)
        };
        assert_eq!(ticket("a=b; posthaste_held_key=one").as_deref(), Some("one"));
        assert_eq!(ticket("posthaste_held_key=one; posthaste_held_key=two"), None);
        assert_eq!(ticket("a=b"), None);
    }
}
