//! What booking a batch costs: into Redis itself, and into a spool before it.
//!
//! `cargo run --release -p posthaste-spool --example append_cost [ROWS]`
#![expect(clippy::print_stdout, reason = "it prints its findings")]

use std::{error::Error, sync::Arc, time::Duration};

use posthaste_core::{AttemptRow, RequestId, SystemClock};
use posthaste_spool::{SpoolOptions, SpooledLedger};
use posthaste_storage::{LedgerStore, contract};
use posthaste_storage_redis::{RedisOptions, RedisStores};
use posthaste_testkit::spawn_redis_with;
use rustix::time::{ClockId, clock_gettime};
use tokio::time::Instant;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let count = match std::env::args().nth(1) {
        Some(count) => count.parse()?,
        None => 20_000,
    };
    for (name, settings) in [
        ("memory", &["--appendonly", "no"][..]),
        ("everysec", &["--appendonly", "yes", "--appendfsync", "everysec"]),
        ("always", &["--appendonly", "yes", "--appendfsync", "always"]),
    ] {
        let server = spawn_redis_with(settings);
        let redis = RedisStores::connect(RedisOptions::new(server.url())).await?;
        let folder = tempfile::tempdir()?;
        let inner = redis.stores().ledger;
        for batch in [1, 20, 1_000] {
            let count = if batch == 1 { count / 20 } else { count };
            let direct = measure(&*inner, batch, count).await?;
            let spooled = SpooledLedger::open(
                folder.path(),
                SpoolOptions::default(),
                Arc::new(SystemClock),
                Arc::clone(&inner),
            )
            .await?;
            let before = (Instant::now(), cpu());
            let appended = measure(&spooled, batch, count).await?;
            spooled.close(Duration::from_secs(600)).await;
            let (all, used) = (before.0.elapsed(), cpu() - before.1);
            println!(
                "redis {name:8}  batch {batch:4}  direct {} an append, {} CPU a row;  spooled {} an append, {} a row until Redis has it, {} CPU a row",
                micros(direct.0, count / batch),
                micros(direct.1, count),
                micros(appended.0, count / batch),
                micros(all, count),
                micros(used, count),
            );
        }
    }
    Ok(())
}

/// Time and this process's CPU for `count` rows.
async fn measure(
    ledger: &dyn LedgerStore,
    batch: usize,
    count: usize,
) -> Result<(Duration, Duration), Box<dyn Error>> {
    let first = contract::row();
    let row = || AttemptRow { request_id: RequestId::generate(), ..first.clone() };
    let batches: Vec<Vec<AttemptRow>> =
        (0..count / batch).map(|_| (0..batch).map(|_| row()).collect()).collect();
    let before = (Instant::now(), cpu());
    for batch in &batches {
        ledger.append(batch).await?;
    }
    Ok((before.0.elapsed(), cpu() - before.1))
}

fn micros(time: Duration, parts: usize) -> String {
    format!("{:.1} µs", time.as_secs_f64() * 1e6 / parts as f64)
}

fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}
