//! Notices and channels for the tests here.

use std::sync::Arc;

use posthaste_core::{
    AccountId, BoxError, Channel, ChannelField, ChannelId, ChannelKind, ClientKeyId, CooldownReason,
    CooldownScope, Language, LimitUnit, Notice, NoticeEvent, NoticeFilter, PoolId, PrivateAddressConsent,
    ProviderKind, Sealed, Secret, Subject, Timestamp,
};
use uuid::Uuid;

use crate::SecretOpener;

pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_790_000_000);

/// Nothing is sealed: the text is the secret.
pub(crate) struct Plain;

impl SecretOpener for Plain {
    fn open(&self, _: ChannelId, _: ChannelField, sealed: &Sealed) -> Result<Secret, BoxError> {
        Ok(Secret::new(sealed.as_text()))
    }
}

pub(crate) fn channel(service: ChannelKind, target: &str, key: Option<&str>) -> Channel {
    Channel {
        id: ChannelId::from_uuid(Uuid::from_u128(9)),
        name: "ops".to_owned(),
        enabled: true,
        service,
        target: (!target.is_empty()).then(|| Sealed::from_text(target)),
        target_host: None,
        key: key.map(Sealed::from_text),
        private_address: None,
        proxy: None,
        language: Language::English,
        filter: NoticeFilter::default(),
        digest_seconds: 0,
        per_minute: Channel::default_per_minute(),
        created_at: NOW,
        updated_at: NOW,
    }
}

pub(crate) fn with_consent(channel: Channel) -> Channel {
    let consent = PrivateAddressConsent { given_at: NOW, how: "test".to_owned() };
    Channel { private_address: Some(consent), ..channel }
}

/// One of each event.
pub(crate) fn samples() -> Vec<Arc<Notice>> {
    let account =
        || Subject::Account { id: AccountId::from_uuid(Uuid::from_u128(1)), name: "max-1".to_owned() };
    let key =
        || Subject::ClientKey { id: ClientKeyId::from_uuid(Uuid::from_u128(2)), name: "build".to_owned() };
    let pool = || Subject::Pool { id: PoolId::from_uuid(Uuid::from_u128(3)), name: "main".to_owned() };
    let model = || Subject::Model { name: "claude-new".to_owned() };
    let person = || Subject::Person { name: "alex".to_owned() };
    let later = |minutes: i64| Timestamp::from_secs(NOW.as_secs() + minutes * 60);
    let rests = |reason, scope| NoticeEvent::AccountRests {
        reason,
        scope,
        until: later(30),
        why: "HTTP 429: too many requests".to_owned(),
    };
    let limit = |percent, unit, used, amount| NoticeEvent::LimitReached {
        limit: "daily".to_owned(),
        unit,
        percent,
        used,
        amount,
        resets_at: Some(later(600)),
        shadow: false,
    };
    let events = [
        (account(), rests(CooldownReason::RateLimited, CooldownScope::Models("claude-opus".to_owned()))),
        (account(), rests(CooldownReason::Unauthorised, CooldownScope::Account)),
        (account(), NoticeEvent::AccountServes { scope: CooldownScope::Account, by_operator: false }),
        (account(), NoticeEvent::AccountServes { scope: CooldownScope::Account, by_operator: true }),
        (
            account(),
            NoticeEvent::QuotaReached {
                percent: 80,
                used_percent: 82,
                resets_at: later(300),
                runs_out_at: Some(later(60)),
            },
        ),
        (
            account(),
            NoticeEvent::QuotaRunsOut { used_percent: 55, runs_out_at: later(90), resets_at: later(300) },
        ),
        (key(), limit(95, LimitUnit::Cost, 9_512_345_678, 10_000_000_000)),
        (key(), limit(100, LimitUnit::Requests, 1_000, 1_000)),
        (key(), NoticeEvent::KeyExpires { expires_at: later(1_000), within_days: 1 }),
        (key(), NoticeEvent::KeyExpires { expires_at: later(4_000), within_days: 3 }),
        (key(), NoticeEvent::KeyExpired { expires_at: NOW }),
        (pool(), NoticeEvent::PoolDown { accounts: 3, next_at: Some(later(12)) }),
        (pool(), NoticeEvent::PoolServes),
        (Subject::Relay, NoticeEvent::ErrorsRose { failed: 31, attempts: 50, window_seconds: 300 }),
        (account(), NoticeEvent::ErrorsFell { failed: 3, attempts: 60, window_seconds: 300 }),
        (model(), NoticeEvent::PriceUnknown { provider: ProviderKind::Anthropic, priced: false }),
        (Subject::Store, NoticeEvent::StoreLost { since: NOW, reason: "it does not answer".to_owned() }),
        (Subject::Store, NoticeEvent::StoreBack { lost_seconds: 75 }),
        (person(), NoticeEvent::SignedIn { address: "192.0.2.7".to_owned() }),
        (
            person(),
            NoticeEvent::SignInLocked { address: "192.0.2.7".to_owned(), misses: 5, until: later(15) },
        ),
        (
            Subject::Relay,
            NoticeEvent::DataRefused {
                source: "prices.json".to_owned(),
                why: "a price is below zero".to_owned(),
            },
        ),
        (Subject::Relay, NoticeEvent::Test),
    ];
    events.into_iter().map(|(subject, event)| Arc::new(Notice { at: NOW, subject, event })).collect()
}

/// Names and words of somebody who means no good.
pub(crate) fn evil() -> Arc<Notice> {
    let id = AccountId::from_uuid(Uuid::from_u128(4));
    let subject = Subject::Account {
        id,
        name: "<at id=all></at> @everyone <!channel> [x](https://evil.example) **b** `c`\r\nBcc: all@example.com"
            .to_owned(),
    };
    let event = NoticeEvent::AccountRests {
        reason: CooldownReason::Failing,
        scope: CooldownScope::Account,
        until: NOW,
        why: format!(
            "</b><script>alert(1)</script>\u{202e}\u{7}& \"q\" <@everyone> _i_ {}",
            "x".repeat(5_000)
        ),
    };
    Arc::new(Notice { at: NOW, subject, event })
}
