//! U22: every account is down for ten minutes, and then all are back.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use posthaste_core::Account;
use posthaste_gateway::RelayOptions;
use posthaste_testkit::{AccountSetters, MemoryTransport, Reply, account, anthropic_error, anthropic_json};
use tokio::time::{Instant, sleep};

use crate::support::{Rig, USAGE, whole};

const ACCOUNTS: usize = 20;
/// Between two requests.
const PAUSE: Duration = Duration::from_millis(50);
const OUTAGE: Duration = Duration::from_secs(600);

/// What came of a request, and when.
#[derive(Clone, Copy, Debug)]
struct Seen {
    asked: Duration,
    took: Duration,
    served: bool,
}

fn accounts() -> Vec<Account> {
    (0..ACCOUNTS).map(|n| account(&format!("a{n}")).with_base_url(format!("http://a{n}.example"))).collect()
}

/// Sends twenty requests a second for so long, whatever becomes of them.
async fn load(rig: &Arc<Rig>, began: Instant, length: Duration) -> Vec<Seen> {
    let until = Instant::now() + length;
    let mut requests = Vec::new();
    while Instant::now() < until {
        let rig = Arc::clone(rig);
        requests.push(tokio::spawn(async move {
            let asked = Instant::now();
            // Each is a conversation of its own: one alone would stay where it is.
            let mut question = whole();
            question["messages"][0]["content"] = format!("{asked:?}").into();
            let served = rig.read(&question).await.is_ok_and(|read| read.status == 200);
            Seen { asked: asked - began, took: asked.elapsed(), served }
        }));
        sleep(PAUSE).await;
    }
    join_all(requests).await.into_iter().map(Result::unwrap).collect()
}

/// An upstream that fails all once `down` is set.
fn failing(down: &Arc<AtomicBool>) -> MemoryTransport {
    let is_down = Arc::clone(down);
    MemoryTransport::new(move |_| {
        let reply = if is_down.load(Ordering::SeqCst) {
            Reply::json(500, &anthropic_error("api_error", "down"))
        } else {
            Reply::json(200, &anthropic_json("Hello", USAGE))
        };
        reply.after(Duration::from_millis(10))
    })
}

#[tokio::test(start_paused = true)]
async fn u22_an_outage_of_all_is_refused_fast_and_its_end_is_seen_within_seconds() {
    let down = Arc::new(AtomicBool::new(false));
    let transport = failing(&down);
    let rig = Arc::new(Rig::over(accounts(), RelayOptions::default(), Arc::new(transport.clone())).await);
    rig.clock.run();
    let began = Instant::now();
    assert!(load(&rig, began, Duration::from_secs(10)).await.iter().all(|seen| seen.served));

    down.store(true, Ordering::SeqCst);
    let before = transport.sent().len();
    let mut outage = load(&rig, began, OUTAGE).await;
    assert!(outage.iter().all(|seen| !seen.served));
    let attempts = transport.sent().len() - before;
    assert!(attempts * 10 <= outage.len() * 12, "{attempts} attempts for {} requests", outage.len());
    outage.sort_by_key(|seen| seen.took);
    let p99 = outage[outage.len() * 99 / 100].took;
    assert!(p99 <= Duration::from_millis(50), "{p99:?}");

    down.store(false, Ordering::SeqCst);
    let back = began.elapsed();
    let before = transport.sent().len();
    let after = load(&rig, began, Duration::from_secs(60)).await;
    let late: Vec<_> = after.iter().filter(|seen| seen.asked >= back + Duration::from_secs(30)).collect();
    let served = late.iter().filter(|seen| seen.served).count();
    assert!(served * 100 >= late.len() * 95, "{served} of {}", late.len());
    let first = after.iter().find(|seen| seen.served).unwrap();
    assert!(first.asked - back <= Duration::from_secs(11), "{:?}", first.asked - back);
    let mut by_host: HashMap<String, usize> = HashMap::new();
    for sent in &transport.sent()[before..] {
        *by_host.entry(sent.uri.host().unwrap().to_owned()).or_default() += 1;
    }
    assert_eq!(by_host.len(), ACCOUNTS, "every account serves again");
}

/// Once each account has failed, and each has failed again, nobody waits for one of them, although some rest is always about to end.
#[tokio::test(start_paused = true)]
async fn u22_an_outage_is_refused_fast_from_its_first_seconds_on() {
    let transport = failing(&Arc::new(AtomicBool::new(true)));
    let rig = Arc::new(Rig::over(accounts(), RelayOptions::default(), Arc::new(transport.clone())).await);
    rig.clock.run();
    let began = Instant::now();
    load(&rig, began, Duration::from_secs(2)).await;
    let before = transport.sent().len();
    let outage = load(&rig, began, Duration::from_secs(60)).await;
    assert!(transport.sent().len() - before >= ACCOUNTS, "they are tried all the same");
    let slow = outage.iter().filter(|seen| seen.took > Duration::from_millis(50)).count();
    assert_eq!(slow, 0, "of {}", outage.len());
}

/// While it is not known whether an account is back, one request at a time finds out.
#[tokio::test(start_paused = true)]
async fn u22_no_herd_meets_an_account_that_comes_back() {
    let open = Arc::new(parking_lot::Mutex::new((0_usize, 0_usize)));
    let down = Arc::new(AtomicBool::new(true));
    let (counted, is_down) = (Arc::clone(&open), Arc::clone(&down));
    let transport = MemoryTransport::new(move |_| {
        if is_down.load(Ordering::SeqCst) {
            let mut open = counted.lock();
            open.0 += 1;
        }
        Reply::json(500, &anthropic_error("api_error", "down")).after(Duration::from_secs(1))
    });
    let rig = Arc::new(Rig::over(vec![account("only")], RelayOptions::default(), Arc::new(transport)).await);
    rig.clock.run();
    rig.ask(&whole()).await.unwrap_err();
    sleep(Duration::from_secs(60)).await;
    let mut asked = 0;
    // Long rests, so that the early trials are what is seen.
    for _ in 0..10 {
        let before = open.lock().0;
        let herd = (0..100).map(|_| {
            let rig = Arc::clone(&rig);
            tokio::spawn(async move { rig.ask(&whole()).await.is_ok() })
        });
        join_all(herd).await;
        let tried = open.lock().0 - before;
        assert!(tried <= 1, "{tried} tried at once");
        asked += tried;
        sleep(Duration::from_secs(20)).await;
    }
    assert!(asked >= 9, "each time somebody tried: {asked}");
}
