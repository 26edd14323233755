//! The order in which accounts are asked, and why the others are not.

use std::time::Duration;

use posthaste_core::{AccountId, CooldownReason, Timestamp};

use crate::{Exclusion, Parked, Reason, Resort};

/// Whom to ask, in order, and why not the others. Each candidate is in exactly one of the lists.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The accounts to ask, best first: by priority, and within one priority by the strategy, unless a warm prompt cache
    /// speaks for another one.
    pub order: Vec<Pick>,
    /// How many more come after them: none, unless only the head of the plan was made.
    pub more: u32,
    /// The accounts that are not asked, in the order in which they were given.
    pub excluded: Vec<(AccountId, Exclusion)>,
    /// Whom it was content with.
    pub resort: Resort,
    /// When the plan was made.
    pub made_at: Timestamp,
}

/// An account's place in a plan.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pick {
    /// Which account.
    pub account: AccountId,
    /// Its place among the candidates that the plan was made from.
    pub candidate: u32,
    /// Why it stands here.
    pub reason: Reason,
}

impl Plan {
    /// A plan over no candidates.
    pub const fn of_nobody(resort: Resort, made_at: Timestamp) -> Self {
        Self { order: Vec::new(), more: 0, excluded: Vec::new(), resort, made_at }
    }

    /// The accounts to ask, best first.
    pub fn accounts(&self) -> impl ExactSizeIterator<Item = AccountId> + DoubleEndedIterator {
        self.order.iter().map(|pick| pick.account)
    }

    /// When the first of the parked accounts may be a candidate again; `None` when none is parked.
    ///
    /// An account on trial counts as back one second after the plan: [`Parked::until`] only bounds a trial, and most end
    /// with the first byte of an answer.
    pub fn soonest_return(&self) -> Option<Timestamp> {
        self.parked().map(|parked| self.return_of(parked)).min()
    }

    fn return_of(&self, parked: &Parked) -> Timestamp {
        if parked.on_trial {
            parked.until.min(self.made_at.plus(USUAL_TRIAL))
        } else {
            parked.opens(self.resort)
        }
    }

    /// When the first of the accounts may be a candidate again that failed or had too much to do for once; `None` when there
    /// is none. Which has failed anew after its rest is not expected to serve after the next one: while all of many are down,
    /// one of them is always about to be asked again. Who has waited for one already (`persists`) takes another failure within
    /// a few seconds for the same.
    pub fn soonest_recovery(&self, persists: bool) -> Option<Timestamp> {
        let failed_once = self.parked().filter(|parked| {
            let is_first = if persists { parked.strikes <= 1 } else { !parked.again };
            matches!(parked.reason, CooldownReason::Failing | CooldownReason::Overloaded) && is_first
        });
        failed_once.map(|parked| self.return_of(parked)).min()
    }

    /// Whether nothing but limits stands in the way: of the excluded accounts that are switched on and serve the model,
    /// there is at least one and each is parked by a rate limit or a used-up quota.
    pub fn all_rate_limited(&self) -> bool {
        self.parked().next().is_some()
            && self.parked().all(|parked| {
                matches!(parked.reason, CooldownReason::RateLimited | CooldownReason::QuotaExhausted)
            })
    }

    fn parked(&self) -> impl Iterator<Item = &Parked> {
        self.excluded.iter().filter_map(|(_, exclusion)| match exclusion {
            Exclusion::Parked(parked) => Some(parked),
            _ => None,
        })
    }
}

/// How long a trial is taken to go on.
const USUAL_TRIAL: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(exclusions: Vec<Exclusion>) -> Plan {
        let excluded = exclusions.into_iter().map(|exclusion| (AccountId::generate(), exclusion)).collect();
        Plan {
            order: Vec::new(),
            more: 0,
            excluded,
            resort: Resort::Usual,
            made_at: Timestamp::from_secs(10),
        }
    }

    fn parked(reason: CooldownReason, until: i64) -> Exclusion {
        let until = Timestamp::from_secs(until);
        Exclusion::Parked(Parked {
            reason,
            until,
            on_trial: false,
            early: until,
            strikes: 1,
            again: false,
            why: "429".into(),
        })
    }

    fn on_trial(reason: CooldownReason, until_ms: i64) -> Exclusion {
        let until = Timestamp::from_millis(until_ms);
        Exclusion::Parked(Parked {
            reason,
            until,
            on_trial: true,
            early: until,
            strikes: 1,
            again: false,
            why: "on trial".into(),
        })
    }

    #[test]
    fn the_soonest_return_is_the_earliest_end_of_a_rest() {
        let plan = plan(vec![
            parked(CooldownReason::Failing, 30),
            Exclusion::Disabled,
            parked(CooldownReason::RateLimited, 20),
        ]);
        assert_eq!(plan.soonest_return(), Some(Timestamp::from_secs(20)));
    }

    #[test]
    fn a_trial_is_soon_over() {
        let limited = || parked(CooldownReason::RateLimited, 30);
        let trial = |until_ms| on_trial(CooldownReason::Failing, until_ms);
        assert_eq!(plan(vec![limited(), trial(70_000)]).soonest_return(), Some(Timestamp::from_secs(11)));
        assert_eq!(
            plan(vec![limited(), trial(10_300)]).soonest_return(),
            Some(Timestamp::from_millis(10_300))
        );
        let sooner = parked(CooldownReason::RateLimited, 10);
        assert_eq!(plan(vec![sooner, trial(70_000)]).soonest_return(), Some(Timestamp::from_secs(10)));
    }

    #[test]
    fn nobody_returns_where_nobody_rests() {
        assert_eq!(plan(vec![Exclusion::Disabled]).soonest_return(), None);
    }

    #[test]
    fn who_fails_again_and_again_is_not_waited_for() {
        let failing = |strikes, again, until| {
            let Exclusion::Parked(parked) = parked(CooldownReason::Failing, until) else { unreachable!() };
            Exclusion::Parked(Parked { strikes, again, ..parked })
        };
        let recovery = |persists, exclusions| plan(exclusions).soonest_recovery(persists);
        let all = || vec![failing(2, true, 20), failing(1, true, 25), failing(1, false, 30)];
        assert_eq!(recovery(false, all()), Some(Timestamp::from_secs(30)));
        assert_eq!(recovery(true, all()), Some(Timestamp::from_secs(25)));
        assert_eq!(recovery(true, vec![failing(2, true, 20), parked(CooldownReason::RateLimited, 11)]), None);
    }

    #[test]
    fn limits_alone_are_told_from_other_trouble() {
        let limited = || parked(CooldownReason::RateLimited, 1);
        let used_up = || parked(CooldownReason::QuotaExhausted, 1);
        assert!(plan(vec![limited(), used_up(), Exclusion::ModelNotServed]).all_rate_limited());
        assert!(!plan(vec![limited(), parked(CooldownReason::Overloaded, 1)]).all_rate_limited());
        assert!(plan(vec![limited(), on_trial(CooldownReason::RateLimited, 1)]).all_rate_limited());
        assert!(!plan(vec![limited(), on_trial(CooldownReason::Failing, 1)]).all_rate_limited());
        assert!(!plan(vec![Exclusion::Disabled, Exclusion::ModelNotServed]).all_rate_limited());
        assert!(!plan(vec![]).all_rate_limited());
    }
}
