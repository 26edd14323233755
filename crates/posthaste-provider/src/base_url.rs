//! Base URLs as operators type them.

use std::net::IpAddr;

use url::{Host, Url};

/// A usable base URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    /// The URL without a trailing slash and without the API's own path.
    pub url: String,
    /// Whether its host is this machine by name or by number, which an operator can only mean on purpose.
    pub literal_loopback: bool,
}

/// Why a text is no base URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BaseUrlError {
    /// It is not a URL at all.
    #[error("`{0}` is not a URL: expected one such as https://api.example.com")]
    NotAUrl(String),
    /// The scheme is neither `http` nor `https`.
    #[error("the base URL must start with http:// or https://, not `{0}:`")]
    Scheme(String),
    /// A name or a password stands before the host.
    #[error("the base URL must not carry a user name or password: give the key as the account's credential")]
    UserInfo,
    /// A query or a fragment follows the path.
    #[error("the base URL must not carry `?…` or `#…`")]
    Suffix,
}

/// Checks and normalises a base URL. The API's own path (`/v1`, `/v1/messages`), which people paste with it, is cut off.
///
/// # Errors
/// When it is not an `http` or `https` URL, or carries more than host, port and path.
pub fn check_base_url(text: &str) -> Result<BaseUrl, BaseUrlError> {
    let url = Url::parse(text.trim()).map_err(|_| BaseUrlError::NotAUrl(text.to_owned()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(BaseUrlError::Scheme(url.scheme().to_owned()));
    }
    let Some(host) = url.host() else { return Err(BaseUrlError::NotAUrl(text.to_owned())) };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(BaseUrlError::UserInfo);
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(BaseUrlError::Suffix);
    }
    let literal_loopback = match host {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => IpAddr::V4(address).is_loopback(),
        Host::Ipv6(address) => IpAddr::V6(address).is_loopback(),
    };
    Ok(BaseUrl { url: without_api_path(url.as_str()).to_owned(), literal_loopback })
}

fn without_api_path(url: &str) -> &str {
    let url = url.trim_end_matches('/');
    let url = url.strip_suffix("/messages").unwrap_or(url);
    url.strip_suffix("/v1").unwrap_or(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_apis_own_path_is_cut_off() {
        for text in [
            "https://api.example.com",
            "https://api.example.com/",
            "https://api.example.com/v1",
            "https://api.example.com/v1/messages",
            " https://API.example.com:443/v1/ ",
        ] {
            assert_eq!(check_base_url(text).unwrap().url, "https://api.example.com", "{text}");
        }
        assert_eq!(check_base_url("https://x.example/anthropic").unwrap().url, "https://x.example/anthropic");
    }

    #[test]
    fn loopback_is_told_by_name_and_number() {
        for text in
            ["http://localhost:9", "http://127.8.0.1", "http://[::1]:80", "http://0x7f000001", "http://127.1"]
        {
            assert!(check_base_url(text).unwrap().literal_loopback, "{text}");
        }
        assert!(!check_base_url("http://10.0.0.1").unwrap().literal_loopback);
        assert!(!check_base_url("http://localhost.example.com").unwrap().literal_loopback);
    }

    #[test]
    fn other_texts_are_refused_with_advice() {
        assert_eq!(check_base_url("api.example.com"), Err(BaseUrlError::NotAUrl("api.example.com".into())));
        assert_eq!(check_base_url("file:///etc/passwd"), Err(BaseUrlError::Scheme("file".into())));
        assert_eq!(check_base_url("https://user:secret@x.example"), Err(BaseUrlError::UserInfo));
        assert_eq!(check_base_url("https://x.example?key=1"), Err(BaseUrlError::Suffix));
    }
}
