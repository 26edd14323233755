//! Accounts' proxies, which the predecessor keeps as plain JSON.

use percent_encoding::percent_decode_str;
use posthaste_core::{ProxyScheme, ProxySettings, Secret};
use serde_json::{Value, json};
use url::Url;

use crate::found::Fields;

/// What an account's proxy field says.
pub(super) enum Proxy {
    /// There is none.
    None,
    /// This one, with its password.
    Of(ProxySettings, Option<Secret>),
    /// There is one that cannot be read. The account must not go without.
    Unreadable(&'static str),
}

pub(super) fn proxy(fields: &Fields) -> Proxy {
    let Some(text) = fields.text("proxy") else { return Proxy::None };
    let Some(Value::Object(proxy)) = fields.json("proxy") else {
        return match &*text {
            "{}" | "[]" | "\"\"" => Proxy::None,
            _ => Proxy::Unreadable("it is no JSON object"),
        };
    };
    if proxy.is_empty() {
        return Proxy::None;
    }
    let proxy = Fields::of(Value::Object(proxy));
    let scheme = match proxy.text("type").as_deref() {
        // The predecessor resolves names at the proxy.
        Some("socks5" | "socks5h") => ProxyScheme::Socks5h,
        Some("http") => ProxyScheme::Http,
        Some("https") => ProxyScheme::Https,
        _ => return Proxy::Unreadable("its type is none of socks5, http and https"),
    };
    let Some(host) = proxy.text("host") else { return Proxy::Unreadable("it has no host") };
    let Some(port) = proxy.whole("port").and_then(|port| u16::try_from(port).ok()) else {
        return Proxy::Unreadable("it has no port");
    };
    let username = proxy.text("username").map(|name| name.into_owned());
    let password = proxy.text("password").map(|password| Secret::new(password.into_owned()));
    let host = host.trim_matches(['[', ']']).to_owned();
    Proxy::Of(ProxySettings { scheme, host, port, username, password: None }, password)
}

/// A proxy that is written as a URL, with its password.
pub(super) fn of_url(text: &str) -> Result<(Option<ProxySettings>, Option<Secret>), &'static str> {
    let url = Url::parse(text.trim()).map_err(|_| "it is no address")?;
    let usual = match url.scheme() {
        "http" => 80,
        "https" => 443,
        _ => 1080,
    };
    let plain = |text: &str| percent_decode_str(text).decode_utf8().map(|text| text.into_owned()).ok();
    let fields = json!({ "proxy": {
        "type": url.scheme(), "host": url.host_str(), "port": url.port().unwrap_or(usual),
        "username": plain(url.username()), "password": url.password().and_then(plain),
    }});
    match proxy(&Fields::of(fields)) {
        Proxy::Of(settings, password) => Ok((Some(settings), password)),
        Proxy::Unreadable(why) => Err(why),
        Proxy::None => Err("it is no address"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_read_from_a_url_too() {
        let (proxy, password) = of_url("socks5://me:p%40ss@proxy.example").unwrap();
        assert_eq!(proxy.unwrap().to_string(), "socks5h://me@proxy.example:1080");
        assert_eq!(password.unwrap().expose(), "p@ss");
        assert!(of_url("proxy.example:3128").is_err() && of_url("ftp://proxy.example").is_err());
    }
}
