//! One of two relays is cut off from Redis; the other one is not.

use std::time::Duration;

use posthaste_testkit::{FaultyWay, ScriptedUpstream, WayFault};
use tokio::time::{Instant, sleep};

use super::{Fleet, assert_books, bench, counted};
use crate::{
    logins::Desk,
    support::{Client, PATIENCE, eventually, serving, whole},
};

/// Two relays, of which the second reaches Redis by a way of the test's.
async fn half_cut_off(fleet: &mut Fleet) -> FaultyWay {
    let way = FaultyWay::to(fleet.redis.port()).await;
    fleet.start(1);
    let key = std::fs::read_to_string(fleet.desk().data().join("master.key")).unwrap();
    let other = fleet.desk().like().with("POSTHASTE_VAULT__MASTER_KEY", key.trim());
    let other = other.with("POSTHASTE_DATA__REDIS_URL", &format!("redis://127.0.0.1:{}", way.port()));
    fleet.relays.push(other.serve());
    fleet.benches.push(other);
    way
}

/// Asks so many times; tells how many were served, the others having met the limit.
async fn ask(relay: &Client, key: &str, times: usize) -> usize {
    let mut served = 0;
    for _ in 0..times {
        let answer = relay.post(key, &whole()).await.unwrap();
        let status = answer.status;
        let text = answer.text().await.unwrap();
        assert!(matches!(status, 200 | 429), "{status}: {text}");
        served += usize::from(status == 200);
    }
    served
}

#[tokio::test(flavor = "multi_thread")]
async fn s4_a_relay_that_is_cut_off_keeps_to_its_share_and_the_sums_agree_afterwards() {
    let mut fleet = Fleet::new();
    fleet.benches = vec![bench(&fleet.redis.url())];
    let upstream = ScriptedUpstream::start(serving).await;
    fleet.desk().add_account("one", &upstream);
    let key = fleet.desk().create_key("team --limit requests=100/total");
    let way = half_cut_off(&mut fleet).await;
    let [one, cut_off] = [0, 1].map(|number| fleet.relays[number].client());
    eventually("each knows of the other", || {
        (fleet.desk().cli("status")["instances"].as_array()?.len() == 2).then_some(())
    })
    .await;
    assert_eq!(ask(&one, &key, 10).await + ask(&cut_off, &key, 10).await, 20);

    way.set(WayFault::BlackHole);
    // Of the 80 that were left it has the half, and not more.
    let share = ask(&cut_off, &key, 60).await;
    assert!((30..=40).contains(&share), "{share}");
    assert_eq!(ask(&one, &key, 20).await, 20, "the other one goes on");
    way.set(WayFault::None);
    let healed = Instant::now();

    eventually("the counter agrees", || (counted(&fleet.redis) == 40 + share).then_some(())).await;
    println!("the sums agree {:?} after the healing", healed.elapsed());
    // The limit is one again, and exact.
    let mut rest = 0;
    while rest < 60 - share {
        let served = ask(&cut_off, &key, 1).await + ask(&one, &key, 1).await;
        assert!(served > 0 || healed.elapsed() < PATIENCE, "{rest} of {} are granted", 60 - share);
        rest += served;
    }
    assert_eq!(ask(&one, &key, 3).await + ask(&cut_off, &key, 3).await, 0);
    assert_eq!((rest, upstream.received().len()), (60 - share, 100));
    let redis = fleet.stop().await;
    assert_books(redis.url(), 100).await;
}

/// The vendor takes each refresh token once. What the one that was cut off has of the login is old when it is back, and must
/// not take the place of what the other one has.
#[tokio::test(flavor = "multi_thread")]
async fn s4_t4_a_relay_that_was_cut_off_does_not_put_back_an_old_login() {
    let mut fleet = Fleet::new();
    let desk = Desk::on(bench(&fleet.redis.url()), "inference lifetime-3").await;
    desk.logged_in("ada").await;
    let key = desk.bench.create_key("team");
    let Desk { bench, vendor: _vendor } = desk;
    fleet.benches = vec![bench];
    let way = half_cut_off(&mut fleet).await;
    let [one, cut_off] = [0, 1].map(|number| fleet.relays[number].client());
    assert_eq!(ask(&one, &key, 1).await + ask(&cut_off, &key, 1).await, 2);

    way.set(WayFault::BlackHole);
    // Longer than a token lasts.
    let ends = Instant::now() + Duration::from_secs(5);
    let asking = tokio::spawn({
        let (cut_off, key) = (cut_off.clone(), key.clone());
        // It serves while its token lasts, and cannot renew it.
        async move {
            while Instant::now() < ends {
                let answer = cut_off.post(&key, &whole()).await.unwrap();
                answer.text().await.unwrap();
                sleep(Duration::from_millis(100)).await;
            }
        }
    });
    while Instant::now() < ends {
        assert_eq!(ask(&one, &key, 1).await, 1);
        sleep(Duration::from_millis(50)).await;
    }
    asking.await.unwrap();
    way.set(WayFault::None);

    let healed = Instant::now();
    while cut_off.post(&key, &whole()).await.unwrap().status != 200 {
        assert!(healed.elapsed() < PATIENCE, "{}", fleet.relays[1].log());
        sleep(Duration::from_millis(50)).await;
    }
    // For another life of a token.
    while healed.elapsed() < Duration::from_secs(4) {
        assert_eq!(ask(&one, &key, 1).await + ask(&cut_off, &key, 1).await, 2);
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(fleet.desk().cli("accounts show ada")["health"]["state"], "ready");
    fleet.stop().await;
}
