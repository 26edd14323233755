//! Where a request comes from, behind whatever proxies.
//!
//! A proxy appends the address that it was called from to `x-forwarded-for` (or to `forwarded`, RFC 7239); what stands
//! left of that, anybody may have written. So these headers are read only when the peer is a trusted proxy, from the right,
//! and the first address that is no trusted proxy's is the client's.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use http::{Extensions, HeaderMap, HeaderName, header};
use posthaste_core::Network;

/// The other end of the connection; unknown where the server does not tell.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(Option<IpAddr>);

impl Peer {
    /// The server's note among a request's extensions.
    pub(crate) fn of(extensions: &Extensions) -> Self {
        Self(extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip()))
    }
}

/// Whether the peer's word counts on where requests come from.
pub(crate) fn is_trusted(Peer(peer): Peer, trusted: &[Network]) -> bool {
    peer.is_some_and(|peer| trusted.iter().any(|network| network.contains(peer)))
}

/// The client's address, or why it cannot be told.
pub(crate) fn of_client(
    Peer(peer): Peer,
    headers: &HeaderMap,
    trusted: &[Network],
) -> Result<IpAddr, &'static str> {
    let peer = peer.ok_or("the server does not tell")?;
    let is_trusted = |address| trusted.iter().any(|network| network.contains(address));
    if !is_trusted(peer) {
        return Ok(peer.to_canonical());
    }
    let told = [(X_FORWARDED_FOR, read_plain as Read), (header::FORWARDED, read_forwarded as Read)];
    let mut found = None;
    for (name, read) in told {
        let Some(address) = client_of(headers, &name, read, &is_trusted)? else { continue };
        // A proxy writes one of the two and may pass on the other as the client wrote it. Which is which, nobody knows.
        if found.is_some_and(|found| found != address) {
            return Err("`x-forwarded-for` and `forwarded` contradict each other");
        }
        found = Some(address);
    }
    Ok(found.unwrap_or(peer.to_canonical()))
}

type Read = fn(&str) -> Option<IpAddr>;

/// Who is named first from the right and is no trusted proxy; the leftmost one where all are; `None` without the header.
fn client_of(
    headers: &HeaderMap,
    name: &HeaderName,
    read: Read,
    is_trusted: &impl Fn(IpAddr) -> bool,
) -> Result<Option<IpAddr>, &'static str> {
    let mut leftmost = None;
    for value in headers.get_all(name).iter().rev() {
        let value = value.to_str().map_err(|_| MALFORMED)?;
        for hop in value.rsplit(',') {
            let address = read(hop.trim()).ok_or(MALFORMED)?.to_canonical();
            if !is_trusted(address) {
                return Ok(Some(address));
            }
            leftmost = Some(address);
        }
    }
    Ok(leftmost)
}

/// A hop of `x-forwarded-for`: an address, of which some proxies also tell the port.
fn read_plain(hop: &str) -> Option<IpAddr> {
    hop.parse()
        .ok()
        .or_else(|| hop.parse::<SocketAddr>().ok().map(|socket| socket.ip()))
        .or_else(|| bracketed(hop))
}

/// An element of `forwarded` (RFC 7239 §4): pairs, of which one is `for`. A hidden or unknown client is none that can be
/// told.
fn read_forwarded(element: &str) -> Option<IpAddr> {
    let mut of = element.split(';').filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then(|| value.trim())
    });
    let (node, None) = (of.next()?, of.next()) else { return None };
    let node = match node.strip_prefix('"') {
        Some(quoted) => quoted.strip_suffix('"')?,
        None => node,
    };
    read_plain(node)
}

fn bracketed(hop: &str) -> Option<IpAddr> {
    let inside = hop.strip_prefix('[')?.strip_suffix(']')?;
    inside.parse::<std::net::Ipv6Addr>().ok().map(IpAddr::V6)
}

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const MALFORMED: &str = "a proxy's `x-forwarded-for` or `forwarded` cannot be read";

