//! Private addresses: an operator's consent, and what the operator is told.

use std::net::IpAddr;

use posthaste_core::{Account, PrivateAddressConsent, Timestamp};
use posthaste_provider::{BaseUrl, preset};
use posthaste_upstream::is_public;
use url::{Host, Url};

use crate::AdminError;

/// The consent that goes with a base URL.
///
/// This machine's own address can only be meant on purpose, so that typing it is consent; every other private address needs
/// to be allowed in so many words. A name is judged when it is resolved, at each connection.
pub(super) fn consent(
    base_url: &BaseUrl,
    allowed: bool,
    now: Timestamp,
) -> Result<Option<PrivateAddressConsent>, AdminError> {
    let given = |how: &str| Ok(Some(PrivateAddressConsent { given_at: now, how: how.to_owned() }));
    if base_url.literal_loopback {
        return given("an operator gave a base URL on this machine");
    }
    if allowed {
        return given("an operator allowed private addresses");
    }
    match literal_address(&base_url.url) {
        Some(address) if !is_public(address) => Err(AdminError::invalid(
            "base_url",
            format!("{address} is a private address; allow it with --allow-private if it is meant"),
        )),
        _ => Ok(None),
    }
}

/// What an operator should know about an account's address.
pub(super) fn notices(account: &Account) -> Vec<String> {
    let mut notices = Vec::new();
    if let Some(consent) = &account.private_address {
        notices.push(format!(
            "account `{}` may be called at loopback, private and link-local addresses: {}",
            account.name, consent.how
        ));
    }
    // Where the preset itself has it so, nothing was mistyped.
    let presets_own = preset(&account.preset.0)
        .is_some_and(|preset| preset.sites.iter().any(|site| site.base_url == account.base_url));
    let plain = account.base_url.starts_with("http://") && account.credential.is_some() && !presets_own;
    if plain && account.private_address.is_none() {
        notices.push(format!(
            "the key of account `{}` travels unencrypted to {}; use https if the provider offers it",
            account.name, account.base_url
        ));
    }
    notices
}

fn literal_address(url: &str) -> Option<IpAddr> {
    match Url::parse(url).ok()?.host()? {
        Host::Ipv4(address) => Some(IpAddr::V4(address)),
        Host::Ipv6(address) => Some(IpAddr::V6(address)),
        Host::Domain(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use posthaste_core::ProviderKind;
    use posthaste_provider::check_base_url;

    use super::*;

    fn how(url: &str, allowed: bool) -> Result<Option<String>, AdminError> {
        let base_url = check_base_url(ProviderKind::Anthropic, url).unwrap();
        consent(&base_url, allowed, Timestamp::EPOCH).map(|consent| consent.map(|consent| consent.how))
    }

    #[test]
    fn a_loopback_address_is_its_own_consent_and_other_private_ones_ask_for_it() {
        assert!(how("http://127.0.0.1:8080", false).unwrap().unwrap().contains("this machine"));
        assert_eq!(how("https://api.example.com", false).unwrap(), None);
        for url in ["http://10.0.0.1", "http://169.254.169.254", "http://[fd00::1]", "http://0x0a000001"] {
            assert!(how(url, false).unwrap_err().to_string().contains("--allow-private"), "{url}");
            assert!(how(url, true).unwrap().unwrap().contains("allowed"), "{url}");
        }
    }
}
