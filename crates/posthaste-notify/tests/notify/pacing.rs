//! Digests, the pace, and what happens when too much comes.

use std::{sync::Arc, time::Duration};

use posthaste_core::{Channel, ChannelKind, NoticeSink};
use posthaste_notify::DeliveryOutcome;
use posthaste_storage::memory::MemoryStores;
use posthaste_testkit::{MemoryTransport, Reply};
use serde_json::json;

use crate::support::{Bench, bodies, channel, down, hook, notice, pass, taking, types};

#[tokio::test(start_paused = true)]
async fn a_digest_is_one_message_of_all_that_came_in_its_time() {
    let transport = taking();
    let bench = Bench::new(Arc::new(transport.clone()));
    bench.notifier.set_channels(vec![Channel { digest_seconds: 60, ..hook("digest") }]);
    for pool in 0..5 {
        bench.tell_of(pool, down());
        pass(10).await;
    }
    assert_eq!(types(&transport, "/digest"), Vec::<String>::new());
    pass(11).await;
    assert_eq!(types(&transport, "/digest"), ["digest"]);
    assert_eq!(bodies(&transport, "/digest")[0]["data"]["notices"].as_array().unwrap().len(), 5);
    // A single one is no digest.
    bench.tell_of(9, down());
    pass(61).await;
    assert_eq!(types(&transport, "/digest"), ["digest", "pool_down"]);
}

#[tokio::test(start_paused = true)]
async fn more_than_a_channel_takes_in_a_minute_becomes_one_message() {
    let transport = taking();
    let bench = Bench::new(Arc::new(transport.clone()));
    bench.notifier.set_channels(vec![Channel { per_minute: 3, ..hook("slow") }]);
    for pool in 0..20 {
        bench.tell_of(pool, down());
    }
    pass(59).await;
    assert_eq!(types(&transport, "/slow"), ["pool_down"; 3]);
    pass(2).await;
    assert_eq!(types(&transport, "/slow"), ["pool_down", "pool_down", "pool_down", "digest"]);
    assert_eq!(bodies(&transport, "/slow")[3]["data"]["notices"].as_array().unwrap().len(), 17);
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_does_not_answer_holds_up_no_other() {
    let transport = MemoryTransport::new(|sent| match sent.uri.path() {
        "/stuck" => Reply::never(),
        _ => Reply::json(200, &json!({})),
    });
    let bench = Bench::new(Arc::new(transport.clone()));
    bench.notifier.set_channels(vec![hook("stuck"), hook("well")]);
    for pool in 0..5 {
        bench.tell_of(pool, down());
    }
    pass(1).await;
    assert_eq!(types(&transport, "/well"), ["pool_down"; 5]);
    assert_eq!(types(&transport, "/stuck").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn telling_never_waits_and_what_does_not_fit_is_counted() {
    let bench = Bench::sharing(Arc::new(taking()), MemoryStores::stores().locks, |options| options.queue = 4);
    // Nothing else runs in this test's thread until it waits.
    for pool in 0..10 {
        bench.notifier.tell(notice(pool, down()));
    }
    assert_eq!(bench.notifier.dropped(), 6);
    pass(1).await;
    bench.notifier.tell(notice(20, down()));
    assert_eq!(bench.notifier.dropped(), 6, "there is room again");
}

#[tokio::test(start_paused = true)]
async fn what_a_channel_cannot_keep_waiting_is_in_its_log() {
    let transport = MemoryTransport::new(|_| Reply::never());
    let bench = Bench::new(Arc::new(transport));
    let stuck = channel("stuck", ChannelKind::Slack, "https://hooks.example.com/stuck", None);
    bench.notifier.set_channels(vec![stuck.clone()]);
    for pool in 0..300 {
        bench.tell_of(pool, down());
    }
    pass(1).await;
    let dropped = bench.deliveries(&stuck).await;
    // 256 wait, and some are with the worker.
    assert!((40..=44).contains(&dropped.len()), "{}", dropped.len());
    assert!(
        dropped.iter().all(|delivery| delivery.outcome == DeliveryOutcome::Dropped && delivery.tries == 0)
    );
    assert_eq!(bench.notifier.dropped(), dropped.len() as u64);
}

#[tokio::test(start_paused = true)]
async fn what_waits_when_the_relay_stops_is_tried_once_more() {
    let transport = taking();
    let bench = Bench::new(Arc::new(transport.clone()));
    let digest = Channel { digest_seconds: 3_600, ..hook("digest") };
    bench.notifier.set_channels(vec![digest.clone()]);
    bench.tell_of(1, down());
    pass(5).await;
    // Told at the last moment.
    bench.tell_of(2, down());
    bench.notifier.stop(Duration::from_secs(5)).await;
    assert_eq!(types(&transport, "/digest"), ["digest"]);
    assert_eq!(bench.outcomes(&digest).await, [(DeliveryOutcome::Delivered, 1)]);
}
