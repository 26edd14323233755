//! The order in which accounts are asked, and why the others are not.

use posthaste_core::{AccountId, CooldownReason, Timestamp};

use crate::Parked;

/// An account that might serve a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Which account.
    pub account: AccountId,
    /// Lower goes first.
    pub priority: u8,
    /// What the caller already knows to stand against it.
    pub exclusion: Option<Exclusion>,
}

/// Why an account is not asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exclusion {
    /// It is switched off.
    Disabled,
    /// It does not serve the model.
    ModelNotServed,
    /// It rests, or another request is trying whether it has recovered.
    Parked(Parked),
}

/// Whom to ask, in order, and why not the others. Each candidate is in exactly one of the lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The accounts to ask, best first: by priority, then by the longest time since their last use, those never used
    /// before all others, then by identity.
    pub order: Vec<AccountId>,
    /// The accounts that are not asked, in the order in which they were given.
    pub excluded: Vec<(AccountId, Exclusion)>,
}

impl Plan {
    /// When the first of the parked accounts is a candidate again; `None` when none is parked.
    pub fn soonest_return(&self) -> Option<Timestamp> {
        self.parked().map(|parked| parked.until).min()
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
            Exclusion::Disabled | Exclusion::ModelNotServed => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(exclusions: Vec<Exclusion>) -> Plan {
        let excluded = exclusions.into_iter().map(|exclusion| (AccountId::generate(), exclusion)).collect();
        Plan { order: Vec::new(), excluded }
    }

    fn parked(reason: CooldownReason, until: i64) -> Exclusion {
        Exclusion::Parked(Parked { reason, until: Timestamp::from_secs(until), why: "429".into() })
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
    fn nobody_returns_where_nobody_rests() {
        assert_eq!(plan(vec![Exclusion::Disabled]).soonest_return(), None);
    }

    #[test]
    fn limits_alone_are_told_from_other_trouble() {
        let limited = || parked(CooldownReason::RateLimited, 1);
        let used_up = || parked(CooldownReason::QuotaExhausted, 1);
        assert!(plan(vec![limited(), used_up(), Exclusion::ModelNotServed]).all_rate_limited());
        assert!(!plan(vec![limited(), parked(CooldownReason::Overloaded, 1)]).all_rate_limited());
        assert!(!plan(vec![Exclusion::Disabled, Exclusion::ModelNotServed]).all_rate_limited());
        assert!(!plan(vec![]).all_rate_limited());
    }
}
