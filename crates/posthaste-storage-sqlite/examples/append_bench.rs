//! Measures what booking costs: rows and commits a second, and CPU time a row, for batches of 100 and 1,000.
//!
//! `cargo run --release --example append_bench -p posthaste-storage-sqlite [rows]`; the file is made in the folder for
//! temporary files and removed afterwards.

use std::time::{Duration, Instant};

use posthaste_core::{AccountId, AttemptRow, ClientKeyId, ModelName, RequestId};
use posthaste_storage::contract::row;
use posthaste_storage_sqlite::SqliteStores;
use rustix::time::{ClockId, clock_gettime};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rows: usize = std::env::args().nth(1).map_or(Ok(200_000), |text| text.parse())?;
    for (keys, accounts) in [(1, 1), (20, 4), (500, 20)] {
        for batch in [100, 1_000] {
            measure(rows, batch, keys, accounts).await?;
        }
    }
    Ok(())
}

async fn measure(
    rows: usize,
    batch: usize,
    keys: usize,
    accounts: usize,
) -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let opened = SqliteStores::open(&folder.path().join("posthaste.db"))?;
    let ledger = opened.stores().ledger;
    let traffic = Traffic::of(keys, accounts);

    let mut wall = Duration::ZERO;
    let mut cpu = Duration::ZERO;
    for first in (0..rows).step_by(batch) {
        let rows = traffic.rows(first, batch);
        let (began, cpu_began) = (Instant::now(), cpu_time());
        ledger.append(&rows).await?;
        wall += began.elapsed();
        cpu += cpu_time() - cpu_began;
    }
    let per_second = rows as f64 / wall.as_secs_f64();
    let cpu_each = cpu.as_secs_f64() * 1e6 / rows as f64;
    let commits = per_second / batch as f64;
    #[expect(clippy::print_stdout, reason = "the figures are what the program is for")]
    {
        println!(
            "{keys:>4} keys x {accounts:>2} accounts, batch {batch:>5}: {per_second:>8.0} rows/s, {commits:>5.0} \
             commits/s, {cpu_each:>6.2} µs CPU a row"
        );
    }
    opened.close().await?;
    Ok(())
}

/// Rows as a relay books them: three models, and keys and accounts that take turns.
struct Traffic {
    template: AttemptRow,
    keys: Vec<ClientKeyId>,
    accounts: Vec<AccountId>,
    models: Vec<ModelName>,
}

impl Traffic {
    fn of(keys: usize, accounts: usize) -> Self {
        let models = ["claude-opus-4-8", "claude-haiku-4-5", "gpt-5"].map(ModelName::parse);
        Self {
            template: row(),
            keys: (0..keys).map(|_| ClientKeyId::generate()).collect(),
            accounts: (0..accounts).map(|_| AccountId::generate()).collect(),
            models: models.into_iter().flatten().collect(),
        }
    }

    fn rows(&self, first: usize, count: usize) -> Vec<AttemptRow> {
        (first..first + count).map(|number| self.row(number)).collect()
    }

    fn row(&self, number: usize) -> AttemptRow {
        AttemptRow {
            request_id: RequestId::generate(),
            started_at: self.template.started_at.plus(Duration::from_millis(number as u64)),
            // Primes, so that keys do not march in step with accounts and models.
            key_id: self.keys[number * 7_919 % self.keys.len()],
            account_id: self.accounts[number * 104_729 / 3 % self.accounts.len()],
            model: self.models[number % self.models.len()].clone(),
            ..self.template.clone()
        }
    }
}

/// CPU time of the whole process so far.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.cast_unsigned(), u32::try_from(time.tv_nsec).unwrap_or(0))
}
