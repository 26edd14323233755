//! A Redis that is killed, stands still, is slow or cannot be reached, under two relays that go on.

use std::time::Duration;

use posthaste_testkit::{FaultyWay, ScriptedUpstream, WayFault};
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::sleep;

use super::{Fleet, assert_books, bench, counted, load::Load};
use crate::support::{eventually, serving, whole};

/// Two relays that reach their Redis by a way of the test's.
struct Troubled {
    fleet: Fleet,
    way: FaultyWay,
    upstream: ScriptedUpstream,
    key: String,
}

impl Troubled {
    async fn new() -> Self {
        let mut fleet = Fleet::new();
        let way = FaultyWay::to(fleet.redis.port()).await;
        fleet.benches = vec![bench(&format!("redis://127.0.0.1:{}", way.port()))];
        let upstream = ScriptedUpstream::start(serving).await;
        fleet.desk().add_account("one", &upstream);
        let key = fleet.desk().create_key("team --limit requests=1M/total --limit concurrency=64");
        fleet.start(2);
        for relay in &fleet.relays {
            assert_eq!(relay.post(&key, &whole()).await.unwrap().status, 200, "known to each before");
        }
        Self { fleet, way, upstream, key }
    }

    fn clients(&self) -> Load {
        Load::on(&self.fleet.relays, &self.key)
    }

    /// Ends it all: the books, the counters and the upstream agree.
    async fn settled(self, clients: Load) {
        let served = clients.end().await;
        let asked = self.upstream.received().len();
        // Two were asked before.
        assert_eq!(served + 2, asked);
        let usage = || self.fleet.desk().cli("keys usage team");
        let told = usage();
        eventually(&format!("the books agree with {asked}: {told}"), || {
            (usage()["totals"]["attempts"].as_u64() == Some(asked as u64)).then_some(())
        })
        .await;
        let all = counted(&self.fleet.redis);
        eventually(&format!("the limit has counted {asked}, and not {all}"), || {
            (counted(&self.fleet.redis) == asked).then_some(())
        })
        .await;
        let redis = self.fleet.stop().await;
        assert_books(redis.url(), asked).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s1_requests_go_on_while_redis_is_dead_and_nothing_is_lost() {
    let mut troubled = Troubled::new().await;
    let clients = troubled.clients();
    clients.go_on().await;
    troubled.fleet.redis.kill();
    clients.go_on().await;
    sleep(Duration::from_secs(3)).await;
    clients.go_on().await;
    troubled.fleet.redis.restart();
    clients.go_on().await;
    troubled.settled(clients).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s1_requests_go_on_while_redis_stands_still() {
    let troubled = Troubled::new().await;
    let clients = troubled.clients();
    let process = troubled.fleet.redis.process_id().unwrap();
    let signal =
        |signal| kill_process(Pid::from_raw(i32::try_from(process).unwrap()).unwrap(), signal).unwrap();
    clients.go_on().await;
    signal(Signal::STOP);
    clients.go_on().await;
    sleep(Duration::from_secs(3)).await;
    signal(Signal::CONT);
    clients.go_on().await;
    troubled.settled(clients).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s2_requests_go_on_while_redis_is_slow_or_cannot_be_reached() {
    let troubled = Troubled::new().await;
    let clients = troubled.clients();
    for fault in [
        WayFault::Slow(Duration::from_millis(10)),
        WayFault::Slow(Duration::from_millis(500)),
        WayFault::BlackHole,
        WayFault::Shut,
    ] {
        troubled.way.set(fault);
        clients.go_on().await;
        sleep(Duration::from_secs(1)).await;
        clients.go_on().await;
        troubled.way.set(WayFault::None);
        clients.go_on().await;
    }
    troubled.settled(clients).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s5_requests_go_on_while_redis_has_no_memory_left() {
    let troubled = Troubled::new().await;
    let clients = troubled.clients();
    clients.go_on().await;
    // Nothing may be evicted, so that every write is refused.
    assert_eq!(troubled.fleet.redis.command("CONFIG SET maxmemory 1"), "OK");
    clients.go_on().await;
    sleep(Duration::from_secs(2)).await;
    clients.go_on().await;
    let log = troubled.fleet.relays[0].log();
    assert!(log.contains("maxmemory"), "the log names the setting: {log}");
    assert_eq!(troubled.fleet.redis.command("CONFIG SET maxmemory 0"), "OK");
    clients.go_on().await;
    troubled.settled(clients).await;
}
