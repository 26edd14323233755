//! What is written to the log: a line at the loss, a reminder now and then, a line at the return.

use std::{
    io::Write,
    sync::{Arc, Mutex},
    time::Duration,
};

use posthaste_core::Clock;
use posthaste_storage::Unit;
use posthaste_testkit::FakeClock;
use tracing_subscriber::fmt::MakeWriter;
use uuid::Uuid;

use crate::{
    scripted::{Mood, Scripted, WELL},
    support::{check, claim, take, truth, watched},
};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn read(&self) -> Vec<String> {
        let bytes = self.0.lock().unwrap();
        String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_a_minute_is_told_in_a_line_each_ten_seconds() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt().with_writer(lines.clone()).with_ansi(false).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let (scripted, clock) = (Scripted::new(), Arc::new(FakeClock::default()));
    let standby = watched(&scripted.stores(), &clock, 1);
    let (stores, now) = (standby.stores(), clock.now());
    scripted.is(Mood::Gone);
    // Ten requests a second.
    for _ in 0..600 {
        let claim = claim(Uuid::now_v7(), &[check(Unit::Requests, 1, 10)]);
        assert!(take(&stores, &claim, now).await);
        stores.admission.renew(claim.lease_ref(), Duration::from_secs(60), now).await.unwrap();
        stores.admission.settle(claim.lease_ref(), &truth(&claim, 1), now).await.unwrap();
        let may_others_speak = standby.health().may_speak();
        assert!(!may_others_speak || !standby.health().is_lost(), "they keep silent while the store is away");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let told = lines.read();
    assert!(told[0].contains("ERROR") && told[0].contains("the shared store is away"), "{told:?}");
    assert!(told[0].contains("the connection failed: gone"), "{told:?}");
    let reminders = told.iter().filter(|line| line.contains("still away")).count();
    assert!((4..=6).contains(&reminders), "{told:?}");
    assert_eq!(told.len(), reminders + 1, "{told:?}");

    scripted.is(WELL);
    tokio::time::sleep(Duration::from_secs(20)).await;
    let told = lines.read();
    let last = told.last().unwrap();
    assert!(last.contains("is back") && last.contains("granted=600") && last.contains("seconds="), "{last}");
    assert_eq!(told.len(), reminders + 2);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_comes_and_goes_is_told_of_now_and_then() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt().with_writer(lines.clone()).with_ansi(false).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let (scripted, clock) = (Scripted::new(), Arc::new(FakeClock::default()));
    let standby = watched(&scripted.stores(), &clock, 1);
    for _ in 0..20 {
        scripted.is(Mood::Gone);
        crate::support::lose(&standby, &clock).await;
        scripted.is(WELL);
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        assert!(!standby.health().is_lost());
    }
    let told = lines.read();
    assert!((2..=8).contains(&told.len()), "twenty losses within half a minute: {told:?}");
}

#[tokio::test(start_paused = true)]
async fn trouble_that_lasts_without_an_outage_is_told_of() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt().with_writer(lines.clone()).with_ansi(false).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let (scripted, clock) = (Scripted::new(), Arc::new(FakeClock::default()));
    let standby = watched(&scripted.stores(), &clock, 1);
    for _ in 0..60 {
        for mood in [Mood::Gone, WELL] {
            scripted.is(mood);
            take(&standby.stores(), &claim(Uuid::now_v7(), &[]), clock.now()).await;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let told = lines.read();
    assert!((1..=3).contains(&told.len()), "{told:?}");
    assert!(told[0].contains("WARN") && told[0].contains("the connection failed: gone"), "{told:?}");
}
