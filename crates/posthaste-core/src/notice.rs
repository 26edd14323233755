//! What operators are told of, and the port through which it is told.

mod event;
mod subject;

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

pub use event::NoticeEvent;
pub use subject::{Subject, SubjectRef};

use crate::Timestamp;

/// Takes notices and brings them to whoever wants to know.
pub trait NoticeSink: Send + Sync + 'static {
    /// Takes a notice. Never waits: what cannot be taken is counted and left out, so that requests may tell of something too.
    fn tell(&self, notice: Notice);
}

/// Tells nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoNotices;

impl NoticeSink for NoNotices {
    fn tell(&self, _: Notice) {}
}

/// Something that operators may want to know. It holds facts; the words are made by whoever brings it to them, in their
/// language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Notice {
    /// When it was found out.
    pub at: Timestamp,
    /// What it is about.
    pub subject: Subject,
    /// What happened, with its facts.
    pub event: NoticeEvent,
}

impl Notice {
    /// What sort of thing it is, by which channels choose.
    pub fn kind(&self) -> NoticeKind {
        self.event.kind()
    }

    /// How much it matters. A recovery matters as much as what it ends, as far as that is known.
    pub fn severity(&self) -> Severity {
        self.event.severity()
    }

    /// Whether it tells that something told before is over.
    pub fn is_recovery(&self) -> bool {
        self.event.is_recovery()
    }

    /// What makes two notices the same. A recovery has the key of what it ends.
    pub fn dedup_key(&self) -> String {
        let mut key = format!("{}/{}", self.kind(), self.subject.key());
        if let Some(detail) = self.event.detail() {
            key.push('/');
            key.push_str(&detail);
        }
        key
    }

    /// Whether it ends what has this [key](Self::dedup_key).
    pub fn ends(&self, key: &str) -> bool {
        let all_of_subject = || format!("{}/{}/", self.kind(), self.subject.key());
        self.is_recovery()
            && (self.dedup_key() == key
                || self.event.ends_every_detail() && key.starts_with(&all_of_subject()))
    }

    /// For how long the same need not be told again, where that is longer than usual: what holds until a window starts anew
    /// is told once in the window.
    pub fn quiet_for(&self) -> Option<Duration> {
        self.event.holds_until(self.at).map(|until| until.since(self.at).min(LONGEST_QUIET))
    }
}

/// The sorts of notices. Channels choose by them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// An account rests or serves again.
    AccountState,
    /// A window of an account's plan is being used up.
    Quota,
    /// A window of an account's plan will not last.
    Forecast,
    /// A limit is being used up.
    Limit,
    /// A client key is about to end, or has ended.
    KeyExpiry,
    /// No account of a pool can serve, or one can again.
    PoolDown,
    /// More attempts fail than usual, or no longer.
    ErrorRate,
    /// The price of a model is not known.
    UnknownPrice,
    /// The store is away or back.
    Store,
    /// Somebody signed in from an address that is new.
    SignIn,
    /// Signing in was refused so often that it is locked for a while.
    SignInLocked,
    /// Settings that were to be taken over were refused.
    RefusedData,
    /// A test of a channel.
    Test,
}

impl NoticeKind {
    /// Every kind, in the order of their declaration.
    pub const ALL: [Self; 13] = [
        Self::AccountState,
        Self::Quota,
        Self::Forecast,
        Self::Limit,
        Self::KeyExpiry,
        Self::PoolDown,
        Self::ErrorRate,
        Self::UnknownPrice,
        Self::Store,
        Self::SignIn,
        Self::SignInLocked,
        Self::RefusedData,
        Self::Test,
    ];

    /// The stable name used in settings, messages and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccountState => "account_state",
            Self::Quota => "quota",
            Self::Forecast => "forecast",
            Self::Limit => "limit",
            Self::KeyExpiry => "key_expiry",
            Self::PoolDown => "pool_down",
            Self::ErrorRate => "error_rate",
            Self::UnknownPrice => "unknown_price",
            Self::Store => "store",
            Self::SignIn => "sign_in",
            Self::SignInLocked => "sign_in_locked",
            Self::RefusedData => "refused_data",
            Self::Test => "test",
        }
    }

    /// Reads [`as_str`](Self::as_str)'s form.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl fmt::Display for NoticeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How much a notice matters. The least comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    #[default]
    Info,
    /// It will matter if nobody does anything.
    Warning,
    /// Requests fail, or somebody has to do something now.
    Critical,
}

