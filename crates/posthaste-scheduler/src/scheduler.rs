//! The state of all accounts, behind one lock that is held for microseconds and never over an `await`.

mod accounts;
mod entry;
mod head;
mod shared;
mod standings;

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use parking_lot::Mutex;
use posthaste_core::{AccountId, Cooldown, CooldownReason, CooldownScope, Timestamp};

use crate::{
    Backoff, Candidate, Exclusion, Flight, Hint, Instance, Parked, Plan, QuotaWindow, Reason, Resort, Rested,
    Tuning,
    health::Ticket,
    observed::Observed,
    quota::used_up_until,
    ranking::{Sight, Situation, rank},
};
use accounts::{Accounts, Walk};
use entry::Entry;
pub(crate) use head::HEAD;
pub use shared::{Begun, Recovered};
pub(crate) use standings::Standings;

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
        let situation = Situation { hint: *hint, tuning: &self.tuning, instance: self.instance, now };
        let accounts = self.accounts.lock();
        let mut sight = Survey {
            known: accounts.walk(),
            nothing: Observed::nothing(),
            excluded: Vec::new(),
            resort: hint.resort,
            now,
        };
        let mut order = rank(candidates, &situation, &mut sight);
        let excluded = sight.excluded;
        if hint.resort == Resort::Last {
            for pick in &mut order {
                let candidate = &candidates[pick.candidate as usize];
                let entry = accounts.get(pick.account);
                if entry.is_some_and(|entry| entry.bars(candidate.model, Resort::Usual, now).is_some()) {
                    pick.reason = Reason::LastResort;
                }
            }
        }
        drop(accounts);
        Plan { order, more: 0, excluded, resort: hint.resort, made_at: now }
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
        let mut accounts = self.accounts.lock();
        let changes = Arc::clone(accounts.changes());
        accounts.entry(account).seen.flight(account, &changes)
    }

    /// How many requests are under way at the account, as [`flight`](Self::flight) counts them.
    pub fn in_flight(&self, account: AccountId) -> u32 {
        self.accounts.lock().get(account).map_or(0, |entry| entry.seen.in_flight())
    }

    /// Notes how the windows of the account's quota go, for plans over a [`Lineup`](crate::Lineup).
    pub fn learn_windows(&self, account: AccountId, windows: &[QuotaWindow]) {
        self.accounts.lock().entry(account).windows = windows.into();
    }

    /// Notes how long the account took to the first token of an answer.
    pub fn first_token(&self, account: AccountId, after: Duration, now: Timestamp) {
        if let Some(entry) = self.accounts.lock().get_mut(account) {
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
        match accounts.get(account).and_then(|entry| entry.bars(model, resort, now)) {
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
        if let Some(entry) = self.accounts.lock().get_mut(account) {
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
        let health = entry.health_for(&cooldown.scope);
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
        self.accounts.lock().get(account).and_then(|entry| entry.health()?.parked(now))
    }

    /// The models that an account may not be asked for at `now`, though it may for others.
    pub fn parked_models(&self, account: AccountId, now: Timestamp) -> Vec<(CooldownScope, Parked)> {
        let accounts = self.accounts.lock();
        let parts = accounts.get(account).map_or(&[][..], Entry::parts);
        parts.iter().filter_map(|(part, health)| Some((part.clone(), health.parked(now)?))).collect()
    }

    /// Ends a rest by an operator's hand, and forgets the strikes. Tells whether anything was held against the account.
    pub fn release(&self, account: AccountId) -> bool {
        let mut accounts = self.accounts.lock();
        let Some(entry) = accounts.get_mut(account) else { return false };
        let rested = entry.healths().any(|health| !health.is_healthy());
        entry.forgive();
        rested
    }

    /// Forgets the accounts for which `keep` is false.
    pub fn retain(&self, keep: impl Fn(AccountId) -> bool) {
        self.accounts.lock().retain(keep);
    }
}

/// Looks at candidates for a plan, and notes what stands against those that are left out.
struct Survey<'a> {
    known: Walk<'a>,
    nothing: &'a Observed,
    excluded: Vec<(AccountId, Exclusion)>,
    resort: Resort,
    now: Timestamp,
}

impl<'a> Sight<'a> for Survey<'a> {
    /// What the caller knows counts, else what the upstream said, else what the quota says.
    #[inline(always)]
    fn look(&mut self, candidate: &Candidate<'_>) -> Option<&'a Observed> {
        if let Some(known) = &candidate.exclusion {
            return self.leave_out(candidate, known.clone());
        }
        let entry = self.known.find(candidate.account);
        if let Some(parked) = bars(entry, candidate.model, candidate.quota, self.resort, self.now) {
            return self.leave_out(candidate, Exclusion::Parked(parked));
        }
        Some(entry.map_or(self.nothing, |entry| &entry.seen))
    }
}

impl Survey<'_> {
    fn leave_out<T>(&mut self, candidate: &Candidate<'_>, exclusion: Exclusion) -> Option<T> {
        self.excluded.push((candidate.account, exclusion));
        None
    }
}

/// What the upstream said counts, else what the quota says.
#[inline(always)]
fn bars(
    entry: Option<&Entry>,
    model: &str,
    quota: &[QuotaWindow],
    resort: Resort,
    now: Timestamp,
) -> Option<Parked> {
    let parked = entry.and_then(|entry| entry.bars(model, resort, now));
    parked.or_else(|| used_up_until(quota, now).map(used_up))
}

fn used_up(until: Timestamp) -> Parked {
    let why = Arc::clone(&USED_UP);
    Parked {
        reason: CooldownReason::QuotaExhausted,
        until,
        on_trial: false,
        early: until,
        strikes: 0,
        again: false,
        why,
    }
}

/// Shared, since many plans hold it.
static USED_UP: LazyLock<Arc<str>> = LazyLock::new(|| Arc::from("a window of its quota is used up"));

#[cfg(test)]
mod tests;
