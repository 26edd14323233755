//! A Redis that is emptied under two relays.

use std::time::Duration;

use rustix::process::Signal;
use tokio::time::sleep;

use super::{
    Fleet, assert_books, counted,
    load::{self, Load},
};
use crate::support::{eventually, whole};

/// Rows that Redis had for good, before the relays were started anew, are as safe as those of the last seconds; also those of
/// a relay that is killed meanwhile. What a relay knew of client keys is read again after the flush, and whoever comes meanwhile
/// waits for that.
#[tokio::test(flavor = "multi_thread")]
async fn s5_a_redis_that_is_emptied_under_two_relays_has_every_row_again() {
    let mut fleet = Fleet::new();
    let upstream = load::upstream().await;
    fleet.desk().add_account("one", &upstream);
    let key = fleet.desk().create_key("team --limit requests=1M/total --limit concurrency=64");
    fleet.start(2);
    let clients = Load::on(&fleet.relays, &key);
    clients.go_on().await;
    sleep(Duration::from_secs(1)).await;
    let before = clients.end().await;
    // What is in Redis is only kept now.
    fleet.restart().await;
    assert_eq!(fleet.relays[1].post(&key, &whole()).await.unwrap().status, 200);
    let clients = Load::on(&fleet.relays[..1], &key);
    clients.go_on().await;
    eventually("both have a copy of the records", || {
        fleet.benches.iter().all(|bench| bench.data().join("config.copy").exists()).then_some(())
    })
    .await;

    let flushed = clients.served();
    fleet.redis.command("FLUSHALL");
    clients.go_on().await;
    eventually("the records are written back", || {
        fleet.relays.iter().any(|relay| relay.log().contains("has its records again")).then_some(())
    })
    .await;
    let mut dead = fleet.relays.remove(1);
    dead.signal(Signal::KILL);
    dead.end().await;
    fleet.relays.push(fleet.benches[1].serve());
    for relay in &fleet.relays {
        eventually("what was lost is booked again", || {
            relay.log().contains("had lost are booked again").then_some(())
        })
        .await;
    }
    clients.go_on().await;
    let served = clients.end().await;
    let last = load::served_when_nobody_holds(&fleet.relays, &key, 64).await;
    let asked = upstream.received().len();
    assert_eq!(before + 1 + served + last, asked, "every request was served");
    // A limit begins anew; what was under way at the flush may be in it or not, and some were served between the look at how
    // many that were and the flush.
    let since = served - flushed + last;
    let told = counted(&fleet.redis);
    eventually(&format!("the limit has counted {since}, and not {told}"), || {
        let counted = counted(&fleet.redis);
        (counted + 64 >= since && counted <= since + 8).then_some(())
    })
    .await;
    let redis = fleet.stop().await;
    assert_books(redis.url(), asked).await;
}
