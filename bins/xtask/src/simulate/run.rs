//! Virtual time: one event after another, until nothing is to come.

use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

use anyhow::{Context, Result, ensure};
use posthaste_scheduler::{Flight, Resort, Ticket};

use super::{
    Setting,
    audit::Audit,
    load::{Ask, Conversation, DAY, SYSTEM_TOKENS},
    policy::Policy,
    relay::{MODEL, Relay, at},
    tally::{Tally, jain, ratio},
    vendor::{Answer, CACHE_TTL, Ended, Fault, Vendor, price},
};

/// Runs one policy to the end.
pub(crate) fn simulate(setting: &Setting, policy: Policy) -> Result<Tally> {
    let mut world = World::new(setting, policy)?;
    while let Some(Reverse((now, _, event))) = world.queue.pop() {
        world.now = now;
        world.tally.steps += 1;
        world.happens(event).with_context(|| format!("at {now} ms, step {}", world.tally.steps))?;
    }
    world.close(setting)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// A client sends its next request.
    Turn(u32),
    /// An upstream turned an attempt down.
    TurnedDown(u32),
    /// The client goes away.
    HangUp(u32),
    /// The first token came.
    Content(u32),
    /// The answer is complete.
    End(u32),
}

struct World {
    now: i64,
    queue: BinaryHeap<Reverse<(i64, u64, Event)>>,
    queued: u64,
    conversations: Vec<Conversation>,
    live: Vec<Option<Live>>,
    vendor: Vendor,
    relay: Relay,
    audit: Audit,
    spent: Vec<u64>,
    tally: Tally,
}

/// A request that has not ended.
struct Live {
    ask: Ask,
    order: Vec<usize>,
    next: usize,
    attempts: u32,
    seat: Option<Seat>,
}

/// An attempt under way.
struct Seat {
    account: usize,
    ticket: Ticket,
    reserved: u64,
    asked_at: i64,
    outcome: Outcome,
    _flight: Flight,
}

#[derive(Clone, Copy)]
enum Outcome {
    Served { cost: u64, first_token: i64 },
    Refused(Fault),
}

impl World {
    fn new(setting: &Setting, policy: Policy) -> Result<Self> {
        ensure!(setting.accounts.is_multiple_of(POOL_SIZE), "accounts come in pools of {POOL_SIZE}");
        let pools = setting.accounts / POOL_SIZE;
        let make = |number| Conversation::new(setting, pools, number);
        let conversations: Vec<_> = (0..setting.conversations).map(make).collect();
        let vendor =
            Vendor::new(setting, (0..setting.conversations).map(|number| least_cost(make(number))).sum());
        let count = conversations.len();
        let mut world = Self {
            now: 0,
            queue: BinaryHeap::new(),
            queued: 0,
            live: (0..count).map(|_| None).collect(),
            relay: Relay::new(policy, &vendor, count, POOL_SIZE)?,
            audit: Audit::new(vendor.accounts.len(), count),
            spent: vec![0; vendor.accounts.len()],
            conversations,
            vendor,
            tally: Tally::default(),
        };
        for number in 0..setting.conversations {
            world.later(world.conversations[number as usize].starts_at, Event::Turn(number));
        }
        Ok(world)
    }

    fn later(&mut self, after: i64, event: Event) {
        self.queued += 1;
        self.queue.push(Reverse((self.now + after, self.queued, event)));
    }

    fn happens(&mut self, event: Event) -> Result<()> {
        match event {
            Event::Turn(conversation) => self.turn(conversation),
            Event::TurnedDown(conversation) => self.turned_down(conversation),
            Event::HangUp(conversation) => self.hang_up(conversation),
            Event::Content(conversation) => self.content(conversation),
            Event::End(conversation) => self.end(conversation),
        }
    }

    fn turn(&mut self, conversation: u32) -> Result<()> {
        self.audit.begins(conversation)?;
        self.tally.requests += 1;
        let of = &mut self.conversations[conversation as usize];
        of.turns -= 1;
        let ask = of.ask();
        let order = self.relay.plan(&self.vendor, of, conversation, &ask, self.now);
        self.live[conversation as usize] = Some(Live { ask, order, next: 0, attempts: 0, seat: None });
        self.attempt(conversation)
    }

