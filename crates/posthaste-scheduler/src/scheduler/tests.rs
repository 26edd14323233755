use posthaste_core::CooldownReason;

use super::*;

const NOW: Timestamp = Timestamp::from_secs(1_000);

fn candidate(account: AccountId, priority: u8) -> Candidate {
    Candidate { account, priority, exclusion: None }
}

fn limited(until: Timestamp) -> Cooldown {
    Cooldown::of_account(CooldownReason::RateLimited, Some(until), "429")
}

#[test]
fn lower_priority_goes_first_then_the_least_recently_used() {
    let scheduler = Scheduler::default();
    let [spare, used_first, used_last, fresh] = [(); 4].map(|()| AccountId::generate());
    scheduler.started(used_first, NOW);
    scheduler.started(used_last, NOW);
    let candidates =
        [candidate(spare, 90), candidate(used_last, 50), candidate(used_first, 50), candidate(fresh, 50)];
    assert_eq!(scheduler.plan(&candidates, NOW).order, [fresh, used_first, used_last, spare]);
}

#[test]
fn equal_accounts_are_ordered_by_identity() {
    let [first, second] = [(); 2].map(|()| AccountId::generate());
    let plan = Scheduler::default().plan(&[candidate(second, 50), candidate(first, 50)], NOW);
    assert_eq!(plan.order, [first, second]);
}

#[test]
fn those_left_out_are_listed_with_the_reason() {
    let scheduler = Scheduler::default();
    let [disabled, parked] = [(); 2].map(|()| AccountId::generate());
    let rest = scheduler.rest(parked, &limited(NOW.plus(std::time::Duration::from_secs(9))), NOW);
    let candidates = [
        Candidate { exclusion: Some(Exclusion::Disabled), ..candidate(disabled, 50) },
        candidate(parked, 50),
    ];
    let plan = scheduler.plan(&candidates, NOW);
    assert!(plan.order.is_empty());
    assert_eq!(plan.excluded, [(disabled, Exclusion::Disabled), (parked, Exclusion::Parked(rest))]);
}

#[test]
fn of_many_that_planned_at_once_one_gets_the_trial() {
    let scheduler = Scheduler::default();
    let account = AccountId::generate();
    let back = scheduler.rest(account, &limited(Timestamp::from_secs(1_010)), NOW).until;
    assert_eq!(scheduler.plan(&[candidate(account, 50)], back).order, [account]);
    assert_eq!(scheduler.try_start(account, back), Ok(()));
    let refused = scheduler.try_start(account, back).unwrap_err();
    assert_eq!((refused.on_trial, &*refused.why), (true, "on trial"));
    let waiting = scheduler.plan(&[candidate(account, 50)], back);
    assert_eq!(waiting.soonest_return(), Some(back.plus(std::time::Duration::from_secs(1))));
    scheduler.succeeded(account, back);
    assert_eq!(scheduler.try_start(account, back), Ok(()));
}

#[test]
fn a_refused_start_does_not_count_as_a_use() {
    let scheduler = Scheduler::default();
    let [parked, other] = [(); 2].map(|()| AccountId::generate());
    scheduler.rest(parked, &limited(Timestamp::from_secs(1_010)), NOW);
    scheduler.started(other, NOW);
    scheduler.try_start(parked, NOW).unwrap_err();
    scheduler.release(parked);
    assert_eq!(scheduler.plan(&[candidate(other, 50), candidate(parked, 50)], NOW).order, [parked, other]);
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
        scheduler.started(account, NOW);
        scheduler.rest(account, &limited(Timestamp::from_secs(1_010)), NOW);
    }
    scheduler.retain(|account| account == accounts[0]);
    assert_eq!(scheduler.accounts.lock().entries.len(), 1);
    assert!(scheduler.accounts.lock().entries.capacity() < 10);
}

#[test]
fn looking_at_an_account_makes_no_state() {
    let scheduler = Scheduler::default();
    let account = AccountId::generate();
    scheduler.plan(&[candidate(account, 50)], NOW);
    scheduler.succeeded(account, NOW);
    scheduler.cancelled(account);
    scheduler.release(account);
    assert_eq!(scheduler.parked(account, NOW), None);
    assert!(scheduler.accounts.lock().entries.is_empty());
}
