//! What is known of one account: what was seen of it, and what is held against it or against models of it.

use posthaste_core::{CooldownScope, Timestamp};

use crate::{Parked, QuotaWindow, Resort, health::Health, health::Ticket, observed::Observed};

#[derive(Debug, Default)]
pub(super) struct Entry {
    pub(super) seen: Observed,
    /// `None` where nothing is held against it, as with nearly all accounts nearly always: a plan that reads all of them
    /// reads little.
    held: Option<Box<Held>>,
    /// How those of its quota go that were told.
    pub(super) windows: Box<[QuotaWindow]>,
}

#[derive(Debug, Default)]
struct Held {
    health: Health,
    /// The health of models that the vendor meters on their own; few, and only those that something is held against.
    parts: Vec<(CooldownScope, Health)>,
}

impl Entry {
    /// Why the account may not be asked for the model: the longest of the reasons.
    #[inline]
    pub(super) fn bars(&self, model: &str, resort: Resort, now: Timestamp) -> Option<Parked> {
        self.held.as_ref()?.bars(model, resort, now)
    }

    /// Whether it may have to be left alone at one moment and not at another.
    pub(super) fn is_held(&self) -> bool {
        self.held.is_some()
    }

    /// The health of the account as a whole; `None` where nothing is held against it.
    pub(super) fn health(&self) -> Option<&Health> {
        self.held.as_ref().map(|held| &held.health)
    }

    /// The models that something is held against.
    pub(super) fn parts(&self) -> &[(CooldownScope, Health)] {
        self.held.as_ref().map_or(&[], |held| &held.parts)
    }

    /// Of the account and of its models.
    pub(super) fn healths(&mut self) -> impl Iterator<Item = &mut Health> {
        let held = self.held.iter_mut();
        held.flat_map(|held| held.parts.iter_mut().map(|(_, health)| health).chain([&mut held.health]))
    }

    /// What an attempt for the model tells of.
    pub(super) fn healths_of(&mut self, model: &str) -> impl Iterator<Item = &mut Health> {
        let held = self.held.iter_mut();
        held.flat_map(move |held| {
            let parts = held.parts.iter_mut().filter(move |(part, _)| part.covers(model));
            parts.map(|(_, health)| health).chain([&mut held.health])
        })
    }

    /// The same, each with what it is the health of.
    pub(super) fn scopes_of(&mut self, model: &str) -> impl Iterator<Item = (&CooldownScope, &mut Health)> {
        let held = self.held.iter_mut();
        held.flat_map(move |held| {
            let parts = held.parts.iter_mut().filter(move |(part, _)| part.covers(model));
            let parts = parts.map(|(part, health)| (&*part, health));
            parts.chain([(&CooldownScope::Account, &mut held.health)])
        })
    }

    /// What is held against the account, or against just this part of its models; `None` where nothing is.
    pub(super) fn known_health_for(&mut self, scope: &CooldownScope) -> Option<&mut Health> {
        let held = self.held.as_mut()?;
        match scope {
            CooldownScope::Account => Some(&mut held.health),
            part @ (CooldownScope::Models(_) | CooldownScope::Model(_)) => {
                held.parts.iter_mut().find(|(known, _)| known == part).map(|(_, health)| health)
            }
        }
    }

    /// What a cooldown speaks of: the account, or a part of its models.
    pub(super) fn health_for(&mut self, scope: &CooldownScope) -> &mut Health {
        let held = self.held.get_or_insert_default();
        match scope {
            CooldownScope::Account => &mut held.health,
            part @ (CooldownScope::Models(_) | CooldownScope::Model(_)) => part_of(&mut held.parts, part),
        }
    }

    /// An attempt is over: what it was the trial of waits for another.
    pub(super) fn ended(&mut self, ticket: Ticket) {
        self.healths().for_each(|health| health.cancelled(ticket));
    }

    /// Forgets what is not held against anything any more.
    pub(super) fn tidy(&mut self) {
        if let Some(held) = &mut self.held {
            held.parts.retain(|(_, health)| !health.is_healthy());
        }
        self.held.take_if(|held| held.parts.is_empty() && held.health.is_blank());
    }

    /// Forgets all that is held against it.
    pub(super) fn forgive(&mut self) {
        self.held = None;
        self.seen.forget_faults();
    }
}

impl Held {
    fn bars(&self, model: &str, resort: Resort, now: Timestamp) -> Option<Parked> {
        let parts = self.parts.iter().filter(|(part, _)| part.covers(model));
        let healths = parts.map(|(_, health)| health).chain([&self.health]);
        healths.filter_map(|health| health.bars(resort, now)).max_by_key(|parked| parked.opens(resort))
    }
}

fn part_of<'e>(parts: &'e mut Vec<(CooldownScope, Health)>, part: &CooldownScope) -> &'e mut Health {
    let position = parts.iter().position(|(known, _)| known == part).unwrap_or_else(|| {
        if parts.len() == MOST_PARTS {
            parts.remove(0);
        }
        parts.push((part.clone(), Health::default()));
        parts.len() - 1
    });
    &mut parts[position].1
}

/// More than any vendor meters apart; where each model that an account may not use rests on its own, the oldest goes.
const MOST_PARTS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_plan_reads_of_an_account_is_small() {
        assert!(size_of::<Entry>() <= 96, "{}", size_of::<Entry>());
    }
}
