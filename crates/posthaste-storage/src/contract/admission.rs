//! Promises of [`AdmissionStore`](crate::AdmissionStore).

mod windows;

use std::sync::Arc;

use posthaste_core::Timestamp;
use uuid::Uuid;

use super::{
    Promise,
    fixtures::{NOON, TTL, check, claim, concurrency, hour_from, noon_plus, requests, rolling, tokens},
    interleavings::{Orders, explore},
};
use crate::{
    AdmissionStore, Claim, Counter, CounterWindow, Half, HeldLease, LimitCheck, Outcome, Settlement,
    StorageError, Stores, Unit,
};

pub use self::windows::{
    a_clock_that_jumps_grants_two_windows_at_most, a_late_settlement_leaves_the_next_rolling_window_alone,
    a_refusal_tells_when_its_window_ends, a_refused_claim_opens_no_window,
    a_rolling_window_opens_with_its_first_claim, a_span_with_another_start_is_empty, totals_outlive_spans,
};

/// Without a limit there is nothing to refuse; the lease is held all the same.
pub async fn a_claim_without_checks_is_granted(stores: Stores) -> Promise {
    let claim = claim(Uuid::now_v7(), vec![]);
    assert!(stores.admission.reserve(&claim, NOON).await?.is_granted());
    assert!(stores.admission.renew(claim.lease_ref(), TTL, noon_plus(30)).await?);
    Ok(())
}

/// Every counter of a granted claim grows by what was reserved.
pub async fn a_claim_that_passes_is_counted(stores: Stores) -> Promise {
    let owner = Uuid::now_v7();
    let checks = vec![concurrency(2), requests(10), tokens(500, 1_000)];
    let claim = claim(owner, checks);
    for check in &claim.checks {
        assert_eq!(used(&stores, owner, check).await?, 0);
    }
    assert!(stores.admission.reserve(&claim, NOON).await?.is_granted());
    for check in &claim.checks {
        assert_eq!(used(&stores, owner, check).await?, check.amount);
    }
    Ok(())
}

/// When one check fails, none of the others counts, and no lease is held.
pub async fn a_refused_claim_changes_nothing(stores: Stores) -> Promise {
    let owner = Uuid::now_v7();
    let refused = claim(owner, vec![concurrency(5), requests(5), tokens(2_000, 1_000)]);
    let outcome = stores.admission.reserve(&refused, NOON).await?;
    assert!(matches!(outcome, Outcome::Refused(_)), "{outcome:?}");
    for check in &refused.checks {
        assert_eq!(used(&stores, owner, check).await?, 0);
    }
    assert!(!stores.admission.renew(refused.lease_ref(), TTL, NOON).await?);
    stores.admission.settle(refused.lease_ref(), &[truth(&refused.checks[2], 7)], NOON).await?;
    assert_eq!(used(&stores, owner, &refused.checks[2]).await?, 0);

    let smaller = Claim { checks: vec![tokens(900, 1_000)], ..refused };
    assert!(stores.admission.reserve(&smaller, NOON).await?.is_granted());
    Ok(())
}

/// A refusal tells the counter, where it stands and what it may not pass.
pub async fn a_refusal_names_the_first_check_that_failed(stores: Stores) -> Promise {
    let owner = Uuid::now_v7();
    grant(&stores, &claim(owner, vec![requests(10), tokens(600, 1_000)])).await?;
    let refused = claim(owner, vec![requests(10), tokens(600, 1_000), requests(1)]);
    let Outcome::Refused(refusal) = stores.admission.reserve(&refused, NOON).await? else {
        panic!("600 more do not fit");
    };
    assert_eq!(refusal.counter, refused.checks[1].counter);
    assert_eq!((refusal.used, refusal.limit), (600, 1_000));
    Ok(())
}

