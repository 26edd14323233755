//! What a warm prompt cache is worth, against what speaks for another account.

use std::time::Duration;

use posthaste_core::{NanoUsd, Timestamp};

use crate::{Candidate, decay::left_since, quota::slack_of, tuning::AffinityTuning};

/// What an account holds of a conversation in its prompt cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Warmth {
    /// How many of the request's tokens it has.
    pub tokens: u64,
    /// What a million of them cost less there when they are read from the cache, in nano-dollars.
    pub gap: NanoUsd,
    /// When they were last written or read.
    pub warmed_at: Timestamp,
    /// How long the provider promises to keep them after that.
    pub ttl: Duration,
}

impl Warmth {
    /// What asking this account saves: all of the gap while the provider keeps its promise, and then half as much after each
    /// further span of that length, since caches are often kept longer than promised.
    pub fn worth(&self, now: Timestamp) -> NanoUsd {
        let full = i128::from(self.tokens) * i128::from(self.gap.as_nanos().max(0)) / MILLION;
        let left = left_since(self.warmed_at.plus(self.ttl), now, self.ttl);
        NanoUsd::from_nanos((full.min(MOST_WORTH) as f64 * left) as i64)
    }
}

/// What speaks against asking an account, in money: the share of the request's price that stands for waiting behind others
/// and for a quota that nears its end.
pub(crate) fn pressure(
    candidate: &Candidate<'_>,
    in_flight: u32,
    tuning: &AffinityTuning,
    now: Timestamp,
) -> f64 {
    let load = match candidate.most_in_flight {
        Some(most) if most > 0 => (f64::from(in_flight) / f64::from(most)).min(1.0),
        _ => 0.0,
    };
    let scarcity = if candidate.quota.is_empty() || tuning.scarce <= 0.0 {
        0.0
    } else {
        (1.0 - slack_of(candidate.quota, now) / tuning.scarce).max(0.0)
    };
    let price = candidate.price.map_or(0, NanoUsd::as_nanos).max(0) as f64;
    price * (tuning.load * load * load + tuning.scarcity * scarcity)
}

const MILLION: i128 = 1_000_000;

/// A million dollars: no cache is worth more, and floating point counts it exactly.
const MOST_WORTH: i128 = 1_000_000_000_000_000;

#[cfg(test)]
mod tests {
    use posthaste_core::AccountId;

    use super::*;
    use crate::QuotaWindow;

    const NOW: Timestamp = Timestamp::from_secs(100_000);
    const TTL: Duration = Duration::from_secs(300);

    /// 100,000 tokens that cost $3 a million, and $0.30 from the cache.
    fn warmth() -> Warmth {
        Warmth { tokens: 100_000, gap: NanoUsd::from_nanos(2_700_000_000), warmed_at: NOW, ttl: TTL }
    }

    #[test]
    fn a_warm_cache_is_worth_its_tokens_times_the_gap_and_less_with_time() {
        let worth = |secs| warmth().worth(NOW.plus(Duration::from_secs(secs))).as_nanos();
        assert_eq!(worth(0), 270_000_000);
        assert_eq!(worth(300), 270_000_000);
        assert_eq!(worth(600), 135_000_000);
        assert!(worth(3_600) < 500_000);
        assert_eq!(worth(1_000_000), 0);
    }

    #[test]
    fn a_cache_that_saves_nothing_is_worth_nothing_and_absurd_ones_are_bounded() {
        assert_eq!(Warmth { gap: NanoUsd::from_nanos(-5), ..warmth() }.worth(NOW), NanoUsd::ZERO);
        let absurd = Warmth { tokens: u64::MAX, gap: NanoUsd::from_nanos(i64::MAX), ..warmth() };
        assert_eq!(absurd.worth(NOW).as_nanos(), 1_000_000_000_000_000);
    }

    #[test]
    fn load_and_a_quota_near_its_end_press() {
        let tuning = AffinityTuning::default();
        let starts_at = NOW.minus(Duration::from_secs(500));
        let window = |used| QuotaWindow {
            used,
            limit: 100,
            request: 0,
            starts_at,
            resets_at: starts_at.plus(Duration::from_secs(1_000)),
        };
        let of = |in_flight, used| {
            let quota = [window(used)];
            let candidate = Candidate {
                price: Some(NanoUsd::from_nanos(1_000)),
                most_in_flight: Some(4),
                quota: &quota,
                ..Candidate::new(AccountId::generate(), "m")
            };
            pressure(&candidate, in_flight, &tuning, NOW)
        };
        assert_eq!(of(0, 0), 0.0);
        assert_eq!(of(2, 50), 125.0);
        assert_eq!(of(4, 50), 500.0);
        assert_eq!(of(400, 100), 1_000.0);
        assert!(of(0, 90) == 0.0 && of(0, 97) > 100.0);
    }
}
