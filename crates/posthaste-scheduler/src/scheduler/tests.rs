mod explored;

use std::time::Duration;

use posthaste_core::{CooldownReason, Strategy};

use super::*;
use crate::{QuotaWindow, Steps};

const NOW: Timestamp = Timestamp::from_secs(1_000);

const MODEL: &str = "claude-haiku-4-5";

fn candidate(account: AccountId, priority: u16) -> Candidate<'static> {
    Candidate { priority, ..Candidate::new(account, MODEL) }
}

const LRU: Hint = Hint::of(Strategy::LeastRecentlyUsed);

fn order(scheduler: &Scheduler, candidates: &[Candidate<'_>], now: Timestamp) -> Vec<AccountId> {
    scheduler.plan(candidates, &LRU, now).accounts().collect()
}

fn limited(until: Timestamp) -> Cooldown {
    Cooldown::of_account(CooldownReason::RateLimited, Some(until), "429")
}

#[test]
fn lower_priority_goes_first_then_the_least_recently_used() {
    let scheduler = Scheduler::default();
    let [spare, used_first, used_last, fresh] = [(); 4].map(|()| AccountId::generate());
    scheduler.started(used_first, MODEL, NOW);
    scheduler.started(used_last, MODEL, NOW);
    let candidates =
        [candidate(spare, 90), candidate(used_last, 50), candidate(used_first, 50), candidate(fresh, 50)];
    assert_eq!(order(&scheduler, &candidates, NOW), [fresh, used_first, used_last, spare]);
}

#[test]
fn equal_accounts_are_ordered_by_identity() {
    let [first, second] = [(); 2].map(|()| AccountId::generate());
    let plan = Scheduler::default().plan(&[candidate(second, 50), candidate(first, 50)], &LRU, NOW);
    assert!(plan.accounts().eq([first, second]));
}

#[test]
fn those_left_out_are_listed_with_the_reason() {
    let scheduler = Scheduler::default();
    let [disabled, parked] = [(); 2].map(|()| AccountId::generate());
    let rest = scheduler.rest(parked, &limited(NOW.plus(Duration::from_secs(9))), NOW);
    let candidates = [
        Candidate { exclusion: Some(Exclusion::Disabled), ..candidate(disabled, 50) },
        candidate(parked, 50),
    ];
    let plan = scheduler.plan(&candidates, &LRU, NOW);
    assert!(plan.order.is_empty());
    assert_eq!(plan.excluded, [(disabled, Exclusion::Disabled), (parked, Exclusion::Parked(rest))]);
}

#[test]
fn of_many_that_planned_at_once_one_gets_the_trial() {
    let scheduler = Scheduler::default();
    let account = AccountId::generate();
    let back = scheduler.rest(account, &limited(Timestamp::from_secs(1_010)), NOW).until;
    assert_eq!(order(&scheduler, &[candidate(account, 50)], back), [account]);
    let trial = scheduler.try_start(account, MODEL, Resort::Usual, back).unwrap();
    let refused = scheduler.try_start(account, MODEL, Resort::Usual, back).unwrap_err();
    assert_eq!((refused.on_trial, &*refused.why), (true, "on trial"));
    let waiting = scheduler.plan(&[candidate(account, 50)], &LRU, back);
    assert_eq!(waiting.soonest_return(), Some(back.plus(Duration::from_secs(1))));
    scheduler.succeeded(account, MODEL, trial, back);
    scheduler.try_start(account, MODEL, Resort::Usual, back).unwrap();
}

#[test]
fn a_refused_start_does_not_count_as_a_use() {
    let scheduler = Scheduler::default();
    let [parked, other] = [(); 2].map(|()| AccountId::generate());
    scheduler.rest(parked, &limited(Timestamp::from_secs(1_010)), NOW);
    scheduler.started(other, MODEL, NOW);
    scheduler.try_start(parked, MODEL, Resort::Usual, NOW).unwrap_err();
    scheduler.release(parked);
    assert_eq!(order(&scheduler, &[candidate(other, 50), candidate(parked, 50)], NOW), [parked, other]);
}

#[test]
fn release_ends_a_rest_at_once() {
    let scheduler = Scheduler::default();
    let account = AccountId::generate();
    scheduler.rest(account, &limited(Timestamp::from_secs(9_999)), NOW);
    scheduler.release(account);
    assert_eq!(scheduler.parked(account, NOW), None);
}

#[test]
fn forgotten_accounts_leave_nothing_behind() {
    let scheduler = Scheduler::default();
    let accounts: Vec<_> = (0..100).map(|_| AccountId::generate()).collect();
    for &account in &accounts {
        scheduler.started(account, MODEL, NOW);
        scheduler.rest(account, &limited(Timestamp::from_secs(1_010)), NOW);
    }
    scheduler.retain(|account| account == accounts[0]);
    assert_eq!(scheduler.accounts.lock().len(), 1);
    assert!(scheduler.accounts.lock().capacity() < 10);
}

#[test]
fn looking_at_an_account_makes_no_state() {
    let scheduler = Scheduler::default();
    let account = AccountId::generate();
    scheduler.plan(&[candidate(account, 50)], &LRU, NOW);
    scheduler.succeeded(account, MODEL, Ticket(1), NOW);
    scheduler.cancelled(account, Ticket(1));
    scheduler.release(account);
    assert_eq!(scheduler.parked(account, NOW), None);
    assert_eq!(scheduler.accounts.lock().len(), 0);
}

#[test]
fn a_rest_of_some_models_leaves_the_others_alone() {
    let (scheduler, account) = (Scheduler::default(), AccountId::generate());
    let until = NOW.plus(Duration::from_secs(3_600));
    let cooldown = Cooldown {
        scope: CooldownScope::Models("claude-opus".to_owned()),
        ..Cooldown::of_account(CooldownReason::QuotaExhausted, Some(until), "weekly")
    };
    let ticket = scheduler.started(account, "claude-opus-4-8", NOW);
    scheduler.rest_after(account, ticket, &cooldown, NOW);
    let order = |model, now| order(&scheduler, &[Candidate::new(account, model)], now);
    assert_eq!(order("claude-haiku-4-5", NOW), [account]);
    assert_eq!(order("claude-opus-4-8", NOW), []);
    assert_eq!(scheduler.parked(account, NOW), None);
    assert_eq!(scheduler.parked_models(account, NOW)[0].0, cooldown.scope);

    let other = scheduler.started(account, "claude-haiku-4-5", NOW);
    scheduler.succeeded(account, "claude-haiku-4-5", other, NOW);
    assert_eq!(order("claude-opus-4-8", NOW), [], "another model's success is no news of this one");
    let trial = scheduler.try_start(account, "claude-opus-4-8", Resort::Usual, until).unwrap();
    scheduler.try_start(account, "claude-opus-4-8", Resort::Usual, until).unwrap_err();
    assert_eq!(order("claude-haiku-4-5", until), [account], "the trial is of the models alone");
    scheduler.succeeded(account, "claude-opus-4-8", trial, until);
    assert_eq!(scheduler.parked_models(account, NOW), []);
}

#[test]
fn a_rest_of_one_model_leaves_those_alone_whose_names_are_longer() {
    let (scheduler, account) = (Scheduler::default(), AccountId::generate());
    let cooldown = Cooldown {
        scope: CooldownScope::Model("gpt-5".to_owned()),
        ..Cooldown::of_account(CooldownReason::RateLimited, None, "429")
    };
    scheduler.rest(account, &cooldown, NOW);
    scheduler.try_start(account, "gpt-5", Resort::Usual, NOW).unwrap_err();
    scheduler.try_start(account, "gpt-5-mini", Resort::Usual, NOW).unwrap();
    scheduler.release(account);
    assert_eq!(scheduler.parked_models(account, NOW), []);
}

#[test]
fn parts_of_an_account_are_bounded() {
    let (scheduler, account) = (Scheduler::default(), AccountId::generate());
    for number in 0..1_000 {
        let scope = CooldownScope::Model(format!("model-{number}"));
        let cooldown =
            Cooldown { scope, ..Cooldown::of_account(CooldownReason::Forbidden, None, "not in the plan") };
        scheduler.rest(account, &cooldown, NOW);
    }
    assert_eq!(scheduler.parked_models(account, NOW).len(), 64);
}

#[test]
fn a_preset_may_have_steps_of_its_own() {
    let (scheduler, account) = (Scheduler::default(), AccountId::generate());
    let steps = Steps { first: Duration::from_secs(60), most: Duration::from_secs(60) };
    let slow = Backoff { passing: steps, lasting: steps };
    let failing = Cooldown::of_account(CooldownReason::Failing, None, "it broke off");
    let parked = scheduler.rest_by(account, None, &failing, Some(&slow), NOW).parked;
    let length = parked.until.since(NOW);
    assert!(length <= Duration::from_secs(60) && length >= Duration::from_secs(45), "{length:?}");
    assert!(Scheduler::default().rest(account, &failing, NOW).until.since(NOW) <= Duration::from_secs(1));
}

/// The first relay keeps to the vendor's moment, the others come a little later and each at a moment of its own.
#[test]
fn relays_side_by_side_try_an_account_again_one_after_another() {
    let (account, until) = (AccountId::generate(), NOW.plus(Duration::from_secs(60)));
    let back = |number| {
        let relay = Scheduler::default().with_instance(Instance(number));
        relay.rest(account, &limited(until), NOW).until.since(until)
    };
    assert_eq!(back(0), Duration::ZERO);
    let delays: std::collections::BTreeSet<_> = (1..9).map(back).collect();
    assert!(delays.len() > 4 && delays.iter().all(|delay| *delay < Duration::from_secs(1)), "{delays:?}");
}

#[test]
fn relays_side_by_side_begin_their_rounds_at_different_accounts() {
    let accounts: Vec<_> = (0..8).map(|_| AccountId::generate()).collect();
    let candidates: Vec<_> = accounts.iter().map(|&account| candidate(account, 50)).collect();
    let first = |number| order(&Scheduler::default().with_instance(Instance(number)), &candidates, NOW)[0];
    assert_eq!(first(0), accounts[0]);
    let firsts: std::collections::HashSet<_> = (1..20).map(first).collect();
    assert!(firsts.len() > 4, "{firsts:?}");
}

#[test]
fn strikes_of_one_burst_take_from_standing_once() {
    let (scheduler, account) = (Scheduler::default(), AccountId::generate());
    let score = || {
        let hint = Hint::of(Strategy::Hybrid);
        let plan = scheduler.plan(&[candidate(account, 50)], &hint, NOW.plus(Duration::from_secs(2)));
        plan.order[0].reason
    };
    let failing = Cooldown::of_account(CooldownReason::Failing, None, "it broke off");
    scheduler.rest(account, &failing, NOW);
    let once = score();
    for _ in 0..5 {
        scheduler.rest(account, &failing, NOW);
    }
    assert_eq!(score(), once);
    scheduler.release(account);
    assert_ne!(score(), once, "an operator's hand forgets the fault");
}

#[test]
fn a_window_that_is_used_up_parks_an_account_until_it_resets() {
    let (scheduler, account) = (Scheduler::default(), AccountId::generate());
    let resets_at = NOW.plus(Duration::from_secs(60));
    let quota = [QuotaWindow { used: 10, limit: 10, request: 1, starts_at: Timestamp::EPOCH, resets_at }];
    let candidates = [Candidate { quota: &quota, ..candidate(account, 50) }];
    let plan = scheduler.plan(&candidates, &LRU, NOW);
    let Exclusion::Parked(parked) = &plan.excluded[0].1 else { panic!("{plan:?}") };
    assert_eq!((parked.reason, parked.until), (CooldownReason::QuotaExhausted, resets_at));
    assert_eq!(order(&scheduler, &candidates, resets_at), [account]);
}

#[test]
fn a_rest_of_the_account_leaves_no_trial_of_its_models_behind() {
    let (scheduler, account) = (Scheduler::default(), AccountId::generate());
    let scope = CooldownScope::Model(MODEL.to_owned());
    let part = Cooldown { scope, ..limited(NOW.plus(Duration::from_secs(1))) };
    let back = scheduler.rest(account, &part, NOW).until;
    let trial = scheduler.try_start(account, MODEL, Resort::Usual, back).unwrap();
    let until = scheduler.rest_after(account, trial, &limited(back.plus(Duration::from_secs(1))), back).until;
    assert_eq!(scheduler.parked_models(account, until), []);
    scheduler.try_start(account, MODEL, Resort::Usual, until).unwrap();
}
