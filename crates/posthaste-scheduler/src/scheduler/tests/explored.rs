//! Every order in which a few attempts begin and end and time passes, beside a book that knows what must be so.

use std::collections::HashSet;

use super::*;
use crate::health::Health;

/// What the attempts ask for. The first two are for models that the vendor meters on their own.
const MODELS: [&str; 3] = ["claude-opus-4-8", "claude-opus-4-8", "claude-haiku-4-5"];

const REST: Duration = Duration::from_secs(10);

const STEPS: [Duration; 2] = [REST, LONGEST];

const LONGEST: Duration = Duration::from_secs(60);

/// How many events an order has. What differs in nothing that matters is followed once.
const DEPTH: usize = 12;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Start(usize),
    Succeed(usize),
    Cancel(usize),
    Rest(usize, What),
    Step(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Account,
    Part,
}

fn scope(what: What) -> CooldownScope {
    match what {
        What::Account => CooldownScope::Account,
        What::Part => CooldownScope::Models("claude-opus".to_owned()),
    }
}

/// What is so of the account, or of its part, told in the plainest way.
#[derive(Clone, Default)]
struct Kept {
    /// The end of the last rest, while no attempt that was begun after it has gone well.
    until: Option<Timestamp>,
    /// The attempts that began after a rest and before such a success, when, and whether that was after the last rest.
    trials: [Option<(Timestamp, bool)>; 3],
}

impl Kept {
    fn young(&self, now: Timestamp) -> usize {
        self.trials.iter().flatten().filter(|(since, _)| now < since.plus(LONGEST)).count()
    }

    fn keeps_away(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| now < until) || self.young(now) > 0
    }
}

struct World {
    scheduler: Scheduler,
    account: AccountId,
    now: Timestamp,
    open: [Option<Ticket>; 3],
    kept: [Kept; 2],
}

impl World {
    fn after(events: &[Event]) -> Self {
        let mut world = Self {
            scheduler: Scheduler::default(),
            account: AccountId::generate(),
            now: NOW,
            open: [None; 3],
            kept: Default::default(),
        };
        for event in events {
            world.happens(*event);
        }
        world
    }

    /// What an attempt is about: the account, and its part where that covers the model.
    fn about(&mut self, slot: usize) -> impl Iterator<Item = &mut Kept> {
        let whats = [What::Account, What::Part].into_iter().zip(&mut self.kept);
        whats.filter(move |(what, _)| scope(*what).covers(MODELS[slot])).map(|(_, kept)| kept)
    }

    fn happens(&mut self, event: Event) {
        let now = self.now;
        match event {
            Event::Step(step) => self.now = now.plus(STEPS[step]),
            Event::Start(slot) => {
                let away = self.about(slot).any(|kept| kept.keeps_away(now));
                let started = self.scheduler.try_start(self.account, MODELS[slot], Resort::Usual, now);
                assert_eq!(started.is_err(), away, "who begins, at {now}");
                let Ok(ticket) = started else { return };
                self.open[slot] = Some(ticket);
                for kept in self.about(slot).filter(|kept| kept.until.is_some()) {
                    kept.trials[slot] = Some((now, true));
                }
            }
            Event::Succeed(slot) => {
                let ticket = self.open[slot].take().unwrap();
                self.scheduler.succeeded(self.account, MODELS[slot], ticket, now);
                for kept in self.about(slot) {
                    if matches!(kept.trials[slot].take(), Some((_, true))) {
                        *kept = Kept::default();
                    }
                }
            }
            Event::Cancel(slot) => {
                let ticket = self.open[slot].take().unwrap();
                self.scheduler.cancelled(self.account, ticket);
                self.about(slot).for_each(|kept| kept.trials[slot] = None);
            }
            Event::Rest(slot, what) => {
                let ticket = self.open[slot].take().unwrap();
                let cooldown = Cooldown { scope: scope(what), ..limited(now.plus(REST)) };
                self.scheduler.rest_after(self.account, ticket, &cooldown, now);
                self.about(slot).for_each(|kept| kept.trials[slot] = None);
                let kept = &mut self.kept[what as usize];
                kept.until = Some(now.plus(REST));
                kept.trials.iter_mut().flatten().for_each(|(_, news)| *news = false);
            }
        }
        self.check();
    }

    fn check(&self) {
        assert!(self.kept.iter().all(|kept| kept.young(self.now) <= 1), "one trial at a time");
        let account = self.scheduler.parked(self.account, self.now);
        let parts = self.scheduler.parked_models(self.account, self.now);
        let part = parts.into_iter().next().map(|(_, parked)| parked);
        for (parked, kept) in [&account, &part].into_iter().zip(&self.kept) {
            assert_eq!(parked.is_some(), kept.keeps_away(self.now), "{parked:?}");
        }
        if self.open.iter().all(Option::is_none) {
            let on_trial = [account, part].into_iter().flatten().any(|parked| parked.on_trial);
            assert!(!on_trial, "nobody is under way, and something is on trial");
        }
    }

    fn possible(&self) -> Vec<Event> {
        let mut events: Vec<_> = (0..STEPS.len()).map(Event::Step).collect();
        for (slot, model) in MODELS.into_iter().enumerate() {
            if self.open[slot].is_none() {
                events.push(Event::Start(slot));
                continue;
            }
            events.extend([Event::Succeed(slot), Event::Cancel(slot), Event::Rest(slot, What::Account)]);
            if scope(What::Part).covers(model) {
                events.push(Event::Rest(slot, What::Part));
            }
        }
        events
    }

    /// All that bears on what may come: the book and the scheduler's own state, with times from now on and attempts by
    /// their place. Strikes do not: each rest has an end that the upstream named.
    fn likeness(&self) -> String {
        let ahead = |time: Timestamp| time.as_millis().saturating_sub(self.now.as_millis()).max(-60_000);
        let place = |ticket: Ticket| self.open.iter().position(|open| *open == Some(ticket));
        let accounts = self.scheduler.accounts.lock();
        let healths = accounts.get(self.account).map(|entry| {
            let parts = entry.parts().iter().map(|(_, health)| health);
            let of = |health: &Health| health.likeness(&ahead, &place, &self.open);
            parts.chain(entry.health()).map(of).collect::<Vec<_>>()
        });
        let kept = self.kept.each_ref().map(|kept| {
            (kept.until.map(ahead), kept.trials.map(|trial| trial.map(|(since, news)| (ahead(since), news))))
        });
        format!("{:?} {healths:?} {kept:?}", self.open.map(|open| open.is_some()))
    }
}

#[test]
fn of_any_attempts_in_any_order_one_at_most_is_the_trial() {
    let mut known = HashSet::new();
    let mut orders = vec![Vec::new()];
    for _ in 0..DEPTH {
        let mut next = Vec::new();
        for order in orders {
            for event in World::after(&order).possible() {
                let mut longer = order.clone();
                longer.push(event);
                let world = World::after(&longer);
                if known.insert(world.likeness()) {
                    next.push(longer);
                }
            }
        }
        orders = next;
    }
    assert!(known.len() > 1_000, "{} states were seen", known.len());
}