#[cfg(test)]
mod tests {
    use super::*;

    fn told(peer: &str, lines: &[(&'static str, &str)]) -> Result<String, &'static str> {
        let trusted = ["10.0.0.0/8", "2001:db8:1::/48"].map(|text| Network::parse(text).unwrap());
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        let peer = Peer(Some(peer.parse().unwrap()));
        of_client(peer, &headers, &trusted).map(|address| address.to_string())
    }

    fn forwarded_for(value: &str) -> Result<String, &'static str> {
        told("10.0.0.1", &[("x-forwarded-for", value)])
    }

    #[test]
    fn a_stranger_s_word_counts_for_nothing() {
        let lines = [("x-forwarded-for", "192.0.2.7"), ("forwarded", "for=192.0.2.7")];
        assert_eq!(told("203.0.113.9", &lines).as_deref(), Ok("203.0.113.9"));
        assert_eq!(told("::ffff:203.0.113.9", &lines).as_deref(), Ok("203.0.113.9"));
    }

    #[test]
    fn a_trusted_proxy_s_word_counts_from_the_right() {
        for (value, client) in [
            ("192.0.2.7", "192.0.2.7"),
            ("6.6.6.6, 192.0.2.7", "192.0.2.7"),
            ("6.6.6.6, 192.0.2.7, 10.2.3.4, 2001:db8:1::5", "192.0.2.7"),
            ("nonsense, 192.0.2.7", "192.0.2.7"),
            ("10.2.3.4,10.5.6.7", "10.2.3.4"),
            ("192.0.2.7:4711", "192.0.2.7"),
            ("[2001:db8::7]:4711", "2001:db8::7"),
            ("[2001:db8::7]", "2001:db8::7"),
            ("2001:db8::7", "2001:db8::7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
        ] {
            assert_eq!(forwarded_for(value).as_deref(), Ok(client), "{value}");
        }
        let lines = [("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "192.0.2.7, 10.0.0.2")];
        assert_eq!(told("::ffff:10.0.0.1", &lines).as_deref(), Ok("192.0.2.7"));
        assert_eq!(told("10.0.0.1", &[]).as_deref(), Ok("10.0.0.1"));
    }

    #[test]
    fn the_standard_s_header_is_read_as_well() {
        for (value, client) in [
            ("for=192.0.2.7", "192.0.2.7"),
            ("for=6.6.6.6, For=\"[2001:db8::7]:4711\";proto=https;by=10.0.0.1", "2001:db8::7"),
            ("proto=https; for=\"192.0.2.7:4711\", for=10.0.0.9", "192.0.2.7"),
        ] {
            assert_eq!(told("10.0.0.1", &[("forwarded", value)]).as_deref(), Ok(client), "{value}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_no_address() {
        for value in ["", "unknown", "192.0.2.7,", "192.0.2.7, 999.1.1.1", "fe80::1%eth0", "[192.0.2.7]", "é"]
        {
            assert_eq!(forwarded_for(value), Err(MALFORMED), "{value}");
        }
        for value in [
            "for=unknown",
            "for=_hidden",
            "by=192.0.2.7",
            "for=\"192.0.2.7",
            "for=192.0.2.7;for=192.0.2.8",
            "192.0.2.7",
        ] {
            assert_eq!(told("10.0.0.1", &[("forwarded", value)]), Err(MALFORMED), "{value}");
        }
    }

    #[test]
    fn two_headers_have_to_say_the_same() {
        let lines = |forwarded| [("x-forwarded-for", "192.0.2.7"), ("forwarded", forwarded)];
        assert_eq!(told("10.0.0.1", &lines("for=192.0.2.7")).as_deref(), Ok("192.0.2.7"));
        assert!(told("10.0.0.1", &lines("for=192.0.2.8")).unwrap_err().contains("contradict"));
        assert_eq!(told("10.0.0.1", &lines("for=unknown")), Err(MALFORMED));
    }
}
