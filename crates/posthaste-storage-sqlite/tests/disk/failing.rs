//! S8, S9: calls fail, one or several in a row, at every place of a booked workload.

use std::{
    process::Output,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use posthaste_testkit::{DiskFault, FaultyDisk};

use crate::support::{Acknowledged, DISK, Folder, SAID, USED_ROWS, check};

/// A disk that fails `count` calls from one on; tells how many calls there were.
fn run(folder: &Folder, fault: DiskFault, first: u64, count: u64) -> (Output, u64) {
    let steps = folder.folder.path().join("steps");
    let mut worker = folder.worker();
    DISK.failing(&mut worker, &folder.path(), fault, first, count);
    FaultyDisk::sparing(FaultyDisk::counted(&mut worker, &steps), SAID);
    let output = worker.output().unwrap();
    let steps = FaultyDisk::steps(&steps);
    (output, steps)
}

/// Every call from `from` on, each `each`th of them, with two at work at the same time.
fn fail_each(make: fn() -> Folder, others: usize, each: u64, count: u64) {
    let (calm, steps) = run(&make(), DiskFault::Io, 0, 0);
    assert!(calm.status.success(), "{}", String::from_utf8_lossy(&calm.stdout));
    assert!(steps > 100, "only {steps} calls");
    for fault in DiskFault::ALL {
        let (next, failed) = (AtomicU64::new(0), Mutex::new(Vec::new()));
        thread::scope(|scope| {
            for _ in 0..WORKERS {
                scope.spawn(|| {
                    loop {
                        let first = next.fetch_add(each, Ordering::SeqCst);
                        if first >= steps || !failed.lock().unwrap().is_empty() {
                            return;
                        }
                        if let Err(told) = outlives(&make(), others, fault, first, count) {
                            failed.lock().unwrap().push(told);
                        }
                    }
                });
            }
        });
        let failed = failed.into_inner().unwrap();
        assert!(failed.is_empty(), "{}", failed[0]);
        println!("{fault:?}: {steps} calls, each {each}th failed, {count} in a row");
    }
}

fn outlives(folder: &Folder, others: usize, fault: DiskFault, first: u64, count: u64) -> Result<(), String> {
    let when = format!("{fault:?}, {count} calls from {first} on");
    let (output, _) = run(folder, fault, first, count);
    if !output.status.success() {
        let told = [output.stdout, output.stderr].concat();
        return Err(format!("{when}: {}", String::from_utf8_lossy(&told)));
    }
    let acknowledged = Acknowledged::of(&folder.beside(SAID));
    assert!(acknowledged.done && acknowledged.rows.len() >= 20, "{when}: {acknowledged:?}");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(check(&folder.path(), &acknowledged, others, &when));
    Ok(())
}

#[test]
fn s9_a_call_that_fails_costs_no_acknowledged_row() {
    fail_each(Folder::used, USED_ROWS, 23, 1);
}

#[test]
fn s8_a_disk_that_is_full_for_a_while_costs_no_acknowledged_row() {
    fail_each(Folder::used, USED_ROWS, 61, 40);
}

#[test]
fn s9_a_call_that_fails_amid_the_making_of_the_file_costs_nothing() {
    fail_each(Folder::new, 0, 67, 1);
}

#[test]
#[ignore = "long: each call of some hundreds; `cargo xtask test --all` runs it"]
fn s9_every_call_that_fails_costs_no_acknowledged_row() {
    fail_each(Folder::used, USED_ROWS, 1, 1);
    fail_each(Folder::used, USED_ROWS, 1, 40);
    fail_each(Folder::new, 0, 1, 1);
}

const WORKERS: usize = 2;
