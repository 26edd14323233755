//! What holds for the plans of every strategy, whatever the candidates are.

#![expect(clippy::unwrap_used, reason = "the helpers of these tests are not marked as tests themselves")]

use std::{collections::HashMap, time::Duration};

use posthaste_core::{AccountId, Cooldown, CooldownReason, NanoUsd, Strategy, Timestamp};
use posthaste_scheduler::{Candidate, Exclusion, Flight, Hint, Plan, QuotaWindow, Reason, Scheduler, Warmth};
use proptest::{prelude::*, sample::select, strategy::Strategy as Generator};

const MODEL: &str = "claude-haiku-4-5";
const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const HOUR: Duration = Duration::from_secs(3_600);

/// A made-up account, and what has happened to it.
#[derive(Clone, Debug)]
struct Made {
    account: AccountId,
    priority: u16,
    weight: u16,
    price: Option<i64>,
    most: Option<u32>,
    used: u64,
    elapsed_secs: u64,
    has_quota: bool,
    request: u64,
    warm: Option<u64>,
    home: bool,
    disabled: bool,
    history: Vec<Event>,
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Started,
    Succeeded,
    Flight,
    FirstToken(u64),
    Failed,
}

fn made() -> impl Generator<Value = Made> {
    let event = prop_oneof![
        4 => Just(Event::Started),
        2 => Just(Event::Succeeded),
        3 => Just(Event::Flight),
        2 => (1..5_000_u64).prop_map(Event::FirstToken),
        1 => Just(Event::Failed),
    ];
    (
        (any::<u128>(), 1..4_u16, 0..6_u16, prop::option::of(-5..1_000_i64), prop::option::of(0..4_u32)),
        (0..=110_u64, 0..6 * 3_600_u64, any::<bool>(), 0..40_u64),
        (prop::option::weighted(0.2, 0..100_000_u64), prop::bool::weighted(0.05), prop::bool::weighted(0.1)),
        prop::collection::vec(event, 0..6),
    )
        .prop_map(
            |(
                (id, priority, weight, price, most),
                (used, elapsed_secs, has_quota, request),
                flags,
                history,
            )| {
                let (warm, home, disabled) = flags;
                let account = format!("{id:032x}").parse().unwrap();
                Made {
                    account,
                    priority,
                    weight,
                    price,
                    most,
                    used,
                    elapsed_secs,
                    has_quota,
                    request,
                    warm,
                    home,
                    disabled,
                    history,
                }
            },
        )
}

impl Made {
    fn window(&self) -> [QuotaWindow; 1] {
        let starts_at = NOW.minus(Duration::from_secs(self.elapsed_secs));
        [QuotaWindow {
            used: self.used,
            limit: 100,
            request: self.request,
            starts_at,
            resets_at: starts_at.plus(HOUR * 5),
        }]
    }

    fn candidate<'a>(&self, quota: &'a [QuotaWindow]) -> Candidate<'a> {
        Candidate {
            priority: self.priority,
            weight: self.weight,
            price: self.price.map(NanoUsd::from_nanos),
            most_in_flight: self.most,
            quota: if self.has_quota { quota } else { &[] },
            warmth: self.warm.map(|tokens| Warmth {
                tokens,
                gap: NanoUsd::from_nanos(2_700_000_000),
                warmed_at: NOW.minus(Duration::from_secs(tokens % 900)),
                ttl: Duration::from_secs(300),
            }),
            home: self.home,
            exclusion: self.disabled.then_some(Exclusion::Disabled),
            ..Candidate::new(self.account, MODEL)
        }
    }

    fn live(&self, scheduler: &Scheduler, flights: &mut Vec<Flight>) {
        for event in &self.history {
            match *event {
                Event::Started => {
                    scheduler.started(self.account, MODEL, NOW);
                }
                Event::Succeeded => {
                    let ticket = scheduler.started(self.account, MODEL, NOW);
                    scheduler.succeeded(self.account, MODEL, ticket, NOW);
                }
                Event::Flight => flights.push(scheduler.flight(self.account)),
                Event::FirstToken(ms) => {
                    scheduler.first_token(self.account, Duration::from_millis(ms), NOW);
                }
                Event::Failed => {
                    let cooldown = Cooldown::of_account(CooldownReason::Failing, None, "it broke off");
                    scheduler.rest(self.account, &cooldown, NOW.minus(Duration::from_secs(5)));
                }
            }
        }
    }
}

