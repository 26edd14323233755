//! K1: the time of day jumps under one of two relays; the other one's is right.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use http::Method;
use posthaste_testkit::{Script, ScriptedUpstream, ShiftedClock};
use serde_json::{Value, json};
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{Fleet, assert_books, bench};
use crate::{
    clocks::{DAY, HOUR, logged_in, served_until_refused},
    logins::Desk,
    support::{Bench, Server, eventually, serving, whole},
};

const JUMPS: [i64; 4] = [HOUR, -HOUR, DAY, -DAY];

/// Starts both. The clock is the second one's.
fn start_two(fleet: &mut Fleet) -> ShiftedClock {
    let clock = ShiftedClock::new();
    fleet.start(1);
    let key = std::fs::read_to_string(fleet.desk().data().join("master.key")).unwrap();
    let other = fleet.desk().like().with("POSTHASTE_VAULT__MASTER_KEY", key.trim());
    let mut command = other.command("serve --listen 127.0.0.1:0");
    clock.under(&mut command);
    fleet.relays.push(Bench::started(command));
    fleet.benches.push(other);
    clock
}

/// Asks once; tells the status and in how many seconds to ask again.
async fn ask(relay: &Server, key: &str) -> (u16, u64) {
    let answer = relay.post(key, &whole()).await.unwrap();
    let (status, after) = (answer.status, answer.header("retry-after").parse().unwrap_or(0));
    answer.text().await.unwrap();
    (status, after)
}

/// Days of the calendar begin anew at midnight, also while a test runs.
fn today() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs() / DAY.unsigned_abs()
}

#[tokio::test(flavor = "multi_thread")]
async fn k1_two_relays_grant_one_window_though_the_clock_of_one_jumps() {
    const LIMIT: usize = 5;
    let mut fleet = Fleet::new();
    let upstream = ScriptedUpstream::start(serving).await;
    fleet.desk().add_account("one", &upstream);
    // Windows that open with a request, and the day of the calendar; another key for each jump.
    let mut keys = Vec::new();
    for (window, length) in [("1h", HOUR), ("day", DAY)] {
        for jump in JUMPS {
            let name = format!("{window}-{jump} --limit requests={LIMIT}/{window}");
            keys.push((length.unsigned_abs(), jump, fleet.desk().create_key(&name), 0));
        }
    }
    let (clock, day) = (start_two(&mut fleet), today());
    let [right, jumping] = [0, 1].map(|number| &fleet.relays[number]);
    for (length, jump, key, served) in &mut keys {
        clock.shift(*jump);
        // The one that jumped opens the window, and both count in it.
        *served += usize::from(ask(jumping, key).await.0 == 200);
        *served += usize::from(ask(right, key).await.0 == 200);
        *served += served_until_refused(jumping, key).await;
        *served += served_until_refused(right, key).await;
        let (status, after) = ask(right, key).await;
        assert_eq!(status, 429);
        assert!(after <= *length, "{length} s long with a jump of {jump} s, and closed for {after} s");
        clock.shift(0);
    }
    for (length, jump, key, served) in &mut keys {
        *served += served_until_refused(jumping, key).await;
        *served += served_until_refused(right, key).await;
        let new_day = *length == DAY.unsigned_abs() && today() != day;
        assert!(*served == LIMIT || new_day, "{served} in {length} s with a jump of {jump} s");
    }
    let (asked, redis) = (upstream.received().len(), fleet.stop().await);
    assert_books(redis.url(), asked).await;
}

/// Takes so many places and keeps them until it is dropped. Redis hears of who left a moment after the upstream.
fn hold(relay: &Server, key: &str, places: usize) -> JoinSet<()> {
    let mut held = JoinSet::new();
    for _ in 0..places {
        let (relay, key) = (relay.client(), key.to_owned());
        held.spawn(async move {
            while relay.post(&key, &whole()).await.is_ok_and(|answer| answer.status == 429) {
                sleep(Duration::from_millis(5)).await;
            }
        });
    }
    held
}

