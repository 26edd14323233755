//! When a conversation stays, when it moves, and that it stays moved.

#![expect(clippy::unwrap_used, reason = "the helpers of these tests are not marked as tests themselves")]

use std::time::Duration;

use posthaste_core::{AccountId, Cooldown, CooldownReason, NanoUsd, Strategy, Timestamp};
use posthaste_scheduler::{Candidate, Hint, QuotaWindow, Reason, Scheduler, Warmth};

const MODEL: &str = "claude-haiku-4-5";
const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const TTL: Duration = Duration::from_secs(300);
const HINT: Hint = Hint { affinity: true, ..Hint::of(Strategy::LeastRecentlyUsed) };

fn account(number: u32) -> AccountId {
    format!("00000000-0000-7000-8000-{number:012x}").parse().unwrap()
}

/// 50,000 tokens that cost $3 a million, a tenth of that from the cache.
fn warm(age: Duration) -> Option<Warmth> {
    let gap = NanoUsd::from_nanos(2_700_000_000);
    Some(Warmth { tokens: 50_000, gap, warmed_at: NOW.minus(age), ttl: TTL })
}

/// Two accounts of which the strategy would choose the second; the request costs $0.18.
fn pair() -> (Scheduler, [Candidate<'static>; 2]) {
    let scheduler = Scheduler::default();
    scheduler.started(account(1), MODEL, NOW);
    let price = Some(NanoUsd::from_nanos(180_000_000));
    let candidates = [1, 2].map(|number| Candidate { price, ..Candidate::new(account(number), MODEL) });
    (scheduler, candidates)
}

fn first(scheduler: &Scheduler, candidates: &[Candidate<'_>]) -> (AccountId, Reason) {
    let pick = scheduler.plan(candidates, &HINT, NOW).order[0];
    (pick.account, pick.reason)
}

#[test]
fn a_warm_cache_keeps_a_conversation() {
    let (scheduler, mut candidates) = pair();
    assert_eq!(first(&scheduler, &candidates).0, account(2));
    candidates[0].warmth = warm(Duration::ZERO);
    let worth = NanoUsd::from_nanos(135_000_000);
    assert_eq!(first(&scheduler, &candidates), (account(1), Reason::WarmCache { worth }));
    let plan = scheduler.plan(&candidates, &Hint { affinity: false, ..HINT }, NOW);
    assert_eq!(plan.order[0].account, account(2), "where affinity is switched off, it counts for nothing");
}

#[test]
fn a_cold_cache_does_not() {
    let (scheduler, mut candidates) = pair();
    candidates[0].warmth = warm(TTL * 100);
    assert_eq!(first(&scheduler, &candidates).0, account(2));
}

#[test]
fn load_outweighs_a_cache_that_is_worth_little_and_not_one_that_is_worth_much() {
    let (scheduler, mut candidates) = pair();
    candidates[0].warmth = warm(Duration::ZERO);
    candidates[0].most_in_flight = Some(4);
    candidates[0].in_flight = Some(3);
    assert_eq!(first(&scheduler, &candidates).0, account(1));
    candidates[0].warmth = warm(TTL * 4);
    assert_eq!(first(&scheduler, &candidates).0, account(2));
    candidates[1].most_in_flight = Some(4);
    candidates[1].in_flight = Some(3);
    assert_eq!(first(&scheduler, &candidates).0, account(1), "the other one is as busy");
}

#[test]
fn a_quota_near_its_end_outweighs_a_cache_that_is_worth_little() {
    let (scheduler, mut candidates) = pair();
    candidates[0].warmth = warm(TTL * 4);
    assert_eq!(first(&scheduler, &candidates).0, account(1));
    let starts_at = NOW.minus(Duration::from_secs(3_600));
    let nearly = [QuotaWindow {
        used: 99,
        limit: 100,
        request: 0,
        starts_at,
        resets_at: NOW.plus(Duration::from_secs(14_400)),
    }];
    candidates[0].quota = &nearly;
    assert_eq!(first(&scheduler, &candidates).0, account(2));
}

#[test]
fn a_dead_account_or_a_full_one_keeps_nobody() {
    let (scheduler, mut candidates) = pair();
    candidates[0].warmth = warm(Duration::ZERO);
    candidates[0].home = true;
    candidates[0].most_in_flight = Some(2);
    candidates[0].in_flight = Some(2);
    assert_eq!(first(&scheduler, &candidates).0, account(2));
    candidates[0].most_in_flight = None;
    assert_eq!(first(&scheduler, &candidates), (account(1), Reason::Home));
    let until = Some(NOW.plus(Duration::from_secs(60)));
    scheduler.rest(account(1), &Cooldown::of_account(CooldownReason::RateLimited, until, "429"), NOW);
    assert_eq!(first(&scheduler, &candidates).0, account(2));
}

/// The old account comes back while its cache is still warm; the conversation has gone on elsewhere, where more of it is
/// warm by now.
#[test]
fn moved_once_it_stays_moved() {
    let (scheduler, mut candidates) = pair();
    candidates[0].warmth = warm(Duration::from_secs(120));
    candidates[1].warmth = warm(Duration::ZERO).map(|warmth| Warmth { tokens: 51_000, ..warmth });
    scheduler.started(account(2), MODEL, NOW);
    assert_eq!(first(&scheduler, &candidates).0, account(2));
    let plan = scheduler.plan(&candidates, &HINT, NOW);
    assert!(matches!(plan.order[1].reason, Reason::WarmCache { .. }), "and the old one is the next best");
}

#[test]
fn opaque_items_go_home_before_any_cache() {
    let (scheduler, mut candidates) = pair();
    candidates[0].warmth = warm(Duration::ZERO);
    candidates[1].home = true;
    assert_eq!(first(&scheduler, &candidates), (account(2), Reason::Home));
}

#[test]
fn priorities_stand_above_caches() {
    let (scheduler, mut candidates) = pair();
    candidates[0].warmth = warm(Duration::ZERO);
    candidates[0].priority = 51;
    assert_eq!(first(&scheduler, &candidates).0, account(2));
}
