//! The state of all accounts, behind one lock that is held for microseconds and never over an `await`.

mod id_hasher;

use std::collections::HashMap;

use parking_lot::Mutex;
use posthaste_core::{AccountId, Cooldown, CooldownScope, Timestamp};

use crate::{Backoff, Candidate, Exclusion, Parked, Plan, health::Health};
use id_hasher::BuildIdHasher;

/// Plans over candidates, and learns from how the attempts end.
///
/// For each attempt the caller tells [`started`](Self::started) (or [`try_start`](Self::try_start)), and then exactly one
/// of [`succeeded`](Self::succeeded), [`rest`](Self::rest) and [`cancelled`](Self::cancelled). Tell `succeeded` when
/// content begins to come, not when a long answer ends: until then an account that comes back from a rest serves
/// nobody else.
#[derive(Debug, Default)]
pub struct Scheduler {
    backoff: Backoff,
    accounts: Mutex<Accounts>,
}

impl Scheduler {
    /// A scheduler that knows nothing of any account yet.
    pub fn new(backoff: Backoff) -> Self {
        Self { backoff, accounts: Mutex::default() }
    }

    /// Orders the candidates that may be asked at `now`, and says why the others may not. Changes nothing.
    pub fn plan(&self, candidates: &[Candidate<'_>], now: Timestamp) -> Plan {
        let accounts = self.accounts.lock();
        let mut ranked = Vec::with_capacity(candidates.len());
        let mut excluded = Vec::new();
        for candidate in candidates {
            let entry = accounts.entries.get(&candidate.account);
            let exclusion = candidate.exclusion.clone().or_else(|| {
                entry.and_then(|entry| entry.parked(candidate.model, now)).map(Exclusion::Parked)
            });
            match exclusion {
                Some(exclusion) => excluded.push((candidate.account, exclusion)),
                None => {
                    let last_use = entry.map_or(NEVER, |entry| entry.last_use);
                    ranked.push((candidate.priority, last_use, candidate.account));
                }
            }
        }
        drop(accounts);
        ranked.sort_unstable();
        let order = ranked.into_iter().map(|(_, _, account)| account).collect();
        Plan { order, excluded, made_at: now }
    }

    /// Notes that an attempt for a model begins, as the upstream calls it. After a rest the first one is the trial, and
    /// others see the account, or the models that rested, as parked until it ends, 60 s at most.
    pub fn started(&self, account: AccountId, model: &str, now: Timestamp) {
        self.accounts.lock().start(account, model, now);
    }

    /// Notes that an attempt begins, unless the account has been parked since the plan was made or another request took
    /// the trial first.
    ///
    /// # Errors
    /// Why the account may not be asked now; nothing was noted then.
    pub fn try_start(&self, account: AccountId, model: &str, now: Timestamp) -> Result<(), Parked> {
        let mut accounts = self.accounts.lock();
        match accounts.entries.get(&account).and_then(|entry| entry.parked(model, now)) {
            Some(parked) => Err(parked),
            None => {
                accounts.start(account, model, now);
                Ok(())
            }
        }
    }

    /// Notes that the account serves the model: strikes are forgotten and a trial ends. A rest that lies ahead stays, since
    /// then the attempt is one that began before it.
    pub fn succeeded(&self, account: AccountId, model: &str, _now: Timestamp) {
        if let Some(entry) = self.accounts.lock().entries.get_mut(&account) {
            entry.healths_of(model).for_each(Health::succeeded);
            entry.parts.retain(|(_, health)| !health.is_healthy());
        }
    }

    /// Notes that an attempt ended without a word on the account's health: the client went away, or the request was at
    /// fault.
    pub fn cancelled(&self, account: AccountId, model: &str) {
        if let Some(entry) = self.accounts.lock().entries.get_mut(&account) {
            entry.healths_of(model).for_each(Health::cancelled);
        }
    }

    /// Parks an account, or some of its models, and tells for how long.
    ///
    /// The end is the one that the upstream named, at most a day ahead unless the cause is one that lasts (quota,
    /// credential, block); where it named none, the [`Backoff`] by the number of strikes in a row. Failures within 2 s of
    /// a strike, or while the account rests already, are the same strike, but a later end is taken.
    pub fn rest(&self, account: AccountId, cooldown: &Cooldown, now: Timestamp) -> Parked {
        let mut accounts = self.accounts.lock();
        let entry = accounts.entry(account);
        match &cooldown.scope {
            CooldownScope::Account => entry.health.rest(account, cooldown, &self.backoff, now),
            part @ (CooldownScope::Models(_) | CooldownScope::Model(_)) => {
                // The attempt that found this out was no word on the rest of the account.
                entry.health.cancelled();
                entry.part(part).rest(account, cooldown, &self.backoff, now)
            }
        }
    }

    /// Why the whole account may not be asked at `now`; `None` when it may, for some models at least.
    pub fn parked(&self, account: AccountId, now: Timestamp) -> Option<Parked> {
        self.accounts.lock().entries.get(&account).and_then(|entry| entry.health.parked(now))
    }

    /// The models that an account may not be asked for at `now`, though it may for others.
    pub fn parked_models(&self, account: AccountId, now: Timestamp) -> Vec<(CooldownScope, Parked)> {
        let accounts = self.accounts.lock();
        let parts = accounts.entries.get(&account).map_or(&[][..], |entry| &entry.parts);
        parts.iter().filter_map(|(part, health)| Some((part.clone(), health.parked(now)?))).collect()
    }

    /// Ends a rest by an operator's hand, and forgets the strikes.
    pub fn release(&self, account: AccountId) {
        if let Some(entry) = self.accounts.lock().entries.get_mut(&account) {
            entry.health = Health::default();
            entry.parts.clear();
        }
    }

    /// Forgets the accounts for which `keep` is false.
    pub fn retain(&self, keep: impl Fn(AccountId) -> bool) {
        let mut accounts = self.accounts.lock();
        accounts.entries.retain(|&account, _| keep(account));
        accounts.entries.shrink_to_fit();
    }
}

#[derive(Debug, Default)]
struct Accounts {
    entries: HashMap<AccountId, Entry, BuildIdHasher>,
    uses: u64,
}

impl Accounts {
    fn entry(&mut self, account: AccountId) -> &mut Entry {
        self.entries.entry(account).or_default()
    }

