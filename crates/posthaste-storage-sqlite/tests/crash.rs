//! Killed at any moment, the store keeps what it has acknowledged, and keeps it once.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::{
    collections::HashSet,
    io::{self, BufRead, BufReader, Read, Write},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use posthaste_core::{AttemptRow, RequestId};
use posthaste_storage::{Expect, RecordKind, RollupPeriod, Stores, UsageQuery, contract::row};
use posthaste_storage_sqlite::SqliteStores;
use uuid::Uuid;

#[tokio::test]
async fn a_killed_writer_loses_and_doubles_nothing_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("posthaste.db");
    let mut acknowledged = Acknowledged::default();
    for round in 0..ROUNDS {
        let mut child = start_child(&path);
        let mut answers = BufReader::new(child.stdout.take().unwrap());
        acknowledged.read_first(&mut answers);
        // Not a timed assertion: any moment will do, and each round has another one.
        thread::sleep(Duration::from_millis(u64::from(Uuid::new_v4().as_bytes()[0])));
        child.kill().unwrap();
        child.wait().unwrap();
        acknowledged.read_rest(answers);
        check(&SqliteStores::open(&path).unwrap().stores(), &acknowledged, round).await;
    }
    assert!(acknowledged.rows.len() > 20 * ROUNDS);
}

/// Not a test of its own: what the test above starts, and kills.
#[tokio::test]
#[ignore = "started by the test above, which hands it a path"]
async fn child() {
    let mut path = String::new();
    io::stdin().read_line(&mut path).unwrap();
    let opened = SqliteStores::open(Path::new(path.trim())).unwrap();
    let stores = opened.stores();
    let record = Uuid::now_v7();
    let mut expect = Expect::Absent;
    let mut earlier: Vec<AttemptRow> = Vec::new();
    loop {
        let new: Vec<AttemptRow> = (0..20).map(|_| row()).collect();
        // A replay of what was booked before comes with every batch, as after an outage.
        let batch = [earlier.as_slice(), new.as_slice()].concat();
        stores.ledger.append(&batch).await.unwrap();
        let body = "{}".to_owned();
        let version = stores.config.put(RecordKind::Account, record, None, body, expect).await.unwrap();
        expect = Expect::Version(version);
        acknowledge(&new, record, version);
        earlier = new;
    }
}

fn acknowledge(rows: &[AttemptRow], record: Uuid, version: u64) {
    let mut lines: String = rows.iter().map(|row| format!("row {}\n", row.request_id)).collect();
    lines.push_str(&format!("record {record} {version}\n"));
    let mut stdout = io::stdout().lock();
    stdout.write_all(lines.as_bytes()).unwrap();
    stdout.flush().unwrap();
}

fn start_child(path: &Path) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--ignored", "--nocapture"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(child.stdin.take().unwrap(), "{}", path.display()).unwrap();
    child
}

/// What the children have said is written.
#[derive(Default)]
struct Acknowledged {
    rows: HashSet<RequestId>,
    records: Vec<(Uuid, u64)>,
}

impl Acknowledged {
    /// Waits until the child is at work.
    fn read_first(&mut self, answers: &mut impl BufRead) {
        let known = self.rows.len();
        while self.rows.len() == known {
            let mut line = String::new();
            assert!(answers.read_line(&mut line).unwrap() > 0, "the child has ended by itself");
            self.read_line(&line);
        }
    }

    fn read_rest(&mut self, mut answers: impl Read) {
        let mut rest = String::new();
        answers.read_to_string(&mut rest).unwrap();
        // The last line may be cut off, and says nothing then.
        rest.split_inclusive('\n').filter(|line| line.ends_with('\n')).for_each(|line| self.read_line(line));
    }

    fn read_line(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["row", id] => {
                self.rows.insert(id.parse().unwrap());
            }
            ["record", id, version] => {
                let (id, version) = (id.parse().unwrap(), version.parse().unwrap());
                self.records.retain(|(known, _)| *known != id);
                self.records.push((id, version));
            }
            // The test harness has its say too.
            _ => {}
        }
    }
}

async fn check(stores: &Stores, acknowledged: &Acknowledged, round: usize) {
    let booked = stores.ledger.recent(None, usize::MAX).await.unwrap();
    let ids: HashSet<RequestId> = booked.iter().map(|row| row.request_id).collect();
    assert_eq!(ids.len(), booked.len(), "round {round}: a row was doubled");
    let lost = acknowledged.rows.difference(&ids).count();
    assert_eq!(lost, 0, "round {round}: of {} rows", acknowledged.rows.len());
    assert_eq!(stores.ledger.count().await.unwrap(), booked.len() as u64);
    for period in RollupPeriod::ALL {
        let query = UsageQuery::all(period);
        let sums = stores.ledger.usage(&query).await.unwrap();
        assert_eq!(sums.iter().map(|sum| sum.sums.attempts).sum::<u64>(), booked.len() as u64);
        let input: u64 = booked.iter().map(|row| row.usage.input).sum();
        assert_eq!(sums.iter().map(|sum| sum.sums.usage.input).sum::<u64>(), input);
    }
    for (id, version) in &acknowledged.records {
        let record = stores.config.get(RecordKind::Account, *id).await.unwrap().unwrap();
        assert!(record.version >= *version, "round {round}: a record went back");
    }
}

const ROUNDS: usize = 5;
