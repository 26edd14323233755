//! The state of all accounts, behind one lock that is held for microseconds and never over an `await`.

mod id_hasher;
mod shared;

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock},
    time::Duration,
};

use parking_lot::Mutex;
use posthaste_core::{AccountId, Cooldown, CooldownReason, CooldownScope, Timestamp};

use crate::{
    Backoff, Candidate, Exclusion, Flight, Hint, Instance, Parked, Plan, Reason, Resort, Rested, Tuning,
    health::{Health, Ticket},
    observed::Observed,
    quota::used_up_until,
    ranking::{Situation, rank},
};
use id_hasher::BuildIdHasher;
pub use shared::{Begun, Recovered};

/// Plans over candidates, and learns from how the attempts end.
///
/// For each attempt the caller gets a [`Ticket`] from [`try_start`](Self::try_start) (or [`started`](Self::started)), and
/// tells with it one of [`succeeded`](Self::succeeded), [`rest_after`](Self::rest_after) and
/// [`cancelled`](Self::cancelled). Tell `succeeded` when
/// content begins to come, not when a long answer ends: until then an account that comes back from a rest serves
/// nobody else.
#[derive(Debug, Default)]
pub struct Scheduler {
    backoff: Backoff,
    tuning: Tuning,
    instance: Instance,
    accounts: Mutex<Accounts>,
}

impl Scheduler {
    /// A scheduler that knows nothing of any account yet.
    pub fn new(backoff: Backoff) -> Self {
        Self { backoff, ..Self::default() }
    }

    /// The same with other constants.
    #[must_use]
    pub fn with_tuning(self, tuning: Tuning) -> Self {
        Self { tuning, ..self }
    }

    /// The same as one of several relays that share their accounts.
    #[must_use]
    pub fn with_instance(self, instance: Instance) -> Self {
        Self { instance, ..self }
    }