/// What fits exactly passes; one more does not.
pub async fn a_limit_may_be_reached_but_not_passed(stores: Stores) -> Promise {
    let owner = Uuid::now_v7();
    assert!(!granted(&stores, &claim(owner, vec![tokens(1_001, 1_000)]), NOON).await?);
    assert!(granted(&stores, &claim(owner, vec![tokens(1_000, 1_000)]), NOON).await?);
    assert!(!granted(&stores, &claim(owner, vec![tokens(1, 1_000)]), NOON).await?);
    assert!(granted(&stores, &claim(owner, vec![tokens(0, 1_000)]), NOON).await?);
    assert!(!granted(&stores, &claim(owner, vec![requests(0)]), NOON).await?);
    Ok(())
}

/// However many ask at once, the limit is neither passed nor left short.
pub async fn of_parallel_claims_exactly_as_many_pass_as_fit(stores: Stores) -> Promise {
    let owner = Uuid::now_v7();
    let claims = (0..50).map(|_| claim(owner, vec![concurrency(100), requests(20)])).collect();
    assert_eq!(grant_in_parallel(&stores, claims).await?, 20);
    assert_eq!(used(&stores, owner, &requests(20)).await?, 20);
    assert_eq!(used(&stores, owner, &concurrency(100)).await?, 20);
    Ok(())
}

/// Where several limits bind, all counters agree on how many passed.
pub async fn parallel_claims_over_several_limits_are_all_or_none(stores: Stores) -> Promise {
    let owner = Uuid::now_v7();
    let claims = (0..40).map(|_| claim(owner, vec![requests(30), concurrency(10), tokens(7, 100)])).collect();
    assert_eq!(grant_in_parallel(&stores, claims).await?, 10);
    assert_eq!(used(&stores, owner, &requests(30)).await?, 10);
    assert_eq!(used(&stores, owner, &concurrency(10)).await?, 10);
    assert_eq!(used(&stores, owner, &tokens(7, 100)).await?, 70);
    Ok(())
}

/// Four keys of one owner claim in its slot, each under a counter of its own beside the shared one: together they get exactly
/// what the owner may, none more than its own limit, and a refusal by either leaves both as they were.
pub async fn keys_of_one_owner_share_its_limit_and_keep_their_own(stores: Stores) -> Promise {
    let owner = Uuid::now_v7();
    let day = hour_from(NOON);
    let claims: Vec<_> = (0..64)
        .map(|number| {
            let admission = Arc::clone(&stores.admission);
            let own = format!("key-{}-requests", number % 4);
            // The first key may less than its share.
            let own = check(&own, Unit::Requests, day, 1, if number % 4 == 0 { 5 } else { 100 });
            let shared = check("owner-requests", Unit::Requests, day, 1, 40);
            let claim = claim(owner, vec![own, shared]);
            tokio::spawn(
                async move { Ok::<_, StorageError>(admission.reserve(&claim, NOON).await?.is_granted()) },
            )
        })
        .collect();
    let mut granted = [0_i64; 4];
    for (number, claim) in claims.into_iter().enumerate() {
        granted[number % 4] += i64::from(claim.await.expect("a claimant does not panic")?);
    }
    assert_eq!(granted.iter().sum::<i64>(), 40);
    assert!(granted[0] <= 5);
    for (number, granted) in granted.into_iter().enumerate() {
        let name = format!("key-{number}-requests");
        let counter = Counter { name, unit: Unit::Requests, window: day };
        assert_eq!(stores.admission.used(Half::Caller, owner, &counter, NOON).await?, granted);
    }
    Ok(())
}

/// A claim whose answer was lost and that is sent again is the same claim, also at a limit that is full by now.
pub async fn the_same_lease_counts_once(stores: Stores) -> Promise {
    let owner = Uuid::now_v7();
    let claim = claim(owner, vec![concurrency(1), requests(1), tokens(10, 10)]);
    grant(&stores, &claim).await?;
    grant(&stores, &claim).await?;
    for check in &claim.checks {
        assert_eq!(used(&stores, owner, check).await?, check.amount);
    }
    let again = vec![claim.clone(); 8];
    assert_eq!(grant_in_parallel(&stores, again).await?, 8);
    assert_eq!(used(&stores, owner, &claim.checks[1]).await?, 1);
    Ok(())
}

