//! How often a request may be sent again.

use std::time::Duration;

use posthaste_core::{RetryPolicy, Timestamp};

/// How eagerly one request is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempts {
    /// Attempts in all, at whatever accounts; at least 1.
    pub most: u16,
    /// How often it is sent again to an account that asked for a pause.
    pub repeats: u16,
    /// What is kept of a pause, in percent.
    pub pause_percent: u32,
}

impl Attempts {
    /// What a pool's policy makes of the cap in the relay's settings.
    ///
    /// `aggressive` doubles the cap, repeats twice at the same account and halves pauses; `conservative` makes two attempts
    /// at most, at two accounts.
    pub fn of(policy: RetryPolicy, cap: u16) -> Self {
        let cap = cap.max(1);
        match policy {
            RetryPolicy::Aggressive => Self { most: cap.saturating_mul(2), repeats: 2, pause_percent: 50 },
            RetryPolicy::Balanced => Self { most: cap, repeats: 1, pause_percent: 100 },
            RetryPolicy::Conservative => Self { most: cap.min(2), repeats: 0, pause_percent: 100 },
        }
    }

    /// How long to pause where `asked` was asked for.
    pub fn pause(&self, asked: Duration) -> Duration {
        asked * self.pause_percent / 100
    }
}

/// Keeps an outage from multiplying traffic: what is sent again out of turn is a share of what is asked.
///
/// One for each pool. It covers repeats at the same account and attempts while no candidate is healthy; moving on to another
/// healthy candidate is bounded by [`Attempts::most`] alone and takes nothing. A repeat is granted as long as the last ten
/// seconds hold fewer than the greater of the share and the floor, so that from 50 requests a second on (where a share of
/// 20 % passes the floor tenfold) there are at most 1.2 attempts for each request, while a pool with little to do can still
/// repeat.
#[derive(Clone, Debug)]
pub struct RetryBudget {
    rules: BudgetRules,
    seconds: [Second; SECONDS as usize],
}

/// What a budget allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetRules {
    /// Repeats for each hundred requests.
    pub percent: u32,
    /// Repeats a second that are allowed in any case.
    pub floor_per_second: u32,
}

impl Default for BudgetRules {
    fn default() -> Self {
        Self { percent: 20, floor_per_second: 1 }
    }
}

impl RetryBudget {
    /// A budget of which nothing is used.
    pub fn new(rules: BudgetRules) -> Self {
        Self { rules, seconds: [Second::default(); SECONDS as usize] }
    }

    /// Notes that a client asked for something.
    pub fn request(&mut self, now: Timestamp) {
        let second = self.second(now);
        second.requests = second.requests.saturating_add(1);
    }

    /// Takes a repeat out of the budget; `false` when there is none left, and nothing was taken then.
    #[must_use = "what was not granted must not be sent"]
    pub fn take(&mut self, now: Timestamp) -> bool {
        let (requests, repeats) = self.counts(now);
        let share = requests * u64::from(self.rules.percent) / 100;
        let floor = u64::from(self.rules.floor_per_second) * SECONDS.unsigned_abs();
        if repeats >= share.max(floor) {
            return false;
        }
        let second = self.second(now);
        second.repeats = second.repeats.saturating_add(1);
        true
    }

    /// Requests and repeats of the last ten seconds.
    fn counts(&self, now: Timestamp) -> (u64, u64) {
        let number = now.as_secs();
        let recent =
            self.seconds.iter().filter(|second| (number - SECONDS + 1..=number).contains(&second.number));
        recent.fold((0, 0), |(requests, repeats), second| {
            (requests + u64::from(second.requests), repeats + u64::from(second.repeats))
        })
    }

    /// The count of this second; what stood in its place is forgotten.
    fn second(&mut self, now: Timestamp) -> &mut Second {
        let number = now.as_secs();
        let place = usize::try_from(number.rem_euclid(SECONDS)).unwrap_or(0);
        let second = &mut self.seconds[place];
        if second.number != number {
            *second = Second { number, ..Second::default() };
        }
        second
    }
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self::new(BudgetRules::default())
    }
}

#[derive(Clone, Copy, Debug)]
struct Second {
    number: i64,
    requests: u32,
    repeats: u32,
}