    fn start(&mut self, account: AccountId, model: &str, now: Timestamp) {
        self.uses += 1;
        let use_number = self.uses;
        let entry = self.entry(account);
        entry.last_use = use_number;
        entry.healths_of(model).for_each(|health| health.started(now));
    }
}

#[derive(Debug, Default)]
struct Entry {
    /// The running number of the last use. A number and not a time, so that uses within one tick keep their order and
    /// a clock that is set back does not disturb it.
    last_use: u64,
    health: Health,
    /// The health of models that the vendor meters on their own; few, and only those that something is held against.
    parts: Vec<(CooldownScope, Health)>,
}

impl Entry {
    /// Why the account may not be asked for the model: the longest of the reasons.
    fn parked(&self, model: &str, now: Timestamp) -> Option<Parked> {
        let parts = self.parts.iter().filter(|(part, _)| part.covers(model));
        let healths = parts.map(|(_, health)| health).chain([&self.health]);
        healths.filter_map(|health| health.parked(now)).max_by_key(|parked| parked.until)
    }

    /// What an attempt for the model tells of.
    fn healths_of(&mut self, model: &str) -> impl Iterator<Item = &mut Health> {
        let parts = self.parts.iter_mut().filter(|(part, _)| part.covers(model));
        parts.map(|(_, health)| health).chain([&mut self.health])
    }

    fn part(&mut self, part: &CooldownScope) -> &mut Health {
        let position = self.parts.iter().position(|(known, _)| known == part).unwrap_or_else(|| {
            if self.parts.len() == MOST_PARTS {
                self.parts.remove(0);
            }
            self.parts.push((part.clone(), Health::default()));
            self.parts.len() - 1
        });
        &mut self.parts[position].1
    }
}

/// More than any vendor meters apart; where each model that an account may not use rests on its own, the oldest goes.
const MOST_PARTS: usize = 64;

/// The `last_use` of an account that was never used: before all others.
const NEVER: u64 = 0;

#[cfg(test)]
mod tests;
