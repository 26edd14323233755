//! Networks of addresses, as policies name them.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why a text names no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// It does not begin with an address.
    #[error("`{0}` is no address; write 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32")]
    NotAnAddress(String),
    /// What follows the slash is no length of a prefix.
    #[error("`/{length}` is no prefix length of this address; write /0 to /{most}")]
    NotALength {
        /// What was written.
        length: String,
        /// The longest one.
        most: u8,
    },
    /// The address lies within the network and does not begin it, so one of the two is a slip.
    #[error("the address does not begin its network; write {0}, or the address alone")]
    NotTheBeginning(Network),
}

/// A network of addresses, written `192.0.2.0/24` or `2001:db8::/32` (RFC 4632 §3.1, RFC 4291 §2.3). An address alone is
/// a network of one.
///
/// IPv4 addresses in their IPv6 form (`::ffff:192.0.2.7`, RFC 4291 §2.5.5.2) are those IPv4 addresses, in networks and in
/// what is looked for; apart from that no network holds addresses of both kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    first: IpAddr,
    length: u8,
}

impl Network {
    /// Reads a network.
    ///
    /// # Errors
    /// When the text names none, or an address that does not begin its network.
    pub fn parse(text: &str) -> Result<Self, NetworkError> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr =
            address.parse().map_err(|_| NetworkError::NotAnAddress(address.chars().take(SHOWN).collect()))?;
        let most = longest(address);
        let length = length.map_or(Some(most), |length| prefix_length(length, most));
        let Some(length) = length else {
            let length = text.split_once('/').map(|(_, length)| length).unwrap_or_default();
            return Err(NetworkError::NotALength { length: length.chars().take(SHOWN).collect(), most });
        };
        let network = Self::canonical(mask(address, length), length);
        if mask(address, length) != address {
            return Err(NetworkError::NotTheBeginning(network));
        }
        Ok(network)
    }

    /// Whether the address lies in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        longest(address) == longest(self.first) && mask(address, self.length) == self.first
    }

    fn canonical(first: IpAddr, length: u8) -> Self {
        match first.to_canonical() {
            mapped @ IpAddr::V4(_) if first.is_ipv6() && length >= MAPPED => {
                Self { first: mapped, length: length - MAPPED }
            }
            _ => Self { first, length },
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.length == longest(self.first) {
            return f.pad(&self.first.to_string());
        }
        f.pad(&format!("{}/{}", self.first, self.length))
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        Self::parse(text)
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

fn longest(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// Digits alone: the standard's parser also takes a sign.
fn prefix_length(text: &str, most: u8) -> Option<u8> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().filter(|length| *length <= most)
}

fn mask(address: IpAddr, length: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let kept = u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
            Ipv4Addr::from_bits(address.to_bits() & kept).into()
        }
        IpAddr::V6(address) => {
            let kept = u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0);
            Ipv6Addr::from_bits(address.to_bits() & kept).into()
        }
    }
}

/// The length of the prefix before an IPv4 address in its IPv6 form.
const MAPPED: u8 = 96;

/// How much of a text is repeated to whoever wrote it.
const SHOWN: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        Network::parse(text).unwrap()
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_network_holds_what_begins_like_it() {
        for (text, inside, outside) in [
            ("192.0.2.0/24", "192.0.2.255", "192.0.3.0"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("192.0.2.4/31", "192.0.2.5", "192.0.2.6"),
            ("0.0.0.0/0", "255.255.255.255", "::1"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
            ("::/0", "2001:db8::1", "192.0.2.7"),
            ("fe80::1", "fe80::1", "fe80::2"),
            ("192.0.2.0/24", "::ffff:192.0.2.9", "::ffff:192.0.3.9"),
            ("::ffff:192.0.2.0/120", "192.0.2.9", "192.0.3.9"),
        ] {
            assert!(network(text).contains(address(inside)), "{inside} in {text}");
            assert!(!network(text).contains(address(outside)), "{outside} in {text}");
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        for text in ["192.0.2.0/24", "192.0.2.7", "::/0", "2001:db8::/32", "0.0.0.0/0"] {
            assert_eq!(network(text).to_string(), text);
            let json = serde_json::to_string(&network(text)).unwrap();
            assert_eq!(serde_json::from_str::<Network>(&json).unwrap(), network(text));
        }
        assert_eq!(network("::ffff:192.0.2.0/120").to_string(), "192.0.2.0/24");
        assert_eq!(network("192.0.2.7/32").to_string(), "192.0.2.7");
    }

    #[test]
    fn other_texts_are_told_what_to_write() {
        for (text, hint) in [
            ("", "write 192.0.2.7"),
            ("office", "write 192.0.2.7"),
            ("192.0.2", "write 192.0.2.7"),
            ("192.0.2.0/33", "write /0 to /32"),
            ("192.0.2.0/", "write /0 to /32"),
            ("192.0.2.0/+8", "write /0 to /32"),
            ("2001:db8::/129", "write /0 to /128"),
            ("192.0.2.7/24", "write 192.0.2.0/24"),
            ("::ffff:192.0.2.7/120", "write 192.0.2.0/24"),
            ("fe80::1%eth0", "write 192.0.2.7"),
        ] {
            let error = Network::parse(text).unwrap_err().to_string();
            assert!(error.contains(hint), "{text}: {error}");
        }
    }
}