impl Default for Second {
    fn default() -> Self {
        Self { number: i64::MIN, requests: 0, repeats: 0 }
    }
}

/// Over so many seconds the budget is kept.
const SECONDS: i64 = 10;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    const START: Timestamp = Timestamp::from_secs(1_000);

    /// Attempts for each request when every attempt fails and every client's request would be sent four times.
    fn amplification(per_second: u64, seconds: u64) -> f64 {
        let (mut budget, mut attempts) = (RetryBudget::default(), 0_u64);
        let requests = per_second * seconds;
        for number in 0..requests {
            let now = START.plus(Duration::from_micros(number * 1_000_000 / per_second));
            budget.request(now);
            attempts += 1 + (0..3).take_while(|_| budget.take(now)).count() as u64;
        }
        attempts as f64 / requests as f64
    }

    #[rstest]
    #[case(50)]
    #[case(64)]
    #[case(333)]
    #[case(5_000)]
    fn an_outage_is_amplified_by_a_fifth_at_most(#[case] per_second: u64) {
        for seconds in [1, 3, 10, 11, 60] {
            let amplification = amplification(per_second, seconds);
            assert!(amplification <= 1.2, "{amplification} over {seconds} s");
        }
        assert!(amplification(per_second, 60) > 1.15, "and what is allowed is given");
    }

    #[test]
    fn a_pool_with_little_to_do_repeats_once_a_second() {
        let (mut budget, mut granted) = (RetryBudget::default(), 0);
        for second in 0..100 {
            let now = START.plus(Duration::from_secs(second));
            budget.request(now);
            granted += (0..3).take_while(|_| budget.take(now)).count();
        }
        assert!((95..=105).contains(&granted), "{granted}");
    }

    #[test]
    fn old_seconds_and_a_clock_set_back_count_for_nothing() {
        let mut budget = RetryBudget::default();
        (0..1_000).for_each(|_| budget.request(START));
        assert!((0..200).all(|_| budget.take(START)) && !budget.take(START));
        assert!(!budget.take(START.plus(Duration::from_secs(9))));
        let later = START.plus(Duration::from_secs(10));
        assert!((0..10).all(|_| budget.take(later)) && !budget.take(later));
        let before = START.minus(Duration::from_secs(3_600));
        assert!((0..10).all(|_| budget.take(before)) && !budget.take(before));
    }

    proptest! {
        /// Whatever the traffic does, whenever a repeat is granted the last ten seconds hold what the rules allow.
        #[test]
        fn no_grant_passes_the_rules(steps in prop::collection::vec((0..800_u64, 0..30_u32, 0..30_u32), 1..80)) {
            let (mut budget, mut now, mut log) = (RetryBudget::default(), START, Vec::new());
            for (pause_ms, requests, tries) in steps {
                now = now.plus(Duration::from_millis(pause_ms));
                (0..requests).for_each(|_| budget.request(now));
                let new = (0..tries).filter(|_| budget.take(now)).count() as u64;
                log.push((now.as_secs(), u64::from(requests), new));
                let recent = log.iter().filter(|(second, ..)| *second > now.as_secs() - SECONDS);
                let (requests, granted) =
                    recent.fold((0, 0), |sums, (_, requests, granted)| (sums.0 + requests, sums.1 + granted));
                prop_assert!(new == 0 || granted <= (requests / 5).max(10), "{granted} of {requests}");
            }
        }
    }

    #[test]
    fn policies_bound_attempts() {
        let most = |policy, cap| Attempts::of(policy, cap).most;
        assert_eq!((most(RetryPolicy::Balanced, 4), most(RetryPolicy::Balanced, 0)), (4, 1));
        assert_eq!(most(RetryPolicy::Aggressive, 4), 8);
        assert_eq!((most(RetryPolicy::Conservative, 4), most(RetryPolicy::Conservative, 1)), (2, 1));
        assert_eq!(Attempts::of(RetryPolicy::Conservative, 4).repeats, 0);
        let pause = Attempts::of(RetryPolicy::Aggressive, 4).pause(Duration::from_secs(3));
        assert_eq!(pause, Duration::from_millis(1_500));
    }
}
