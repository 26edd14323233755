//! The clients that are registered here, and how they prove who they are (RFC 6749 §2.3).

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, header};
use url::{Host, Url, form_urlencoded};

use super::{params::Params, refusal::Refusal};
use crate::SANDBOX_BASE_URL;

/// The sandbox's own OAuth client: public, without a secret. No vendor knows it.
pub const SANDBOX_CLIENT_ID: &str = "posthaste-sandbox";
/// Another client of the sandbox's own, one that has a secret.
pub const SANDBOX_CONFIDENTIAL_CLIENT_ID: &str = "posthaste-sandbox-confidential";
/// That client's secret. It is a dummy and opens nothing but the sandbox.
pub const SANDBOX_CONFIDENTIAL_CLIENT_SECRET: &str = "dummy-secret-of-the-sandbox";

/// A registered client.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Client {
    pub(super) id: &'static str,
    secret: Option<&'static str>,
}

static CLIENTS: [Client; 2] = [
    Client { id: SANDBOX_CLIENT_ID, secret: None },
    Client { id: SANDBOX_CONFIDENTIAL_CLIENT_ID, secret: Some(SANDBOX_CONFIDENTIAL_CLIENT_SECRET) },
];

impl Client {
    pub(super) fn named(id: &str) -> Option<&'static Self> {
        CLIENTS.iter().find(|client| client.id == id)
    }

    /// The client that a request to the token endpoint comes from, by HTTP Basic or by parameters.
    pub(super) fn authenticated(headers: &HeaderMap, params: &Params) -> Result<&'static Self, Refusal> {
        let (id, secret) = match headers.get(header::AUTHORIZATION) {
            Some(value) => {
                let basic = value.to_str().ok().and_then(basic);
                let (id, secret) = basic.ok_or_else(|| Refusal::invalid_client("no HTTP Basic"))?;
                (id, Some(secret))
            }
            None => {
                let id = params.get("client_id").ok_or_else(|| Refusal::invalid_client("who asks?"))?;
                (id.to_owned(), params.get("client_secret").map(str::to_owned))
            }
        };
        let client = Self::named(&id).ok_or_else(|| Refusal::invalid_client("there is no such client"))?;
        if client.secret != secret.as_deref().filter(|secret| !secret.is_empty()) {
            return Err(Refusal::invalid_client("the client's secret is missing or wrong"));
        }
        Ok(client)
    }
}

/// Whether the browser may be sent there: the sandbox's own page that shows the code, or `/callback`, or where the
/// relay takes people back, at any port of the person's own machine (RFC 8252 §7.3).
pub(super) fn may_redirect(uri: &str) -> bool {
    if uri == [SANDBOX_BASE_URL, "/oauth/code"].concat() {
        return true;
    }
    let Ok(url) = Url::parse(uri) else { return false };
    let on_this_machine = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    url.scheme() == "http"
        && on_this_machine
        && matches!(url.path(), "/callback" | "/users/oidc/callback")
        && plain
}

/// Id and secret are form-encoded before they are joined (RFC 6749 §2.3.1).
fn basic(value: &str) -> Option<(String, String)> {
    let decoded = String::from_utf8(STANDARD.decode(value.strip_prefix("Basic ")?).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some((form_decoded(id), form_decoded(secret)))
}

fn form_decoded(text: &str) -> String {
    // One name without a value.
    let escaped = text.replace('=', "%3D").replace('&', "%26");
    form_urlencoded::parse(escaped.as_bytes()).next().map_or_else(String::new, |(name, _)| name.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_go_to_the_own_page_or_to_the_own_machine() {
        for uri in [
            "http://sandbox.posthaste.internal/oauth/code",
            "http://127.0.0.1:1455/callback",
            "http://[::1]:1/callback",
            "http://localhost:8080/callback",
        ] {
            assert!(may_redirect(uri), "{uri}");
        }
        for uri in [
            "http://sandbox.posthaste.internal/oauth/code/",
            "http://sandbox.posthaste.internal/oauth/code?x=1",
            "https://127.0.0.1:1455/callback",
            "http://127.0.0.1:1455/callback?x=1",
            "http://127.0.0.1:1455/callback#",
            "http://127.0.0.1:1455/other",
            "http://user@127.0.0.1:1455/callback",
            "http://localhost.example/callback",
            "http://192.168.0.1/callback",
            "callback",
        ] {
            assert!(!may_redirect(uri), "{uri}");
        }
    }

    #[test]
    fn basic_credentials_are_decoded() {
        let value = format!("Basic {}", STANDARD.encode("an+id:s%3Ae=cret"));
        assert_eq!(basic(&value), Some(("an id".to_owned(), "s:e=cret".to_owned())));
        assert_eq!(basic("Bearer x"), None);
        assert_eq!(basic("Basic eA=="), None);
    }
}
