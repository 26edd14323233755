//! G3: the relays of a fleet are replaced one after the other.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use posthaste_core::AttemptOutcome;
use posthaste_testkit::Gate;

use super::{Fleet, rows};
use crate::{
    support::{USAGE, eventually},
    upgrading::{gated, keep_asking, open_streams, read_to_the_end, upgrade},
};

#[tokio::test(flavor = "multi_thread")]
async fn g3_three_relays_are_replaced_in_turn_and_no_stream_is_cut_and_nobody_refused() {
    replaced_in_turn(60).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: three thousand streams"]
async fn g3_three_relays_are_replaced_in_turn_under_thousands_of_streams() {
    replaced_in_turn(1_000).await;
}

/// Each relay has so many streams under way, which end when all have been replaced.
async fn replaced_in_turn(streams: usize) {
    let (mut fleet, gate) = (Fleet::new(), Gate::default());
    let desk = fleet.benches.remove(0).with("POSTHASTE_SERVER__KEEP_ALIVE_AFTER", "10m");
    fleet.benches.push(desk);
    let upstream = gated(&gate).await;
    fleet.desk().add_account("one", &upstream);
    let key = fleet.desk().create_key("streams");
    let probe = fleet.desk().create_key("probe");
    fleet.start(3);
    let mut open = Vec::new();
    for relay in &fleet.relays {
        open.extend(open_streams(&relay.client(), &key, streams).await);
    }
    let stop = Arc::new(AtomicBool::new(false));
    let asking: Vec<_> = fleet
        .relays
        .iter()
        .flat_map(|relay| [true, false].map(|anew| keep_asking(relay, &probe, anew, &stop)))
        .collect();
    let mut successors = Vec::new();
    for bench in &fleet.benches {
        successors.push(upgrade(bench).await);
    }
    for relay in &mut fleet.relays {
        assert!(relay.ended().is_none(), "its streams are under way");
    }
    gate.open();
    read_to_the_end(open).await;
    stop.store(true, Ordering::Relaxed);
    let mut answered = 0;
    for asked in asking {
        answered += asked.await.unwrap();
    }
    for relay in &mut fleet.relays {
        let ended = eventually("the relay before ends", || relay.ended()).await;
        assert_eq!(ended.code(), Some(0), "{}", relay.log());
    }
    for successor in successors {
        successor.stop().await;
    }
    let rows = rows(&fleet.redis).await;
    assert_eq!(rows.len(), 3 * streams + answered);
    assert!(
        rows.iter().all(|row| row.outcome == AttemptOutcome::Complete && row.usage.output == USAGE.output)
    );
}
