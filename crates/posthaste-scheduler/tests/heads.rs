//! The head of a plan is the beginning of the whole plan, after any history.

#![expect(clippy::unwrap_used, reason = "the helpers of these tests are not marked as tests themselves")]

use std::time::Duration;

use posthaste_core::{AccountId, Cooldown, CooldownReason, CooldownScope, ModelName, NanoUsd, Timestamp};
use posthaste_scheduler::{
    Backoff, Candidate, Flight, Hint, Instance, Lineup, Member, Plan, QuotaWindow, Scheduler, Ticket, Warmth,
};
use proptest::{prelude::*, sample::select};

const MODEL: &str = "claude-haiku-4-5";
const STRATEGIES: [posthaste_core::Strategy; 4] = [
    posthaste_core::Strategy::QuotaPaced,
    posthaste_core::Strategy::LeastRecentlyUsed,
    posthaste_core::Strategy::LeastBusy,
    posthaste_core::Strategy::Sequential,
];

#[derive(Clone, Debug)]
enum Event {
    Assign,
    Start,
    Succeed,
    Cancel,
    Fly,
    Land,
    Rest {
        reason: CooldownReason,
        scope: CooldownScope,
        asked_ms: Option<i64>,
    },
    Release,
    /// Windows, each with its length in seconds, the part of it that has passed and the part that was used, in percent.
    Windows(Vec<(u64, u64, u64)>),
    Forget,
    ClockSetBack {
        ms: u64,
    },
    Plan {
        warm: bool,
        home: bool,
        tokens: u64,
    },
}

#[derive(Clone, Debug)]
struct Happening {
    account: usize,
    pause_ms: u64,
    event: Event,
}

fn happening(accounts: usize) -> impl Strategy<Value = Happening> {
    let reason = select(vec![
        CooldownReason::RateLimited,
        CooldownReason::QuotaExhausted,
        CooldownReason::Unauthorised,
        CooldownReason::Failing,
    ]);
    let scope = select(vec![
        CooldownScope::Account,
        CooldownScope::Model(MODEL.to_owned()),
        CooldownScope::Models("claude-opus".to_owned()),
    ]);
    let asked = prop_oneof![Just(None), (0..100_000_i64).prop_map(Some)];
    let window = (select(vec![60_u64, 18_000, 604_800]), 0..=100_u64, 0..=101_u64);
    let event = prop_oneof![
        4 => Just(Event::Assign),
        6 => Just(Event::Start),
        3 => Just(Event::Succeed),
        1 => Just(Event::Cancel),
        4 => Just(Event::Fly),
        2 => Just(Event::Land),
        3 => (reason, scope, asked).prop_map(|(reason, scope, asked_ms)| Event::Rest { reason, scope, asked_ms }),
        1 => Just(Event::Release),
        4 => prop::collection::vec(window, 0..3).prop_map(Event::Windows),
        1 => Just(Event::Forget),
        1 => (0..100_000_u64).prop_map(|ms| Event::ClockSetBack { ms }),
        4 => (any::<bool>(), any::<bool>(), 0..10_000_u64)
            .prop_map(|(warm, home, tokens)| Event::Plan { warm, home, tokens }),
    ];
    let pause = prop_oneof![4 => 0..50_u64, 2 => 0..5_000_u64, 1 => 0..100_000_u64];
    (0..accounts, pause, event).prop_map(|(account, pause_ms, event)| Happening { account, pause_ms, event })
}

/// Members of few priorities, weights and limits, so that many are alike.
fn members(most: usize) -> impl Strategy<Value = Vec<Member>> {
    let member = (0..3_u16, 0..3_u16, prop_oneof![Just(None), (0..3_u32).prop_map(Some)]);
    prop::collection::vec(member, 1..most).prop_map(|facts| {
        let mut ids: Vec<_> = facts.iter().map(|_| AccountId::generate()).collect();
        ids.sort_unstable();
        let member = |(account, (tier, weight, most_in_flight))| Member {
            account,
            model: ModelName::parse(MODEL).unwrap(),
            // One group of equals is larger than any head.
            priority: if tier == 0 { 40 } else { 50 },
            weight,
            most_in_flight,
        };
        ids.into_iter().zip(facts).map(member).collect()
    })
}

struct World {
    scheduler: Scheduler,
    members: Vec<Member>,
    lineups: Vec<Lineup>,
    windows: Vec<Vec<QuotaWindow>>,
    tickets: Vec<Vec<Ticket>>,
    flights: Vec<Vec<Flight>>,
    now: Timestamp,
    heads: usize,
}

