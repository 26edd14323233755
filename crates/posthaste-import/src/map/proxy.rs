//! Accounts' proxies, which the predecessor keeps as plain JSON.

use posthaste_core::{ProxyScheme, ProxySettings, Secret};
use serde_json::Value;

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