/// A slot is free once its request is settled, and not before.
pub async fn settling_frees_concurrency(stores: Stores) -> Promise {
    let owner = Uuid::now_v7();
    let first = claim(owner, vec![concurrency(1)]);
    let second = claim(owner, vec![concurrency(1)]);
    grant(&stores, &first).await?;
    assert!(!granted(&stores, &second, NOON).await?);
    stores.admission.settle(first.lease_ref(), &[], NOON).await?;
    assert_eq!(used(&stores, owner, &concurrency(1)).await?, 0);
    assert!(granted(&stores, &second, NOON).await?);
    Ok(())
}

/// A slot whose holder fell silent is free after its time to live.
pub async fn a_lapsed_lease_holds_no_concurrency(stores: Stores) -> Promise {
    let owner = Uuid::now_v7();
    grant(&stores, &claim(owner, vec![concurrency(1)])).await?;
    let next = claim(owner, vec![concurrency(1)]);
    assert!(!granted(&stores, &next, noon_plus(59)).await?);
    let counter = &next.checks[0].counter;
    assert_eq!(stores.admission.used(Half::Caller, owner, counter, noon_plus(59)).await?, 1);
    assert_eq!(stores.admission.used(Half::Caller, owner, counter, noon_plus(60)).await?, 0);
    assert!(granted(&stores, &next, noon_plus(60)).await?);
    Ok(())
}

/// Those that hold another counter, have lapsed or ended are not told; who releases by hand settles with what is told.
pub async fn leases_are_told_by_the_counter_that_they_hold(stores: Stores) -> Promise {
    let owner = Uuid::now_v7();
    let narrow = check("narrow", Unit::Concurrency, CounterWindow::Held, 1, 9);
    let mut wide = narrow.clone();
    wide.counter.name = "wide".to_owned();
    let both = claim(owner, vec![narrow.clone(), wide.clone(), requests(100)]);
    let mut longer = claim(owner, vec![narrow.clone()]);
    longer.ttl = TTL * 2;
    let other = claim(owner, vec![wide]);
    for claim in [&longer, &both, &other, &claim(Uuid::now_v7(), vec![narrow.clone()])] {
        grant(&stores, claim).await?;
    }
    let told =
        async |now, limit| stores.admission.leases(Half::Caller, owner, &narrow.counter, now, limit).await;
    let first = HeldLease { until: noon_plus(60), lease: both.lease };
    let second = HeldLease { until: noon_plus(120), lease: longer.lease };
    assert_eq!(told(NOON, 9).await?, [first, second]);
    assert_eq!(told(NOON, 1).await?, [first]);
    assert!(second.since().is_some());
    let unknown = check("unknown", Unit::Concurrency, CounterWindow::Held, 1, 9).counter;
    assert!(stores.admission.leases(Half::Caller, owner, &unknown, NOON, 9).await?.is_empty());
    assert_eq!(told(noon_plus(60), 9).await?, [second]);
    stores.admission.settle(longer.lease_ref(), &[], noon_plus(60)).await?;
    assert!(told(noon_plus(60), 9).await?.is_empty());
    Ok(())
}

/// What a lapsed lease reserved in windows may have been used and stays counted.
pub async fn a_lapsed_lease_keeps_its_windows_counted(stores: Stores) -> Promise {
    let owner = Uuid::now_v7();
    let lapsed = claim(owner, vec![requests(10), tokens(500, 1_000)]);
    grant(&stores, &lapsed).await?;
    for check in &lapsed.checks {
        let used = stores.admission.used(Half::Caller, owner, &check.counter, noon_plus(120)).await?;
        assert_eq!(used, check.amount);
    }
    assert!(!granted(&stores, &claim(owner, vec![tokens(501, 1_000)]), noon_plus(120)).await?);
    Ok(())
}

