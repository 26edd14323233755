//! From which pages one may come. A browser opens a WebSocket to anywhere for whichever page wants one, and says which page that
//! was in `Origin` (RFC 6455 §10.2); other programs say nothing.

use http::{HeaderMap, header};
use posthaste_core::{Fault, FaultKind, Origin};

use crate::routes::Front;

/// Refuses pages of other sites: what comes from a page has to come from one of this site, or of one that is listed.
pub(super) fn check(front: &Front, headers: &HeaderMap) -> Result<(), Fault> {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let Some(origin) = origins.next() else { return Ok(()) };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let options = front.options.now();
    let admin = front.admin.as_ref().map(|admin| admin.options.now());
    let hosts = admin.as_ref().map_or(&[][..], |admin| &admin.hosts);
    match origin.to_str() {
        Ok(origin) if origins.next().is_none() && is_own(origin, host, &options.origins, hosts) => Ok(()),
        _ => {
            let message =
                "pages of other sites may not connect: the operator can list theirs in server.events_origins";
            Err(Fault::new(FaultKind::PermissionDenied, Origin::Client, message))
        }
    }
}

/// The names of sub-protocols that are offered.
pub(super) fn protocols(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
    lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(',')).map(str::trim)
}

fn is_own(origin: &str, host: &str, listed: &[String], hosts: &[String]) -> bool {
    let Some((_, site)) = origin.split_once("://") else { return false };
    if listed.iter().any(|listed| listed.eq_ignore_ascii_case(origin)) {
        return true;
    }
    let name = match site.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => site,
    };
    (!host.is_empty() && site.eq_ignore_ascii_case(host))
        || hosts.iter().any(|own| own.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_this_site_and_of_those_listed_are_own() {
        let listed = ["https://chat.example".to_owned()];
        let hosts = ["relay.example".to_owned()];
        for origin in [
            "http://127.0.0.1:3001",
            "https://127.0.0.1:3001",
            "https://CHAT.example",
            "https://relay.example",
            "https://relay.example:8443",
        ] {
            assert!(is_own(origin, "127.0.0.1:3001", &listed, &hosts), "{origin}");
        }
        for origin in [
            "",
            "null",
            "http://127.0.0.1:3000",
            "http://127.0.0.1",
            "https://evil.example",
            "https://relay.example.evil.example",
            "https://chat.example:8443",
            "http://chat.example",
            "://",
            "file://",
        ] {
            assert!(!is_own(origin, "127.0.0.1:3001", &listed, &hosts), "{origin}");
        }
        assert!(!is_own("http://", "", &[], &[]), "nobody's host is nobody's page");
    }
}
