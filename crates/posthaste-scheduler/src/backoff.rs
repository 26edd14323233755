//! How long an account rests when its upstream does not say.

use std::time::Duration;

use posthaste_core::{AccountId, CooldownReason};

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
        let full = match Trouble::of(reason) {
            Trouble::Passing => self.passing.after(strikes),
            Trouble::Lasting => self.lasting.after(strikes),
        };
        full - full / 4 / SHARES * share(account, strikes)
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

/// Into how many parts the quarter that may be taken off is cut. A quarter keeps the series growing: three quarters of a
/// doubled rest are longer than the whole rest before it.
const SHARES: u32 = 1_000;

/// A number up to [`SHARES`] that looks random and depends on nothing else.
fn share(account: AccountId, strikes: u32) -> u32 {
    let (high, low) = account.uuid().as_u64_pair();
    let mixed = mix(low ^ mix(high ^ u64::from(strikes)));
    u32::try_from(mixed % u64::from(SHARES + 1)).unwrap_or(SHARES)
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
const fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

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
    fn the_jitter_is_the_same_each_time_and_differs_between_accounts() {
        let rest = |account| Backoff::default().rest(account, CooldownReason::Failing, 5);
        let accounts: Vec<_> = (0..20).map(|_| AccountId::generate()).collect();
        let first: Vec<_> = accounts.iter().map(|&account| rest(account)).collect();
        let again: Vec<_> = accounts.iter().map(|&account| rest(account)).collect();
        assert_eq!(first, again);
        assert!(first.iter().any(|&other| other != first[0]));
    }
}