/// Renewal counts from the moment of renewal.
pub async fn a_renewed_lease_is_kept(stores: Stores) -> Promise {
    let owner = Uuid::now_v7();
    let held = claim(owner, vec![concurrency(1)]);
    grant(&stores, &held).await?;
    for seconds in [20, 70, 120] {
        assert!(stores.admission.renew(held.lease_ref(), TTL, noon_plus(seconds)).await?);
    }
    let next = claim(owner, vec![concurrency(1)]);
    assert!(!granted(&stores, &next, noon_plus(179)).await?);
    assert!(granted(&stores, &next, noon_plus(180)).await?);
    Ok(())
}

/// What has ended is not brought back: its slot may be somebody else's by now.
pub async fn a_lapsed_or_settled_lease_is_not_renewed(stores: Stores) -> Promise {
    let owner = Uuid::now_v7();
    let lapsed = claim(owner, vec![concurrency(1)]);
    grant(&stores, &lapsed).await?;
    assert!(!stores.admission.renew(lapsed.lease_ref(), TTL, noon_plus(60)).await?);
    assert!(granted(&stores, &claim(owner, vec![concurrency(1)]), noon_plus(60)).await?);

    let settled = claim(Uuid::now_v7(), vec![concurrency(1)]);
    grant(&stores, &settled).await?;
    stores.admission.settle(settled.lease_ref(), &[], NOON).await?;
    assert!(!stores.admission.renew(settled.lease_ref(), TTL, NOON).await?);
    let unknown = claim(owner, vec![]);
    assert!(!stores.admission.renew(unknown.lease_ref(), TTL, NOON).await?);
    Ok(())
}

/// The truth takes the reserve's place, be it less or more, and also past the limit.
pub async fn settling_replaces_the_reserve_by_the_truth(stores: Stores) -> Promise {
    let owner = Uuid::now_v7();
    let first = claim(owner, vec![requests(10), tokens(500, 2_000)]);
    let second = claim(owner, vec![requests(10), tokens(500, 2_000)]);
    grant(&stores, &first).await?;
    grant(&stores, &second).await?;
    let counter = &first.checks[1];
    stores.admission.settle(first.lease_ref(), &[truth(counter, 120)], noon_plus(5)).await?;
    assert_eq!(used(&stores, owner, counter).await?, 620);
    stores.admission.settle(second.lease_ref(), &[truth(counter, 2_500)], noon_plus(5)).await?;
    assert_eq!(used(&stores, owner, counter).await?, 2_620);
    assert_eq!(used(&stores, owner, &first.checks[0]).await?, 2);
    assert!(!granted(&stores, &claim(owner, vec![tokens(1, 2_000)]), noon_plus(5)).await?);
    Ok(())
}

/// A settlement that is sent again, with whatever truth, has no effect.
pub async fn settling_twice_changes_nothing(stores: Stores) -> Promise {
    let owner = Uuid::now_v7();
    let claim = claim(owner, vec![concurrency(3), tokens(500, 2_000)]);
    grant(&stores, &claim).await?;
    let counter = &claim.checks[1];
    for actual in [120, 120, 900] {
        stores.admission.settle(claim.lease_ref(), &[truth(counter, actual)], NOON).await?;
        assert_eq!(used(&stores, owner, counter).await?, 120);
        assert_eq!(used(&stores, owner, &claim.checks[0]).await?, 0);
    }
    Ok(())
}