/// A scheduler with a history, and its candidates' windows.
struct World {
    made: Vec<Made>,
    windows: Vec<[QuotaWindow; 1]>,
    scheduler: Scheduler,
    _flights: Vec<Flight>,
}

impl World {
    fn new(mut made: Vec<Made>) -> Self {
        made.sort_by_key(|made| made.account);
        made.dedup_by_key(|made| made.account);
        let (scheduler, mut flights) = (Scheduler::default(), Vec::new());
        made.iter().for_each(|made| made.live(&scheduler, &mut flights));
        let windows = made.iter().map(Made::window).collect();
        Self { made, windows, scheduler, _flights: flights }
    }

    fn candidates(&self) -> Vec<Candidate<'_>> {
        self.made.iter().zip(&self.windows).map(|(made, window)| made.candidate(window)).collect()
    }

    fn plan(&self, hint: &Hint) -> Plan {
        self.scheduler.plan(&self.candidates(), hint, NOW)
    }
}

fn hint() -> impl Generator<Value = Hint> {
    (select(Strategy::ALL.to_vec()), any::<u64>(), any::<bool>())
        .prop_map(|(strategy, seed, affinity)| Hint { seed, affinity, ..Hint::of(strategy) })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_024))]

    #[test]
    fn a_plan_is_a_permutation_of_those_that_may_be_asked(
        made in prop::collection::vec(made(), 0..40),
        hint in hint(),
    ) {
        let world = World::new(made);
        let (candidates, plan) = (world.candidates(), world.plan(&hint));
        let mut listed: Vec<_> = plan.accounts().chain(plan.excluded.iter().map(|(account, _)| *account)).collect();
        listed.sort_unstable();
        prop_assert!(listed.into_iter().eq(candidates.iter().map(|candidate| candidate.account)));
        for pick in &plan.order {
            let candidate = &candidates[pick.candidate as usize];
            prop_assert_eq!(candidate.account, pick.account);
            prop_assert_eq!(&candidate.exclusion, &None);
            prop_assert_eq!(world.scheduler.parked(pick.account, NOW), None);
            prop_assert!(!candidate.quota.iter().any(|window| window.is_used_up(NOW)));
        }
    }

    #[test]
    fn priorities_are_never_broken(made in prop::collection::vec(made(), 0..40), hint in hint()) {
        let world = World::new(made);
        let candidates = world.candidates();
        let plan = world.plan(&hint);
        prop_assert!(plan.order.is_sorted_by_key(|pick| candidates[pick.candidate as usize].priority));
        // Within a priority: what the request cannot do without, then what is warm, then the free, then the full.
        let class = |pick: &posthaste_scheduler::Pick| match pick.reason {
            Reason::Home => 0,
            Reason::WarmCache { .. } => 1,
            Reason::Full => 3,
            _ => 2,
        };
        for equals in plan.order.chunk_by(|one, other| {
            candidates[one.candidate as usize].priority == candidates[other.candidate as usize].priority
        }) {
            prop_assert!(equals.is_sorted_by_key(class), "{:?}", equals);
        }
    }

    #[test]
    fn equal_inputs_give_equal_plans_and_the_order_of_candidates_is_none(
        made in prop::collection::vec(made(), 0..40),
        hint in hint(),
        turn in 0..40_usize,
    ) {
        let world = World::new(made.clone());
        let plan = world.plan(&hint);
        prop_assert_eq!(&plan, &world.plan(&hint));
        prop_assert_eq!(&plan, &World::new(made).plan(&hint));
        let mut turned = world.candidates();
        if !turned.is_empty() {
            let turn = turn % turned.len();
            turned.rotate_left(turn);
        }
        prop_assert!(world.scheduler.plan(&turned, &hint, NOW).accounts().eq(plan.accounts()));
    }

    /// Whoever holds a warm cache and goes first is one that can serve now, and no cold one goes first for its cache.
    #[test]
    fn a_cache_never_leads_to_those_that_cannot_serve(made in prop::collection::vec(made(), 1..20), hint in hint()) {
        let world = World::new(made);
        let candidates = world.candidates();
        for pick in world.plan(&hint).order {
            let candidate = &candidates[pick.candidate as usize];
            match pick.reason {
                Reason::WarmCache { worth } => {
                    prop_assert!(hint.affinity && candidate.warmth.is_some() && worth > NanoUsd::ZERO);
                }
                Reason::Home => prop_assert!(hint.affinity && candidate.home),
                _ => {}
            }
        }
    }
}

