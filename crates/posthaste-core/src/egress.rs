//! The way out of this machine.

use std::{fmt, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{Sealed, Secret};

/// How a request leaves this machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Egress {
    /// Whether loopback, private and link-local addresses may be called; see
    /// [`PrivateAddressConsent`](crate::PrivateAddressConsent).
    pub allow_private: bool,
    /// Through which proxy; `None` goes straight. A proxy that does not work is an error, never a reason to go straight.
    pub proxy: Option<Arc<Proxy>>,
    /// The longest wait for a connection: name resolution, TCP, proxy and TLS together. `None` leaves it to the transport.
    pub connect_timeout: Option<Duration>,
}

impl Egress {
    /// Straight, without a proxy.
    pub const fn direct(allow_private: bool) -> Self {
        Self { allow_private, proxy: None, connect_timeout: None }
    }

    /// Through a proxy.
    pub const fn through(proxy: Arc<Proxy>, allow_private: bool) -> Self {
        Self { allow_private, proxy: Some(proxy), connect_timeout: None }
    }
}

/// The protocol spoken with a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ProxyScheme {
    /// HTTP `CONNECT`, in the clear as far as the proxy.
    Http,
    /// HTTP `CONNECT` inside TLS.
    Https,
    /// SOCKS 5; names are resolved, checked and pinned on this machine.
    Socks5,
    /// SOCKS 5; names are resolved by the proxy.
    Socks5h,
}

impl ProxyScheme {
    /// As URLs spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Socks5 => "socks5",
            Self::Socks5h => "socks5h",
        }
    }
}

impl fmt::Display for ProxyScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// An account's proxy, as configured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProxySettings {
    /// The protocol.
    pub scheme: ProxyScheme,
    /// Name or address; IPv6 without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Who logs in, if the proxy asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The sealed password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Sealed>,
}

/// Writes the URL without the password.
impl fmt::Display for ProxySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.scheme)?;
        if let Some(username) = &self.username {
            write!(f, "{username}{}@", if self.password.is_some() { ":…" } else { "" })?;
        }
        f.write_str(&host_and_port(&self.host, self.port))
    }
}

/// A proxy, ready for use. `Debug` shows no password.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Proxy {
    /// The protocol.
    pub scheme: ProxyScheme,
    /// Name or address; IPv6 without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Who logs in, if the proxy asks.
    pub login: Option<ProxyLogin>,
}

impl Proxy {
    /// `host:port`, for messages: neither login nor password.
    pub fn address(&self) -> String {
        host_and_port(&self.host, self.port)
    }
}

fn host_and_port(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// Who logs in at a proxy.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ProxyLogin {
    /// The name.
    pub username: String,
    /// The password; may be empty.
    pub password: Secret,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxys_password_is_never_shown() {
        let password = Some(Sealed::from_text("canary"));
        let settings = ProxySettings {
            scheme: ProxyScheme::Socks5h,
            host: "::1".to_owned(),
            port: 1080,
            username: Some("me".to_owned()),
            password,
        };
        assert_eq!(settings.to_string(), "socks5h://me:…@[::1]:1080");
        let login = ProxyLogin { username: "me".to_owned(), password: Secret::new("canary") };
        assert!(!format!("{login:?}").contains("canary"));
    }
}
