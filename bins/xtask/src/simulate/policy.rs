//! What is compared.

use std::fmt;

use posthaste_core::Strategy;

/// How a relay chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    /// Priority, then the least recently used; a conversation sticks to its account for an hour after its last request,
    /// whatever that costs. What vendors tell of their windows is not looked at.
    Plain,
    /// Posthaste with a strategy: windows and caches count.
    Posthaste(Strategy),
    /// The same, and the relay also knows where the client's system prompt is warm, which conversations share.
    Beginnings(Strategy),
}

impl Policy {
    pub(crate) fn all() -> Vec<Self> {
        let strategies = Strategy::ALL.map(Self::Posthaste);
        let shared = [Strategy::LeastRecentlyUsed, Strategy::QuotaPaced].map(Self::Beginnings);
        [Self::Plain].into_iter().chain(strategies).chain(shared).collect()
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name.strip_suffix(SHARED) {
            _ if name == PLAIN => Some(Self::Plain),
            Some(name) => Strategy::parse(name).map(Self::Beginnings),
            None => Strategy::parse(name).map(Self::Posthaste),
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain => f.pad(PLAIN),
            Self::Posthaste(strategy) => strategy.fmt(f),
            Self::Beginnings(strategy) => f.pad(&format!("{strategy}{SHARED}")),
        }
    }
}

const PLAIN: &str = "plain";
const SHARED: &str = "+beginnings";
