//! Client keys that end.

use std::time::Duration;

use posthaste_core::{ClientKey, Notice, NoticeEvent, Subject, Timestamp};

/// Within how many days of its end a key is told of, the least first.
pub(super) const EXPIRY_DAYS: [u16; 3] = [1, 3, 7];

/// The keys that end within some days, and those that have ended within the last day: one notice each, with the least number
/// of `days` that fits. Keys that are switched off or revoked are left out: their end changes nothing. Looking again gives the
/// same notices: whoever brings them tells each once.
pub(super) fn expiring<'a>(
    keys: impl IntoIterator<Item = &'a ClientKey>,
    days: &[u16],
    now: Timestamp,
) -> Vec<Notice> {
    keys.into_iter().filter_map(|key| of_key(key, days, now)).collect()
}

fn of_key(key: &ClientKey, days: &[u16], now: Timestamp) -> Option<Notice> {
    let expires_at = key.expires_at()?;
    if !key.enabled || key.revoked_at.is_some() || key.deleted_at.is_some() {
        return None;
    }
    let event = if expires_at <= now {
        if now.since(expires_at) > DAY {
            return None;
        }
        NoticeEvent::KeyExpired { expires_at }
    } else {
        let left = expires_at.since(now);
        let within_days = days.iter().copied().filter(|days| left <= DAY * u32::from(*days)).min()?;
        NoticeEvent::KeyExpires { expires_at, within_days }
    };
    Some(Notice { at: now, subject: Subject::ClientKey { id: key.id, name: key.name.clone() }, event })
}

const DAY: Duration = Duration::from_secs(24 * 3_600);

#[cfg(test)]
mod tests {
    use posthaste_core::Expiry;
    use posthaste_testkit::{ClientKeySetters, client_key};

    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_790_000_000);

    fn told(key: ClientKey) -> Option<NoticeEvent> {
        expiring([&key], &EXPIRY_DAYS, NOW).pop().map(|notice| notice.event)
    }

    fn ends(at: Timestamp) -> ClientKey {
        client_key("a").with_expiry(Expiry::At { at })
    }

    fn within(at: Timestamp) -> Option<u16> {
        match told(ends(at)) {
            Some(NoticeEvent::KeyExpires { within_days, .. }) => Some(within_days),
            _ => None,
        }
    }

    #[test]
    fn the_nearest_number_of_days_is_told() {
        assert_eq!(within(NOW.plus(DAY * 8)), None);
        assert_eq!(within(NOW.plus(DAY * 7)), Some(7));
        assert_eq!(within(NOW.plus(DAY * 3)), Some(3));
        assert_eq!(within(NOW.plus(DAY * 2)), Some(3));
        assert_eq!(within(NOW.plus(DAY)), Some(1));
        assert_eq!(within(NOW.plus(Duration::from_secs(1))), Some(1));
    }

    #[test]
    fn an_end_is_told_for_a_day() {
        assert_eq!(told(ends(NOW)), Some(NoticeEvent::KeyExpired { expires_at: NOW }));
        assert!(told(ends(NOW.minus(DAY))).is_some());
        assert_eq!(told(ends(NOW.minus(DAY + Duration::from_secs(1)))), None);
    }

    #[test]
    fn keys_whose_end_changes_nothing_are_left_out() {
        assert_eq!(told(ends(NOW).disabled()), None);
        assert_eq!(told(ends(NOW).revoked_at(NOW)), None);
        assert_eq!(told(client_key("a")), None);
        let unused = client_key("a").with_expiry(Expiry::AfterFirstUse { seconds: 60 });
        assert_eq!(told(unused), None, "it has not begun");
    }
}
