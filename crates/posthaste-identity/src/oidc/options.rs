//! What an OpenID provider is told by the operator.

use std::time::Duration;

use posthaste_core::Secret;
use url::{Host, Url};

use crate::GroupRoles;

/// How a provider is asked.
#[derive(Clone, Debug)]
pub struct OidcOptions {
    /// The provider's name, which is an address below which it describes itself. Compared letter by letter.
    pub issuer: String,
    /// Whether addresses are called that are not public. This machine's own are where the issuer is one of them.
    pub allow_private: bool,
    /// As which client the relay is registered.
    pub client_id: String,
    /// That client's secret; `None` for a public client, which has PKCE alone.
    pub client_secret: Option<Secret>,
    /// What is asked for beside `openid`.
    pub scopes: Vec<String>,
    /// Where the provider sends browsers back to.
    pub redirect: String,
    /// What is on the button that leads there.
    pub label: String,
    /// What the identity token says under which names.
    pub claims: OidcClaims,
    /// Who may what.
    pub roles: GroupRoles,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long the provider may take for one answer.
    pub timeout: Duration,
}

/// Names of claims: of the token itself, or the way to one within it as a JSON pointer (RFC 6901), which begins with a slash.
#[derive(Clone, Debug)]
pub struct OidcClaims {
    /// The name to log in with, at the first log-in.
    pub name: String,
    /// What the person is called.
    pub display_name: String,
    /// Where mail reaches the person.
    pub email: String,
    /// The names of the groups that the person is in.
    pub groups: String,
}

/// Why a provider cannot be used as it is told.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct OidcSetupError(pub(super) String);

impl OidcOptions {
    /// Refuses what cannot be used.
    pub(super) fn check(&self) -> Result<(), OidcSetupError> {
        let unfit = |what: &str| Err(OidcSetupError(what.to_owned()));
        let issuer = Url::parse(&self.issuer).map_err(|error| OidcSetupError(error.to_string()))?;
        if !is_kept_from_others(&issuer, true) {
            return unfit(
                "the issuer is no `https://` address; `http://` is for this machine's own addresses",
            );
        }
        let redirect = Url::parse(&self.redirect).map_err(|error| OidcSetupError(error.to_string()))?;
        if !matches!(redirect.scheme(), "http" | "https") {
            return unfit("the relay's public address is no `https://` address");
        }
        if self.client_id.is_empty() {
            return unfit("the relay needs a client id at the provider");
        }
        Ok(())
    }
}

/// Whether what goes to this address is kept from others: by TLS, or since it does not leave this machine, where that is allowed.
pub(super) fn is_kept_from_others(url: &Url, within_machine: bool) -> bool {
    match url.scheme() {
        "https" => url.host().is_some(),
        "http" => within_machine && is_this_machine(url),
        _ => false,
    }
}

/// Whether an address is one of this machine's own, as far as its text tells.
pub(super) fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_goes_over_the_network_in_the_clear() {
        let kept = |url: &str, within| is_kept_from_others(&Url::parse(url).unwrap(), within);
        assert!(kept("https://idp.example", false) && kept("http://127.0.0.1:1/a", true));
        assert!(kept("http://[::1]:1", true) && kept("http://localhost", true));
        for (url, within) in [
            ("http://127.0.0.1", false),
            ("http://idp.example", true),
            ("http://localhost.example", true),
            ("http://10.0.0.1", true),
            ("javascript:alert(1)", true),
            ("file:///etc/passwd", true),
        ] {
            assert!(!kept(url, within), "{url}");
        }
    }
}
