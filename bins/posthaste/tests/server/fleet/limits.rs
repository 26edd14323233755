//! Limits are those of the fleet, and not of each relay.

use std::time::Duration;

use posthaste_testkit::{Script, ScriptedUpstream};
use tokio::{task::JoinSet, time::sleep};

use super::{Crowd, Fleet, rows, rows_by_request};
use crate::support::{serving, whole};

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_requests_are_a_hundred_over_four_relays() {
    let mut fleet = Fleet::new();
    let upstream = ScriptedUpstream::start(serving).await;
    fleet.desk().add_account("one", &upstream);
    let key = fleet.desk().create_key("team --limit requests=100/total");
    fleet.start(4);
    let mut asking = JoinSet::new();
    for client in 0..64 {
        let (relay, key) = (fleet.relays[client % 4].client(), key.clone());
        asking.spawn(async move {
            let mut served = 0;
            for _ in 0..4 {
                let answer = relay.post(&key, &whole()).await.unwrap();
                assert!(matches!(answer.status, 200 | 429), "{}", answer.status);
                served += usize::from(answer.status == 200);
                answer.text().await.unwrap();
            }
            served
        });
    }
    let served: usize = asking.join_all().await.into_iter().sum();
    assert_eq!((served, upstream.received().len()), (100, 100));
    let redis = fleet.stop().await;
    let rows = rows(&redis).await;
    assert_eq!((rows.len(), rows_by_request(&rows).len()), (100, 100));
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_at_a_time_are_eight_over_four_relays_also_where_one_has_nearly_all() {
    let mut fleet = Fleet::new();
    let crowd = Crowd::taking(Duration::from_millis(40)).await;
    fleet.desk().add_account("one", &crowd.upstream);
    let key = fleet.desk().create_key("team --limit concurrency=8");
    fleet.start(4);
    let mut asking = JoinSet::new();
    for client in 0..40_usize {
        // Nine of ten come to the first.
        let relay = if client % 10 == 0 { 1 + client / 10 % 3 } else { 0 };
        let (relay, key) = (fleet.relays[relay].client(), key.clone());
        asking.spawn(async move {
            let mut served = 0;
            for _ in 0..10 {
                let answer = relay.post(&key, &whole()).await.unwrap();
                served += usize::from(answer.status == 200);
                answer.text().await.unwrap();
            }
            served
        });
    }
    let served: usize = asking.join_all().await.into_iter().sum();
    assert_eq!(served, crowd.upstream.received().len());
    assert!(served >= 8, "{served}");
    assert!((2..=8).contains(&crowd.most()), "{}", crowd.most());
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_eight_at_a_time_the_ninth_is_refused_at_every_relay() {
    let mut fleet = Fleet::new();
    let upstream = ScriptedUpstream::start(|_| Script::never()).await;
    fleet.desk().add_account("one", &upstream);
    let key = fleet.desk().create_key("team --limit concurrency=8");
    fleet.start(4);
    let ask = |number: usize| {
        let (relay, key) = (fleet.relays[number % 4].client(), key.clone());
        async move { relay.post(&key, &whole()).await.map(|answer| answer.status) }
    };
    // Redis hears of who left a moment after the upstream.
    let hold = |number: usize| {
        let (relay, key) = (fleet.relays[number % 4].client(), key.clone());
        async move {
            while relay.post(&key, &whole()).await.is_ok_and(|answer| answer.status == 429) {
                sleep(Duration::from_millis(5)).await;
            }
        }
    };
    for round in 1..=2 {
        let mut held = JoinSet::new();
        for number in 0..8 {
            held.spawn(hold(number));
        }
        upstream.wait_received(8 * round).await;
        for number in 0..4 {
            assert_eq!(ask(number).await.unwrap(), 429);
        }
        // Nothing is held when all have left.
        held.shutdown().await;
        upstream.wait_aborted(8 * round).await;
    }
    fleet.stop().await;
}
