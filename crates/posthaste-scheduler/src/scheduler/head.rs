//! The head of a plan over many accounts, in about the same time however many they are.

use posthaste_core::{NanoUsd, Strategy, Timestamp};

use super::{
    Scheduler,
    standings::{Look, Spot, Standings, seen},
};
use crate::{
    Candidate, Hint, Instance, Lineup, Pick, Plan, Reason, Resort,
    affinity::pressure,
    ranking::Situation,
    strategy::{
        Moment, Order, least_busy::LeastBusy, least_recently_used::LeastRecentlyUsed,
        quota_paced::QuotaPaced, sequential::Sequential,
    },
};

impl Scheduler {
    /// The first of the [`plan`](Self::plan) over all members of a lineup, and how many more there are; `None` where the whole
    /// plan has to be made: of few members, by strategies whose keys change with each request or moment, and as a last resort.
    /// Those who rest are told, as there; all of them.
    ///
    /// `favourite` is the member that has something of the conversation, as a candidate, with the price of the request. Others
    /// need none: no price speaks for them.
    pub fn plan_head(
        &self,
        lineup: &Lineup,
        hint: &Hint,
        favourite: Option<&Candidate<'_>>,
        now: Timestamp,
    ) -> Option<Plan> {
        if hint.resort != Resort::Usual || !lineup.is_large() {
            return None;
        }
        let situation = Situation { hint: *hint, tuning: &self.tuning, instance: self.instance, now };
        match hint.strategy {
            Strategy::LeastRecentlyUsed => self.head_by(&LeastRecentlyUsed, lineup, &situation, favourite),
            Strategy::Sequential => self.head_by(&Sequential, lineup, &situation, favourite),
            Strategy::LeastBusy => self.head_by(&LeastBusy, lineup, &situation, favourite),
            Strategy::QuotaPaced => self.head_by(&QuotaPaced, lineup, &situation, favourite),
            Strategy::RoundRobin
            | Strategy::Weighted
            | Strategy::PeakEwma
            | Strategy::LowestCost
            | Strategy::Hybrid => None,
        }
    }

    fn head_by<O: Order>(
        &self,
        order: &O,
        lineup: &Lineup,
        situation: &Situation<'_>,
        favourite: Option<&Candidate<'_>>,
    ) -> Option<Plan> {
        const { assert!(O::LASTS && !O::ARRANGES) };
        let Situation { hint, tuning, instance, now } = *situation;
        let accounts = self.accounts.lock();
        let moment = Moment { now, seed: hint.seed, tuning };
        let look = Look { order, lineup, accounts: &accounts, moment };
        let mut kept = lineup.standings.lock();
        let standings = Standings::follow(&mut kept, &look, hint.strategy);
        let mut excluded = Vec::new();
        let mut first = First::default();
        for &member in standings.apart() {
            match look.see(member) {
                Ok(spot) => first.take(spot),
                Err(exclusion) => excluded.push((lineup.members()[member as usize].account, exclusion)),
            }
        }
        let asked = first.count + standings.line().len();
        for &spot in standings.line() {
            if first.comes_before(spot) {
                break;
            }
            first.take(standings.now(spot, &look));
        }
        // Where each relay begins with another of those that were never used, it needs to know all of them.
        let may_turn = !O::BY_IDENTITY && instance != Instance::default();
        if may_turn && first.spots.iter().any(Spot::was_never_used) {
            return None;
        }
        let spots = first.spots.into_iter();
        let mut order: Vec<Pick> = spots.map(|spot| pick::<O>(lineup, spot)).collect();
        if let Some(favourite) = favourite.filter(|_| hint.affinity)
            && let Some(member) = lineup.position(favourite.account)
            && let Ok(spot) = look.see(member as u32)
            && !spot.is_full()
        {
            let seen = seen(accounts.get(favourite.account));
            prefer(&mut order, lineup, spot, (favourite, seen.in_flight()), situation);
        }
        let more = u32::try_from(asked - order.len()).unwrap_or(u32::MAX);
        Some(Plan { order, more, excluded, resort: hint.resort, made_at: now })
    }
}

/// The best of the spots that were taken.
#[derive(Default)]
struct First {
    /// Ascending.
    spots: Vec<Spot>,
    count: usize,
}

impl First {
    fn take(&mut self, spot: Spot) {
        self.count += 1;
        // Nearly always: those of the line come in order.
        if self.spots.len() < HEAD && self.spots.last().is_none_or(|last| *last < spot) {
            self.spots.push(spot);
            return;
        }
        let place = self.spots.partition_point(|better| *better < spot);
        if place < HEAD {
            self.spots.truncate(HEAD - 1);
            self.spots.insert(place, spot);
        }
    }

    /// Whether all that are needed come before the spot.
    fn comes_before(&self, spot: Spot) -> bool {
        self.spots.len() == HEAD && self.spots.last().is_some_and(|last| *last < spot)
    }
}

fn pick<O: Order>(lineup: &Lineup, spot: Spot) -> Pick {
    let reason = if spot.is_full() { Reason::Full } else { O::reason(spot.key) };
    Pick { account: lineup.members()[spot.member as usize].account, candidate: spot.member, reason }
}

/// Puts the favourite before its equals where its cache is worth more than what speaks for the strategy's own choice; as
/// [`prefer_warm`](crate::ranking) does with one that is warm.
fn prefer(
    order: &mut Vec<Pick>,
    lineup: &Lineup,
    spot: Spot,
    (favourite, in_flight): (&Candidate<'_>, u32),
    situation: &Situation<'_>,
) {
    let Situation { tuning, now, .. } = *situation;
    let priority = |pick: &Pick| u32::from(lineup.members()[pick.candidate as usize].priority);
    // Where its equals come later they are behind the head, and so is it.
    let Some(start) = order.iter().position(|pick| priority(pick) == spot.priority()) else { return };
    let against = pressure(favourite, in_flight, &tuning.affinity, now);
    let worth = favourite.warmth.map_or(NanoUsd::ZERO, |warmth| warmth.worth(now));
    // Against the first one speaks nothing, since no price is known of it; against itself, what speaks against itself.
    let is_first = order[start].candidate == spot.member;
    let speaks = worth.as_nanos() as f64 - against >= if is_first { -against } else { 0.0 };
    if !(favourite.home || worth > NanoUsd::ZERO && speaks) {
        return;
    }
    let reason = if favourite.home { Reason::Home } else { Reason::WarmCache { worth } };
    match order.iter().position(|pick| pick.candidate == spot.member) {
        Some(place) => order[start..=place].rotate_right(1),
        None => order.insert(start, Pick { account: favourite.account, candidate: spot.member, reason }),
    }
    order[start].reason = reason;
}

/// How many are told one by one: as many as a request's record names. Few requests come to the end of them.
pub(crate) const HEAD: usize = 16;
