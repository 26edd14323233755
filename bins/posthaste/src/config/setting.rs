//! The types that a key's value can have.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use posthaste_core::{Multiplier, Network, Secret};
use url::Url;

use super::units::{self, ByteSize};

/// A kind of TOML value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A text in quotes.
    Text,
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// Anything else, which no key takes.
    Other,
}

/// A type that a key's value can have.
pub trait Setting: Sized {
    /// The form, for people: "expected …".
    const EXPECTED: &'static str;
    /// The kinds of TOML values that it takes. In the environment and in flags everything is text.
    const KINDS: &'static [Kind] = &[Kind::Text];
    /// Whether the value is never shown.
    const SECRET: bool = false;
    /// Whether it is taken from the environment only.
    const ENV_ONLY: bool = false;

    /// Reads a value's text.
    fn parse(text: &str) -> Option<Self>;

    /// What stands for a key that is not set and has no default.
    fn unset() -> Option<Self> {
        None
    }

    /// The value as one would write it in the file, secrets redacted; `None` when it is unset.
    fn show(&self) -> Option<String>;
}

/// A secret that is taken from the environment only, since a file is read, copied and backed up by many.
#[derive(Clone, Debug)]
pub struct EnvSecret(pub Secret);

impl Setting for EnvSecret {
    const EXPECTED: &'static str = <Secret as Setting>::EXPECTED;
    const SECRET: bool = true;
    const ENV_ONLY: bool = true;

    fn parse(text: &str) -> Option<Self> {
        Secret::parse(text).map(Self)
    }

    fn show(&self) -> Option<String> {
        self.0.show()
    }
}

impl Setting for Secret {
    const EXPECTED: &'static str = "a text that is not empty";
    const SECRET: bool = true;

    fn parse(text: &str) -> Option<Self> {
        (!text.trim().is_empty()).then(|| Self::new(text.trim()))
    }

    fn show(&self) -> Option<String> {
        Some("\"(secret)\"".to_owned())
    }
}

impl Setting for String {
    const EXPECTED: &'static str = "a text that is not empty";

    fn parse(text: &str) -> Option<Self> {
        (!text.trim().is_empty()).then(|| text.to_owned())
    }

    fn show(&self) -> Option<String> {
        Some(format!("{self:?}"))
    }
}

impl Setting for bool {
    const EXPECTED: &'static str = "`true` or `false`";
    const KINDS: &'static [Kind] = &[Kind::Boolean];

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn show(&self) -> Option<String> {
        Some(self.to_string())
    }
}

impl Setting for Multiplier {
    const EXPECTED: &'static str =
        "a factor in quotes, from 0 to 1000 with up to six decimals, such as `\"1.25\"`";

    fn parse(text: &str) -> Option<Self> {
        Self::parse(text)
    }

    fn show(&self) -> Option<String> {
        Some(format!("\"{self}\""))
    }
}

impl Setting for Url {
    const EXPECTED: &'static str =
        "an address such as `https://login.example/oauth/token`, without a login or a fragment";

    fn parse(text: &str) -> Option<Self> {
        let url = Self::parse(text.trim()).ok()?;
        let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        (matches!(url.scheme(), "http" | "https") && url.has_host() && plain).then_some(url)
    }

    fn show(&self) -> Option<String> {
        Some(format!("\"{self}\""))
    }
}

/// Addresses with spaces between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Urls(pub Vec<Url>);

impl Setting for Urls {
    const EXPECTED: &'static str =
        "addresses such as `https://login.example/oauth/token` with spaces between them";

    fn parse(text: &str) -> Option<Self> {
        let urls: Vec<_> = text.split_whitespace().map(<Url as Setting>::parse).collect::<Option<_>>()?;
        (!urls.is_empty()).then_some(Self(urls))
    }

    fn show(&self) -> Option<String> {
        let urls: Vec<_> = self.0.iter().map(Url::as_str).collect();
        Some(format!("{:?}", urls.join(" ")))
    }
}

/// Words with spaces between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words(pub Vec<String>);

impl Setting for Words {
    const EXPECTED: &'static str = "words with spaces between them";

    fn parse(text: &str) -> Option<Self> {
        let words: Vec<_> = text.split_whitespace().map(str::to_owned).collect();
        (!words.is_empty()).then_some(Self(words))
    }

    fn show(&self) -> Option<String> {
        Some(format!("{:?}", self.0.join(" ")))
    }
}

/// Networks with spaces between them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(pub Vec<Network>);

