//! What a card does to a client key, and taking it back. Pure.

use std::time::Duration;

use posthaste_core::{
    CardGift, CardLimits, ClientKey, Expiry, KeyStatus, Limit, LimitUnit, LimitWindow, NanoUsd, Timestamp,
};

/// Gives `key` what a card has, whole.
///
/// A key that has no limit on its total cost would be made a limited one by a card of quota, and one that never ends would be
/// made to end by a card of time: such a card does not fit, and neither does one that would pass what cards can add up to.
/// So no part of a card is ever lost.
///
/// # Errors
/// Why it does not fit, for whoever redeems it.
pub(super) fn give(
    key: &mut ClientKey,
    gives: CardGift,
    limits: &CardLimits,
    now: Timestamp,
) -> Result<(), String> {
    match key.status(now) {
        KeyStatus::Active | KeyStatus::Disabled => {}
        KeyStatus::Expired { .. } if gives.seconds > 0 => {}
        KeyStatus::Expired { .. } => return Err("the client key is over; it needs a card of time".to_owned()),
        KeyStatus::Revoked | KeyStatus::Deleted => return Err("the client key is closed for good".to_owned()),
    }
    if gives.quota > 0 {
        raise(key, gives.quota, limits)?;
    }
    if gives.seconds > 0 {
        lengthen(key, gives.seconds, limits, now)?;
    }
    Ok(())
}

fn raise(key: &mut ClientKey, quota: u64, bounds: &CardLimits) -> Result<(), String> {
    let mut found = false;
    for limit in key.policy.limits.iter_mut().filter(|limit| is_total_cost(limit)) {
        found = true;
        // What cannot be counted is as if it were too much.
        let next = limit.amount.checked_add(quota).filter(|next| i64::try_from(*next).is_ok());
        match next.filter(|next| bounds.most_quota == 0 || *next <= bounds.most_quota) {
            Some(next) => limit.amount = next,
            None => {
                return Err(format!(
                    "with this card the client key's limit on its total cost would pass {}, the most that cards can add up to; \
                     it is {} now",
                    dollars(bounds.most_quota),
                    dollars(limit.amount)
                ));
            }
        }
    }
    if found {
        return Ok(());
    }
    Err("the client key has no limit on its total cost that a card could raise; whoever runs the relay can give it one"
        .to_owned())
}

fn lengthen(key: &mut ClientKey, seconds: u64, bounds: &CardLimits, now: Timestamp) -> Result<(), String> {
    let more = Duration::from_secs(seconds);
    let longest =
        (bounds.most_days > 0).then(|| Duration::from_secs(u64::from(bounds.most_days) * SECONDS_OF_A_DAY));
    let too_long = || {
        format!(
            "with this card the client key would last longer than {} days from now, the most that cards can add up to",
            bounds.most_days
        )
    };
    let fits = |end: Timestamp| longest.is_none_or(|longest| end <= now.plus(longest));
    let end = key.expires_at();
    match (&mut key.expiry, end) {
        (Expiry::Never, _) => {
            Err("the client key never ends; a card of time would give it nothing".to_owned())
        }
        (Expiry::At { at }, _) => {
            let next = (*at).max(now).plus(more);
            if !fits(next) {
                return Err(too_long());
            }
            *at = next;
            Ok(())
        }
        // It has not begun to count.
        (Expiry::AfterFirstUse { seconds: lasts }, None) => {
            let next = lasts.saturating_add(seconds);
            if longest.is_some_and(|longest| Duration::from_secs(next) > longest) {
                return Err(too_long());
            }
            *lasts = next;
            Ok(())
        }
        (Expiry::AfterFirstUse { .. }, Some(end)) => {
            let next = end.max(now).plus(more);
            if !fits(next) {
                return Err(too_long());
            }
            key.expiry = Expiry::At { at: next };
            Ok(())
        }
    }
}

/// Lowers the limits that a card raised, none of them below what is used. `used` tells that of a limit, in nano-dollars. Answers
/// the most that one was lowered by. Time is not taken back.
pub(super) fn take(key: &mut ClientKey, quota: u64, used: impl Fn(&Limit) -> u64) -> u64 {
    let mut most = 0;
    for limit in key.policy.limits.iter_mut().filter(|limit| is_total_cost(limit)) {
        let taken = quota.min(limit.amount.saturating_sub(used(limit)));
        limit.amount -= taken;
        most = most.max(taken);
    }
    most
}

/// A limit on what the key costs for ever, whatever the model.
pub(super) fn is_total_cost(limit: &Limit) -> bool {
    limit.unit == LimitUnit::Cost
        && limit.window == LimitWindow::Total
        && limit.models.is_empty()
        && !limit.shadow
}

fn dollars(nanos: u64) -> NanoUsd {
    NanoUsd::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
}

const SECONDS_OF_A_DAY: u64 = 86_400;

