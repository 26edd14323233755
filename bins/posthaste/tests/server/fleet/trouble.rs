//! A Redis that is killed, stands still, is slow or cannot be reached, under two relays that go on.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use posthaste_testkit::{FaultyWay, ScriptedUpstream, WayFault};
use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use super::{Fleet, bench, rows, rows_by_request};
use crate::support::{PATIENCE, eventually, serving, streamed, whole};

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

    /// Clients that expect to be served, whatever happens.
    fn clients(&self) -> Clients {
        let (stop, served) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let mut asking = JoinSet::new();
        for client in 0..8 {
            let (relay, key) = (self.fleet.relays[client % 2].client(), self.key.clone());
            let (stop, served) = (Arc::clone(&stop), Arc::clone(&served));
            asking.spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    let body = if client < 4 { whole() } else { streamed() };
                    let answer = relay.post(&key, &body).await.unwrap();
                    let status = answer.status;
                    let text = answer.text().await.unwrap();
                    assert_eq!(status, 200, "{text}");
                    served.fetch_add(1, Ordering::SeqCst);
                    sleep(Duration::from_millis(5)).await;
                }
            });
        }
        Clients { asking, stop, served }
    }

    /// Ends it all: the books, the counters and the upstream agree.
    async fn settled(self, clients: Clients) {
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
        let counted = || {
            // Of the requests alone: what is held has no total.
            let counters = self.fleet.redis.command("KEYS *:totals");
            let used = counters.lines().map(|key| self.fleet.redis.command(&format!("HVALS {}", key.trim())));
            used.filter_map(|used| used.trim().parse::<usize>().ok()).sum()
        };
        let all: usize = counted();
        eventually(&format!("the limit has counted {asked}, and not {all}"), || {
            (counted() == asked).then_some(())
        })
        .await;
        let redis = self.fleet.stop().await;
        let rows = rows(&redis).await;
        assert_eq!(rows.len(), asked);
        assert!(rows_by_request(&rows).values().all(|&rows| rows == 1));
    }
}

struct Clients {
    asking: JoinSet<()>,
    stop: Arc<AtomicBool>,
    served: Arc<AtomicUsize>,
}

impl Clients {
    /// Waits for some more to be served.
    async fn go_on(&self) {
        let from = self.served.load(Ordering::SeqCst);
        let begun = Instant::now();
        while self.served.load(Ordering::SeqCst) < from + 40 {
            assert!(begun.elapsed() < PATIENCE, "nobody is served");
            sleep(Duration::from_millis(20)).await;
        }
    }

    async fn end(self) -> usize {
        self.stop.store(true, Ordering::SeqCst);
        self.asking.join_all().await;
        self.served.load(Ordering::SeqCst)
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