    /// Orders the candidates that may be asked at `now`, and says why the others may not. Changes nothing: the same
    /// candidates, hint, time and history give the same plan.
    pub fn plan(&self, candidates: &[Candidate<'_>], hint: &Hint, now: Timestamp) -> Plan {
        let mut excluded = Vec::new();
        let situation = Situation { hint: *hint, tuning: &self.tuning, instance: self.instance, now };
        let accounts = self.accounts.lock();
        let mut order = rank(candidates, &situation, |candidate| {
            let entry = accounts.entries.get(&candidate.account);
            if let Some(exclusion) = exclusion(candidate, entry, hint.resort, now) {
                excluded.push((candidate.account, exclusion));
                return None;
            }
            Some(match entry {
                Some(entry) => &entry.seen,
                None => Observed::nothing(),
            })
        });
        if hint.resort == Resort::Last {
            for pick in &mut order {
                let candidate = &candidates[pick.candidate as usize];
                let entry = accounts.entries.get(&pick.account);
                if entry.is_some_and(|entry| entry.bars(candidate.model, Resort::Usual, now).is_some()) {
                    pick.reason = Reason::LastResort;
                }
            }
        }
        drop(accounts);
        Plan { order, excluded, resort: hint.resort, made_at: now }
    }

    /// Notes that a request will ask the account soon, so that plans that are made before its attempt begins go elsewhere.
    /// Without this, requests that arrive together all see the same account as the least recently used one.
    pub fn assign(&self, account: AccountId) {
        let mut accounts = self.accounts.lock();
        let number = accounts.next_use();
        accounts.entry(account).seen.last_use = number;
    }

    /// Counts a request as under way at the account until what is returned is dropped.
    pub fn flight(&self, account: AccountId) -> Flight {
        self.accounts.lock().entry(account).seen.flight()
    }

    /// How many requests are under way at the account, as [`flight`](Self::flight) counts them.
    pub fn in_flight(&self, account: AccountId) -> u32 {
        self.accounts.lock().entries.get(&account).map_or(0, |entry| entry.seen.in_flight())
    }

    /// Notes how long the account took to the first token of an answer.
    pub fn first_token(&self, account: AccountId, after: Duration, now: Timestamp) {
        if let Some(entry) = self.accounts.lock().entries.get_mut(&account) {
            entry.seen.first_token.observe(after, &self.tuning.latency, now);
        }
    }

    /// Notes that an attempt for a model begins, as the upstream calls it. After a rest the first one is the trial, and
    /// others see the account, or the models that rested, as parked until it ends, 60 s at most.
    pub fn started(&self, account: AccountId, model: &str, now: Timestamp) -> Ticket {
        self.accounts.lock().start(account, model, Resort::Usual, &self.tuning, now)
    }

    /// Notes that an attempt begins, unless the account has been parked since the plan was made or another request took
    /// the trial first. `resort` is that of the plan.
    ///
    /// # Errors
    /// Why the account may not be asked now; nothing was noted then.
    pub fn try_start(
        &self,
        account: AccountId,
        model: &str,
        resort: Resort,
        now: Timestamp,
    ) -> Result<Ticket, Parked> {
        let mut accounts = self.accounts.lock();
        match accounts.entries.get(&account).and_then(|entry| entry.bars(model, resort, now)) {
            Some(parked) => Err(parked),
            None => Ok(accounts.start(account, model, resort, &self.tuning, now)),
        }
    }

    /// Notes that the account serves the model: strikes are forgotten and a trial ends. An attempt that began before the
    /// account was sent to rest changes neither, whenever it goes well: it was taken on before the trouble.
    ///
    /// Tells whether this ended trouble that was known, of the account or of models of it. Where nobody was well, the other
    /// accounts whose rests are guesses are tried soon as well, each by one request: one alone could not carry the load of
    /// all.
    pub fn succeeded(&self, account: AccountId, model: &str, ticket: Ticket, now: Timestamp) -> bool {
        self.recovered(account, model, ticket, now).is_some()
    }

    /// Notes that an attempt ended without a word on the account's health: the client went away, or the request was at
    /// fault. Where it was the trial, the next request makes it; no other attempt's end touches a trial.
    pub fn cancelled(&self, account: AccountId, ticket: Ticket) {
        if let Some(entry) = self.accounts.lock().entries.get_mut(&account) {
            entry.ended(ticket);
        }
    }

    /// Parks an account, or some of its models, for what an attempt met with, and tells for how long. The attempt is over,
    /// and where it was the trial of more than what is parked, the next request makes that one.
    pub fn rest_after(
        &self,
        account: AccountId,
        ticket: Ticket,
        cooldown: &Cooldown,
        now: Timestamp,
    ) -> Parked {
        self.rest_by(account, Some(ticket), cooldown, None, now).parked
    }

    /// Parks an account, or some of its models, for what is known without an attempt, and tells for how long.
    ///
    /// The end is the one that the upstream named, at most a day ahead unless the cause is one that lasts (quota,
    /// credential, block); where it named none, the [`Backoff`] by the number of strikes in a row. Failures within 2 s of
    /// a strike, or while the account rests already, are the same strike, but a later end is taken.
    pub fn rest(&self, account: AccountId, cooldown: &Cooldown, now: Timestamp) -> Parked {
        self.rest_by(account, None, cooldown, None, now).parked
    }

    /// The same with all that can be said: `ticket` is that of the attempt that found it out, if one did, as in
    /// [`rest_after`](Self::rest_after), and `backoff` other steps than the scheduler's, such as those of the account's preset.
    /// Also tells whether it is news.
    pub fn rest_by(
        &self,
        account: AccountId,
        ticket: Option<Ticket>,
        cooldown: &Cooldown,
        backoff: Option<&Backoff>,
        now: Timestamp,
    ) -> Rested {
        let mut accounts = self.accounts.lock();
        let entry = accounts.entry(account);
        if let Some(ticket) = ticket {
            entry.ended(ticket);
        }
        let health = match &cooldown.scope {
            CooldownScope::Account => &mut entry.health,
            part @ (CooldownScope::Models(_) | CooldownScope::Model(_)) => part_of(&mut entry.parts, part),
        };
        let backoff = backoff.unwrap_or(&self.backoff);
        let rested = health.rest(account, cooldown, backoff, self.instance, now);
        if rested.is_strike {
            let tuning = &self.tuning.hybrid;
            let loss = match cooldown.reason {
                CooldownReason::RateLimited | CooldownReason::QuotaExhausted | CooldownReason::Overloaded => {
                    tuning.limited
                }
                CooldownReason::Unauthorised | CooldownReason::Forbidden | CooldownReason::Failing => {
                    tuning.failure
                }
            };
            entry.seen.judged(-loss, tuning, now);
        }
        rested
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

    /// Ends a rest by an operator's hand, and forgets the strikes. Tells whether anything was held against the account.
    pub fn release(&self, account: AccountId) -> bool {
        let mut accounts = self.accounts.lock();
        let Some(entry) = accounts.entries.get_mut(&account) else { return false };
        let rested = entry.healths().any(|health| !health.is_healthy());
        entry.health = Health::default();
        entry.parts.clear();
        entry.seen.forget_faults();
        rested
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

    /// An outage of all seems to be over.
    fn hope(&mut self) {
        self.entries.values_mut().flat_map(Entry::healths).for_each(Health::hope);
    }

    fn next_use(&mut self) -> u64 {
        self.uses += 1;
        self.uses
    }

    fn start(
        &mut self,
        account: AccountId,
        model: &str,
        resort: Resort,
        tuning: &Tuning,
        now: Timestamp,
    ) -> Ticket {
        let number = self.next_use();
        let ticket = Ticket(number);
        let entry = self.entry(account);
        entry.seen.used(number, &tuning.hybrid, now);
        entry.healths_of(model).for_each(|health| health.started(ticket, resort, now));
        ticket
    }
}

#[derive(Debug, Default)]
struct Entry {
    seen: Observed,
    health: Health,
    /// The health of models that the vendor meters on their own; few, and only those that something is held against.
    parts: Vec<(CooldownScope, Health)>,
}

impl Entry {
    /// Why the account may not be asked for the model: the longest of the reasons.
    fn bars(&self, model: &str, resort: Resort, now: Timestamp) -> Option<Parked> {
        if self.parts.is_empty() {
            // Nearly all accounts, nearly always.
            return self.health.bars(resort, now);
        }
        let parts = self.parts.iter().filter(|(part, _)| part.covers(model));
        let healths = parts.map(|(_, health)| health).chain([&self.health]);
        healths.filter_map(|health| health.bars(resort, now)).max_by_key(|parked| parked.opens(resort))
    }

    /// Of the account and of its models.
    fn healths(&mut self) -> impl Iterator<Item = &mut Health> {
        self.parts.iter_mut().map(|(_, health)| health).chain([&mut self.health])
    }

    /// An attempt is over: what it was the trial of waits for another.
    fn ended(&mut self, ticket: Ticket) {
        self.healths().for_each(|health| health.cancelled(ticket));
    }

    /// What an attempt for the model tells of.
    fn healths_of(&mut self, model: &str) -> impl Iterator<Item = &mut Health> {
        let parts = self.parts.iter_mut().filter(|(part, _)| part.covers(model));
        parts.map(|(_, health)| health).chain([&mut self.health])
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

/// What stands against a candidate: what the caller knows, else what its upstream said, else what its quota says.
fn exclusion(
    candidate: &Candidate<'_>,
    entry: Option<&Entry>,
    resort: Resort,
    now: Timestamp,
) -> Option<Exclusion> {
    if let Some(known) = &candidate.exclusion {
        return Some(known.clone());
    }
    if let Some(parked) = entry.and_then(|entry| entry.bars(candidate.model, resort, now)) {
        return Some(Exclusion::Parked(parked));
    }
    let until = used_up_until(candidate.quota, now)?;
    let why = Arc::clone(&USED_UP);
    let reason = CooldownReason::QuotaExhausted;
    Some(Exclusion::Parked(Parked { reason, until, on_trial: false, early: until, why }))
}

/// Shared, since many plans hold it.
static USED_UP: LazyLock<Arc<str>> = LazyLock::new(|| Arc::from("a window of its quota is used up"));

/// More than any vendor meters apart; where each model that an account may not use rests on its own, the oldest goes.
const MOST_PARTS: usize = 64;

#[cfg(test)]
mod tests;
