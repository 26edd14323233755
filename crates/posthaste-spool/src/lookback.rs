//! Going once more through what is kept, when the store has lost rows that it had taken.

use std::{sync::Arc, time::Duration};

use posthaste_core::{AttemptRow, Clock};
use posthaste_storage::LedgerStore;
use tokio::{
    task::spawn_blocking,
    time::{Instant, sleep, timeout},
};

use crate::{
    disk::Disk,
    kept::{Keeping, RowName},
    segment::{self, Number, Part},
    state::Inside,
};

/// Waits for a loss, and never ends.
pub(crate) struct Lookback {
    pub(crate) inside: Arc<Inside>,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) inner: Arc<dyn LedgerStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) keeping: Keeping,
}

impl Lookback {
    pub(crate) async fn run(self) {
        self.see_latest().await;
        loop {
            self.expire().await;
            if let Some(loss) = self.inside.kept.losses() {
                self.go_through(loss).await;
            } else if self.inside.kept.take_doubt() {
                self.probe().await;
            } else {
                // It is only for what grows old that nobody stirs.
                let _ = timeout(EXPIRE_EVERY, self.inside.kept.stirred.notified()).await;
            }
        }
    }

    /// What an earlier process saw in the store is what can be asked for first.
    async fn see_latest(&self) {
        let mut last = None;
        while let Some((number, until)) = self.inside.taken_after(last) {
            last = Some(number);
            if self.inside.taken_after(last).is_none() {
                let Part { rows, .. } = self.read(number, until).await;
                self.inside.kept.saw(rows.iter().map(|(row, _)| row));
            }
        }
    }

    async fn probe(&self) {
        let asked_for = self.inside.kept.latest(self.keeping.first(self.clock.now()));
        let asked = Instant::now();
        if !asked_for.is_empty() && !self.missing(&asked_for).await.is_empty() {
            self.note_loss(asked).await;
        }
    }

    async fn note_loss(&self, asked: Instant) {
        let (inside, disk) = (Arc::clone(&self.inside), Arc::clone(&self.disk));
        let noted =
            spawn_blocking(move || inside.unless_closed(|| inside.kept.note_loss(&*disk, asked))).await;
        if let Ok(Err(error)) = noted {
            tracing::warn!(%error, "the spool cannot keep in mind that the shared ledger lost rows");
        }
    }

    async fn go_through(&self, loss: u64) {
        let kept_bytes = self.inside.kept.bytes();
        tracing::error!(
            kept_bytes,
            "the shared ledger has lost rows that it had taken: what the spool has kept is gone through, and booked again \
             where it is missing"
        );
        let begun = Instant::now();
        let (mut rows_seen, mut booked, mut last) = (0, 0, None);
        while let Some((number, until)) = self.inside.taken_after(last) {
            last = Some(number);
            let Part { rows, .. } = self.read(number, until).await;
            rows_seen += rows.len();
            for batch in rows.chunks(BATCH) {
                let begun = Instant::now();
                booked += self.bring_back(batch).await;
                // Others have more need of the store.
                sleep(begun.elapsed() * REST_FOR_WORK).await;
            }
        }
        let (inside, disk) = (Arc::clone(&self.inside), Arc::clone(&self.disk));
        let repaired = spawn_blocking(move || {
            let mut last = true;
            inside.unless_closed(|| inside.kept.repaired(&*disk, loss).map(|repaired| last = repaired))?;
            Ok::<_, std::io::Error>(last)
        });
        let took_s = begun.elapsed().as_secs();
        match repaired.await {
            Ok(Ok(true)) => {
                tracing::warn!(
                    rows_seen,
                    booked,
                    took_s,
                    "rows that the shared ledger had lost are booked again"
                );
            }
            Ok(Ok(false)) => tracing::info!(booked, "the shared ledger has lost rows once more meanwhile"),
            Ok(Err(error)) => {
                tracing::warn!(%error, booked, "everything is gone through once more at the next start");
            }
            Err(error) => tracing::error!(%error, "going through the spool failed"),
        }
    }

    /// Books those rows that are missing; tells how many.
    async fn bring_back(&self, batch: &[(AttemptRow, u64)]) -> u64 {
        let first = self.keeping.first(self.clock.now());
        let rows = || batch.iter().map(|(row, _)| row).filter(|row| row.request_id >= first);
        let names: Vec<RowName> = rows().map(|row| (row.request_id, row.attempt)).collect();
        let missing = self.missing(&names).await;
        let wanted = |row: &&AttemptRow| missing.binary_search(&(row.request_id, row.attempt)).is_ok();
        let lost: Vec<AttemptRow> = rows().filter(wanted).cloned().collect();
        if lost.is_empty() {
            return 0;
        }
        while let Err(error) = self.inner.append(&lost).await {
            tracing::debug!(%error, "lost rows cannot be booked at the moment");
            sleep(PAUSE).await;
        }
        self.inside.kept.note_brought_back(lost.len() as u64);
        lost.len() as u64
    }

    /// Asks until there is an answer, which is sorted.
    async fn missing(&self, names: &[RowName]) -> Vec<RowName> {
        loop {
            match self.inner.missing(names).await {
                Ok(mut missing) => {
                    missing.sort_unstable();
                    return missing;
                }
                Err(error) => tracing::debug!(%error, "the shared ledger cannot be asked what it has"),
            }
            sleep(PAUSE).await;
        }
    }

    /// The rows of a segment, under whichever name it has by now; none when it is gone.
    async fn read(&self, number: Number, until: u64) -> Part {
        let disk = Arc::clone(&self.disk);
        let floor = self.inside.kept.floor();
        let from = if floor.segment == number { floor.place } else { 0 };
        let read = spawn_blocking(move || {
            // It may get its other name in between.
            segment::read_as(&*disk, &segment::name(number), from, until)
                .or_else(|_| segment::read_as(&*disk, &segment::kept_name(number), from, until))
        });
        match read.await {
            Ok(Ok(part)) => part,
            Ok(Err(error)) if error.kind() == std::io::ErrorKind::NotFound => Part::default(),
            Ok(Err(error)) => {
                tracing::warn!(%error, number, "a segment that the spool has kept cannot be read");
                Part::default()
            }
            Err(error) => {
                tracing::error!(%error, number, "reading a segment that the spool has kept failed");
                Part::default()
            }
        }
    }

    async fn expire(&self) {
        let (inside, disk) = (Arc::clone(&self.inside), Arc::clone(&self.disk));
        let (now, keeping) = (self.clock.now(), self.keeping);
        let expired = spawn_blocking(move || {
            inside.unless_closed(|| {
                while let Some(number) = inside.kept.expired(now, keeping) {
                    disk.remove(&segment::kept_name(number))?;
                }
                Ok(())
            })
        });
        if let Ok(Err(error)) = expired.await {
            tracing::warn!(%error, "a segment that the spool has kept for long enough cannot be removed");
        }
    }
}

/// Rows in one question and one append.
const BATCH: usize = 1_000;

/// The store is busy with this for a third of the time at most.
const REST_FOR_WORK: u32 = 2;

/// Between two tries.
const PAUSE: Duration = Duration::from_secs(1);

const EXPIRE_EVERY: Duration = Duration::from_secs(3_600);
