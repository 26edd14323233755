//! Messages that do not arrive at once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use posthaste_core::{Channel, Sealed, TransportError};
use posthaste_notify::DeliveryOutcome;
use posthaste_testkit::{MemoryTransport, Reply};
use serde_json::json;
use tokio::time::Instant;

use crate::support::{Bench, down, hook, pass, types};

/// Answers `status` so often, then takes everything.
fn failing(times: usize, reply: impl Fn() -> Reply + Send + Sync + 'static) -> MemoryTransport {
    let failed = AtomicUsize::new(0);
    MemoryTransport::new(move |_| {
        if failed.fetch_add(1, Ordering::SeqCst) < times { reply() } else { Reply::json(200, &json!({})) }
    })
}

/// Waits for the channel's first delivery and tells how long that took.
async fn delivered(bench: &Bench, channel: &Channel) -> Duration {
    let begun = Instant::now();
    while bench.deliveries(channel).await.is_empty() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    begun.elapsed()
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_may_pass_is_tried_again_with_growing_pauses() {
    let transport = failing(3, || Reply::json(503, &json!({})));
    let bench = Bench::new(Arc::new(transport.clone()));
    let channel = hook("all");
    bench.notifier.set_channels(vec![channel.clone()]);
    bench.tell(down());
    let took = delivered(&bench, &channel).await;
    // 1 s, 5 s and 30 s, each from four to six fifths.
    assert!(took >= Duration::from_secs(28) && took <= Duration::from_secs(44), "{took:?}");
    assert_eq!(bench.outcomes(&channel).await, [(DeliveryOutcome::Delivered, 4)]);
    let ids: Vec<_> = transport.sent().iter().map(|sent| sent.headers["webhook-id"].clone()).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "a receiver knows repeats by the id");
    let signatures: Vec<_> =
        transport.sent().iter().map(|sent| sent.headers["webhook-signature"].clone()).collect();
    assert_ne!(signatures[0], signatures[3], "each try is signed anew");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_asks_for_time_gets_it() {
    let transport = failing(1, || Reply::json(429, &json!({})).header("retry-after", "90"));
    let bench = Bench::new(Arc::new(transport));
    let channel = hook("all");
    bench.notifier.set_channels(vec![channel.clone()]);
    bench.tell(down());
    let took = delivered(&bench, &channel).await;
    assert!(took >= Duration::from_secs(90) && took < Duration::from_secs(91), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn after_six_tries_it_is_given_up() {
    let unreachable = || {
        Reply::failure(TransportError::Connect { host: "hooks.example.com".to_owned(), source: "no".into() })
    };
    let transport = failing(usize::MAX, unreachable);
    let bench = Bench::new(Arc::new(transport.clone()));
    let channel = hook("all");
    bench.notifier.set_channels(vec![channel.clone()]);
    bench.tell(down());
    pass(1_000).await;
    assert_eq!(bench.outcomes(&channel).await, [(DeliveryOutcome::GivenUp, 6)]);
    let error = bench.deliveries(&channel).await[0].error.clone();
    assert_eq!(error.as_deref(), Some("could not connect to hooks.example.com"));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_not_tried_again() {
    let transport = MemoryTransport::new(|sent| match sent.uri.path() {
        "/gone" => Reply::json(404, &json!({})),
        _ => Reply::failure(TransportError::Refused {
            host: "hooks.example.com".to_owned(),
            reason: "it is not an address of the open internet".to_owned(),
        }),
    });
    let bench = Bench::new(Arc::new(transport.clone()));
    let (gone, private) = (hook("gone"), hook("private"));
    bench.notifier.set_channels(vec![gone.clone(), private.clone()]);
    bench.tell(down());
    pass(1_000).await;
    for channel in [&gone, &private] {
        assert_eq!(bench.outcomes(channel).await, [(DeliveryOutcome::Refused, 1)]);
    }
    assert_eq!(transport.sent().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_silent_is_left_after_ten_seconds() {
    let transport = failing(1, Reply::never);
    let bench = Bench::new(Arc::new(transport));
    let channel = hook("all");
    bench.notifier.set_channels(vec![channel.clone()]);
    bench.tell(down());
    let took = delivered(&bench, &channel).await;
    assert!(took >= Duration::from_millis(10_800) && took <= Duration::from_millis(11_300), "{took:?}");
    assert_eq!(bench.outcomes(&channel).await, [(DeliveryOutcome::Delivered, 2)]);
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_was_put_right_is_tried_at_once() {
    let transport = MemoryTransport::new(|sent| match sent.uri.path() {
        "/new" => Reply::json(200, &json!({})),
        _ => Reply::json(500, &json!({})),
    });
    let bench = Bench::new(Arc::new(transport.clone()));
    let old = hook("old");
    bench.notifier.set_channels(vec![old.clone()]);
    bench.tell(down());
    // The next try would come after two minutes.
    pass(50).await;
    let tries = types(&transport, "/old").len();
    let target = Some(Sealed::from_text("https://hooks.example.com/new"));
    bench.notifier.set_channels(vec![Channel { target, ..old.clone() }]);
    pass(1).await;
    assert_eq!(types(&transport, "/new"), ["pool_down"]);
    assert_eq!(types(&transport, "/old").len(), tries);
    assert_eq!(bench.outcomes(&old).await, [(DeliveryOutcome::Delivered, u32::try_from(tries).unwrap() + 1)]);
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_channel_that_is_no_more_is_dropped() {
    let transport = failing(usize::MAX, || Reply::json(500, &json!({})));
    let bench = Bench::new(Arc::new(transport.clone()));
    let gone = hook("gone");
    bench.notifier.set_channels(vec![gone.clone()]);
    bench.tell_of(1, down());
    bench.tell_of(2, down());
    pass(50).await;
    let tries = transport.sent().len();
    bench.notifier.set_channels(Vec::new());
    pass(10_000).await;
    assert_eq!(transport.sent().len(), tries);
    let outcomes = bench.outcomes(&gone).await;
    assert!(outcomes.iter().all(|(outcome, _)| *outcome == DeliveryOutcome::Dropped), "{outcomes:?}");
    assert_eq!(outcomes.len(), 2);
}