/// Where no truth is told, the reserve is the truth.
pub async fn counters_that_are_not_named_keep_their_reserve(stores: Stores) -> Promise {
    let owner = Uuid::now_v7();
    let cost = check("cost", Unit::Cost, CounterWindow::Total, 1_000, 10_000);
    let claim = claim(owner, vec![requests(10), tokens(500, 2_000), cost]);
    grant(&stores, &claim).await?;
    stores.admission.settle(claim.lease_ref(), &[truth(&claim.checks[2], 10)], NOON).await?;
    assert_eq!(used(&stores, owner, &claim.checks[0]).await?, 1);
    assert_eq!(used(&stores, owner, &claim.checks[1]).await?, 500);
    assert_eq!(used(&stores, owner, &claim.checks[2]).await?, 10);
    Ok(())
}

/// Nothing was reserved, so there is nothing to replace.
pub async fn settling_an_unknown_lease_changes_nothing(stores: Stores) -> Promise {
    let owner = Uuid::now_v7();
    grant(&stores, &claim(owner, vec![tokens(500, 2_000)])).await?;
    let unknown = claim(owner, vec![tokens(500, 2_000)]);
    stores.admission.settle(unknown.lease_ref(), &[truth(&unknown.checks[0], 7)], NOON).await?;
    assert_eq!(used(&stores, owner, &unknown.checks[0]).await?, 500);
    Ok(())
}

/// So that a caller can be told what is left to it; also when the same claim is made again.
pub async fn a_granted_claim_tells_where_its_counters_stand(stores: Stores) -> Promise {
    let owner = Uuid::now_v7();
    let total = check("all", Unit::Tokens, CounterWindow::Total, 7, 100);
    let shadow = LimitCheck { shadow: true, ..check("watched", Unit::Requests, CounterWindow::Total, 1, 0) };
    let checks = vec![concurrency(3), requests(10), rolling(5), tokens(600, 2_000), total, shadow];
    grant(&stores, &claim(owner, checks.clone())).await?;
    let second = claim(owner, checks);
    let first = stores.admission.reserve(&second, noon_plus(10)).await?;
    let Outcome::Granted(standings) = &first else { panic!("it fits: {first:?}") };
    let used: Vec<_> = standings.iter().map(|standing| standing.used).collect();
    assert_eq!(used, [2, 2, 2, 1_200, 14, 2]);
    let resets: Vec<_> = standings.iter().map(|standing| standing.resets_at).collect();
    let hour = Some(noon_plus(3_600));
    assert_eq!(resets, [None, hour, hour, hour, None, None]);
    assert_eq!(stores.admission.reserve(&second, noon_plus(11)).await?, first);
    Ok(())
}

/// A shadow limit is watched, and others still bind beside it.
pub async fn a_shadow_limit_counts_and_never_refuses(stores: Stores) -> Promise {
    let owner = Uuid::now_v7();
    let shadow = LimitCheck { shadow: true, ..tokens(500, 600) };
    let first = claim(owner, vec![shadow.clone(), requests(3)]);
    grant(&stores, &first).await?;
    grant(&stores, &claim(owner, vec![shadow.clone(), requests(3)])).await?;
    assert_eq!(used(&stores, owner, &shadow).await?, 1_000);
    stores.admission.settle(first.lease_ref(), &[truth(&shadow, 400)], NOON).await?;
    assert_eq!(used(&stores, owner, &shadow).await?, 900);

    let slot = LimitCheck { shadow: true, ..concurrency(1) };
    grant(&stores, &claim(owner, vec![slot.clone()])).await?;
    grant(&stores, &claim(owner, vec![slot.clone()])).await?;
    assert_eq!(used(&stores, owner, &slot).await?, 2);

    assert!(!granted(&stores, &claim(owner, vec![shadow.clone(), requests(2)]), NOON).await?);
    assert_eq!(used(&stores, owner, &shadow).await?, 900, "a refused claim is not counted here either");
    Ok(())
}

