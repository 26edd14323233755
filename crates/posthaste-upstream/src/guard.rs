//! Which hosts may be called without consent to private addresses, as far as the host's text tells.
//!
//! What a name resolves to is checked where it is resolved (`resolve.rs`). Behind a proxy that resolves names itself there
//! is nothing but the text.

use std::net::IpAddr;

use http::Uri;
use url::Host;

use crate::is_public;

/// Where a request goes: a host as it is to be connected to, and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) host: TargetHost,
    pub(crate) port: u16,
}

/// A host, read as browsers read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TargetHost {
    Address(IpAddr),
    Name(String),
}

/// A host that may not be called without consent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an address of the open internet")]
pub(crate) struct NotPublic(pub(crate) String);

/// Who finds out the address of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResolvedBy {
    /// This machine, which checks what comes of it.
    Here,
    /// The proxy, so that the name itself is all that can be checked.
    Proxy,
}

impl Target {
    /// Reads a URL's host and port, and refuses a host that may not be called.
    ///
    /// Addresses are known in all spellings that resolvers take, such as `0x7f.1` and `2130706433`.
    pub(crate) fn read(uri: &Uri, allow_private: bool, resolved_by: ResolvedBy) -> Result<Self, NotPublic> {
        let text = uri.host().unwrap_or_default();
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("http") { 80 } else { 443 });
        let refused = || NotPublic(text.to_owned());
        let host = match Host::parse(text) {
            Ok(Host::Ipv4(address)) => TargetHost::Address(address.into()),
            Ok(Host::Ipv6(address)) => TargetHost::Address(address.into()),
            Ok(Host::Domain(name)) => TargetHost::Name(name),
            // Not a name that anybody could have registered; a resolver may still make an address of it.
            Err(_) if allow_private => TargetHost::Name(text.to_owned()),
            Err(_) => return Err(refused()),
        };
        let may_be_called = allow_private
            || match &host {
                TargetHost::Address(address) => is_public(*address),
                TargetHost::Name(name) => resolved_by == ResolvedBy::Here || is_public_name(name),
            };
        if may_be_called { Ok(Self { host, port }) } else { Err(refused()) }
    }

    /// `host:port` as `CONNECT` and messages spell it.
    pub(crate) fn authority(&self) -> String {
        let port = self.port;
        match &self.host {
            TargetHost::Address(IpAddr::V6(address)) => format!("[{address}]:{port}"),
            TargetHost::Address(address) => format!("{address}:{port}"),
            TargetHost::Name(name) => format!("{name}:{port}"),
        }
    }
}

/// Whether a name is one of the open internet's, as far as the name tells.
fn is_public_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    let under =
        |suffix: &&str| name.strip_suffix(*suffix).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    name.contains('.') && !PRIVATE_NAMES.iter().any(under)
}

/// Names that no public registry hands out, and the cloud's metadata services under names that one does; each with all
/// that lies below it. A name without a dot is the local network's in any case.
///
/// Sources, checked 2026-11-26: RFC 6761 (`localhost`), RFC 6762 §3 and appendix G (`local` and the names that private
/// networks use), RFC 8375 (`home.arpa`), ICANN's reservation of `internal`
/// (<https://www.icann.org/en/board-activities-and-meetings/materials/approved-resolutions-special-meeting-of-the-icann-board-29-07-2024-en>),
/// Kubernetes' `svc` (<https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/>), the metadata services
/// of Google (`metadata.goog`) and Tencent Cloud.
const PRIVATE_NAMES: [&str; 15] = [
    "localhost",
    "localdomain",
    "local",
    "internal",
    "intranet",
    "private",
    "corp",
    "home",
    "lan",
    "home.arpa",
    "in-addr.arpa",
    "ip6.arpa",
    "svc",
    "metadata.goog",
    "metadata.tencentyun.com",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str, allow_private: bool, resolved_by: ResolvedBy) -> Result<Target, NotPublic> {
        Target::read(&url.parse().unwrap(), allow_private, resolved_by)
    }

    #[test]
    fn addresses_are_known_in_every_spelling() {
        for host in [
            "127.0.0.1",
            "127.1",
            "127.0.1",
            "0177.0.0.1",
            "0x7f.0.0.1",
            "0x7f000001",
            "0X7F.1",
            "2130706433",
            "017700000001",
            "127.0.0.1.",
            "0",
            "0.0.0.0",
            "10.0.0.1",
            "169.254.169.254",
            "0xa9fea9fe",
            "2852039166",
            "0251.0376.0251.0376",
            "100.100.100.200",
            "192.168.0.1",
            "[::1]",
            "[::]",
            "[0:0:0:0:0:0:0:1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[::ffff:169.254.169.254]",
            "[64:ff9b::7f00:1]",
            "[2002:7f00:1::]",
            "[fd00:ec2::254]",
            "[fe80::1]",
        ] {
            for resolved_by in [ResolvedBy::Here, ResolvedBy::Proxy] {
                for url in [format!("http://{host}/"), format!("https://{host}:8443/v1")] {
                    assert_eq!(read(&url, false, resolved_by), Err(NotPublic(host.to_owned())), "{url}");
                    let target = read(&url, true, resolved_by).unwrap();
                    assert!(matches!(target.host, TargetHost::Address(_)), "{url}: {target:?}");
                }
            }
        }
    }

    #[test]
    fn names_of_private_networks_are_refused_where_only_the_name_is_known() {
        for host in [
            "localhost",
            "LocalHost",
            "localhost.",
            "api.localhost",
            "printer.local",
            "metadata",
            "metadata.google.internal",
            "metadata.goog",
            "metadata.tencentyun.com",
            "instance-data",
            "instance-data.ec2.internal",
            "host.docker.internal",
            "redis.default.svc.cluster.local",
            "redis.default.svc",
            "nas.lan",
            "nas.home.arpa",
            "wiki.corp",
            "1.0.0.127.in-addr.arpa",
            "intranet",
        ] {
            let url = format!("http://{host}/");
            assert_eq!(read(&url, false, ResolvedBy::Proxy), Err(NotPublic(host.to_owned())), "{url}");
            assert!(read(&url, true, ResolvedBy::Proxy).is_ok(), "{url}");
            assert!(read(&url, false, ResolvedBy::Here).is_ok(), "{url}: its addresses are checked");
        }
    }

    #[test]
    fn public_hosts_pass() {
        for host in [
            "api.anthropic.com",
            "api.anthropic.com.",
            "localhost.example.com",
            "internal.example.com",
            "notlocal.example",
            "mylocalhost.io",
            "xn--bcher-kva.example",
            "1.1.1.1",
            "[2606:4700::1111]",
        ] {
            for resolved_by in [ResolvedBy::Here, ResolvedBy::Proxy] {
                assert!(read(&format!("https://{host}/"), false, resolved_by).is_ok(), "{host}");
            }
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for host in ["1.2.3.4.5", "256.256.256.256", "0x7f.0.0.0.1", "1.2.3.999", "a..1"] {
            let url = format!("http://{host}/");
            assert_eq!(read(&url, false, ResolvedBy::Here), Err(NotPublic(host.to_owned())), "{url}");
        }
    }

    #[test]
    fn the_port_follows_the_scheme() {
        let authority = |url| read(url, true, ResolvedBy::Proxy).unwrap().authority();
        assert_eq!(authority("http://example.com/"), "example.com:80");
        assert_eq!(authority("https://example.com/"), "example.com:443");
        assert_eq!(authority("https://[::1]:8443/"), "[::1]:8443");
        assert_eq!(authority("http://0x7f.1:8080/"), "127.0.0.1:8080");
    }
}
