//! A plan, copied as far as it is kept and put into words later.

use std::{collections::BTreeMap, fmt::Write};

use posthaste_core::{
    AccountId, AskedAccount, Barrier, ModelName, PassedOver, PlannedLeg, PoolId, RequestPlan, Strategy,
};
use posthaste_scheduler::{Exclusion, Pick, Reason};

use super::rest;
use crate::planning::{Course, Leg};

/// A plan as the scheduler made it, cut to what is kept.
pub(crate) struct PlanSketch {
    round: u32,
    legs: Vec<LegSketch>,
}

/// How many accounts are told one by one; the rest is counted.
pub(crate) struct Room {
    /// Of all legs together.
    pub(crate) candidates: usize,
    /// Of those that are to be asked on a leg.
    pub(crate) asked: usize,
}

struct LegSketch {
    model: ModelName,
    pool: Option<PoolId>,
    strategy: Strategy,
    asked: Vec<Pick>,
    asked_more: u32,
    excluded: Vec<(AccountId, Exclusion)>,
    excluded_more: Barred,
}

/// How many accounts each barrier keeps away.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Barred([u32; BARRIERS.len()]);

impl Barred {
    pub(crate) fn count(&mut self, exclusion: &Exclusion) {
        self.0[barrier(exclusion) as usize] += 1;
    }

    /// One of those that were counted does not count after all.
    fn discount(&mut self, exclusion: &Exclusion) {
        self.0[barrier(exclusion) as usize] -= 1;
    }
}

impl PlanSketch {
    /// As it is kept.
    pub(super) fn of(course: &Course<'_>, round: u32) -> Self {
        Self::within(course, round, Room { candidates: MOST_CANDIDATES, asked: MOST_ASKED })
    }

    /// Cut to what there is room for.
    pub(crate) fn within(course: &Course<'_>, round: u32, mut room: Room) -> Self {
        let legs = course.legs.iter().take(MOST_LEGS).map(|leg| LegSketch::of(leg, &mut room));
        Self { round, legs: legs.collect() }
    }

    pub(crate) fn into_plan(self) -> RequestPlan {
        RequestPlan { round: self.round, legs: self.legs.into_iter().map(LegSketch::into_leg).collect() }
    }
}

impl LegSketch {
    /// Those that are asked come first, then those that rest: what stands against the others changes seldom.
    fn of(leg: &Leg<'_>, Room { candidates: room, asked: most_asked }: &mut Room) -> Self {
        let plan = leg.plan();
        let asked = &plan.order[..plan.order.len().min(*most_asked).min(*room)];
        *room -= asked.len();
        let resting = &plan.excluded[..plan.excluded.len().min(*room)];
        *room -= resting.len();
        let others = leg.left_out().all();
        let others = &others[..others.len().min(*room)];
        *room -= others.len();
        let mut excluded_more = *leg.left_out().counts();
        others.iter().for_each(|(_, exclusion)| excluded_more.discount(exclusion));
        plan.excluded[resting.len()..].iter().for_each(|(_, exclusion)| excluded_more.count(exclusion));
        Self {
            model: leg.model.name().clone(),
            pool: leg.rules.pool(),
            strategy: leg.rules.strategy,
            asked: asked.to_vec(),
            asked_more: u32::try_from(leg.candidates() - asked.len()).unwrap_or(u32::MAX),
            excluded: [resting, others].concat(),
            excluded_more,
        }
    }

    fn into_leg(self) -> PlannedLeg {
        let passed_over = |(account, exclusion): (AccountId, Exclusion)| PassedOver {
            account,
            barrier: barrier(&exclusion),
            rest: match &exclusion {
                Exclusion::Parked(parked) => Some(rest(parked)),
                _ => None,
            },
        };
        let more = BARRIERS.into_iter().zip(self.excluded_more.0).filter(|(_, count)| *count > 0);
        PlannedLeg {
            model: self.model,
            pool: self.pool,
            strategy: self.strategy,
            asked: in_words(&self.asked),
            asked_more: self.asked_more,
            passed_over: self.excluded.into_iter().map(passed_over).collect(),
            passed_over_more: more.collect::<BTreeMap<_, _>>(),
        }
    }
}

/// Neighbours often stand where they stand for the same reason, and copying words is far cheaper than finding them.
fn in_words(picks: &[Pick]) -> Vec<AskedAccount> {
    let mut asked: Vec<AskedAccount> = Vec::with_capacity(picks.len());
    let mut before = None;
    for &Pick { account, reason, .. } in picks {
        let why = match asked.last() {
            Some(last) if before == Some(reason) => last.why.clone(),
            _ => words(reason),
        };
        before = Some(reason);
        asked.push(AskedAccount { account, why });
    }
    asked
}

/// In a text that is large enough from the start: one that grows word by word is moved several times.
fn words(reason: Reason) -> String {
    let mut words = String::with_capacity(USUAL_WORDS);
    // A text takes whatever is written into it.
    let _ = write!(words, "{reason}");
    words
}

const fn barrier(exclusion: &Exclusion) -> Barrier {
    match exclusion {
        Exclusion::Parked(_) => Barrier::Rests,
        Exclusion::Disabled => Barrier::Disabled,
        Exclusion::ModelNotServed => Barrier::ModelNotServed,
        Exclusion::NotForThisKey => Barrier::NotForThisKey,
        Exclusion::NotInThePlace => Barrier::NotInThePlace,
        Exclusion::OperationNotServed => Barrier::OperationNotServed,
        Exclusion::PinnedElsewhere => Barrier::PinnedElsewhere,
        Exclusion::NotTheHome => Barrier::NotTheHome,
    }
}

/// In the order of their declaration, so that a member as a number is its place.
const BARRIERS: [Barrier; 8] = [
    Barrier::Rests,
    Barrier::Disabled,
    Barrier::ModelNotServed,
    Barrier::NotForThisKey,
    Barrier::NotInThePlace,
    Barrier::OperationNotServed,
    Barrier::PinnedElsewhere,
    Barrier::NotTheHome,
];

/// The most accounts of a plan that are kept one by one; the rest is counted.
const MOST_CANDIDATES: usize = 64;

/// Of a leg's accounts that are to be asked, so many: an attempt seldom comes to those behind, and where it does, its turn is
/// on record.
const MOST_ASKED: usize = 16;

/// Routes are shorter than this.
const MOST_LEGS: usize = 32;

/// The bytes that most reasons take.
const USUAL_WORDS: usize = 32;
