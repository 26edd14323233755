//! What an account's health takes from other relays, and gives to them.

use std::sync::Arc;

use posthaste_core::{CooldownReason, Timestamp, ToldRest};

use super::{Health, Parked, Rest, Tally, Ticket, Trial};

impl Health {
    /// Whether an attempt is the one that finds out whether the account has recovered.
    pub(crate) fn is_tried_by(&self, ticket: Ticket) -> bool {
        self.trial().is_some_and(|trial| trial.ticket == ticket)
    }

    /// Another relay tries the account: where this attempt was to be the trial it is not, and nobody here tries before `until`.
    /// Tells whether it was.
    pub(crate) fn leave_to_another(&mut self, ticket: Ticket, until: Timestamp) -> bool {
        let rest = self.rest.as_mut();
        let Some(rest) = rest.filter(|rest| rest.trial.as_ref().is_some_and(|trial| trial.ticket == ticket))
        else {
            return false;
        };
        rest.trial = None;
        rest.elsewhere = Some(until);
        true
    }

    /// Why an attempt that was to be the trial had better not be sent: a rest that has become known since it began.
    pub(crate) fn bars_trial(&self, ticket: Ticket, now: Timestamp) -> Option<Parked> {
        let rest = self.rest.as_ref().filter(|rest| now < rest.parked.until)?;
        let may = self.trial().is_some_and(|trial| trial.ticket == ticket && trial.early);
        (!may).then(|| rest.parked.clone())
    }

    /// Another relay has sent the account to rest. The later end counts, as with rests of one's own, and so does the greater
    /// number of strikes; the same news again changes nothing. Tells whether it was well until now, or rested for another
    /// class of reason.
    pub(crate) fn learn_rest(&mut self, told: &ToldRest) -> bool {
        let tally = self.tally(told.reason);
        if told.strikes > tally.strikes {
            *tally = Tally { strikes: told.strikes, last: tally.last.max(told.since) };
        }
        if self.rest.as_ref().is_some_and(|known| known.parked.until >= told.until) {
            return false;
        }
        let before = self.rest.take();
        let begins = before.as_ref().is_none_or(|rest| rest.parked.reason != told.reason);
        // As with a rest of one's own: a trial from before keeps others away, but is none of this rest's.
        let trial = before.and_then(|before| before.trial);
        let trial = trial.map(|trial| Trial { early: false, ..trial });
        let why = Arc::from(told.why.as_str());
        let (reason, until, early) = (told.reason, told.until, told.early);
        let strikes = told.strikes;
        let parked = Parked { reason, until, on_trial: false, early, strikes, again: strikes > 1, why };
        self.rest = Some(Rest { trial, learnt: true, ..Rest::of(parked, told.since) });
        begins
    }

    /// Another relay was served by the account when it asked at `asked_at`. Tells whether that ended a rest.
    ///
    /// A failure that was met here and nowhere else may lie between this relay and the upstream: the account is asked again,
    /// but its strikes stay.
    pub(crate) fn learn_recovery(&mut self, asked_at: Timestamp) -> bool {
        let Some(rest) = self.rest.take_if(|rest| rest.since <= asked_at) else { return false };
        if rest.learnt || rest.parked.reason != CooldownReason::Failing {
            *self = Self::default();
        }
        true
    }

    /// An operator has ended the rest at `at`, at another relay. Tells whether there was one.
    pub(crate) fn learn_release(&mut self, at: Timestamp) -> bool {
        let ended = self.rest.as_ref().is_some_and(|rest| rest.since <= at);
        if ended {
            *self = Self::default();
        }
        ended
    }

    fn trial(&self) -> Option<&Trial> {
        self.rest.as_ref()?.trial.as_ref()
    }
}

/// A rest in the form that others are told.
pub(super) fn told(parked: &Parked, strikes: u32, since: Timestamp) -> ToldRest {
    let Parked { reason, until, early, why, .. } = parked;
    ToldRest { reason: *reason, until: *until, early: *early, why: why.to_string(), strikes, since }
}