impl Severity {
    /// Every severity, the least first.
    pub const ALL: [Self; 3] = [Self::Info, Self::Warning, Self::Critical];

    /// The stable name used in settings, messages and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }

    /// Reads [`as_str`](Self::as_str)'s form.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.as_str() == name)
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What holds for longer is told once a week.
const LONGEST_QUIET: Duration = Duration::from_secs(7 * 24 * 3_600);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AccountId, CooldownReason, CooldownScope, LimitUnit};

    const NOW: Timestamp = Timestamp::from_secs(1_790_000_000);

    fn of_account(event: NoticeEvent) -> Notice {
        let id = AccountId::from_uuid(uuid::Uuid::from_u128(1));
        Notice { at: NOW, subject: Subject::Account { id, name: "one".to_owned() }, event }
    }

    fn rests(reason: CooldownReason, scope: CooldownScope) -> Notice {
        let why = "429".to_owned();
        of_account(NoticeEvent::AccountRests { reason, scope, until: NOW, why })
    }

    fn serves(scope: CooldownScope, by_operator: bool) -> Notice {
        of_account(NoticeEvent::AccountServes { scope, by_operator })
    }

    #[test]
    fn a_recovery_ends_what_it_is_about_and_nothing_else() {
        let family = || CooldownScope::Models("claude-opus".to_owned());
        let whole = rests(CooldownReason::Failing, CooldownScope::Account).dedup_key();
        let part = rests(CooldownReason::Failing, family()).dedup_key();
        assert!(serves(CooldownScope::Account, false).ends(&whole));
        assert!(!serves(CooldownScope::Account, false).ends(&part));
        assert!(serves(family(), false).ends(&part));
        assert!(serves(CooldownScope::Account, true).ends(&part), "an operator ends all rests");
        assert!(!rests(CooldownReason::Failing, CooldownScope::Account).ends(&whole));
        let other = Notice {
            subject: Subject::Account { id: AccountId::generate(), name: "other".to_owned() },
            ..serves(CooldownScope::Account, true)
        };
        assert!(!other.ends(&whole));
    }

    #[test]
    fn what_is_true_until_a_window_ends_is_quiet_until_then_and_a_week_at_most() {
        let reached = |resets_at| {
            of_account(NoticeEvent::LimitReached {
                limit: "daily".to_owned(),
                unit: LimitUnit::Requests,
                percent: 80,
                used: 80,
                amount: 100,
                resets_at,
                shadow: false,
            })
        };
        let day = Duration::from_secs(24 * 3_600);
        assert_eq!(reached(Some(NOW.plus(day))).quiet_for(), Some(day));
        assert_eq!(reached(Some(NOW.plus(day * 30))).quiet_for(), Some(LONGEST_QUIET));
        assert_eq!(reached(None).quiet_for(), Some(LONGEST_QUIET));
        assert_eq!(rests(CooldownReason::Failing, CooldownScope::Account).quiet_for(), None);
        assert_ne!(reached(Some(NOW)).dedup_key(), reached(Some(NOW.plus(day))).dedup_key());
    }

    #[test]
    fn a_notice_reads_back_as_it_was_written() {
        let notice = rests(CooldownReason::Unauthorised, CooldownScope::Model("gpt-5".to_owned()));
        let text = serde_json::to_string(&notice).unwrap();
        assert_eq!(serde_json::from_str::<Notice>(&text).unwrap(), notice);
        assert_eq!(notice.severity(), Severity::Critical);
        assert!(Severity::Info < Severity::Warning && Severity::Warning < Severity::Critical);
    }

    #[test]
    fn kinds_and_severities_are_called_as_they_are_written_in_json() {
        for kind in NoticeKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
            assert_eq!(NoticeKind::parse(kind.as_str()), Some(kind));
        }
        for severity in Severity::ALL {
            assert_eq!(serde_json::to_value(severity).unwrap(), severity.as_str());
            assert_eq!(Severity::parse(severity.as_str()), Some(severity));
        }
    }
}