impl Setting for Networks {
    const EXPECTED: &'static str =
        "addresses and networks such as `127.0.0.1 10.0.0.0/8 2001:db8::/32` with spaces between them";

    fn parse(text: &str) -> Option<Self> {
        let networks: Vec<_> =
            text.split_whitespace().map(|text| Network::parse(text).ok()).collect::<Option<_>>()?;
        (!networks.is_empty()).then_some(Self(networks))
    }

    fn show(&self) -> Option<String> {
        let networks: Vec<_> = self.0.iter().map(Network::to_string).collect();
        Some(format!("{:?}", networks.join(" ")))
    }
}

impl Setting for PathBuf {
    const EXPECTED: &'static str = "a path";

    fn parse(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self::from(text))
    }

    fn show(&self) -> Option<String> {
        Some(format!("{self:?}"))
    }
}

impl Setting for SocketAddr {
    const EXPECTED: &'static str = "an address and a port such as `127.0.0.1:3001` or `[::1]:3001`";

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn show(&self) -> Option<String> {
        Some(format!("\"{self}\""))
    }
}

/// An address to listen on, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listen {
    /// Nobody listens.
    Off,
    /// Here.
    At(SocketAddr),
}

impl Listen {
    /// The address, if there is one.
    pub const fn address(self) -> Option<SocketAddr> {
        match self {
            Self::Off => None,
            Self::At(address) => Some(address),
        }
    }
}

impl Setting for Listen {
    const EXPECTED: &'static str = "an address and a port such as `127.0.0.1:3002` or `[::1]:3002`, or `off`";

    fn parse(text: &str) -> Option<Self> {
        if text == "off" { Some(Self::Off) } else { text.parse().ok().map(Self::At) }
    }

    fn show(&self) -> Option<String> {
        match self {
            Self::Off => Some("\"off\"".to_owned()),
            Self::At(address) => address.show(),
        }
    }
}

/// Origins of pages with spaces between them, as browsers write them (<https://html.spec.whatwg.org/#ascii-serialisation-of-an-origin>).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins(pub Vec<String>);

impl Setting for Origins {
    const EXPECTED: &'static str =
        "sites such as `https://chat.example http://localhost:5173` with spaces between them, without paths";

    fn parse(text: &str) -> Option<Self> {
        let origin = |text: &str| {
            let url = <Url as Setting>::parse(text)?;
            let bare = url.path() == "/" && url.query().is_none();
            bare.then(|| url.origin().ascii_serialization())
        };
        let origins: Vec<_> = text.split_whitespace().map(origin).collect::<Option<_>>()?;
        (!origins.is_empty()).then_some(Self(origins))
    }

    fn show(&self) -> Option<String> {
        Some(format!("{:?}", self.0.join(" ")))
    }
}

impl Setting for u16 {
    const EXPECTED: &'static str = "a whole number";
    const KINDS: &'static [Kind] = &[Kind::Integer];

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn show(&self) -> Option<String> {
        Some(self.to_string())
    }
}

impl Setting for u32 {
    const EXPECTED: &'static str = "a whole number";
    const KINDS: &'static [Kind] = &[Kind::Integer];

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn show(&self) -> Option<String> {
        Some(self.to_string())
    }
}

impl Setting for Duration {
    const EXPECTED: &'static str = "a time above zero such as `500ms`, `10s`, `15m` or `1h`";

    fn parse(text: &str) -> Option<Self> {
        units::parse_duration(text)
    }

    fn show(&self) -> Option<String> {
        Some(format!("\"{}\"", units::show_duration(*self)))
    }
}

impl Setting for ByteSize {
    const EXPECTED: &'static str = "a size above zero such as `64MiB`, `512KiB` or a number of bytes";
    const KINDS: &'static [Kind] = &[Kind::Text, Kind::Integer];

    fn parse(text: &str) -> Option<Self> {
        Self::parse_text(text)
    }

    fn show(&self) -> Option<String> {
        Some(format!("\"{self}\""))
    }
}

impl<T: Setting> Setting for Option<T> {
    const EXPECTED: &'static str = T::EXPECTED;
    const KINDS: &'static [Kind] = T::KINDS;
    const SECRET: bool = T::SECRET;
    const ENV_ONLY: bool = T::ENV_ONLY;

    fn parse(text: &str) -> Option<Self> {
        T::parse(text).map(Some)
    }

    fn unset() -> Option<Self> {
        Some(None)
    }

    fn show(&self) -> Option<String> {
        self.as_ref().and_then(Setting::show)
    }
}
