//! What may have happened, each with its facts.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{NoticeKind, Severity};
use crate::{CooldownReason, CooldownScope, LimitUnit, ProviderKind, Timestamp};

/// What happened. Whose it is, the notice's subject tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum NoticeEvent {
    /// An account was sent to rest.
    AccountRests {
        /// The class of reason.
        reason: CooldownReason,
        /// What of it rests.
        scope: CooldownScope,
        /// When it ends.
        until: Timestamp,
        /// What the upstream said; holds no secrets.
        why: String,
    },
    /// An account serves again.
    AccountServes {
        /// What of it.
        scope: CooldownScope,
        /// Whether an operator ended all of its rests; otherwise it has shown that it serves.
        by_operator: bool,
    },
    /// A window of an account's plan has been used up to a mark.
    QuotaReached {
        /// The mark in percent.
        percent: u8,
        /// What is used, in percent.
        used_percent: u8,
        /// When the window starts anew.
        resets_at: Timestamp,
        /// When nothing is left if it goes on like this, if that is before the window starts anew.
        runs_out_at: Option<Timestamp>,
    },
    /// A window of an account's plan will be used up before it starts anew if it goes on like this.
    QuotaRunsOut {
        /// What is used, in percent.
        used_percent: u8,
        /// When nothing is left.
        runs_out_at: Timestamp,
        /// When the window starts anew.
        resets_at: Timestamp,
    },
    /// A limit has been used up to a threshold.
    LimitReached {
        /// The limit's name.
        limit: String,
        /// What it counts.
        unit: LimitUnit,
        /// The threshold in percent.
        percent: u8,
        /// What is used or reserved: requests, tokens or nano-dollars.
        used: i64,
        /// What may not be passed.
        amount: i64,
        /// When it starts anew, where it does.
        resets_at: Option<Timestamp>,
        /// Whether it counts and never refuses.
        shadow: bool,
    },
    /// A client key will end soon.
    KeyExpires {
        /// When.
        expires_at: Timestamp,
        /// Within how many days that is: each number is told once.
        within_days: u16,
    },
    /// A client key has ended.
    KeyExpired {
        /// When.
        expires_at: Timestamp,
    },
    /// No account of a pool can serve.
    PoolDown {
        /// How many there are in it.
        accounts: u32,
        /// When the first of them ends its rest, where that is known.
        next_at: Option<Timestamp>,
    },
    /// An account of a pool can serve again.
    PoolServes,
    /// More attempts fail than usual.
    ErrorsRose {
        /// How many failed.
        failed: u32,
        /// Out of how many.
        attempts: u32,
        /// Within how many seconds.
        window_seconds: u32,
    },
    /// No more attempts fail than usual.
    ErrorsFell {
        /// How many failed.
        failed: u32,
        /// Out of how many.
        attempts: u32,
        /// Within how many seconds.
        window_seconds: u32,
    },
    /// The price of a model is not known.
    PriceUnknown {
        /// Whose model.
        provider: ProviderKind,
        /// Whether a price that was set for such models is counted; nothing is counted otherwise.
        priced: bool,
    },
    /// The store is away.
    StoreLost {
        /// Since when.
        since: Timestamp,
        /// What went wrong.
        reason: String,
    },
    /// The store is back.
    StoreBack {
        /// How long it was away.
        lost_seconds: u64,
    },
    /// Somebody signed in from an address that was not seen with them before.
    SignedIn {
        /// The address.
        address: String,
    },
    /// Signing in is locked for a while: too many wrong passwords.
    SignInLocked {
        /// From which address.
        address: String,
        /// How many there were.
        misses: u32,
        /// Until when.
        until: Timestamp,
    },
    /// Settings that were to be taken over were refused; the former stay.
    DataRefused {
        /// What they were: a file or an address without secrets.
        source: String,
        /// Why.
        why: String,
    },
    /// A test of a channel.
    Test,
}

impl NoticeEvent {
    pub(super) const fn kind(&self) -> NoticeKind {
        match self {
            Self::AccountRests { .. } | Self::AccountServes { .. } => NoticeKind::AccountState,
            Self::QuotaReached { .. } => NoticeKind::Quota,
            Self::QuotaRunsOut { .. } => NoticeKind::Forecast,
            Self::LimitReached { .. } => NoticeKind::Limit,
            Self::KeyExpires { .. } | Self::KeyExpired { .. } => NoticeKind::KeyExpiry,
            Self::PoolDown { .. } | Self::PoolServes => NoticeKind::PoolDown,
            Self::ErrorsRose { .. } | Self::ErrorsFell { .. } => NoticeKind::ErrorRate,
            Self::PriceUnknown { .. } => NoticeKind::UnknownPrice,
            Self::StoreLost { .. } | Self::StoreBack { .. } => NoticeKind::Store,
            Self::SignedIn { .. } => NoticeKind::SignIn,
            Self::SignInLocked { .. } => NoticeKind::SignInLocked,
            Self::DataRefused { .. } => NoticeKind::RefusedData,
            Self::Test => NoticeKind::Test,
        }
    }

