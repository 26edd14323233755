//! Relays in bad weather: an upstream that fails in every way, ways that are cut, throttled and swallow everything, a store that
//! goes away, processes that stand still. Everybody who asks meanwhile is read strictly, and in the end the books, the gauges, the
//! logs and the files are looked at.
//!
//! `cargo xtask chaos` runs the long form.

#![expect(clippy::print_stdout, reason = "what a run came to is its report")]

mod audit;
mod client;
mod kills;
mod plan;
mod rig;
mod vendor;
mod weather;

use std::{sync::Arc, time::Duration};

use posthaste_testkit::Chance;
use tokio::time::{Instant, sleep};

use self::{
    client::Clients,
    plan::{Plan, Store},
    rig::Rig,
    weather::Weather,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_on_the_embedded_store_comes_through_bad_weather() {
    run(&Plan { store: Store::Embedded, relays: 1, seconds: 12, seed: 1 }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn relays_on_one_redis_come_through_bad_weather() {
    run(&Plan { store: Store::Redis, relays: 3, seconds: 16, seed: 2 }).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long, and told what to do by `cargo xtask chaos`"]
async fn weather_as_it_is_told() {
    run(&Plan::told()).await;
}

/// Bad weather for so long, and what is left of it.
async fn run(plan: &Plan) {
    let rig = Arc::new(Rig::new(plan).await);
    let clients = Clients::start(&rig, plan);
    let mut weather = Weather::new(Arc::clone(&rig), Chance::new(plan.seed));
    let ends = Instant::now() + Duration::from_secs(plan.seconds);
    while Instant::now() < ends {
        weather.turn().await;
        sleep(plan.beat()).await;
    }
    weather.clear();
    // Everybody is served again, without a hand.
    clients.go_on().await;
    let (met, weather) = (clients.end().await, weather.end());
    audit::look(Arc::into_inner(rig).expect("nobody else has it"), plan, &weather, &met).await;
}