fn accounts(count: usize) -> Vec<AccountId> {
    (1..=count).map(|number| format!("00000000-0000-7000-8000-{number:012x}").parse().unwrap()).collect()
}

fn cold<'a>(accounts: &[AccountId]) -> Vec<Candidate<'a>> {
    accounts.iter().map(|&account| Candidate::new(account, MODEL)).collect()
}

fn first(scheduler: &Scheduler, candidates: &[Candidate<'_>], strategy: Strategy, seed: u64) -> usize {
    let plan = scheduler.plan(candidates, &Hint { seed, ..Hint::of(strategy) }, NOW);
    plan.order[0].candidate as usize
}

/// The first of each of `rounds` plans, each of which is asked.
fn rounds(
    scheduler: &Scheduler,
    candidates: &[Candidate<'_>],
    strategy: Strategy,
    rounds: u64,
) -> Vec<usize> {
    let round = |seed| {
        let chosen = first(scheduler, candidates, strategy, seed);
        scheduler.started(candidates[chosen].account, MODEL, NOW);
        chosen
    };
    (0..rounds).map(round).collect()
}

#[test]
fn round_robin_goes_round_and_skips_who_rests_without_favouring_its_neighbour() {
    let (scheduler, accounts) = (Scheduler::default(), accounts(4));
    let candidates = cold(&accounts);
    assert_eq!(rounds(&scheduler, &candidates, Strategy::RoundRobin, 6), [0, 1, 2, 3, 0, 1]);
    let until = Some(NOW.plus(HOUR));
    scheduler.rest(accounts[2], &Cooldown::of_account(CooldownReason::RateLimited, until, "429"), NOW);
    assert_eq!(rounds(&scheduler, &candidates, Strategy::RoundRobin, 6), [3, 0, 1, 3, 0, 1]);
}

#[test]
fn sequential_stays_until_it_cannot() {
    let (scheduler, accounts) = (Scheduler::default(), accounts(3));
    let candidates = cold(&accounts);
    assert_eq!(rounds(&scheduler, &candidates, Strategy::Sequential, 3), [0, 0, 0]);
    let until = Some(NOW.plus(HOUR));
    scheduler.rest(accounts[0], &Cooldown::of_account(CooldownReason::RateLimited, until, "429"), NOW);
    assert_eq!(rounds(&scheduler, &candidates, Strategy::Sequential, 3), [1, 1, 1]);
}

/// Pearson's statistic of how often each was first, against shares; with 4 degrees of freedom it is above 23.5 in one of
/// 10,000 runs, and the seeds are fixed.
fn chi_square(seen: &HashMap<usize, f64>, shares: &[f64], total: f64) -> f64 {
    let of_one = |(number, share): (usize, &f64)| {
        let expected = share * total;
        (seen.get(&number).copied().unwrap_or(0.0) - expected).powi(2) / expected
    };
    shares.iter().enumerate().map(of_one).sum()
}

#[test]
fn weights_are_shares_in_the_first_place_and_in_the_second() {
    let (scheduler, accounts, weights) = (Scheduler::default(), accounts(5), [1, 2, 3, 4, 10]);
    let candidates: Vec<_> = cold(&accounts)
        .into_iter()
        .zip(weights)
        .map(|(candidate, weight)| Candidate { weight, ..candidate })
        .collect();
    let (mut firsts, mut seconds) = (HashMap::new(), HashMap::new());
    for seed in 0..20_000 {
        let plan = scheduler.plan(&candidates, &Hint { seed, ..Hint::of(Strategy::Weighted) }, NOW);
        *firsts.entry(plan.order[0].candidate as usize).or_default() += 1.0;
        *seconds.entry(plan.order[1].candidate as usize).or_default() += 1.0;
    }
    let shares = weights.map(|weight| f64::from(weight) / 20.0);
    let statistic = chi_square(&firsts, &shares, 20_000.0);
    assert!(statistic < 23.5, "{statistic}: {firsts:?}");
    // The chance to be second: the sum over the others of being first, times the share of what is left then.
    let second = |one: usize| -> f64 {
        (0..5)
            .filter(|&other| other != one)
            .map(|other| shares[other] * shares[one] / (1.0 - shares[other]))
            .sum()
    };
    let shares: Vec<f64> = (0..5).map(second).collect();
    let statistic = chi_square(&seconds, &shares, 20_000.0);
    assert!(statistic < 23.5, "{statistic}: {seconds:?}");
}

/// Of two out of n drawn by lot the better one is first: the best with chance 2/n, the worst never.
#[test]
fn the_better_of_two_choices_goes_first() {
    let (scheduler, accounts) = (Scheduler::default(), accounts(5));
    let candidates = cold(&accounts);
    for (rank, &account) in (1..).zip(&accounts) {
        scheduler.started(account, MODEL, NOW);
        scheduler.first_token(account, Duration::from_millis(rank * 200), NOW);
    }
    let mut firsts = HashMap::new();
    for seed in 0..20_000 {
        *firsts.entry(first(&scheduler, &candidates, Strategy::PeakEwma, seed)).or_default() += 1.0;
    }
    assert_eq!(firsts.get(&4), None, "the slowest loses against everybody");
    let statistic = chi_square(&firsts, &[0.4, 0.3, 0.2, 0.1], 20_000.0);
    assert!(statistic < 23.5, "{statistic}: {firsts:?}");
}

/// Power of two choices keeps the greatest load near the mean, where one choice does not.
#[test]
fn two_choices_keep_the_load_even() {
    let (scheduler, accounts) = (Scheduler::default(), accounts(100));
    let candidates = cold(&accounts);
    let greatest = |strategy| {
        let (mut flights, mut load) = (Vec::new(), vec![0_u32; 100]);
        for seed in 0..1_000 {
            let chosen = first(&scheduler, &candidates, strategy, seed);
            flights.push(scheduler.flight(accounts[chosen]));
            load[chosen] += 1;
        }
        load.into_iter().max().unwrap()
    };
    assert!(greatest(Strategy::PeakEwma) <= 13);
    assert!(greatest(Strategy::Weighted) >= 16);
}

#[test]
fn least_busy_goes_by_requests_for_the_weight() {
    let (scheduler, accounts) = (Scheduler::default(), accounts(2));
    let mut candidates = cold(&accounts);
    candidates[1].weight = 3;
    let mut flights = Vec::new();
    let mut load = [0, 0];
    for seed in 0..40 {
        let chosen = first(&scheduler, &candidates, Strategy::LeastBusy, seed);
        flights.push(scheduler.flight(accounts[chosen]));
        load[chosen] += 1;
    }
    assert_eq!(load, [10, 30]);
}

#[test]
fn the_cheapest_goes_first_and_unknown_prices_go_last() {
    let (scheduler, accounts) = (Scheduler::default(), accounts(3));
    let mut candidates = cold(&accounts);
    candidates[1].price = Some(NanoUsd::from_nanos(7));
    candidates[2].price = Some(NanoUsd::from_nanos(5));
    let plan = scheduler.plan(&candidates, &Hint::of(Strategy::LowestCost), NOW);
    assert!(plan.accounts().eq([accounts[2], accounts[1], accounts[0]]));
    assert_eq!(plan.order[0].reason, Reason::Cheapest(Some(NanoUsd::from_nanos(5))));
    assert_eq!(plan.order[2].reason, Reason::Cheapest(None));
}

#[test]
fn hybrid_goes_by_health_tokens_and_freshness() {
    let (scheduler, accounts) = (Scheduler::default(), accounts(3));
    let candidates = cold(&accounts);
    let failing = Cooldown::of_account(CooldownReason::Failing, None, "it broke off");
    let early = NOW.minus(HOUR);
    scheduler.rest(accounts[0], &failing, early);
    scheduler.started(accounts[1], MODEL, NOW);
    let plan = scheduler.plan(&candidates, &Hint::of(Strategy::Hybrid), NOW);
    // 2 × 70 + 5 × 50 + 0.1 × 3,600; then 2 × 70 + 5 × 49; the first has 50 and two points of an hour's rest.
    let scores: Vec<_> = plan.order.iter().map(|pick| (pick.account, pick.reason)).collect();
    let score = |milli| Reason::Score { milli };
    assert_eq!(
        scores,
        [(accounts[2], score(750_000)), (accounts[0], score(714_000)), (accounts[1], score(385_000))]
    );
    scheduler.rest(accounts[2], &failing, early);
    scheduler.rest(accounts[2], &failing, early.plus(Duration::from_secs(60)));
    let plan = scheduler.plan(&candidates, &Hint::of(Strategy::Hybrid), NOW);
    assert_eq!(plan.order[2].account, accounts[2], "in poor health, and so behind those with less points");
}

#[test]
fn quota_paced_takes_what_would_be_lost_soonest_and_spreads_the_rest() {
    let (scheduler, accounts) = (Scheduler::default(), accounts(4));
    let window = |elapsed: u32, used| {
        let starts_at = NOW.minus(HOUR * elapsed);
        [QuotaWindow { used, limit: 100, request: 0, starts_at, resets_at: starts_at.plus(HOUR * 5) }]
    };
    let windows = [window(1, 60), window(2, 40), window(4, 40), window(4, 100)];
    let candidates: Vec<_> = accounts
        .iter()
        .zip(&windows)
        .map(|(&account, quota)| Candidate { quota, ..Candidate::new(account, MODEL) })
        .collect();
    let plan = scheduler.plan(&candidates, &Hint::of(Strategy::QuotaPaced), NOW);
    assert!(plan.accounts().eq([accounts[2], accounts[1], accounts[0]]));
    let slack: Vec<_> = plan.order.iter().map(|pick| pick.reason).collect();
    assert_eq!(slack, [3_000, 1_000, 500].map(|milli| Reason::Slack { milli }));
    assert_eq!(plan.soonest_return(), Some(windows[3][0].resets_at));
    assert!(plan.all_rate_limited());
    let _flights: Vec<_> = (0..3).map(|_| scheduler.flight(accounts[2])).collect();
    let plan = scheduler.plan(&candidates, &Hint::of(Strategy::QuotaPaced), NOW);
    assert_eq!(plan.order[0].account, accounts[1], "requests under way count before their use is known");
}

/// Two accounts on pace: one has room for many requests, the other for few.
#[test]
fn quota_paced_leaves_those_alone_that_have_room_for_few_more() {
    let (scheduler, accounts) = (Scheduler::default(), accounts(2));
    let starts_at = NOW.minus(HOUR * 2);
    let window = |limit| {
        [QuotaWindow { used: limit / 2, limit, request: 10, starts_at, resets_at: NOW.plus(HOUR * 2) }]
    };
    let windows = [window(100), window(2_000)];
    let candidates: Vec<_> = accounts
        .iter()
        .zip(&windows)
        .map(|(&account, quota)| Candidate { quota, ..Candidate::new(account, MODEL) })
        .collect();
    let plan = scheduler.plan(&candidates, &Hint::of(Strategy::QuotaPaced), NOW);
    assert!(plan.accounts().eq([accounts[1], accounts[0]]));
}

#[test]
fn those_that_serve_as_many_as_they_may_go_behind_their_equals() {
    let (scheduler, accounts) = (Scheduler::default(), accounts(3));
    let mut candidates = cold(&accounts);
    candidates[0].most_in_flight = Some(1);
    candidates[2].priority = 60;
    let flight = scheduler.flight(accounts[0]);
    let plan = scheduler.plan(&candidates, &Hint::default(), NOW);
    assert!(plan.accounts().eq([accounts[1], accounts[0], accounts[2]]));
    assert_eq!(plan.order[1].reason, Reason::Full);
    drop(flight);
    assert_eq!(scheduler.plan(&candidates, &Hint::default(), NOW).order[0].account, accounts[0]);
}

#[test]
fn an_assignment_sends_the_next_plan_elsewhere() {
    let (scheduler, accounts) = (Scheduler::default(), accounts(3));
    let candidates = cold(&accounts);
    let assigned: Vec<_> = (0..6)
        .map(|_| {
            let chosen = first(&scheduler, &candidates, Strategy::LeastRecentlyUsed, 0);
            scheduler.assign(accounts[chosen]);
            chosen
        })
        .collect();
    assert_eq!(assigned, [0, 1, 2, 0, 1, 2]);
}
