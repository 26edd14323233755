//! The health of one account: an explicit state machine that learns from how attempts end.

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use posthaste_core::{AccountId, Cooldown, CooldownReason, Timestamp};

use crate::backoff::{Backoff, Instance, Trouble};

/// Why an account is left alone, and for how long. Cloning is cheap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked {
    /// The class of reason; of an account on trial, why it rested before.
    pub reason: CooldownReason,
    /// When it is a candidate again; of an account on trial, at the latest.
    pub until: Timestamp,
    /// Its rest is over, and another request finds out at this moment whether it has recovered.
    pub on_trial: bool,
    /// What the upstream said, for the operator; `on trial` where that is the case.
    pub why: Arc<str>,
}

/// What is known of one account.
#[derive(Debug, Default)]
pub(crate) struct Health {
    state: State,
    passing: Tally,
    lasting: Tally,
}

impl Health {
    /// Why the account may not be asked at `now`; `None` when it may.
    pub(crate) fn parked(&self, now: Timestamp) -> Option<Parked> {
        match &self.state {
            State::Parked(parked) if now < parked.until => Some(parked.clone()),
            State::OnTrial { since, from } => {
                let until = since.plus(LONGEST_TRIAL);
                (now < until).then(|| Parked {
                    reason: from.reason,
                    until,
                    on_trial: true,
                    why: Arc::clone(&ON_TRIAL),
                })
            }
            State::Parked(_) | State::Healthy => None,
        }
    }

    /// Whether nothing is held against it.
    pub(crate) const fn is_healthy(&self) -> bool {
        matches!(self.state, State::Healthy)
    }

    /// An attempt begins. The first one after a rest is the trial; the next after a trial without a word is another.
    pub(crate) fn started(&mut self, now: Timestamp) {
        if self.parked(now).is_some() {
            return;
        }
        self.state = match std::mem::take(&mut self.state) {
            State::Healthy => State::Healthy,
            State::Parked(from) | State::OnTrial { from, .. } => State::OnTrial { since: now, from },
        };
    }

    /// An attempt went well. During a rest, or before the trial, that is news of an attempt begun before the rest, and
    /// says nothing of the time after it.
    pub(crate) fn succeeded(&mut self) {
        if matches!(self.state, State::Healthy | State::OnTrial { .. }) {
            *self = Self::default();
        }
    }

    /// An attempt ended without telling anything of the account. The next request may make the trial in its place.
    pub(crate) fn cancelled(&mut self) {
        self.state = match std::mem::take(&mut self.state) {
            State::OnTrial { from, .. } => State::Parked(from),
            state => state,
        };
    }

    /// The account has earned a rest. Also tells whether this is a new strike, and not one of those that are known.
    pub(crate) fn rest(
        &mut self,
        account: AccountId,
        cooldown: &Cooldown,
        backoff: &Backoff,
        instance: Instance,
        now: Timestamp,
    ) -> (Parked, bool) {
        let (strikes, counts) = self.count(cooldown.reason, now);
        let until = match asked_for(cooldown, now) {
            Some(until) => until.plus(instance.delay(account)),
            None => now.plus(backoff.rest_at(instance, account, cooldown.reason, strikes)),
        };
        let why = Arc::from(cooldown.why.as_str());
        let wanted = Parked { reason: cooldown.reason, until, on_trial: false, why };
        let parked = match std::mem::take(&mut self.state) {
            State::Parked(current) if current.until >= wanted.until => current,
            _ => wanted,
        };
        self.state = State::Parked(parked.clone());
        (parked, counts)
    }

    /// Counts a strike, and tells how many there are of this kind and whether it is a new one. Requests that ran side by side fail side by side:
    /// what comes within [`BURST`] of the last strike, or while the account rests already, is the same strike.
    fn count(&mut self, reason: CooldownReason, now: Timestamp) -> (u32, bool) {
        let resting = matches!(&self.state, State::Parked(parked) if now < parked.until);
        let tally = match Trouble::of(reason) {
            Trouble::Passing => &mut self.passing,
            Trouble::Lasting => &mut self.lasting,
        };
        let repeated = tally.strikes > 0 && (resting || now < tally.last.plus(BURST));
        if !repeated {
            *tally = Tally { strikes: tally.strikes.saturating_add(1), last: now };
        }
        (tally.strikes, !repeated)
    }
}

#[derive(Debug, Default)]
enum State {
    /// Nothing is held against it.
    #[default]
    Healthy,
    /// It rests; once `until` has passed, it is a candidate that has yet to prove itself.
    Parked(Parked),
    /// One request finds out whether it has recovered.
    OnTrial { since: Timestamp, from: Parked },
}

/// Strikes in a row. Passing and lasting trouble count apart: nine rate limits do not make the first refused
/// credential a matter of a day.
#[derive(Clone, Copy, Debug)]
struct Tally {
    strikes: u32,
    last: Timestamp,
}

impl Default for Tally {
    fn default() -> Self {
        Self { strikes: 0, last: Timestamp::EPOCH }
    }
}

/// The end that the upstream named. One that has passed already (`retry-after: 0`, clocks that differ) is none. Passing
/// trouble that claims to last longer than a day is not believed.
fn asked_for(cooldown: &Cooldown, now: Timestamp) -> Option<Timestamp> {
    let until = cooldown.until.filter(|&until| until > now)?;
    Some(match Trouble::of(cooldown.reason) {
        Trouble::Passing => until.min(now.plus(LONGEST_PASSING)),
        Trouble::Lasting => until,
    })
}

/// Failures closer together than this are one strike.
const BURST: Duration = Duration::from_secs(2);

/// How long a trial keeps others away when nobody says how it ended.
const LONGEST_TRIAL: Duration = Duration::from_secs(60);

/// No vendor's short windows reach further.
const LONGEST_PASSING: Duration = Duration::from_secs(24 * 60 * 60);

/// Shared, since every plan made during a trial holds it.
static ON_TRIAL: LazyLock<Arc<str>> = LazyLock::new(|| Arc::from("on trial"));

#[cfg(test)]
mod tests;