    pub(super) const fn severity(&self) -> Severity {
        match self {
            Self::AccountRests { reason, .. } => match reason {
                // They pass by themselves.
                CooldownReason::RateLimited | CooldownReason::Overloaded => Severity::Info,
                CooldownReason::QuotaExhausted | CooldownReason::Failing => Severity::Warning,
                CooldownReason::Unauthorised | CooldownReason::Forbidden => Severity::Critical,
            },
            Self::PoolDown { .. } | Self::PoolServes => Severity::Critical,
            Self::StoreLost { .. } | Self::StoreBack { .. } => Severity::Critical,
            Self::SignInLocked { .. } => Severity::Critical,
            Self::QuotaReached { percent, .. } if *percent >= 100 => Severity::Critical,
            Self::LimitReached { percent, shadow, .. } if *percent >= 100 && !*shadow => Severity::Critical,
            Self::QuotaReached { percent, .. } | Self::LimitReached { percent, .. } if *percent < 80 => {
                Severity::Info
            }
            Self::SignedIn { .. } | Self::Test => Severity::Info,
            Self::AccountServes { .. }
            | Self::QuotaReached { .. }
            | Self::QuotaRunsOut { .. }
            | Self::LimitReached { .. }
            | Self::KeyExpires { .. }
            | Self::KeyExpired { .. }
            | Self::ErrorsRose { .. }
            | Self::ErrorsFell { .. }
            | Self::PriceUnknown { .. }
            | Self::DataRefused { .. } => Severity::Warning,
        }
    }

    pub(super) const fn is_recovery(&self) -> bool {
        matches!(
            self,
            Self::AccountServes { .. } | Self::PoolServes | Self::ErrorsFell { .. } | Self::StoreBack { .. }
        )
    }

    /// What tells it apart from others of its kind with the same subject.
    pub(super) fn detail(&self) -> Option<String> {
        match self {
            Self::AccountRests { scope, .. } | Self::AccountServes { scope, .. } => Some(scope.to_string()),
            Self::QuotaReached { percent, resets_at, .. } => {
                Some(format!("{}/{percent}", minute(*resets_at)))
            }
            Self::QuotaRunsOut { resets_at, .. } => Some(minute(*resets_at).to_string()),
            Self::LimitReached { limit, percent, amount, resets_at, .. } => {
                let window = resets_at.map_or_else(|| "total".to_owned(), |at| at.as_secs().to_string());
                Some(format!("{limit}/{amount}/{window}/{percent}"))
            }
            Self::KeyExpires { expires_at, within_days } => {
                Some(format!("{}/{within_days}", expires_at.as_secs()))
            }
            Self::KeyExpired { expires_at } => Some(format!("{}/ended", expires_at.as_secs())),
            Self::PriceUnknown { provider, .. } => Some(provider.to_string()),
            Self::SignedIn { address } | Self::SignInLocked { address, .. } => Some(address.clone()),
            Self::DataRefused { source, .. } => Some(source.clone()),
            Self::PoolDown { .. }
            | Self::PoolServes
            | Self::ErrorsRose { .. }
            | Self::ErrorsFell { .. }
            | Self::StoreLost { .. }
            | Self::StoreBack { .. }
            | Self::Test => None,
        }
    }

    pub(super) const fn ends_every_detail(&self) -> bool {
        matches!(self, Self::AccountServes { by_operator: true, .. })
    }

    /// Until when it stays true that it happened, where nothing ends it before.
    pub(super) fn holds_until(&self, at: Timestamp) -> Option<Timestamp> {
        match self {
            Self::QuotaReached { resets_at, .. } | Self::QuotaRunsOut { resets_at, .. } => Some(*resets_at),
            Self::LimitReached { resets_at, .. } => Some(resets_at.unwrap_or(FOR_EVER)),
            Self::KeyExpires { expires_at, .. } => Some(*expires_at),
            Self::KeyExpired { .. } => Some(FOR_EVER),
            Self::PriceUnknown { .. } => Some(at.plus(DAY)),
            _ => None,
        }
    }
}

/// Vendors tell the same end a second earlier or later.
const fn minute(moment: Timestamp) -> i64 {
    (moment.as_secs() + 30).div_euclid(60)
}

const FOR_EVER: Timestamp = Timestamp::from_micros(i64::MAX);
const DAY: Duration = Duration::from_secs(24 * 3_600);
