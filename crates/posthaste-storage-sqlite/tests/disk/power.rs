//! S11: the power is cut at any moment, and of what was not synced anything may be missing.

use std::{collections::BTreeMap, fs};

use posthaste_testkit::{Chance, DiskTrace, FaultyDisk};

use crate::support::{Acknowledged, DISK, Folder, SAID, USED_ROWS, check};

/// Cuts the power `cuts` times over a workload that was written down once, with all, none and some of what was not synced.
async fn cut(folder: &Folder, cuts: usize, seed: u64) {
    let path = folder.folder.path().join("trace");
    let before = BTreeMap::from([(String::new(), fs::read(folder.path()).unwrap())]);
    let mut worker = folder.worker();
    DISK.under(&mut worker, &folder.path());
    FaultyDisk::traced(&mut worker, &path);
    let output = worker.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let trace = DiskTrace::read(&path);
    assert!(trace.len() > 100, "only {} calls", trace.len());
    assert!(Acknowledged::read(&trace.said(SAID, trace.len())).done);

    let mut chance = Chance::new(seed);
    let (mut most, mut bare) = (0, 0);
    for number in 0..cuts {
        let calls = usize::try_from(chance.below(trace.len() as u64)).unwrap() + 1;
        let kept = [0, 50, 90, 100][number % 4];
        let when = format!("seed {seed}, cut {number}: behind {calls} calls, {kept} of 100 kept");
        let acknowledged = Acknowledged::read(&trace.said(SAID, calls));
        most = most.max(acknowledged.rows.len());
        let files = trace.after_power_cut(&before, calls, || chance.below(100) < kept);
        let after = Folder::new();
        for (suffix, bytes) in files.iter().filter(|(suffix, _)| *suffix != SAID) {
            fs::write(after.beside(suffix), bytes).unwrap();
        }
        bare += usize::from(!files.contains_key("-wal"));
        check(&after.path(), &acknowledged, USED_ROWS, &when).await;
    }
    println!("{cuts} cuts over {} calls; {most} rows were acknowledged; {bare} without a log", trace.len());
    assert!(most >= 12);
}

#[tokio::test]
async fn s11_a_power_cut_costs_no_acknowledged_row() {
    cut(&Folder::used(), 120, 7).await;
}

#[tokio::test]
#[ignore = "long: thousands of power cuts; `cargo xtask test --all` runs it"]
async fn s11_thousands_of_power_cuts_cost_no_acknowledged_row() {
    for seed in 1..=5 {
        cut(&Folder::used(), 1_000, seed).await;
    }
}