impl World {
    fn new(members: Vec<Member>, instance: u64) -> Self {
        Self {
            scheduler: Scheduler::new(Backoff::default()).with_instance(Instance(instance)),
            lineups: STRATEGIES.iter().map(|_| Lineup::new(members.clone())).collect(),
            windows: members.iter().map(|_| Vec::new()).collect(),
            tickets: members.iter().map(|_| Vec::new()).collect(),
            flights: members.iter().map(|_| Vec::new()).collect(),
            members,
            now: Timestamp::from_secs(1_800_000_000),
            heads: 0,
        }
    }

    fn happens(
        &mut self,
        Happening { account: number, pause_ms, event }: Happening,
    ) -> Result<(), TestCaseError> {
        self.now = self.now.plus(Duration::from_millis(pause_ms));
        let number = number % self.members.len();
        let (account, now, scheduler) = (self.members[number].account, self.now, &self.scheduler);
        match event {
            Event::Assign => scheduler.assign(account),
            Event::Start => self.tickets[number].push(scheduler.started(account, MODEL, now)),
            Event::Succeed => {
                if let Some(ticket) = self.tickets[number].pop() {
                    scheduler.succeeded(account, MODEL, ticket, now);
                }
            }
            Event::Cancel => {
                if let Some(ticket) = self.tickets[number].pop() {
                    scheduler.cancelled(account, ticket);
                }
            }
            Event::Fly => self.flights[number].push(scheduler.flight(account)),
            Event::Land => drop(self.flights[number].pop()),
            Event::Rest { reason, scope, asked_ms } => {
                let until = asked_ms.map(|ms| now.plus(Duration::from_millis(ms.unsigned_abs())));
                let cooldown = Cooldown { scope, ..Cooldown::of_account(reason, until, "said so") };
                scheduler.rest(account, &cooldown, now);
            }
            Event::Release => {
                scheduler.release(account);
            }
            Event::Windows(told) => {
                let window = |&(length, passed, used): &(u64, u64, u64)| {
                    let starts_at = now.minus(Duration::from_millis(length * 10 * passed));
                    let resets_at = starts_at.plus(Duration::from_secs(length));
                    QuotaWindow { used, limit: 100, request: used % 3, starts_at, resets_at }
                };
                self.windows[number] = told.iter().map(window).collect();
                scheduler.learn_windows(account, &self.windows[number]);
            }
            Event::Forget => {
                scheduler.retain(|kept| kept != account);
                self.windows[number].clear();
                self.flights[number].clear();
            }
            Event::ClockSetBack { ms } => self.now = now.minus(Duration::from_millis(ms)),
            Event::Plan { warm, home, tokens } => {
                for place in 0..STRATEGIES.len() {
                    self.compare(place, (number, warm, home, tokens))?;
                }
            }
        }
        Ok(())
    }

