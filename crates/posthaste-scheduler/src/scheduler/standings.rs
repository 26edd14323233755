//! In which order the members of a lineup stand, kept from plan to plan.
//!
//! A member's spot is what a plan sorts by. It stays where it is until something happens to the account, so that a plan looks
//! at those that changed since the last one, and reads the first spots. Keys that fall with time
//! ([`Order::moves`]) are kept as the least that they can be for a while: whoever stands behind by that stands behind in truth.
//! Accounts that something is held against stand apart and are looked at by each plan.

use std::{
    collections::{BTreeSet, btree_set},
    ops::RangeInclusive,
    time::Duration,
};

use posthaste_core::{Strategy, Timestamp};

use super::{accounts::Accounts, entry::Entry};
use crate::{
    Candidate, Exclusion, Lineup, QuotaWindow, Resort,
    observed::{NEVER, Observed},
    strategy::{Contender, Moment, Order},
};

#[derive(Debug)]
pub(crate) struct Standings {
    strategy: Strategy,
    /// How many changes of accounts they know of.
    changes: u64,
    /// When the least keys hold.
    holds: RangeInclusive<Timestamp>,
    /// By member.
    places: Vec<Place>,
    line: BTreeSet<Spot>,
    apart: BTreeSet<u32>,
    /// How many keys fall with time.
    moving: usize,
}

/// What a plan sorts by: the least goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Spot {
    /// The priority, and in the lowest bit whether the account is full.
    pub(super) tier: u32,
    pub(super) key: u64,
    pub(super) last_use: u64,
    /// Members are in the order of identities.
    pub(super) member: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Line {
        spot: Spot,
        /// Whether the key is the least that it can be.
        moves: bool,
    },
    Apart,
}

impl Spot {
    pub(super) const fn was_never_used(&self) -> bool {
        self.last_use == NEVER
    }

    pub(super) const fn is_full(&self) -> bool {
        self.tier & 1 == 1
    }

    pub(super) const fn priority(&self) -> u32 {
        self.tier >> 1
    }
}

impl Standings {
    /// As they are now, made anew only where that is needed.
    pub(super) fn follow<'s, O: Order>(
        kept: &'s mut Option<Self>,
        look: &Look<'_, O>,
        strategy: Strategy,
    ) -> &'s mut Self {
        let known = kept.take().filter(|known| known.strategy == strategy);
        let known = known.and_then(|known| known.caught_up(look));
        kept.insert(known.unwrap_or_else(|| Self::new(look, strategy)))
    }

    fn new<O: Order>(look: &Look<'_, O>, strategy: Strategy) -> Self {
        let changes = look.accounts.changes().count();
        let holds = around(look.moment.now);
        let members = 0..look.lineup.members().len() as u32;
        let places: Vec<Place> = members.map(|member| look.place(member, &holds)).collect();
        let spots = places.iter().filter_map(|place| match place {
            Place::Line { spot, .. } => Some(*spot),
            Place::Apart => None,
        });
        let line = spots.collect();
        let apart = (0..).zip(&places).filter(|(_, place)| **place == Place::Apart);
        let apart = apart.map(|(member, _)| member).collect();
        let moving = places.iter().filter(|place| place.moves()).count();
        Self { strategy, changes, holds, places, line, apart, moving }
    }

    /// Looks at those that changed; `None` where all have to be looked at.
    fn caught_up<O: Order>(mut self, look: &Look<'_, O>) -> Option<Self> {
        if !self.holds.contains(&look.moment.now) {
            if self.moving > 0 {
                return None;
            }
            self.holds = around(look.moment.now);
        }
        let (changed, changes) = look.accounts.changes().since(self.changes)?;
        self.changes = changes;
        for account in changed {
            if let Some(member) = look.lineup.position(account) {
                self.move_to(member, look.place(member as u32, &self.holds));
            }
        }
        Some(self)
    }

    fn move_to(&mut self, member: usize, place: Place) {
        let before = std::mem::replace(&mut self.places[member], place);
        if before == place {
            return;
        }
        self.moving = self.moving + usize::from(place.moves()) - usize::from(before.moves());
        match before {
            Place::Line { spot, .. } => self.line.remove(&spot),
            Place::Apart => self.apart.remove(&(member as u32)),
        };
        match place {
            Place::Line { spot, .. } => self.line.insert(spot),
            Place::Apart => self.apart.insert(member as u32),
        };
    }

    /// Those that stand apart, in the order of identities.
    pub(super) fn apart(&self) -> btree_set::Iter<'_, u32> {
        self.apart.iter()
    }

    /// The others.
    pub(super) fn line(&self) -> &BTreeSet<Spot> {
        &self.line
    }

    /// Where a spot of the line is in truth.
    pub(super) fn now<O: Order>(&self, spot: Spot, look: &Look<'_, O>) -> Spot {
        if self.places[spot.member as usize].moves() { look.spot(spot.member) } else { spot }
    }
}