    /// Asks the next account of the plan that takes the request.
    fn attempt(&mut self, conversation: u32) -> Result<()> {
        let live = self.live[conversation as usize].as_mut().context("an attempt without a request")?;
        while live.attempts < MOST_ATTEMPTS {
            let Some(&account) = live.order.get(live.next) else { break };
            live.next += 1;
            let id = self.relay.id(account);
            let most = self.vendor.accounts[account].most;
            let full = self.relay.scheduler.in_flight(id) >= most;
            if full {
                continue;
            }
            let Ok(ticket) = self.relay.scheduler.try_start(id, MODEL, Resort::Usual, at(self.now)) else {
                continue;
            };
            live.attempts += 1;
            self.tally.attempts += 1;
            let flight = self.relay.scheduler.flight(id);
            let (ask, attempt) = (live.ask, live.attempts);
            let client = self.conversations[conversation as usize].client;
            self.audit.seated(conversation, account, most, self.now)?;
            let reserved = self.relay.reserve(account, conversation, &ask, self.now);
            let outcome = match self.vendor.ask(account, conversation, client, &ask, attempt, self.now)? {
                Answer::Served { first_token, end, cached, cost } => {
                    self.count(conversation, account, &ask, cached);
                    if ask.hangs_up {
                        self.later(first_token / 2, Event::HangUp(conversation));
                    } else {
                        self.later(first_token, Event::Content(conversation));
                        self.later(end, Event::End(conversation));
                    }
                    Outcome::Served { cost, first_token }
                }
                Answer::Refused { after, fault } => {
                    self.later(after, Event::TurnedDown(conversation));
                    Outcome::Refused(fault)
                }
            };
            let seat = Seat { account, ticket, reserved, asked_at: self.now, outcome, _flight: flight };
            if let Some(live) = &mut self.live[conversation as usize] {
                live.seat = Some(seat);
            }
            return self.check(account);
        }
        self.tally.refused += 1;
        let pause = live.ask.pause.max(REFUSED_PAUSE);
        self.over(conversation, pause)
    }

    fn count(&mut self, conversation: u32, account: usize, ask: &Ask, cached: u64) {
        self.tally.input_tokens += ask.context;
        self.tally.cached_tokens += cached;
        let home = self.relay.home(conversation);
        let warm = home.filter(|home| self.now - home.at <= CACHE_TTL);
        self.tally.moves += u64::from(warm.is_some_and(|home| home.account != account));
    }

    /// Gives the slot back, and tells what was kept for the request.
    fn leave_seat(&mut self, conversation: u32) -> Result<Seat> {
        let live = self.live[conversation as usize].as_mut().context("no request")?;
        let seat = live.seat.take().context("a slot was given back twice")?;
        self.audit.unseated(conversation, seat.account)?;
        self.relay.release(seat.account, seat.reserved);
        Ok(seat)
    }

    fn turned_down(&mut self, conversation: u32) -> Result<()> {
        let seat = self.leave_seat(conversation)?;
        let (account, ticket) = (seat.account, seat.ticket);
        let Outcome::Refused(fault) = seat.outcome else { anyhow::bail!("a served request was turned down") };
        drop(seat);
        self.tally.wasted += 1;
        let until = self.relay.fails((account, ticket), fault, self.now);
        self.audit.rests(account, until);
        self.check(account)?;
        self.attempt(conversation)
    }

    fn hang_up(&mut self, conversation: u32) -> Result<()> {
        let seat = self.leave_seat(conversation)?;
        self.relay.scheduler.cancelled(self.relay.id(seat.account), seat.ticket);
        self.audit.said_nothing(seat.account);
        self.bill(seat.account, seat.outcome)?;
        let account = seat.account;
        drop(seat);
        self.check(account)?;
        self.tally.hung_up += 1;
        self.over(conversation, REFUSED_PAUSE)
    }

    fn content(&mut self, conversation: u32) -> Result<()> {
        let live = self.live[conversation as usize].as_ref().context("no request")?;
        let seat = live.seat.as_ref().context("content without a seat")?;
        let (account, ticket, asked_at) = (seat.account, seat.ticket, seat.asked_at);
        let id = self.relay.id(account);
        let took = Duration::from_millis((self.now - asked_at).unsigned_abs());
        self.relay.scheduler.first_token(id, took, at(self.now));
        self.relay.scheduler.succeeded(id, MODEL, ticket, at(self.now));
        self.audit.proved(account, self.now);
        self.check(account)
    }