    fn compare(
        &mut self,
        place: usize,
        (favourite, warm, home, tokens): (usize, bool, bool, u64),
    ) -> Result<(), TestCaseError> {
        let candidates: Vec<_> = self
            .members
            .iter()
            .zip(&self.windows)
            .enumerate()
            .map(|(number, (member, windows))| {
                let candidate = Candidate { quota: windows, ..member.candidate() };
                if number != favourite {
                    return candidate;
                }
                let warmth = warm.then_some(Warmth {
                    tokens,
                    gap: NanoUsd::from_nanos(2_700_000_000),
                    warmed_at: self.now,
                    ttl: Duration::from_secs(300),
                });
                Candidate { warmth, home, price: Some(NanoUsd::from_nanos(20_000_000)), ..candidate }
            })
            .collect();
        let hint = Hint { seed: tokens, affinity: true, ..Hint::of(STRATEGIES[place]) };
        let head =
            self.scheduler.plan_head(&self.lineups[place], &hint, Some(&candidates[favourite]), self.now);
        let Some(head) = head else { return Ok(()) };
        self.heads += 1;
        let Plan { mut order, more, excluded, resort, made_at } =
            self.scheduler.plan(&candidates, &hint, self.now);
        prop_assert_eq!(more, 0);
        prop_assert_eq!(head.more as usize, order.len() - head.order.len());
        prop_assert!(head.order.len() >= order.len().min(16));
        order.truncate(head.order.len());
        prop_assert_eq!(&head.order, &order, "by {:?}", STRATEGIES[place]);
        prop_assert_eq!((head.excluded, head.resort, head.made_at), (excluded, resort, made_at));
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn a_head_is_the_beginning_of_the_whole_plan(
        members in members(200),
        instance in prop_oneof![Just(0_u64), 1..5_u64],
        use_all: bool,
        happenings in prop::collection::vec(happening(200), 1..300),
    ) {
        let mut world = World::new(members, instance);
        if use_all {
            for member in &world.members {
                world.scheduler.started(member.account, MODEL, world.now);
            }
        }
        for happening in happenings {
            world.happens(happening)?;
        }
    }
}

/// It pulled most just before it started anew, and does so again.
#[test]
fn a_clock_that_is_set_back_to_before_the_start_of_a_window_is_believed() {
    let ids: std::collections::BTreeSet<_> = (0..40).map(|_| AccountId::generate()).collect();
    let mut world = World::new(ids.into_iter().map(plain).collect(), 0);
    let (account, start) = (world.members[30].account, world.now);
    let starts_at = start.minus(Duration::from_secs(18_000));
    let resets_at = start.plus(Duration::from_secs(10));
    world.windows[30] = vec![QuotaWindow { used: 10, limit: 100, request: 1, starts_at, resets_at }];
    world.scheduler.learn_windows(account, &world.windows[30]);
    for (second, is_first) in [(5, true), (20, false), (6, true)] {
        world.now = start.plus(Duration::from_secs(second));
        world.scheduler.assign(account);
        let hint = Hint::of(posthaste_core::Strategy::QuotaPaced);
        let plan = world.scheduler.plan_head(&world.lineups[0], &hint, None, world.now).unwrap();
        assert_eq!(plan.order[0].account == account, is_first, "after {second} s");
        world.compare(0, (0, false, false, 0)).unwrap();
    }
}

/// The order is older than what least keys hold for, but held none.
#[test]
fn windows_that_are_told_long_after_the_first_plan_count() {
    let ids: std::collections::BTreeSet<_> = (0..40).map(|_| AccountId::generate()).collect();
    let mut world = World::new(ids.into_iter().map(plain).collect(), 0);
    world.compare(0, (0, false, false, 0)).unwrap();
    world.now = world.now.plus(Duration::from_secs(90));
    let (account, starts_at) = (world.members[30].account, world.now.minus(Duration::from_secs(17_900)));
    let resets_at = starts_at.plus(Duration::from_secs(18_000));
    world.windows[30] = vec![QuotaWindow { used: 10, limit: 100, request: 1, starts_at, resets_at }];
    world.scheduler.learn_windows(account, &world.windows[30]);
    world.compare(0, (0, false, false, 0)).unwrap();
    assert_eq!(world.heads, 2);
}

/// Of equals the ones that stand behind come to their turn as those before them are used.
#[test]
fn a_thousand_requests_go_where_whole_plans_send_them() {
    let ids: std::collections::BTreeSet<_> = (0..500).map(|_| AccountId::generate()).collect();
    let mut world = World::new(ids.into_iter().map(plain).collect(), 0);
    for number in 0..1_000 {
        for place in 0..STRATEGIES.len() {
            world.compare(place, (number % 500, number % 3 == 0, number % 7 == 0, 10)).unwrap();
        }
        let hint = Hint::of(posthaste_core::Strategy::QuotaPaced);
        let plan = world.scheduler.plan_head(&world.lineups[0], &hint, None, world.now).unwrap();
        let chosen = plan.order[0].candidate as usize;
        let account = world.members[chosen].account;
        world.flights[chosen].push(world.scheduler.flight(account));
        world.scheduler.started(account, MODEL, world.now);
        let starts_at = world.now.minus(Duration::from_secs(number as u64));
        let used = number as u64 % 100;
        let resets_at = starts_at.plus(Duration::from_secs(18_000));
        world.windows[chosen] = vec![QuotaWindow { used, limit: 100, request: 1, starts_at, resets_at }];
        world.scheduler.learn_windows(account, &world.windows[chosen]);
        world.now = world.now.plus(Duration::from_millis(100));
        if number % 2 == 1 {
            world.flights[chosen].clear();
        }
    }
    assert_eq!(world.heads, 4_000);
}

fn plain(account: AccountId) -> Member {
    let model = ModelName::parse(MODEL).unwrap();
    Member { account, model, priority: 50, weight: 1, most_in_flight: Some(2) }
}