impl Place {
    const fn moves(&self) -> bool {
        matches!(self, Self::Line { moves: true, .. })
    }
}

/// What standings are made from.
pub(super) struct Look<'a, O> {
    pub(super) order: &'a O,
    pub(super) lineup: &'a Lineup,
    pub(super) accounts: &'a Accounts,
    pub(super) moment: Moment<'a>,
}

impl<O: Order> Look<'_, O> {
    /// Why the member may not be asked now, or where it stands.
    pub(super) fn see(&self, member: u32) -> Result<Spot, Exclusion> {
        let (now, facts) = (self.moment.now, &self.lineup.members()[member as usize]);
        let entry = self.accounts.get(facts.account);
        match super::bars(entry, facts.model.as_str(), windows(entry), Resort::Usual, now) {
            Some(parked) => Err(Exclusion::Parked(parked)),
            None => Ok(self.spot(member)),
        }
    }

    fn spot(&self, member: u32) -> Spot {
        self.contend(member, |contender| {
            Self::spot_by(member, contender, self.order.key(contender, &self.moment))
        })
    }

    fn place(&self, member: u32, span: &RangeInclusive<Timestamp>) -> Place {
        let entry = self.accounts.get(self.lineup.members()[member as usize].account);
        let may_be_used_up = |window: &QuotaWindow| window.used >= window.limit;
        if entry.is_some_and(Entry::is_held) || windows(entry).iter().any(may_be_used_up) {
            return Place::Apart;
        }
        self.contend(member, |contender| {
            let moves = self.order.moves(contender);
            let key = if moves {
                self.order.least_key(contender, &self.moment, span)
            } else {
                self.order.key(contender, &self.moment)
            };
            Place::Line { spot: Self::spot_by(member, contender, key), moves }
        })
    }

    fn contend<T>(&self, member: u32, with: impl FnOnce(&Contender<'_>) -> T) -> T {
        let facts = &self.lineup.members()[member as usize];
        let entry = self.accounts.get(facts.account);
        let candidate = Candidate { quota: windows(entry), ..facts.candidate() };
        let seen = seen(entry);
        with(&Contender { candidate: &candidate, seen, in_flight: seen.in_flight() })
    }

    fn spot_by(member: u32, contender: &Contender<'_>, key: u64) -> Spot {
        let Contender { candidate, seen, in_flight } = *contender;
        let full = candidate.most_in_flight.is_some_and(|most| in_flight >= most);
        let tier = u32::from(candidate.priority) << 1 | u32::from(full);
        let (key, last_use) = if O::BY_IDENTITY { (0, 0) } else { (key, seen.last_use) };
        Spot { tier, key, last_use, member }
    }
}

pub(super) fn seen(entry: Option<&Entry>) -> &Observed {
    match entry {
        Some(entry) => &entry.seen,
        None => Observed::nothing(),
    }
}

fn windows(entry: Option<&Entry>) -> &[QuotaWindow] {
    entry.map_or(&[], |entry| &entry.windows)
}

/// When least keys are to hold that are made now. Requests side by side read the clock before they come here one after another.
fn around(now: Timestamp) -> RangeInclusive<Timestamp> {
    now.minus(APART)..=now.plus(HOLDS)
}

/// How long least keys are to hold. The longer, the further they lie below the truth, and the more of them a plan looks at.
const HOLDS: Duration = Duration::from_secs(30);
const APART: Duration = Duration::from_secs(1);
