//! Puts the candidates that may be asked in order.
//!
//! What decides of a candidate is read once and kept in a small [`Rank`]; after that no candidate is looked at again, since
//! they are large and lie far apart.

mod sorted;
mod warm;

use posthaste_core::{AccountId, Strategy, Timestamp};

use crate::{
    Candidate, Hint, Pick, Reason, Tuning,
    backoff::Instance,
    observed::Observed,
    strategy::{
        Contender, Moment, Order, hybrid::Hybrid, least_busy::LeastBusy,
        least_recently_used::LeastRecentlyUsed, lowest_cost::LowestCost, peak_ewma::PeakEwma,
        quota_paced::QuotaPaced, round_robin::RoundRobin, sequential::Sequential, weighted::Weighted,
    },
};
use sorted::sorted;
use warm::{Bid, prefer_warm};

/// What the order depends on beside the candidates.
pub(crate) struct Situation<'a> {
    pub(crate) hint: Hint,
    pub(crate) tuning: &'a Tuning,
    pub(crate) instance: Instance,
    pub(crate) now: Timestamp,
}

/// Tells what was seen of candidates, one after another.
pub(crate) trait Sight<'s> {
    /// What was seen of the next one; `None` where it is not to be asked.
    fn look(&mut self, candidate: &Candidate<'_>) -> Option<&'s Observed>;
}

/// Orders those of the candidates that are to be asked.
pub(crate) fn rank<'s>(
    candidates: &[Candidate<'_>],
    situation: &Situation<'_>,
    sight: &mut impl Sight<'s>,
) -> Vec<Pick> {
    match situation.hint.strategy {
        Strategy::LeastRecentlyUsed => rank_by(&LeastRecentlyUsed, candidates, situation, sight),
        Strategy::RoundRobin => rank_by(&RoundRobin, candidates, situation, sight),
        Strategy::Sequential => rank_by(&Sequential, candidates, situation, sight),
        Strategy::Weighted => rank_by(&Weighted, candidates, situation, sight),
        Strategy::LeastBusy => rank_by(&LeastBusy, candidates, situation, sight),
        Strategy::PeakEwma => rank_by(&PeakEwma, candidates, situation, sight),
        Strategy::LowestCost => rank_by(&LowestCost, candidates, situation, sight),
        Strategy::Hybrid => rank_by(&Hybrid, candidates, situation, sight),
        Strategy::QuotaPaced => rank_by(&QuotaPaced, candidates, situation, sight),
    }
}

fn rank_by<'s, O: Order>(
    order: &O,
    candidates: &[Candidate<'_>],
    situation: &Situation<'_>,
    sight: &mut impl Sight<'s>,
) -> Vec<Pick> {
    let Situation { hint, tuning, instance, now } = *situation;
    let moment = Moment { now, seed: hint.seed, tuning };
    let mut ranks = Vec::with_capacity(candidates.len());
    let mut bids = Vec::new();
    for (position, candidate) in (0..).zip(candidates) {
        let Some(seen) = sight.look(candidate) else { continue };
        let in_flight = candidate.in_flight.unwrap_or_else(|| seen.in_flight());
        let full = candidate.most_in_flight.is_some_and(|most| in_flight >= most);
        ranks.push(Rank {
            account: candidate.account,
            position,
            tier: u32::from(candidate.priority) << 1 | u32::from(full),
            key: order.key(&Contender { candidate, seen, in_flight }, &moment),
            last_use: seen.last_use,
        });
        if hint.affinity && !full && (candidate.home || candidate.warmth.is_some()) {
            bids.push(Bid::of(candidate, position, in_flight, situation));
        }
    }
    // A fixed order is the same at all relays.
    let instance = if O::BY_IDENTITY { Instance::default() } else { instance };
    let mut places = sorted(&ranks, O::BY_IDENTITY, instance);
    if O::ARRANGES {
        for equals in places.chunk_by_mut(|&one, &other| ranks[one].tier == ranks[other].tier) {
            order.arrange(equals, &ranks, &moment);
        }
    }
    let mut picks: Vec<Pick> = places.iter().map(|&place| ranks[place].pick::<O>()).collect();
    if !bids.is_empty() {
        let in_flight = &mut |head: &Candidate<'_>| {
            head.in_flight.or_else(|| Some(sight.look(head)?.in_flight())).unwrap_or(0)
        };
        prefer_warm(&mut picks, &mut bids, candidates, situation, in_flight);
    }
    picks
}

/// What decides of a candidate.
pub(crate) struct Rank {
    account: AccountId,
    /// The candidate's place among those that were given.
    position: u32,
    /// Its priority, and in the lowest bit whether it is full.
    tier: u32,
    /// The strategy's.
    pub(crate) key: u64,
    pub(crate) last_use: u64,
}

impl Rank {
    fn pick<O: Order>(&self) -> Pick {
        let full = self.tier & 1 == 1;
        let reason = if full { Reason::Full } else { O::reason(self.key) };
        Pick { account: self.account, candidate: self.position, reason }
    }
}
