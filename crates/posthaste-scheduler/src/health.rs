//! The health of one account: an explicit state machine that learns from how attempts end.

mod shared;

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use posthaste_core::{AccountId, Cooldown, CooldownReason, Timestamp, ToldRest};

use crate::backoff::{Backoff, Instance, Trouble, early};

/// Why an account is left alone, and for how long. Cloning is cheap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked {
    /// The class of reason; of an account on trial, why it rested before.
    pub reason: CooldownReason,
    /// When it is a candidate again; of an account on trial, at the latest.
    pub until: Timestamp,
    /// Another request finds out at this moment whether it has recovered, after its rest or before its end.
    pub on_trial: bool,
    /// From when it may be asked although it rests, where nobody else can serve (see [`Resort::Last`]): soon after trouble
    /// whose end is the relay's own guess, else not before `until`.
    pub early: Timestamp,
    /// How often in a row it has earned a rest for trouble of this kind; 0 where that was not counted.
    pub strikes: u32,
    /// Whether it has failed again after a rest, with nothing that went well in between.
    pub again: bool,
    /// What the upstream said, for the operator; `on trial` where that is the case.
    pub why: Arc<str>,
}

/// What came of sending an account, or some of its models, to rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rested {
    /// For how long it rests now, and why.
    pub parked: Parked,
    /// Whether this is news: it was well before, or rested for another class of reason. What fails again and again is told
    /// once.
    pub begins: bool,
    /// What relays that share the account should be told; `None` where they would learn nothing new.
    pub shared: Option<ToldRest>,
    /// Whether this is a strike, and not one of those that are known.
    pub(crate) is_strike: bool,
}

/// What trouble an attempt that went well has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Recovery {
    /// That of one account.
    OfOne,
    /// That of one account which was tried early, since nobody was well.
    OfAll,
}

/// Whom a request is content with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Resort {
    /// Accounts that do not rest.
    #[default]
    Usual,
    /// Since there are no others, also those that rest only by the relay's own guess, and that a while ago: when an
    /// outage that went on for long is over, this finds it out within seconds, by one attempt for each account.
    Last,
}

