//! How long an account rests when its upstream does not say.

use std::time::Duration;

use posthaste_core::{AccountId, CooldownReason};

use crate::chance::{mix, of_account};

/// The lengths of rests: doubled with each strike in a row, up to a most.
///
/// Trouble that passes by itself is asked again soon. Trouble that usually wants an operator (a refused credential, a
/// blocked account, a used-up plan) is asked again seldom, yet it is asked: once the cause is gone, the account
/// comes back without a hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// For rate limits, overload and failures.
    pub passing: Steps,
    /// For refused credentials, blocked accounts and used-up quotas.
    pub lasting: Steps,
}

/// The first and the longest rest of a series that doubles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steps {
    /// After the first strike.
    pub first: Duration,
    /// Never longer than this.
    pub most: Duration,
}

impl Backoff {
    /// The rest after `strikes` strikes in a row (1 for the first).
    ///
    /// Up to a quarter is taken off, so that accounts parked by one outage do not all come back at once. The share
    /// depends on the account and the number of strikes alone, and it never makes a rest shorter than the one before
    /// it.
    pub fn rest(&self, account: AccountId, reason: CooldownReason, strikes: u32) -> Duration {
        self.rest_at(Instance::default(), account, reason, strikes)
    }

    /// The same for one of several relays, each of which takes another share off.
    pub(crate) fn rest_at(
        &self,
        instance: Instance,
        account: AccountId,
        reason: CooldownReason,
        strikes: u32,
    ) -> Duration {
        let full = match Trouble::of(reason) {
            Trouble::Passing => self.passing.after(strikes),
            Trouble::Lasting => self.lasting.after(strikes),
        };
        full - full / 4 / SHARES * share(instance, account, strikes)
    }
}

/// How long after the last strike an account may be asked before its rest is over, where nobody else can serve; `None` where
/// that would not help: a limit is a limit, and what lasts wants a hand.
pub(crate) fn early(
    instance: Instance,
    account: AccountId,
    reason: CooldownReason,
    strikes: u32,
) -> Option<Duration> {
    match reason {
        CooldownReason::Overloaded | CooldownReason::Failing => {
            Some(EARLY - EARLY / 4 / SHARES * share(instance, account, strikes))
        }
        CooldownReason::RateLimited
        | CooldownReason::Unauthorised
        | CooldownReason::Forbidden
        | CooldownReason::QuotaExhausted => None,
    }
}

impl Default for Backoff {
    /// 1 s to 5 min for what passes, 10 min to 24 h for what lasts.
    fn default() -> Self {
        Self {
            passing: Steps { first: Duration::from_secs(1), most: Duration::from_secs(5 * 60) },
            lasting: Steps { first: Duration::from_secs(10 * 60), most: Duration::from_secs(24 * 60 * 60) },
        }
    }
}

impl Steps {
    fn after(self, strikes: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(strikes.saturating_sub(1));
        self.first.saturating_mul(doubled).min(self.most)
    }
}

/// Whether waiting is likely to help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// It passes by itself, soon.
    Passing,
    /// It passes when somebody acts or a long window ends.
    Lasting,
}

impl Trouble {
    pub(crate) const fn of(reason: CooldownReason) -> Self {
        match reason {
            CooldownReason::RateLimited | CooldownReason::Overloaded | CooldownReason::Failing => {
                Self::Passing
            }
            CooldownReason::Unauthorised | CooldownReason::Forbidden | CooldownReason::QuotaExhausted => {
                Self::Lasting
            }
        }
    }
}

/// Often enough that an outage's end is seen while its clients still ask again, seldom enough that a vendor in trouble does
/// not feel it.
const EARLY: Duration = Duration::from_secs(10);

/// Into how many parts the quarter that may be taken off is cut. A quarter keeps the series growing: three quarters of a
/// doubled rest are longer than the whole rest before it.
const SHARES: u32 = 1_000;

/// A number up to [`SHARES`] that looks random and depends on nothing else.
fn share(instance: Instance, account: AccountId, strikes: u32) -> u32 {
    let mixed = of_account(account, mix(instance.0) ^ u64::from(strikes));
    u32::try_from(mixed % u64::from(SHARES + 1)).unwrap_or(SHARES)
}

/// Which of several relays that share their accounts this is, so that they do not move in step: each comes back to an
/// account at another moment, and begins its rounds at another one. One relay alone is the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Instance(pub u64);

impl Instance {
    /// How much later than the first relay this one asks an account again whose upstream named the end of the rest.
    pub(crate) fn delay(self, account: AccountId) -> Duration {
        if self == Self::default() {
            return Duration::ZERO;
        }
        Duration::from_millis(of_account(account, mix(self.0)) % MOST_DELAY_MS)
    }

    /// Where this relay begins a round of `count`.
    pub(crate) fn offset(self, count: usize) -> usize {
        if self == Self::default() || count == 0 {
            return 0;
        }
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        usize::try_from(mix(self.0) % count).unwrap_or(0)
    }
}

/// Long enough for the first relay's trial to tell how it went, short enough for nobody to notice.
const MOST_DELAY_MS: u64 = 1_000;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(CooldownReason::RateLimited, 1, 1)]
    #[case(CooldownReason::Overloaded, 4, 8)]
    #[case(CooldownReason::Failing, 9, 256)]
    #[case(CooldownReason::RateLimited, 10, 300)]
    #[case(CooldownReason::Unauthorised, 1, 600)]
    #[case(CooldownReason::Forbidden, 2, 1_200)]
    #[case(CooldownReason::QuotaExhausted, 9, 86_400)]
    #[case(CooldownReason::Failing, u32::MAX, 300)]
    #[case(CooldownReason::Unauthorised, u32::MAX, 86_400)]
    fn a_rest_is_the_doubled_step_less_at_most_a_quarter(
        #[case] reason: CooldownReason,
        #[case] strikes: u32,
        #[case] full_secs: u64,
    ) {
        let full = Duration::from_secs(full_secs);
        for _ in 0..100 {
            let rest = Backoff::default().rest(AccountId::generate(), reason, strikes);
            assert!(rest <= full && rest >= full * 3 / 4, "{rest:?} of {full:?}");
        }
    }

    #[test]
    fn relays_side_by_side_come_back_at_different_moments() {
        let account = AccountId::generate();
        let rest =
            |instance| Backoff::default().rest_at(Instance(instance), account, CooldownReason::Failing, 5);
        assert_eq!(rest(0), Backoff::default().rest(account, CooldownReason::Failing, 5));
        assert!((1..20).any(|instance| rest(instance) != rest(0)));
        assert_eq!(Instance(0).delay(account), Duration::ZERO);
        let delays: std::collections::HashSet<_> =
            (1..20).map(|number| Instance(number).delay(account)).collect();
        assert!(delays.len() > 10 && delays.iter().all(|delay| *delay < Duration::from_secs(1)));
        let offsets: std::collections::HashSet<_> =
            (0..50).map(|number| Instance(number).offset(5)).collect();
        assert_eq!(offsets, (0..5).collect());
    }

    #[test]
    fn the_jitter_is_the_same_each_time_and_differs_between_accounts() {
        let rest = |account| Backoff::default().rest(account, CooldownReason::Failing, 5);
        let accounts: Vec<_> = (0..20).map(|_| AccountId::generate()).collect();
        let first: Vec<_> = accounts.iter().map(|&account| rest(account)).collect();
        let again: Vec<_> = accounts.iter().map(|&account| rest(account)).collect();
        assert_eq!(first, again);
        assert!(first.iter().any(|&other| other != first[0]));
    }
}
