//! What one relay finds out of an account's health, all others know.

use posthaste_core::FaultKind;
use rstest::rstest;

use crate::{
    fleet::{Does, Fleet, Place, is_well},
    pair::eventually,
    support::whole,
};

#[rstest]
#[case::memory(Place::Memory)]
#[case::redis(Place::Redis)]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_limit_that_one_relay_meets_keeps_the_others_away(#[case] place: Place) {
    let fleet = Fleet::new(place, 3, 2).await;
    let [first, spare] = [fleet.accounts[0], fleet.accounts[1]];
    fleet.upstream.lets(first, Does::Limit(60));
    assert_eq!(fleet.relays[0].read(&whole()).await.unwrap().status, 200, "the other account serves");
    assert_eq!((fleet.upstream.asked(first), fleet.upstream.asked(spare)), (1, 1));
    eventually("the others to learn", || fleet.rests(1, 0) && fleet.rests(2, 0)).await;
    for relay in &fleet.relays {
        relay.read(&whole()).await.unwrap();
    }
    assert_eq!((fleet.upstream.asked(first), fleet.upstream.asked(spare)), (1, 4));
    fleet.advance(59);
    assert!(fleet.rests(1, 0) && fleet.rests(2, 0), "the upstream's word holds everywhere");
}

#[rstest]
#[case::memory(Place::Memory)]
#[case::redis(Place::Redis)]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_recovery_that_one_relay_sees_is_known_to_all(#[case] place: Place) {
    let fleet = Fleet::new(place, 3, 1).await;
    let account = fleet.accounts[0];
    fleet.upstream.lets(account, Does::Limit(60));
    fleet.relays[0].read(&whole()).await.unwrap_err();
    eventually("the others to learn", || fleet.rests(1, 0) && fleet.rests(2, 0)).await;
    fleet.advance(62);
    fleet.upstream.lets(account, Does::Serve);
    assert!(!fleet.is_well(0, 0) && !fleet.is_well(2, 0), "somebody has to try it");
    assert_eq!(fleet.relays[1].read(&whole()).await.unwrap().status, 200);
    eventually("the others to learn", || (0..3).all(|relay| fleet.is_well(relay, 0))).await;
}

#[rstest]
#[case::memory(Place::Memory)]
#[case::redis(Place::Redis)]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_relay_that_joins_late_knows_who_rests(#[case] place: Place) {
    let fleet = Fleet::new(place, 2, 2).await;
    fleet.upstream.lets(fleet.accounts[0], Does::Limit(60));
    fleet.relays[0].read(&whole()).await.unwrap();
    eventually("the other to learn", || fleet.rests(1, 0)).await;
    fleet.advance(30);
    let late = fleet.newcomer().await;
    let parked = late.scheduler.parked(fleet.accounts[0], late.relay_now()).expect("it rests");
    let known = fleet.relays[0].scheduler.parked(fleet.accounts[0], late.relay_now());
    assert_eq!(Some(&parked), known.as_ref());
    late.read(&whole()).await.unwrap();
    assert_eq!(fleet.upstream.asked(fleet.accounts[0]), 1);
    fleet.advance(40);
    let later = fleet.newcomer().await;
    assert!(!is_well(&later, fleet.accounts[0]), "nobody has tried it since");
}

#[rstest]
#[case::memory(Place::Memory)]
#[case::redis(Place::Redis)]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_operators_reset_reaches_all(#[case] place: Place) {
    let fleet = Fleet::new(place, 3, 1).await;
    let account = fleet.accounts[0];
    fleet.upstream.lets(account, Does::Limit(3_600));
    fleet.relays[0].read(&whole()).await.unwrap_err();
    eventually("the others to learn", || fleet.rests(1, 0) && fleet.rests(2, 0)).await;
    fleet.advance(1);
    fleet.relays[1].relay.release(account);
    eventually("the others to learn", || (0..3).all(|relay| fleet.is_well(relay, 0))).await;
    let late = fleet.newcomer().await;
    assert!(is_well(&late, account), "nor does anybody learn of it later");
}

/// What a relay cannot reach, others may.
#[rstest]
#[case::memory(Place::Memory)]
#[case::redis(Place::Redis)]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_account_that_one_relay_cannot_reach_serves_the_others(#[case] place: Place) {
    let fleet = Fleet::new(place, 2, 2).await;
    let [unreachable, limited] = [fleet.accounts[0], fleet.accounts[1]];
    fleet.upstream.lets(unreachable, Does::Refuse);
    fleet.upstream.lets(limited, Does::Limit(60));
    fleet.relays[0].read(&whole()).await.unwrap_err();
    assert!(fleet.rests(0, 0) && fleet.rests(0, 1));
    // What was found out later is known, so that what was found out before would be.
    eventually("the other to learn of the limit", || fleet.rests(1, 1)).await;
    assert!(fleet.is_well(1, 0));
    fleet.upstream.lets(unreachable, Does::Serve);
    assert_eq!(fleet.relays[1].read(&whole()).await.unwrap().status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_relay_that_leaves_is_not_listed_and_tells_what_it_knew() {
    let mut fleet = Fleet::new(Place::Redis, 2, 1).await;
    let leaving = fleet.relays[0].clone();
    let listed = leaving.stores.fleet.instances(leaving.relay_now()).await.unwrap();
    assert_eq!(listed.len(), 2);
    assert_eq!(listed[0].id, leaving.relay.instance(), "who started first stands first");
    fleet.kill(0).await;
    // Found out while nobody tells any more: it is told on leaving.
    fleet.upstream.lets(fleet.accounts[0], Does::Limit(60));
    let fault = leaving.read(&whole()).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::RateLimited);
    assert!(!fleet.rests(1, 0));
    leaving.relay.leave_fleet().await;
    eventually("the other to learn", || fleet.rests(1, 0)).await;
    let listed = leaving.stores.fleet.instances(leaving.relay_now()).await.unwrap();
    assert_eq!(listed.iter().map(|member| member.id).collect::<Vec<_>>(), [fleet.relays[1].relay.instance()]);
}