#[cfg(test)]
mod tests {
    use posthaste_core::{Multiplier, OnLoss};
    use posthaste_testkit::client_key;

    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_000_000);
    const DAY: u64 = SECONDS_OF_A_DAY;
    const USUAL: CardLimits = CardLimits { most_quota: 100, most_days: 90 };

    fn limit(name: &str, amount: u64) -> Limit {
        Limit {
            name: name.to_owned(),
            unit: LimitUnit::Cost,
            window: LimitWindow::Total,
            amount,
            models: Vec::new(),
            shadow: false,
            on_loss: OnLoss::Share,
        }
    }

    fn key(limits: Vec<Limit>, expiry: Expiry) -> ClientKey {
        let mut key = client_key("held");
        (key.policy.limits, key.policy.multiplier, key.expiry) = (limits, Multiplier::ONE, expiry);
        key
    }

    fn quota(quota: u64) -> CardGift {
        CardGift { quota, seconds: 0 }
    }

    fn time(seconds: u64) -> CardGift {
        CardGift { quota: 0, seconds }
    }

    #[test]
    fn quota_raises_the_limit_on_total_cost_alone() {
        let daily = Limit { window: LimitWindow::Day(Default::default()), ..limit("daily", 5) };
        let of_one = Limit { models: vec![posthaste_core::ModelPattern::new("x")], ..limit("of-one", 5) };
        let shadow = Limit { shadow: true, ..limit("shadow", 5) };
        let mut key = key(vec![daily, of_one, shadow, limit("total", 5)], Expiry::Never);
        give(&mut key, quota(7), &USUAL, NOW).unwrap();
        let amounts: Vec<_> = key.policy.limits.iter().map(|limit| limit.amount).collect();
        assert_eq!(amounts, [5, 5, 5, 12]);
    }

    #[test]
    fn a_card_that_does_not_fit_is_refused_and_not_cut() {
        let refused = |key: ClientKey, gives: CardGift, why: &str| {
            let error = give(&mut key.clone(), gives, &USUAL, NOW).unwrap_err();
            assert!(error.contains(why), "{error}");
        };
        refused(key(vec![], Expiry::Never), quota(1), "no limit on its total cost");
        refused(key(vec![limit("total", 50)], Expiry::Never), quota(51), "the most that cards");
        refused(key(vec![], Expiry::Never), time(1), "never ends");
        let soon = Expiry::At { at: NOW.plus(Duration::from_secs(80 * DAY)) };
        refused(key(vec![], soon), time(11 * DAY), "longer than 90 days");
        refused(
            key(vec![], Expiry::AfterFirstUse { seconds: 80 * DAY }),
            time(11 * DAY),
            "longer than 90 days",
        );
        let over = Expiry::At { at: Timestamp::from_secs(1) };
        refused(key(vec![limit("total", 5)], over), quota(1), "is over");
        let mut closed = key(vec![limit("total", 5)], Expiry::Never);
        closed.revoked_at = Some(NOW);
        refused(closed, quota(1), "closed for good");
        let unbounded = CardLimits { most_quota: 0, most_days: 0 };
        let mut key = key(vec![limit("total", 50)], soon);
        let both = CardGift { quota: 1_000, seconds: 1_000 * DAY };
        give(&mut key, both, &unbounded, NOW).unwrap();
        assert_eq!(key.policy.limits[0].amount, 1_050);
        let much = quota(u64::try_from(i64::MAX).unwrap());
        assert!(give(&mut key, much, &unbounded, NOW).is_err(), "what cannot be counted");
    }

    #[test]
    fn time_counts_from_the_end_or_from_now_where_that_is_past() {
        let at = |secs: u64| Timestamp::EPOCH.plus(Duration::from_secs(secs));
        let ends = |expiry: Expiry, first: Option<Timestamp>| {
            let mut key = key(vec![], expiry);
            key.first_used_at = first;
            give(&mut key, time(DAY), &USUAL, NOW).unwrap();
            (key.expiry, key.expires_at())
        };
        let later = Expiry::At { at: at(1_000_500 + DAY) };
        assert_eq!(ends(Expiry::At { at: at(1_000_500) }, None).0, later);
        let from_now = Expiry::At { at: at(1_000_000 + DAY) };
        assert_eq!(ends(Expiry::At { at: at(5) }, None).0, from_now);
        let unused = Expiry::AfterFirstUse { seconds: 10 + DAY };
        assert_eq!(ends(Expiry::AfterFirstUse { seconds: 10 }, None), (unused, None));
        let first = Some(at(999_999));
        assert_eq!(ends(Expiry::AfterFirstUse { seconds: 10 }, first).1, Some(at(1_000_009 + DAY)));
    }

    #[test]
    fn what_is_used_is_not_taken_back() {
        let mut key = key(vec![limit("total", 50)], Expiry::Never);
        assert_eq!(take(&mut key, 20, |_| 10), 20);
        assert_eq!(take(&mut key, 25, |_| 10), 20);
        assert_eq!((take(&mut key, 25, |_| 15), key.policy.limits[0].amount), (0, 10));
    }
}