/// The same names, of another owner, half or unit, are other counters; the same lease there is another lease.
pub async fn halves_and_owners_do_not_meet(stores: Stores) -> Promise {
    let owner = Uuid::now_v7();
    let caller = claim(owner, vec![concurrency(1), requests(1)]);
    let seat = Claim { half: Half::Seat, ..caller.clone() };
    let other = Claim { owner: Uuid::now_v7(), ..caller.clone() };
    for claim in [&caller, &seat, &other] {
        grant(&stores, claim).await?;
    }
    stores.admission.settle(caller.lease_ref(), &[], NOON).await?;
    let counter = &caller.checks[0].counter;
    assert_eq!(stores.admission.used(Half::Caller, owner, counter, NOON).await?, 0);
    assert_eq!(stores.admission.used(Half::Seat, owner, counter, NOON).await?, 1);
    assert_eq!(stores.admission.used(Half::Caller, other.owner, counter, NOON).await?, 1);
    assert!(stores.admission.renew(seat.lease_ref(), TTL, NOON).await?);

    let window = hour_from(NOON);
    let same_name = vec![
        check("same", Unit::Tokens, window, 5, 10),
        check("same", Unit::Cost, window, 7, 10),
        check("same", Unit::Cost, CounterWindow::Total, 9, 10),
    ];
    grant(&stores, &claim(owner, same_name.clone())).await?;
    for check in &same_name {
        assert_eq!(used(&stores, owner, check).await?, check.amount);
    }
    Ok(())
}

/// Absurd amounts pin a counter at the top instead of wrapping; a store may have its top at 2⁵³ − 1 already.
pub async fn huge_amounts_do_not_overflow(stores: Stores) -> Promise {
    let owner = Uuid::now_v7();
    let huge = LimitCheck { shadow: true, ..check("cost", Unit::Cost, CounterWindow::Total, i64::MAX, 100) };
    let (first, second) = (claim(owner, vec![huge.clone()]), claim(owner, vec![huge.clone()]));
    grant(&stores, &first).await?;
    grant(&stores, &second).await?;
    assert!(used(&stores, owner, &huge).await? >= EXACT_IN_A_DOUBLE);
    let modest = check("cost", Unit::Cost, CounterWindow::Total, 1, 100);
    assert!(!granted(&stores, &claim(owner, vec![modest]), NOON).await?);

    stores.admission.settle(first.lease_ref(), &[truth(&huge, i64::MAX)], NOON).await?;
    assert!(used(&stores, owner, &huge).await? >= EXACT_IN_A_DOUBLE);
    stores.admission.settle(second.lease_ref(), &[truth(&huge, 0)], NOON).await?;
    assert!(used(&stores, owner, &huge).await? >= 0);

    let large = check("exact", Unit::Cost, CounterWindow::Total, 4_000_000_000_000_001, i64::MAX);
    grant(&stores, &claim(owner, vec![large.clone()])).await?;
    grant(&stores, &claim(owner, vec![large.clone()])).await?;
    assert_eq!(used(&stores, owner, &large).await?, 8_000_000_000_000_002, "four million dollars, twice");
    Ok(())
}

/// Each of its checks must hold for all that the claim reserves of the counter, so that no limit is passed in parts.
pub async fn a_counter_that_is_named_twice_is_checked_for_the_sum(stores: Stores) -> Promise {
    let owner = Uuid::now_v7();
    let tight = claim(owner, vec![tokens(600, 1_000), tokens(600, 10_000)]);
    let Outcome::Refused(refusal) = stores.admission.reserve(&tight, NOON).await? else {
        panic!("1,200 are more than 1,000");
    };
    assert_eq!((refusal.used, refusal.limit), (0, 1_000));
    assert_eq!(used(&stores, owner, &tokens(0, 0)).await?, 0);
    assert!(!granted(&stores, &claim(owner, vec![concurrency(1), concurrency(1)]), NOON).await?);
    assert!(!granted(&stores, &claim(owner, vec![rolling(1), rolling(1)]), NOON).await?);
    let watched = LimitCheck { shadow: true, ..tokens(600, 100) };
    assert!(!granted(&stores, &claim(owner, vec![tokens(600, 1_000), watched]), NOON).await?);

    let fits = vec![tokens(600, 1_000), concurrency(2), tokens(400, 1_000), concurrency(2)];
    let Outcome::Granted(standings) = stores.admission.reserve(&claim(owner, fits), NOON).await? else {
        panic!("1,000 fit");
    };
    let standings: Vec<_> = standings.iter().map(|standing| standing.used).collect();
    assert_eq!(standings, [1_000, 2, 1_000, 2]);
    assert!(!granted(&stores, &claim(owner, vec![tokens(1, 1_000)]), NOON).await?);
    Ok(())
}

