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

/// Which attempt is spoken of: the scheduler gives one to each that begins, later ones greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(pub(crate) u64);

/// What is known of one account, or of some of its models.
#[derive(Debug, Default)]
pub(crate) struct Health {
    /// `None` where nothing is held against it.
    rest: Option<Rest>,
    passing: Tally,
    lasting: Tally,
}

impl Health {
    /// Why the account may not be asked at `now`; `None` when it may.
    pub(crate) fn parked(&self, now: Timestamp) -> Option<Parked> {
        let rest = self.rest.as_ref()?;
        if now < rest.parked.until {
            return Some(rest.parked.clone());
        }
        let until = rest.trial.as_ref()?.since.plus(LONGEST_TRIAL);
        (now < until).then(|| Parked {
            reason: rest.parked.reason,
            until,
            on_trial: true,
            why: Arc::clone(&ON_TRIAL),
        })
    }

    /// Whether nothing is held against it.
    pub(crate) const fn is_healthy(&self) -> bool {
        self.rest.is_none()
    }

    /// An attempt begins. The first one after a rest is the trial; the next after a trial without a word is another.
    pub(crate) fn started(&mut self, ticket: Ticket, now: Timestamp) {
        if self.parked(now).is_some() {
            return;
        }
        if let Some(rest) = &mut self.rest {
            rest.trial = Some(Trial { ticket, since: now });
            rest.first.get_or_insert(ticket);
        }
    }

    /// An attempt went well. One that was begun before the first trial says nothing of the time after the rest, and takes
    /// no strike back either: a vendor at its limit still serves what it took on before. It may be a trial itself, during
    /// which the account was sent to rest anew; then it is another's turn.
    pub(crate) fn succeeded(&mut self, ticket: Ticket) {
        let Some(rest) = &self.rest else { return };
        if rest.first.is_some_and(|first| first <= ticket) {
            *self = Self::default();
        } else {
            self.cancelled(ticket);
        }
    }

    /// An attempt ended without telling anything of the account. If it was the trial, the next request may make it.
    pub(crate) fn cancelled(&mut self, ticket: Ticket) {
        if let Some(rest) = &mut self.rest {
            rest.trial.take_if(|trial| trial.ticket == ticket);
        }
    }

    /// The account has earned a rest. Also tells whether this is a new strike, and not one of those that are known. A
    /// trial that is under way stays the only one, also beyond a short rest: its own end is told by
    /// [`cancelled`](Self::cancelled).
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
        let (parked, trial) = match self.rest.take() {
            Some(Rest { parked, trial, .. }) if now < parked.until && parked.until >= wanted.until => {
                (parked, trial)
            }
            before => (wanted, before.and_then(|before| before.trial)),
        };
        self.rest = Some(Rest { parked: parked.clone(), first: None, trial });
        (parked, counts)
    }

    /// Counts a strike, and tells how many there are of this kind and whether it is a new one. Requests that ran side by side fail side by side:
    /// what comes within [`BURST`] of the last strike, or while the account rests already, is the same strike.
    fn count(&mut self, reason: CooldownReason, now: Timestamp) -> (u32, bool) {
        let resting = self.rest.as_ref().is_some_and(|rest| now < rest.parked.until);
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

/// A rest, until an attempt that was begun after it goes well.
#[derive(Debug)]
struct Rest {
    /// Once its end has passed, the account is a candidate that has yet to prove itself.
    parked: Parked,
    /// The first attempt since this rest ended: what it and later ones tell is news.
    first: Option<Ticket>,
    /// The request that finds out whether the account has recovered; it may be one from before this rest.
    trial: Option<Trial>,
}

#[derive(Debug)]
struct Trial {
    ticket: Ticket,
    since: Timestamp,
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