    fn end(&mut self, conversation: u32) -> Result<()> {
        let seat = self.leave_seat(conversation)?;
        let (account, asked_at, outcome) = (seat.account, seat.asked_at, seat.outcome);
        drop(seat);
        self.bill(account, outcome)?;
        if let Outcome::Served { first_token, .. } = outcome {
            self.tally.first_token_ms += first_token.unsigned_abs();
        }
        let ask = self.live[conversation as usize].as_ref().context("no request")?.ask;
        let truth = &self.vendor.accounts[account];
        let client = self.conversations[conversation as usize].client;
        self.relay.learn(account, truth, (conversation, client), ask.context, asked_at);
        self.check(account)?;
        self.tally.served += 1;
        self.over(conversation, ask.pause)
    }

    fn bill(&mut self, account: usize, outcome: Outcome) -> Result<()> {
        let Outcome::Served { cost, .. } = outcome else { return Ok(()) };
        self.vendor.finish(account, cost, self.now)?;
        self.spent[account] += cost;
        let rate = u128::from(self.vendor.accounts[account].rate.unsigned_abs());
        self.tally.cost += u128::from(cost) * rate / 100;
        Ok(())
    }

    /// The request has ended; the next one of its conversation comes after a pause.
    fn over(&mut self, conversation: u32, pause: i64) -> Result<()> {
        self.live[conversation as usize] = None;
        self.audit.ends(conversation)?;
        if self.conversations[conversation as usize].turns > 0 {
            self.later(pause, Event::Turn(conversation));
        }
        Ok(())
    }

    fn check(&self, account: usize) -> Result<()> {
        let counted = self.relay.scheduler.in_flight(self.relay.id(account));
        self.audit.agrees(account, counted, self.vendor.in_flight(account))
    }

    fn close(mut self, setting: &Setting) -> Result<Tally> {
        self.audit.closes(self.tally.requests)?;
        let end = i64::from(setting.days) * DAY;
        for account in 0..self.vendor.accounts.len() {
            self.vendor.roll(account, end);
            self.check(account)?;
        }
        let mut tally = self.tally;
        ensure!(
            tally.served + tally.refused + tally.hung_up == tally.requests,
            "requests ended in no way or in two"
        );
        let unused = |ended: &Ended| ended.unused as f64 / (ended.allowed.max(1)) as f64;
        (tally.five_hours_unused, tally.weeks_unused) =
            (unused(&self.vendor.five_hours), unused(&self.vendor.weeks));
        (tally.five_hours_lost, tally.weeks_lost) = (self.vendor.five_hours.unused, self.vendor.weeks.unused);
        let shares: Vec<_> = self
            .vendor
            .accounts
            .iter()
            .zip(&self.spent)
            .map(|(account, &spent)| {
                let first = account.priority == 50 && account.dies_at.is_none();
                first.then(|| ratio(spent, account.week.limit))
            })
            .collect();
        let pools = shares.chunks(POOL_SIZE as usize);
        let indices: Vec<f64> =
            pools.map(|pool| jain(&pool.iter().flatten().copied().collect::<Vec<_>>())).collect();
        tally.fairness = indices.iter().sum::<f64>() / indices.len() as f64;
        Ok(tally)
    }
}

/// What a conversation costs when all of its requests find all that a cache can hold for five minutes.
fn least_cost(mut conversation: Conversation) -> u128 {
    let (mut cost, mut warm) = (0, SYSTEM_TOKENS);
    for _ in 0..conversation.turns {
        let ask = conversation.ask();
        let cached = warm.min(ask.context);
        cost += u128::from(price(cached, ask.context - cached, ask.output));
        warm = if ask.pause < CACHE_TTL { ask.context } else { SYSTEM_TOKENS };
    }
    cost
}

const POOL_SIZE: u32 = 50;
const MOST_ATTEMPTS: u32 = 4;
/// A person whose request was refused tries again after a minute.
const REFUSED_PAUSE: i64 = 60_000;
