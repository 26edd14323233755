//! Base URLs as operators type them.

use std::net::IpAddr;

use posthaste_core::ProviderKind;
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

/// Checks and normalises a base URL. The API's own path, which people paste with it, is cut off: for Anthropic's dialect
/// `/v1` or `/v1/messages`, for OpenAI's what follows the version, and so on.
///
/// # Errors
/// When it is not an `http` or `https` URL, or carries more than host, port and path.
pub fn check_base_url(provider: ProviderKind, text: &str) -> Result<BaseUrl, BaseUrlError> {
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
    Ok(BaseUrl { url: without_api_path(provider, url.as_str()).to_owned(), literal_loopback })
}

fn without_api_path(provider: ProviderKind, url: &str) -> &str {
    let endings: &[&str] = match provider {
        ProviderKind::Anthropic | ProviderKind::AnthropicCompatible | ProviderKind::Sandbox => {
            &["/messages", "/v1"]
        }
        // The version belongs to the base: vendors differ in it.
        ProviderKind::OpenAi | ProviderKind::OpenAiCompatible => &["/chat/completions", "/responses"],
        ProviderKind::AzureOpenAi => &["/chat/completions", "/responses", "/v1", "/openai"],
        ProviderKind::Gemini => &["/models", "/v1beta", "/v1"],
        ProviderKind::Bedrock => &["/model"],
    };
    let url = match provider {
        // What Azure's portal shows of a deployment is an address with its whole path.
        ProviderKind::AzureOpenAi => url.split("/openai/deployments/").next().unwrap_or(url),
        _ => url,
    };
    endings.iter().fold(url.trim_end_matches('/'), |url, ending| url.strip_suffix(ending).unwrap_or(url))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<BaseUrl, BaseUrlError> {
        check_base_url(ProviderKind::Anthropic, text)
    }

    #[test]
    fn the_apis_own_path_is_cut_off() {
        for text in [
            "https://api.example.com",
            "https://api.example.com/",
            "https://api.example.com/v1",
            "https://api.example.com/v1/messages",
            " https://API.example.com:443/v1/ ",
        ] {
            assert_eq!(check(text).unwrap().url, "https://api.example.com", "{text}");
        }
        assert_eq!(check("https://x.example/anthropic").unwrap().url, "https://x.example/anthropic");
    }

    #[test]
    fn each_provider_has_its_own_path() {
        let url = |provider, text| check_base_url(provider, text).unwrap().url;
        let openai = url(ProviderKind::OpenAiCompatible, "https://x.example/api/paas/v4/chat/completions");
        assert_eq!(openai, "https://x.example/api/paas/v4");
        assert_eq!(url(ProviderKind::OpenAi, "https://api.openai.com/v1/"), "https://api.openai.com/v1");
        let azure = url(ProviderKind::AzureOpenAi, "https://r.openai.azure.com/openai/v1/");
        assert_eq!(azure, "https://r.openai.azure.com");
        let deployment = "https://r.cognitiveservices.azure.com/openai/deployments/gpt-4o/chat/completions";
        assert_eq!(url(ProviderKind::AzureOpenAi, deployment), "https://r.cognitiveservices.azure.com");
        assert_eq!(url(ProviderKind::Gemini, "https://g.example/v1beta/models"), "https://g.example");
    }

    #[test]
    fn loopback_is_told_by_name_and_number() {
        for text in
            ["http://localhost:9", "http://127.8.0.1", "http://[::1]:80", "http://0x7f000001", "http://127.1"]
        {
            assert!(check(text).unwrap().literal_loopback, "{text}");
        }
        assert!(!check("http://10.0.0.1").unwrap().literal_loopback);
        assert!(!check("http://localhost.example.com").unwrap().literal_loopback);
    }

    #[test]
    fn other_texts_are_refused_with_advice() {
        assert_eq!(check("api.example.com"), Err(BaseUrlError::NotAUrl("api.example.com".into())));
        assert_eq!(check("file:///etc/passwd"), Err(BaseUrlError::Scheme("file".into())));
        assert_eq!(check("https://user:secret@x.example"), Err(BaseUrlError::UserInfo));
        assert_eq!(check("https://x.example?key=1"), Err(BaseUrlError::Suffix));
    }
}