impl Parked {
    /// From when a request may ask the account.
    pub(crate) const fn opens(&self, resort: Resort) -> Timestamp {
        match resort {
            Resort::Usual => self.until,
            Resort::Last => self.early,
        }
    }
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
        let trial = rest.trial.as_ref().filter(|trial| now < trial.end());
        let elsewhere = rest.elsewhere.filter(|until| now < *until);
        if now < rest.parked.until && !trial.is_some_and(|trial| trial.early) {
            // There is one trial at a time, also where it began before this rest.
            let early = trial.map_or(rest.parked.early, |trial| rest.parked.early.max(trial.end()));
            let early = elsewhere.map_or(early, |until| early.max(until));
            return Some(Parked { early: early.min(rest.parked.until), ..rest.parked.clone() });
        }
        // An early trial that nobody tells the end of does not end the rest.
        let until = trial.map(Trial::end).max(elsewhere)?.max(rest.parked.until);
        let why = Arc::clone(&ON_TRIAL);
        let Parked { reason, strikes, again, .. } = rest.parked;
        Some(Parked { reason, until, on_trial: true, early: until, strikes, again, why })
    }

    /// The same for one who is content with less: what stands in the way at `now`.
    pub(crate) fn bars(&self, resort: Resort, now: Timestamp) -> Option<Parked> {
        self.parked(now).filter(|parked| parked.on_trial || now < parked.opens(resort))
    }

    /// Whether nothing is held against it.
    pub(crate) const fn is_healthy(&self) -> bool {
        self.rest.is_none()
    }

    /// Whether nothing is known of it, strikes included.
    pub(crate) const fn is_blank(&self) -> bool {
        self.is_healthy() && self.passing.strikes == 0 && self.lasting.strikes == 0
    }

    /// An attempt begins. The first one after a rest, or in it where nobody else can serve, is the trial; the next after a
    /// trial without a word is another.
    pub(crate) fn started(&mut self, ticket: Ticket, resort: Resort, now: Timestamp) {
        if self.bars(resort, now).is_some() {
            return;
        }
        if let Some(rest) = &mut self.rest {
            rest.trial = Some(Trial { ticket, since: now, early: now < rest.parked.until });
            rest.first.get_or_insert(ticket);
        }
    }

    /// An attempt went well. One that was begun before the first trial says nothing of the time after the rest, and takes
    /// no strike back either: a vendor at its limit still serves what it took on before. It may be a trial itself, during
    /// which the account was sent to rest anew; then it is another's turn.
    ///
    /// Tells what trouble this ended.
    pub(crate) fn succeeded(&mut self, ticket: Ticket) -> Option<Recovery> {
        let rest = self.rest.as_ref()?;
        if rest.first.is_some_and(|first| first <= ticket) {
            let of_all = rest.trial.as_ref().is_some_and(|trial| trial.early && trial.ticket == ticket);
            *self = Self::default();
            Some(if of_all { Recovery::OfAll } else { Recovery::OfOne })
        } else {
            self.cancelled(ticket);
            None
        }
    }

    /// An outage of all seems to be over: where the end of a rest is a guess, it is the early one.
    pub(crate) fn hope(&mut self) {
        if let Some(rest) = &mut self.rest {
            rest.parked.until = rest.parked.early;
        }
    }

    /// An attempt ended without telling anything of the account. If it was the trial, the next request may make it.
    pub(crate) fn cancelled(&mut self, ticket: Ticket) {
        if let Some(rest) = &mut self.rest {
            rest.trial.take_if(|trial| trial.ticket == ticket);
        }
    }

    /// The account has earned a rest. A trial that is under way stays the only one, also beyond a short rest: its own end is told by
    /// [`cancelled`](Self::cancelled).
    pub(crate) fn rest(
        &mut self,
        account: AccountId,
        cooldown: &Cooldown,
        backoff: &Backoff,
        instance: Instance,
        now: Timestamp,
    ) -> Rested {
        let (strikes, is_strike) = self.count(cooldown.reason, now);
        let reason_before = self.rest.as_ref().map(|rest| rest.parked.reason);
        let until_before = self.rest.as_ref().map(|rest| rest.parked.until);
        let (until, early) = match asked_for(cooldown, now) {
            Some(until) => {
                let until = until.plus(instance.delay(account));
                (until, until)
            }
            None => {
                let until = now.plus(backoff.rest_at(instance, account, cooldown.reason, strikes));
                let early = early(instance, account, cooldown.reason, strikes);
                (until, early.map_or(until, |early| until.min(now.plus(early))))
            }
        };
        let again = self.rest.as_ref().is_some_and(|rest| rest.parked.again || rest.parked.until <= now);
        let why = Arc::from(cooldown.why.as_str());
        let wanted = Parked { reason: cooldown.reason, until, on_trial: false, early, strikes, again, why };
        let (parked, trial) = match self.rest.take() {
            // What has just failed is not tried again at once.
            Some(Rest { parked, trial, .. }) if now < parked.until && parked.until >= wanted.until => (
                Parked { early: parked.early.max(early), strikes: parked.strikes.max(strikes), ..parked },
                trial,
            ),
            before => (wanted, before.and_then(|before| before.trial)),
        };
        // A trial that began before this rest keeps others away, but is none of this rest's.
        let trial = trial.map(|trial| Trial { early: false, ..trial });
        let begins = reason_before != Some(parked.reason);
        let is_longer = until_before.is_none_or(|before| before < parked.until);
        let shared = (begins || is_strike || is_longer).then(|| shared::told(&parked, strikes, now));
        self.rest = Some(Rest { first: None, trial, ..Rest::of(parked.clone(), now) });
        Rested { parked: self.parked(now).unwrap_or(parked), begins, shared, is_strike }
    }

    /// Counts a strike, and tells how many there are of this kind and whether it is a new one. Requests that ran side by side fail side by side:
    /// what comes within [`BURST`] of the last strike, or while the account rests already, is the same strike.
    fn count(&mut self, reason: CooldownReason, now: Timestamp) -> (u32, bool) {
        let resting = self.rest.as_ref().is_some_and(|rest| now < rest.parked.until);
        let tally = self.tally(reason);
        let repeated = tally.strikes > 0 && (resting || now < tally.last.plus(BURST));
        if !repeated {
            *tally = Tally { strikes: tally.strikes.saturating_add(1), last: now };
        }
        (tally.strikes, !repeated)
    }

    fn tally(&mut self, reason: CooldownReason) -> &mut Tally {
        match Trouble::of(reason) {
            Trouble::Passing => &mut self.passing,
            Trouble::Lasting => &mut self.lasting,
        }
    }
}

/// A rest, until an attempt that was begun after it goes well.
#[derive(Debug)]
struct Rest {
    /// Once its end has passed, the account is a candidate that has yet to prove itself.
    parked: Parked,
    /// The first attempt since this rest ended, or that was let in before its end: what it and later ones tell is news.
    first: Option<Ticket>,
    /// The request that finds out whether the account has recovered; it may be one from before this rest.
    trial: Option<Trial>,
    /// When the trouble was met last.
    since: Timestamp,
    /// Until when it is left to another relay, which tries it.
    elsewhere: Option<Timestamp>,
    /// Whether another relay told of it.
    learnt: bool,
}

impl Rest {
    /// One that was met here, and that nobody tries yet.
    const fn of(parked: Parked, since: Timestamp) -> Self {
        Self { parked, first: None, trial: None, since, elsewhere: None, learnt: false }
    }
}

#[derive(Debug)]
struct Trial {
    ticket: Ticket,
    since: Timestamp,
    /// Whether it began before the rest's end.
    early: bool,
}

impl Trial {
    /// When it keeps nobody away any more.
    fn end(&self) -> Timestamp {
        self.since.plus(LONGEST_TRIAL)
    }
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
