//! One trial in the fleet.
//!
//! The scheduler lets one request of this relay try an account whose rest is over; the store lets one relay of all.

use std::{sync::Arc, time::Duration};

use posthaste_core::AccountId;
use posthaste_scheduler::{Begun, Parked, Ticket};
use posthaste_storage::TrialAnswer;
use tokio::time::{Instant, timeout};

use super::{Fleet, learning::learn, telling::Entry};
use crate::engine::Engine;

/// The fleet's trial of an account, which this relay has. Dropped, it lets the others have it, after what was told before.
pub(crate) struct FleetTrial {
    fleet: Arc<Fleet>,
    account: AccountId,
    /// Whether it was granted, or may have been.
    is_held: bool,
}

impl Drop for FleetTrial {
    fn drop(&mut self) {
        self.fleet.has_tried(self.account);
        if self.is_held {
            self.fleet.hand_over(Entry::EndTrial(self.account));
        }
    }
}

/// Asks whether an attempt that is to be a trial here may be the fleet's. An attempt that is none asks nobody.
///
/// # Errors
/// Why the account is not to be asked now; the attempt has ended then.
pub(crate) async fn ask_for_trial(
    engine: &Engine,
    account: AccountId,
    model: &str,
    begun: Begun,
) -> Result<Option<FleetTrial>, Parked> {
    let fleet = &engine.fleet;
    if !begun.is_trial || !fleet.is_joined() || fleet.is_silent() {
        return Ok(None);
    }
    let waiting = Waiting { engine, account, ticket: begun.ticket, trial: Some(fleet.trial_of(account)) };
    let now = engine.clock.now();
    let patience = *fleet.patience.lock();
    let asked = timeout(patience, fleet.store.try_trial(account, fleet.id, LONGEST_TRIAL, now)).await;
    let TrialAnswer { granted, known } = match asked {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => return Ok(waiting.alone(&error.to_string())),
        Err(_) => return Ok(waiting.alone("it does not answer in time")),
    };
    known.iter().for_each(|news| learn(engine, news));
    let trial = waiting.over(granted);
    let now = engine.clock.now();
    if granted {
        return engine.scheduler.confirm(account, model, begun.ticket, now).map(|()| Some(trial));
    }
    // What was learnt may be the outcome already: an account that serves is asked, one that rests is not.
    engine.scheduler.confirm(account, model, begun.ticket, now)?;
    let until = now.plus(BETWEEN_QUESTIONS);
    match engine.scheduler.leave_to_another(account, begun.ticket, until, now) {
        Some(parked) => Err(parked),
        None => Ok(None),
    }
}

/// A request that waits for the store's answer. When its client leaves meanwhile, another request makes the trial.
struct Waiting<'a> {
    engine: &'a Engine,
    account: AccountId,
    ticket: Ticket,
    trial: Option<FleetTrial>,
}

impl Waiting<'_> {
    /// Whether the trial was granted is known.
    fn over(mut self, is_held: bool) -> FleetTrial {
        let mut trial = self.trial.take().unwrap_or_else(|| self.engine.fleet.trial_of(self.account));
        trial.is_held = is_held;
        trial
    }

    /// Nobody answers, so this relay decides alone. The store may have granted the trial all the same.
    fn alone(mut self, why: &str) -> Option<FleetTrial> {
        tracing::warn!(account = %self.account, why, "the other relays cannot be asked who tries an account: this one does");
        *self.engine.fleet.silent_until.lock() = Some(Instant::now() + AFTER_SILENCE);
        self.trial.take()
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.trial.is_some() {
            self.engine.scheduler.cancelled(self.account, self.ticket);
        }
    }
}

impl Fleet {
    fn trial_of(self: &Arc<Self>, account: AccountId) -> FleetTrial {
        *self.trials.lock().entry(account).or_default() += 1;
        FleetTrial { fleet: Arc::clone(self), account, is_held: true }
    }

    fn has_tried(&self, account: AccountId) {
        let mut trials = self.trials.lock();
        if let Some(count) = trials.get_mut(&account) {
            *count -= 1;
            if *count == 0 {
                trials.remove(&account);
            }
        }
    }

    /// Whether an attempt of this relay tries the account, or asks whether it may.
    pub(super) fn is_trying(&self, account: AccountId) -> bool {
        self.trials.lock().contains_key(&account)
    }

    fn is_silent(&self) -> bool {
        self.silent_until.lock().is_some_and(|until| Instant::now() < until)
    }
}

/// After so long without its end another relay may try the account; as long as a trial here keeps others away.
const LONGEST_TRIAL: Duration = Duration::from_secs(60);

/// From one question to the next while another relay tries an account. Its outcome is told, so that this is for trials of which
/// nothing came.
const BETWEEN_QUESTIONS: Duration = Duration::from_secs(1);

/// A store that does not answer is not waited for again so soon.
const AFTER_SILENCE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use posthaste_core::Timestamp;
    use posthaste_storage::memory::MemoryStores;

    use super::*;

    #[test]
    fn a_trial_that_follows_another_is_not_ended_with_it() {
        let fleet = Arc::new(Fleet::new(MemoryStores::stores().fleet, Timestamp::EPOCH));
        let account = AccountId::generate();
        let first = fleet.trial_of(account);
        let second = fleet.trial_of(account);
        drop(first);
        assert!(fleet.is_trying(account));
        drop(second);
        assert!(!fleet.is_trying(account));
    }
}