/// The first truth that is told of a counter takes the place of all that was reserved of it.
pub async fn a_counter_that_is_named_twice_is_settled_once(stores: Stores) -> Promise {
    let owner = Uuid::now_v7();
    let twice = vec![tokens(600, 9_000), rolling(9), concurrency(9), tokens(50, 9_000), rolling(9)];
    let twice = claim(owner, twice);
    grant(&stores, &claim(owner, vec![tokens(7, 9_000), rolling(9)])).await?;
    grant(&stores, &twice).await?;
    assert_eq!(used(&stores, owner, &tokens(0, 0)).await?, 657);
    assert_eq!(used(&stores, owner, &rolling(9)).await?, 3);
    let told: Vec<_> =
        twice.checks.iter().zip([30, 4, 0, 31, 5]).map(|(check, actual)| truth(check, actual)).collect();
    stores.admission.settle(twice.lease_ref(), &told, NOON).await?;
    assert_eq!(used(&stores, owner, &tokens(0, 0)).await?, 37);
    assert_eq!(used(&stores, owner, &rolling(9)).await?, 5);
    assert_eq!(used(&stores, owner, &concurrency(9)).await?, 0);
    Ok(())
}

/// In whatever order three clients claim, renew, settle or vanish while time passes, answers and counters are those that a
/// list of what was granted adds up to.
pub async fn every_order_of_steps_gives_what_it_should(stores: Stores) -> Promise {
    explore(&stores.admission, Orders::OneForEachState, 4).await
}

/// The same for every order of a few steps that there is, also of those that should lead to the same state, and for more
/// steps.
pub async fn every_long_order_of_steps_gives_what_it_should(stores: Stores) -> Promise {
    explore(&stores.admission, Orders::All, 4).await?;
    explore(&stores.admission, Orders::OneForEachState, 6).await
}

async fn granted(stores: &Stores, claim: &Claim, now: Timestamp) -> Result<bool, StorageError> {
    Ok(stores.admission.reserve(claim, now).await?.is_granted())
}

async fn grant(stores: &Stores, claim: &Claim) -> Promise {
    assert!(stores.admission.reserve(claim, NOON).await?.is_granted());
    Ok(())
}

async fn grant_in_parallel(stores: &Stores, claims: Vec<Claim>) -> Result<usize, StorageError> {
    let reserve = |admission: Arc<dyn AdmissionStore>, claim: Claim| async move {
        admission.reserve(&claim, NOON).await.map(|outcome| outcome.is_granted())
    };
    let tasks: Vec<_> =
        claims.into_iter().map(|claim| tokio::spawn(reserve(Arc::clone(&stores.admission), claim))).collect();
    let mut passed = 0;
    for task in tasks {
        passed += usize::from(task.await.expect("a claimant does not panic")?);
    }
    Ok(passed)
}

async fn used(stores: &Stores, owner: Uuid, check: &LimitCheck) -> Result<i64, StorageError> {
    stores.admission.used(Half::Caller, owner, &check.counter, NOON).await
}

fn truth(check: &LimitCheck, actual: i64) -> Settlement {
    let counter: Counter = check.counter.clone();
    Settlement { counter, actual }
}

const EXACT_IN_A_DOUBLE: i64 = (1 << 53) - 1;
