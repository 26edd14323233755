//! Puts the candidates that may be asked in order.
//!
//! One small number for each candidate holds all that decides: no text and no account is copied while they are sorted.

use posthaste_core::{AccountId, NanoUsd, Strategy, Timestamp};

use crate::{
    Candidate, Hint, Pick, Reason, Tuning,
    affinity::pressure,
    backoff::Instance,
    observed::Observed,
    strategy::{
        Contender, Moment, Order, hybrid::Hybrid, least_busy::LeastBusy,
        least_recently_used::LeastRecentlyUsed, lowest_cost::LowestCost, peak_ewma::PeakEwma,
        quota_paced::QuotaPaced, round_robin::RoundRobin, sequential::Sequential, weighted::Weighted,
    },
};

/// What the order depends on beside the candidates.
pub(crate) struct Situation<'a> {
    pub(crate) hint: Hint,
    pub(crate) tuning: &'a Tuning,
    pub(crate) instance: Instance,
    pub(crate) now: Timestamp,
}

/// Orders those of the candidates for which `seen` gives something.
pub(crate) fn rank<'s>(
    candidates: &[Candidate<'_>],
    situation: &Situation<'_>,
    seen: impl FnMut(&Candidate<'_>) -> Option<&'s Observed>,
) -> Vec<Pick> {
    match situation.hint.strategy {
        Strategy::LeastRecentlyUsed => rank_by(&LeastRecentlyUsed, candidates, situation, seen),
        Strategy::RoundRobin => rank_by(&RoundRobin, candidates, situation, seen),
        Strategy::Sequential => rank_by(&Sequential, candidates, situation, seen),
        Strategy::Weighted => rank_by(&Weighted, candidates, situation, seen),
        Strategy::LeastBusy => rank_by(&LeastBusy, candidates, situation, seen),
        Strategy::PeakEwma => rank_by(&PeakEwma, candidates, situation, seen),
        Strategy::LowestCost => rank_by(&LowestCost, candidates, situation, seen),
        Strategy::Hybrid => rank_by(&Hybrid, candidates, situation, seen),
        Strategy::QuotaPaced => rank_by(&QuotaPaced, candidates, situation, seen),
    }
}

fn rank_by<'s, O: Order>(
    order: &O,
    candidates: &[Candidate<'_>],
    situation: &Situation<'_>,
    mut seen: impl FnMut(&Candidate<'_>) -> Option<&'s Observed>,
) -> Vec<Pick> {
    let Situation { hint, tuning, instance, now } = *situation;
    let moment = Moment { now, seed: hint.seed, tuning };
    let mut ranks = Vec::with_capacity(candidates.len());
    let mut bids = Vec::new();
    for (position, candidate) in (0..).zip(candidates) {
        let Some(seen) = seen(candidate) else { continue };
        let in_flight = candidate.in_flight.unwrap_or_else(|| seen.in_flight());
        let full = candidate.most_in_flight.is_some_and(|most| in_flight >= most);
        let key = order.key(&Contender { candidate, seen, in_flight }, &moment);
        let tie = if O::BY_USE { seen.last_use } else { u64::from(position) };
        let sort = Rank::sort(candidate.priority, full, key, tie);
        ranks.push(Rank { sort, last_use: seen.last_use, position });
        if hint.affinity && !full && (candidate.home || candidate.warmth.is_some()) {
            bids.push(Bid::of(candidate, position, in_flight, situation));
        }
    }
    ranks.sort_unstable_by_key(|rank| rank.sort);
    if O::BY_USE {
        settle_ties(&mut ranks, candidates, instance, |rank| rank.sort);
    } else if !candidates.is_sorted_by_key(|candidate| candidate.account) {
        // Callers that keep their accounts by identity spare this: positions have settled the ties.
        settle_ties(&mut ranks, candidates, Instance::default(), |rank| rank.sort >> USE_BITS);
    }
    for equals in ranks.chunk_by_mut(|one, other| one.tier() == other.tier()) {
        order.arrange(equals, candidates, &moment);
    }
    let mut picks: Vec<Pick> = ranks.iter().map(|rank| rank.pick::<O>(candidates)).collect();
    if !bids.is_empty() {
        prefer_warm(&mut picks, &mut bids, candidates, situation, seen);
    }
    picks
}

/// A candidate's place.
pub(crate) struct Rank {
    /// Priority, whether it is full, the strategy's key, and what ties go by, from the highest bits to the lowest.
    sort: u128,
    pub(crate) last_use: u64,
    position: u32,
}

impl Rank {
    fn sort(priority: u16, full: bool, key: u64, tie: u64) -> u128 {
        let tier = u128::from(priority) << 1 | u128::from(full);
        tier << (64 + USE_BITS) | u128::from(key) << USE_BITS | u128::from(tie.min(MOST_USES))
    }

    const fn tier(&self) -> u32 {
        (self.sort >> (64 + USE_BITS)) as u32
    }

    pub(crate) const fn key(&self) -> u64 {
        (self.sort >> USE_BITS) as u64
    }

    pub(crate) const fn position(&self) -> usize {
        self.position as usize
    }

    fn pick<O: Order>(&self, candidates: &[Candidate<'_>]) -> Pick {
        let full = self.tier() & 1 == 1;
        let reason = if full { Reason::Full } else { O::reason(self.key()) };
        Pick { account: candidates[self.position()].account, candidate: self.position, reason }
    }
}

/// Those that nothing tells apart go by identity, from where this relay begins its rounds.
fn settle_ties(
    ranks: &mut [Rank],
    candidates: &[Candidate<'_>],
    instance: Instance,
    sort: impl Fn(&Rank) -> u128,
) {
    let account = |rank: &Rank| -> AccountId { candidates[rank.position()].account };
    for ties in ranks.chunk_by_mut(|one, other| sort(one) == sort(other)) {
        if ties.len() > 1 {
            ties.sort_unstable_by_key(account);
            ties.rotate_left(instance.offset(ties.len()));
        }
    }
}

/// What speaks for an account that has something of the conversation.
struct Bid {
    position: u32,
    home: bool,
    worth: NanoUsd,
    /// What is saved there less what speaks against it, in nano-dollars.
    net: f64,
}

impl Bid {
    fn of(candidate: &Candidate<'_>, position: u32, in_flight: u32, situation: &Situation<'_>) -> Self {
        let Situation { tuning, now, .. } = *situation;
        let worth = candidate.warmth.map_or(NanoUsd::ZERO, |warmth| warmth.worth(now));
        let net = worth.as_nanos() as f64 - pressure(candidate, in_flight, &tuning.affinity, now);
        Self { position, home: candidate.home, worth, net }
    }
}

/// Puts those before their equals whose caches are worth more than what speaks for the strategy's own choice.
fn prefer_warm<'s>(
    picks: &mut [Pick],
    bids: &mut [Bid],
    candidates: &[Candidate<'_>],
    situation: &Situation<'_>,
    mut seen: impl FnMut(&Candidate<'_>) -> Option<&'s Observed>,
) {
    // The best comes last, and so ends up before the others.
    let account = |bid: &Bid| candidates[bid.position as usize].account;
    bids.sort_by(|one, other| {
        let by_worth = one.home.cmp(&other.home).then(one.net.total_cmp(&other.net));
        by_worth.then_with(|| account(other).cmp(&account(one)))
    });
    let mut heads: Vec<(u16, f64)> = Vec::new();
    for bid in bids {
        let priority = candidates[bid.position as usize].priority;
        let Some(start) =
            picks.iter().position(|pick| candidates[pick.candidate as usize].priority == priority)
        else {
            continue;
        };
        let head_net = match heads.iter().find(|(known, _)| *known == priority) {
            Some((_, net)) => *net,
            None => {
                let head = &candidates[picks[start].candidate as usize];
                let in_flight = head.in_flight.or_else(|| Some(seen(head)?.in_flight())).unwrap_or(0);
                let net = -pressure(head, in_flight, &situation.tuning.affinity, situation.now);
                heads.push((priority, net));
                net
            }
        };
        let Some(place) = picks.iter().position(|pick| pick.candidate == bid.position) else { continue };
        if bid.home || (bid.worth > NanoUsd::ZERO && bid.net >= head_net) {
            picks[start..=place].rotate_right(1);
            picks[start].reason =
                if bid.home { Reason::Home } else { Reason::WarmCache { worth: bid.worth } };
        }
    }
}

/// So many bits hold the number of the last use; what is beyond counts as one.
const USE_BITS: u32 = 40;
const MOST_USES: u64 = (1 << USE_BITS) - 1;
