//! What a plan costs: `cargo bench --package posthaste-scheduler`.

use std::time::Duration;

use divan::{Bencher, counter::ItemsCount};
use posthaste_core::{AccountId, NanoUsd, Strategy, Timestamp};
use posthaste_scheduler::{Candidate, Hint, QuotaWindow, Scheduler, Warmth};

fn main() {
    divan::main();
}

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const MODEL: &str = "claude-sonnet-5";

/// Accounts that have all been used, in an order of their own, with two windows each.
struct World {
    scheduler: Scheduler,
    accounts: Vec<AccountId>,
    windows: Vec<[QuotaWindow; 2]>,
}

impl World {
    fn new(count: u32) -> Self {
        let scheduler = Scheduler::default();
        let mut accounts: Vec<_> = (0..count).map(|_| AccountId::generate()).collect();
        accounts.sort_unstable();
        let windows = (0..count).map(|number| [window(number, 5), window(number, 168)]).collect();
        for step in 0..count {
            // 997 is coprime to all counts that are measured.
            let account = accounts[(step * 997 % count) as usize];
            let ticket = scheduler.started(account, MODEL, NOW);
            scheduler.first_token(account, Duration::from_millis(u64::from(step * 389 % 2_000)), NOW);
            scheduler.succeeded(account, MODEL, ticket, NOW);
        }
        Self { scheduler, accounts, windows }
    }

    fn candidates(&self) -> Vec<Candidate<'_>> {
        let pairs = (0..).zip(self.accounts.iter().zip(&self.windows));
        pairs
            .map(|(number, (&account, quota))| Candidate {
                priority: if number % 5 == 0 { 60 } else { 50 },
                weight: 1 + number % 7,
                price: Some(NanoUsd::from_nanos(100_000 + i64::from(number) % 13)),
                most_in_flight: Some(8),
                quota,
                warmth: (number == 3).then_some(WARM),
                ..Candidate::new(account, MODEL)
            })
            .collect()
    }
}

const WARM: Warmth = Warmth {
    tokens: 50_000,
    gap: NanoUsd::from_nanos(3_450_000_000),
    warmed_at: NOW,
    ttl: Duration::from_secs(300),
};

fn window(number: u32, hours: u32) -> QuotaWindow {
    let length = Duration::from_secs(3_600) * hours;
    let starts_at = NOW.minus(length / 1_000 * (number * 61 % 1_000));
    QuotaWindow {
        used: u64::from(number * 37 % 1_000),
        limit: 1_000,
        request: 3,
        starts_at,
        resets_at: starts_at.plus(length),
    }
}

#[divan::bench(args = Strategy::ALL, consts = [50, 1_000], sample_count = 1_000)]
fn plan<const COUNT: u32>(bencher: Bencher<'_, '_>, strategy: Strategy) {
    let world = World::new(COUNT);
    let candidates = world.candidates();
    let hint = Hint { seed: 7, affinity: true, ..Hint::of(strategy) };
    bencher
        .counter(ItemsCount::new(COUNT))
        .bench_local(|| world.scheduler.plan(divan::black_box(&candidates), &hint, NOW));
}