#[tokio::test(flavor = "multi_thread")]
async fn k1_places_stay_taken_and_are_given_back_though_the_clock_of_one_relay_jumps() {
    const PLACES: usize = 2;
    let mut fleet = Fleet::new();
    let upstream = ScriptedUpstream::start(|_| Script::never()).await;
    fleet.desk().add_account("one", &upstream);
    let key = fleet.desk().create_key(&format!("team --limit concurrency={PLACES}"));
    let clock = start_two(&mut fleet);
    let relays = &fleet.relays;
    let mut taken = 0;
    for jump in JUMPS {
        for holder in [0, 1] {
            // Who holds before the jump, and who holds since.
            for shifts in [[0, jump], [jump, 0]] {
                clock.shift(shifts[0]);
                let mut held = hold(&relays[holder], &key, PLACES);
                taken += PLACES;
                upstream.wait_received(taken).await;
                for shift in shifts {
                    clock.shift(shift);
                    for number in [1, 0] {
                        // Who has a place waits for ever.
                        let refused =
                            timeout(Duration::from_secs(10), relays[number].post(&key, &whole())).await;
                        let status = refused.map(|answer| answer.unwrap().status);
                        assert_eq!(status, Ok(429), "{holder} holds all, {number} is asked, at {shift} s");
                    }
                }
                held.shutdown().await;
                upstream.wait_aborted(taken).await;
            }
        }
    }
    let redis = fleet.stop().await;
    assert_books(redis.url(), taken).await;
}

/// What a relay knows of the only account.
fn state(bench: &Bench) -> String {
    bench.cli("accounts show one")["health"]["state"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn k1_an_account_rests_as_long_as_it_was_asked_to_though_the_clock_of_one_relay_jumps() {
    const REST: u64 = 120;
    let mut fleet = Fleet::new();
    let busy = Arc::new(AtomicBool::new(false));
    let is_busy = Arc::clone(&busy);
    let upstream = ScriptedUpstream::start(move |request| {
        if !is_busy.load(Ordering::SeqCst) {
            return serving(request);
        }
        let error = json!({"type": "rate_limit_error", "message": "slow down"});
        Script::json(429, &json!({"type": "error", "error": error})).header("retry-after", &REST.to_string())
    })
    .await;
    fleet.desk().add_account("one", &upstream);
    let key = fleet.desk().create_key("team");
    let clock = start_two(&mut fleet);
    for jump in JUMPS {
        // Who is told to rest, and who hears of it.
        for [teller, other] in [[0, 1], [1, 0]] {
            clock.shift(jump);
            busy.store(true, Ordering::SeqCst);
            let before = upstream.received().len();
            assert_ne!(ask(&fleet.relays[teller], &key).await.0, 200);
            eventually("the other one has heard", || {
                (state(&fleet.benches[other]) == "parked").then_some(())
            })
            .await;
            for shift in [jump, 0] {
                clock.shift(shift);
                for number in [0, 1] {
                    let (status, after) = ask(&fleet.relays[number], &key).await;
                    assert_ne!(status, 200);
                    // Up to a second is added to the end of a rest.
                    assert!(
                        (1..=REST + 1).contains(&after),
                        "{number} rests for {after} s; {teller} was told at {jump} s"
                    );
                }
            }
            assert_eq!(upstream.received().len(), before + 1, "asked while it rests, {jump} s, {teller}");
            clock.shift(jump);
            busy.store(false, Ordering::SeqCst);
            fleet.desk().cli("accounts reset one");
            eventually("the other one has heard", || (state(&fleet.benches[1]) == "ready").then_some(()))
                .await;
            for relay in &fleet.relays {
                assert_eq!(ask(relay, &key).await.0, 200);
            }
        }
    }
    let (asked, redis) = (upstream.received().len(), fleet.stop().await);
    assert_books(redis.url(), asked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn k1_tokens_and_sessions_outlast_the_jumps_of_one_relays_clock() {
    let mut fleet = Fleet::new();
    let patient = bench(&fleet.redis.url()).with("POSTHASTE_DATA__DEADLINE", "2s");
    let desk = Desk::on(patient, "inference").await;
    desk.logged_in("ada").await;
    let key = desk.bench.create_key("team");
    // The vendor lives as long as the desk does.
    let Desk { bench, vendor: _vendor } = desk;
    fleet.benches = vec![bench];
    let clock = start_two(&mut fleet);
    let session = logged_in(&fleet.relays[0]).await;
    let mut asked = 0;
    for jump in JUMPS {
        for shift in [jump, 0] {
            clock.shift(shift);
            for relay in &fleet.relays {
                for _ in 0..3 {
                    assert_eq!(ask(relay, &key).await.0, 200, "{shift}");
                    asked += 1;
                }
                let me = relay.ask(Method::GET, "/web/auth/user", Some(&session), &Value::Null).await;
                assert_eq!(me.status, 200, "who is logged in stays so at {shift}");
            }
        }
    }
    let refreshed = |relay: &Server| relay.log().matches("token refreshed").count();
    let refreshed: Vec<_> = fleet.relays.iter().map(refreshed).collect();
    assert_eq!(refreshed, [0, 0], "the token lasts for an hour");
    let redis = fleet.stop().await;
    assert_books(redis.url(), asked).await;
}
