//! Limits that are being used up.

use posthaste_core::{LimitEvent, LimitOwner, Notice, NoticeEvent, Subject, Timestamp};

/// A limit has been used up to a threshold. `name` is that of its owner.
pub(super) fn limit_reached(told: &LimitEvent, name: &str, now: Timestamp) -> Notice {
    let name = name.to_owned();
    let subject = match told.owner {
        LimitOwner::ClientKey(id) => Subject::ClientKey { id, name },
        LimitOwner::Owner(id) => Subject::Owner { id, name },
        LimitOwner::Team(id) => Subject::Team { id, name },
        LimitOwner::Account(id) => Subject::Account { id, name },
        LimitOwner::Pool(id) => Subject::Pool { id, name },
    };
    let event = NoticeEvent::LimitReached {
        limit: told.limit.clone(),
        unit: told.unit,
        percent: told.percent,
        used: told.used,
        amount: told.amount,
        resets_at: told.resets_at,
        shadow: told.shadow,
    };
    Notice { at: now, subject, event }
}

#[cfg(test)]
mod tests {
    use posthaste_core::{ClientKeyId, LimitUnit, Severity};

    use super::*;

    #[test]
    fn each_threshold_and_window_is_a_notice_of_its_own() {
        let now = Timestamp::from_secs(1_790_000_000);
        let told = |percent, day: i64| LimitEvent {
            owner: LimitOwner::ClientKey(ClientKeyId::from_uuid(uuid::Uuid::from_u128(1))),
            limit: "daily".to_owned(),
            unit: LimitUnit::Cost,
            percent,
            used: i64::from(percent),
            amount: 100,
            resets_at: Some(Timestamp::from_secs(day * 86_400)),
            shadow: false,
        };
        let notice = |percent, day| limit_reached(&told(percent, day), "team", now);
        assert_eq!(notice(80, 1).dedup_key(), notice(80, 1).dedup_key());
        assert_ne!(notice(80, 1).dedup_key(), notice(95, 1).dedup_key());
        assert_ne!(notice(80, 1).dedup_key(), notice(80, 2).dedup_key());
        let severities = [50, 80, 95, 100].map(|percent| notice(percent, 1).severity());
        assert_eq!(severities, [Severity::Info, Severity::Warning, Severity::Warning, Severity::Critical]);
    }
}
