//! What operators can be told.

use posthaste_core::{Area, Fault, Scope};

/// Something that is told to those who want it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Topic {
    /// How much goes on, in numbers.
    Totals,
    /// Requests as they come and go.
    Requests,
    /// How accounts fare.
    Accounts,
    /// Everything that operators should know, accounts included.
    Notices,
    /// Lines of the log.
    Logs,
}

impl Topic {
    pub(super) const ALL: [Self; 5] =
        [Self::Totals, Self::Requests, Self::Accounts, Self::Notices, Self::Logs];

    /// The name in messages.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Totals => "totals",
            Self::Requests => "requests",
            Self::Accounts => "accounts",
            Self::Notices => "notices",
            Self::Logs => "logs",
        }
    }

    /// What one has to be allowed, as for the same over the admin API.
    pub(super) fn need(self) -> Scope {
        match self {
            Self::Totals => Area::Usage.read(),
            Self::Requests => Area::Requests.read(),
            Self::Accounts => Area::Accounts.read(),
            Self::Notices | Self::Logs => Area::System.read(),
        }
    }

    /// The one of this name.
    pub(super) fn parse(name: &str) -> Result<Self, Fault> {
        Self::ALL.into_iter().find(|topic| topic.as_str() == name).ok_or_else(|| {
            let known = Self::ALL.map(Self::as_str).join(", ");
            let name: String = name.chars().take(MOST_SHOWN_CHARS).collect();
            Fault::invalid_request(format!("`topics`: there is no `{name}`; there are {known}"))
        })
    }
}

const MOST_SHOWN_CHARS: usize = 100;
