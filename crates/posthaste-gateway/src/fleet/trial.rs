//! One trial in the fleet.
//!
//! The scheduler lets one request of this relay try an account whose rest is over; the store lets one relay of all.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use posthaste_core::AccountId;
use posthaste_scheduler::{Begun, Parked, Ticket};
use posthaste_storage::{TrialAnswer, TrialHolder};
use tokio::time::{Instant, timeout};

use super::{Fleet, learning::learn, telling::Entry};
use crate::engine::Engine;

/// The fleet's trial of an account, which this relay has. Dropped, it lets the others have it, after what was told before.
pub(crate) struct FleetTrial {
    fleet: Arc<Fleet>,
    account: AccountId,
    /// Which of this relay's trials.
    number: u64,
    /// Whether it was granted, or may have been.
    is_held: bool,
}

impl Drop for FleetTrial {
    fn drop(&mut self) {
        if self.is_held {
            self.fleet.hand_over(Entry::EndTrial(self.account, self.number));
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
    let trial = fleet.trial_of(account);
    let holder = TrialHolder { relay: fleet.id, trial: trial.number };
    let waiting = Waiting { engine, account, ticket: begun.ticket, trial: Some(trial) };
    let now = engine.clock.now();
    let patience = *fleet.patience.lock();
    let asked = timeout(patience, fleet.store.try_trial(account, holder, LONGEST_TRIAL, now)).await;
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
        let number = self.trials.fetch_add(1, Ordering::Relaxed);
        FleetTrial { fleet: Arc::clone(self), account, number, is_held: true }
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
