//! An account's proxy, as operators enter it.

use posthaste_core::{ProxyScheme, ProxySettings, Secret};
use posthaste_vault::{Place, Vault};
use url::{Host, Url};

use crate::{AdminError, input::Disclosed};

/// Reads `scheme://user:password@host:port`; an empty text is no proxy. What was entered is never repeated, since it may hold
/// a password.
pub(crate) fn read(
    vault: &Vault,
    place: &Place<'_>,
    given: &Disclosed,
) -> Result<Option<ProxySettings>, AdminError> {
    let text = given.secret().expose().trim();
    if text.is_empty() {
        return Ok(None);
    }
    let refuse = |message: &str| AdminError::invalid("proxy", message);
    let url = Url::parse(text).map_err(|_| refuse(FORM))?;
    let (scheme, usual_port) = match url.scheme() {
        "http" => (ProxyScheme::Http, 80),
        "https" => (ProxyScheme::Https, 443),
        "socks5" => (ProxyScheme::Socks5, 1080),
        "socks5h" => (ProxyScheme::Socks5h, 1080),
        _ => return Err(refuse("has a scheme that is none of http, https, socks5 and socks5h")),
    };
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err(refuse("ends after its port; leave the rest out"));
    }
    // The host of schemes that the URL standard does not know is an opaque text.
    let host = match url.host().ok_or_else(|| refuse(FORM))? {
        Host::Domain(name) => name.to_owned(),
        Host::Ipv4(address) => address.to_string(),
        Host::Ipv6(address) => address.to_string(),
    };
    let username = decoded(url.username()).ok_or_else(|| refuse(FORM))?;
    let password = url.password().map(decoded);
    let password = match password {
        None => None,
        Some(None) => return Err(refuse(FORM)),
        Some(Some(_)) if username.is_empty() => {
            return Err(refuse("has a password without a user; give both, or neither"));
        }
        Some(Some(password)) => Some(vault.seal(place, &Secret::new(password))?),
    };
    Ok(Some(ProxySettings {
        scheme,
        host,
        port: url.port().unwrap_or(usual_port),
        username: (!username.is_empty()).then_some(username),
        password,
    }))
}

/// Without its percent-encoding (RFC 3986 §2.1); `None` when it is no text then, or cannot go into a header.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let (high, low) = (digit(rest.next()?)?, digit(rest.next()?)?);
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(bytes).ok().filter(|text| !text.chars().any(char::is_control))
}

const FORM: &str = "is no address of a proxy; give one such as http://user:password@proxy.example:3128, with special letters \
                    of user and password percent-encoded";

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use posthaste_core::AccountId;
    use posthaste_storage::memory::MemoryStores;
    use posthaste_vault::{MasterKey, account_proxy_place};
    use rstest::rstest;

    use super::*;

    async fn read_text(text: &str) -> Result<Option<ProxySettings>, AdminError> {
        let stores = MemoryStores::stores();
        let vault = Vault::open(&MasterKey::generate().unwrap(), Arc::clone(&stores.config)).await.unwrap();
        read(&vault, &account_proxy_place(AccountId::generate()), &Disclosed::new(Secret::new(text)))
    }

    #[rstest]
    #[case("http://proxy.example:3128", "http://proxy.example:3128")]
    #[case("https://proxy.example", "https://proxy.example:443")]
    #[case("socks5h://me:p%40ss@proxy.example", "socks5h://me:…@proxy.example:1080")]
    #[case("socks5://[::1]:1080/", "socks5://[::1]:1080")]
    #[case("http://me@127.0.0.1:1", "http://me@127.0.0.1:1")]
    #[tokio::test]
    async fn proxies_are_read(#[case] text: &str, #[case] shown: &str) {
        assert_eq!(read_text(text).await.unwrap().unwrap().to_string(), shown);
    }

    #[rstest]
    #[case("proxy.example:3128")]
    #[case("ftp://proxy.example")]
    #[case("http://proxy.example/path")]
    #[case("http://:canary@proxy.example")]
    #[case("http://me:canary%zz@proxy.example")]
    #[case("http://me:canary%0a@proxy.example")]
    #[tokio::test]
    async fn what_is_no_proxy_is_refused_and_not_repeated(#[case] text: &str) {
        let error = read_text(text).await.unwrap_err();
        assert!(matches!(error, AdminError::Invalid { field: "proxy", .. }), "{error:?}");
        assert!(!error.to_string().contains("canary"), "{error}");
    }

    #[tokio::test]
    async fn an_empty_text_is_no_proxy() {
        assert_eq!(read_text(" ").await.unwrap(), None);
    }
}
