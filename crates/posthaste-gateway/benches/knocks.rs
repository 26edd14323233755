//! Whether the time of a refusal tells how much of a key was right: `cargo bench --package posthaste-gateway --bench knocks`.
//!
//! Wrong keys of two kinds come in any order, each of them once: some have nothing in common with a key that exists, others all but
//! their last eight letters. How far the means of both are apart is told in standard errors (Welch's t); 4.5 and more would be
//! a leak (Reparaz, Balasch and Verbauwhede, "Dude, is my code constant time?"). To see that it would be found, the right key is compared in
//! the same way: opening takes another time than refusing.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a failed setup ends the measurement, which prints a table"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::{hint::black_box, sync::Arc, time::Instant};

use posthaste_core::{ClientKey, ProviderKind};
use posthaste_sandbox::Sandbox;
use posthaste_storage::Repository;
use posthaste_storage_sqlite::SqliteStores;
use posthaste_testkit::{AccountSetters, Chance, account, client_key};
use tokio::runtime::Builder;

use self::support::Rig;

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let opened = {
        let _entered = runtime.enter();
        SqliteStores::open(&folder.path().join("posthaste.db")).unwrap()
    };
    let accounts = vec![account("only").with_provider(ProviderKind::Sandbox)];
    let rig = runtime.block_on(Rig::on(accounts, Arc::new(Sandbox::default()), opened.stores()));
    let mut chance = Chance::new(3);
    let right = key(&mut chance);
    let stored: Repository<ClientKey> = Repository::new(Arc::clone(&rig.stores.config));
    let record = ClientKey { hash: rig.vault.hash_client_key(&right), ..client_key("right") };
    runtime.block_on(stored.create(record)).unwrap();

    let time = |secret: &str| {
        let begun = Instant::now();
        let opens = runtime.block_on(rig.relay.authenticate(Some(secret))).is_ok();
        (begun.elapsed().as_nanos() as f64, black_box(opens))
    };
    let mut samples = [Vec::new(), Vec::new(), Vec::new()];
    for round in 0..ROUNDS {
        let far = key(&mut chance);
        let near = format!("{}{}", &right[..right.len() - LEFT], &key(&mut chance)[3..3 + LEFT]);
        let mut asked = [(0, &far), (1, &near), (2, &right)];
        // Who comes after whom must not tell them apart either.
        for place in (1..asked.len()).rev() {
            asked.swap(place, chance.below(place as u64 + 1) as usize);
        }
        for (kind, secret) in asked {
            let (nanos, opens) = time(secret);
            assert_eq!(opens, kind == 2);
            if round >= WARM_UP {
                samples[kind].push(nanos);
            }
        }
    }
    let [far, near, opened] = samples.map(Sample::of);
    println!("| key | median ns | mean ns, without the slowest tenth |\n|---|---|---|");
    for (what, sample) in
        [("nothing right", &far), ("all but eight letters right", &near), ("right", &opened)]
    {
        println!("| {what} | {:.0} | {:.0} |", sample.median, sample.mean);
    }
    println!(
        "\nt of nothing and nearly right {:.1}, of nothing and right {:.1}",
        far.t(&near),
        far.t(&opened)
    );
}

fn key(chance: &mut Chance) -> String {
    let letters: String = (0..64).map(|_| char::from_digit(chance.below(16) as u32, 16).unwrap()).collect();
    format!("cr_{letters}")
}

struct Sample {
    count: f64,
    median: f64,
    mean: f64,
    variance: f64,
}

impl Sample {
    /// The slowest tenth met the machine's other work.
    fn of(mut times: Vec<f64>) -> Self {
        times.sort_by(f64::total_cmp);
        let median = times[times.len() / 2];
        times.truncate(times.len() * 9 / 10);
        let count = times.len() as f64;
        let mean = times.iter().sum::<f64>() / count;
        let variance = times.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / (count - 1.0);
        Self { count, median, mean, variance }
    }

    fn t(&self, other: &Self) -> f64 {
        (self.mean - other.mean) / (self.variance / self.count + other.variance / other.count).sqrt()
    }
}

const ROUNDS: usize = 505_000;
const WARM_UP: usize = 5_000;

/// Letters of a nearly right key that are wrong.
const LEFT: usize = 8;
