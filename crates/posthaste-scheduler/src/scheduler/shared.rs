//! What relays that share their accounts learn from each other, and what they have to agree on.
//!
//! Everything here may come late, twice or not at all: what is learnt never shortens a rest that is known, and the same again
//! changes nothing.

use posthaste_core::{AccountId, CooldownScope, Timestamp, ToldRest};

use super::Scheduler;
use crate::{Parked, Resort, Ticket, health::Recovery};

/// An attempt that begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Begun {
    /// The attempt.
    pub ticket: Ticket,
    /// Whether it is to find out whether the account has recovered from a rest.
    pub is_trial: bool,
}

/// What an attempt that went well has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// The rests: of the account, of models of it, or both.
    pub scopes: Vec<CooldownScope>,
    /// Whether nobody was well before, so that other accounts are tried soon as well.
    pub hope: bool,
}

impl Scheduler {
    /// As [`try_start`](Self::try_start), and tells whether the attempt is a trial, so that other relays can be asked first.
    ///
    /// # Errors
    /// Why the account may not be asked now; nothing was noted then.
    pub fn begin(
        &self,
        account: AccountId,
        model: &str,
        resort: Resort,
        now: Timestamp,
    ) -> Result<Begun, Parked> {
        let mut accounts = self.accounts.lock();
        if let Some(parked) = accounts.get(account).and_then(|entry| entry.bars(model, resort, now)) {
            return Err(parked);
        }
        let ticket = accounts.start(account, model, resort, &self.tuning, now);
        let is_trial = accounts.entry(account).healths().any(|health| health.is_tried_by(ticket));
        Ok(Begun { ticket, is_trial })
    }

    /// Another relay tries the account at this moment: the attempt is not made, and what it was the trial of is left alone
    /// until `until`. Tells so, or `None` where it has become known that there is nothing to be tried any more: then the
    /// attempt may be made.
    pub fn leave_to_another(
        &self,
        account: AccountId,
        ticket: Ticket,
        until: Timestamp,
        now: Timestamp,
    ) -> Option<Parked> {
        let mut accounts = self.accounts.lock();
        let entry = accounts.get_mut(account)?;
        let mut left = None;
        for health in entry.healths() {
            if health.leave_to_another(ticket, until) {
                left = health.parked(now);
            }
        }
        left
    }

    /// Looks once more whether a trial that began may be sent, with what was learnt since.
    ///
    /// # Errors
    /// Why it may not: the account was sent to rest anew. The attempt has ended then.
    pub fn confirm(
        &self,
        account: AccountId,
        model: &str,
        ticket: Ticket,
        now: Timestamp,
    ) -> Result<(), Parked> {
        let mut accounts = self.accounts.lock();
        let Some(entry) = accounts.get_mut(account) else { return Ok(()) };
        let bars = entry.healths_of(model).filter_map(|health| health.bars_trial(ticket, now));
        match bars.max_by_key(|parked| parked.until) {
            Some(parked) => {
                entry.ended(ticket);
                Err(parked)
            }
            None => Ok(()),
        }
    }

    /// As [`succeeded`](Self::succeeded), and tells what it ended; `None` where no trouble was known.
    pub fn recovered(
        &self,
        account: AccountId,
        model: &str,
        ticket: Ticket,
        now: Timestamp,
    ) -> Option<Recovered> {
        let mut accounts = self.accounts.lock();
        let entry = accounts.get_mut(account)?;
        let mut ended = None;
        let mut scopes = Vec::new();
        for (scope, health) in entry.scopes_of(model) {
            let recovery = health.succeeded(ticket);
            if recovery.is_some() {
                scopes.push(scope.clone());
            }
            ended = ended.max(recovery);
        }
        entry.tidy();
        entry.seen.judged(self.tuning.hybrid.success, &self.tuning.hybrid, now);
        let hope = ended == Some(Recovery::OfAll);
        if hope {
            accounts.hope();
        }
        ended.map(|_| Recovered { scopes, hope })
    }

    /// Another relay has sent an account, or some of its models, to rest. The rest ends when it says, or later where a later
    /// end is known; the upstream's word is in there already. Tells whether it is news that there is trouble of this kind.
    pub fn learn_rest(&self, account: AccountId, scope: &CooldownScope, told: &ToldRest) -> bool {
        let mut accounts = self.accounts.lock();
        accounts.entry(account).health_for(scope).learn_rest(told)
    }

    /// An account, or some of its models, has served a request of another relay that was sent at `asked_at`; what it rested
    /// from before is over. `hope` is that of the other's [`Recovered`]. Tells whether a rest ended.
    pub fn learn_recovery(
        &self,
        account: AccountId,
        scope: &CooldownScope,
        asked_at: Timestamp,
        hope: bool,
    ) -> bool {
        let mut accounts = self.accounts.lock();
        let ended = accounts.get_mut(account).is_some_and(|entry| {
            let ended = entry.known_health_for(scope).is_some_and(|health| health.learn_recovery(asked_at));
            entry.tidy();
            ended
        });
        if hope {
            accounts.hope();
        }
        ended
    }

    /// An operator has ended all of an account's rests at another relay, at `at`. Tells whether one ended here.
    pub fn learn_release(&self, account: AccountId, at: Timestamp) -> bool {
        let mut accounts = self.accounts.lock();
        let Some(entry) = accounts.get_mut(account) else { return false };
        let mut ended = false;
        for health in entry.healths() {
            ended |= health.learn_release(at);
        }
        entry.tidy();
        if ended {
            entry.seen.forget_faults();
        }
        ended
    }
}

#[cfg(test)]
mod tests;
