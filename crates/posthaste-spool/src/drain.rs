//! The way from the spool to the store behind it.

use std::{sync::Arc, time::Duration};

use posthaste_core::{AttemptRow, Clock};
use posthaste_storage::{LedgerStore, StorageError};
use tokio::{
    task::spawn_blocking,
    time::{Instant, sleep, timeout_at},
};
use uuid::Uuid;

use crate::{
    cursor::Cursor,
    disk::Disk,
    kept::{Keeping, RowName},
    notice::Pace,
    segment::{self, Flaws, Number, Part},
    spool::put_away,
    state::{Inside, Next, Stretch},
};

/// Takes rows out in their order, and never ends.
pub(crate) struct Drain {
    inside: Arc<Inside>,
    disk: Arc<dyn Disk>,
    inner: Arc<dyn LedgerStore>,
    clock: Arc<dyn Clock>,
    keeping: Keeping,
    saved: Cursor,
    saved_at: Instant,
    /// When the store was last asked for a few rows that it had long ago.
    probed_at: Instant,
    lost: Option<Instant>,
    pace: Pace,
}

impl Drain {
    pub(crate) fn new(
        inside: Arc<Inside>,
        disk: Arc<dyn Disk>,
        inner: Arc<dyn LedgerStore>,
        clock: Arc<dyn Clock>,
        keeping: Keeping,
    ) -> Self {
        let saved = inside.settled();
        let (saved_at, probed_at, pace) = (Instant::now(), Instant::now(), Pace::default());
        Self { inside, disk, inner, clock, keeping, saved, saved_at, probed_at, lost: None, pace }
    }

    pub(crate) async fn run(mut self) {
        loop {
            match self.inside.next(Instant::now()) {
                Next::Hand(stretch) => self.hand(stretch).await,
                Next::Settle(stretch, taken) => self.settle(stretch, taken).await,
                Next::Remove { number, length, damaged } => self.remove(number, length, damaged).await,
                Next::Nothing(due) => self.wait(due).await,
            }
            self.save_now_and_then().await;
        }
    }

    async fn wait(&mut self, due: Option<Instant>) {
        if self.lost.is_some() {
            self.tell_drained();
        }
        let grown = self.inside.grown.notified();
        // Nothing may come for long, and then the cursor is still to be kept.
        let save = (self.saved != self.inside.settled()).then(|| self.saved_at + SAVE_EVERY);
        match [due, save].into_iter().flatten().min() {
            Some(moment) => drop(timeout_at(moment, grown).await),
            None => grown.await,
        }
    }

    async fn hand(&mut self, stretch: Stretch) {
        let Part { rows, flaws } = self.read(stretch).await;
        let number = stretch.number;
        if flaws != Flaws::default() {
            tell_flaws(number, flaws);
            self.inside.note_flaws(number, flaws);
        }
        for rows in rows.chunks(BATCH) {
            let ([(first, _), .., (_, place)] | [(first, place)]) = rows else { continue };
            self.inside.note_oldest(first.started_at.plus(Duration::from_micros(first.duration_us)));
            self.append(rows.iter().map(|(row, _)| row.clone()).collect()).await;
            self.inside.hand(number, *place, rows.len() as u64, Instant::now());
        }
        self.inside.hand(number, stretch.until, 0, Instant::now());
        if self.may_probe() {
            self.inside.kept.doubt();
        }
    }

    /// Whether it is time to ask for a few rows that the store had long ago; the next time is a while later.
    fn may_probe(&mut self) -> bool {
        let may = self.probed_at.elapsed() >= self.inside.hold_time().min(PROBE_EVERY);
        if may {
            self.probed_at = Instant::now();
        }
        may
    }

    /// Asks for what the store has taken a while ago. If it has lost any of it since, as a server does that fails over to
    /// another one, it gets that again; and who lost this may have lost what came before.
    async fn settle(&mut self, stretch: Stretch, taken: Instant) {
        let Part { rows, .. } = self.read(stretch).await;
        let mut lost_any = false;
        for batch in rows.chunks(BATCH) {
            let first = self.keeping.first(self.clock.now());
            let is_young = |row: &&AttemptRow| row.request_id >= first;
            let names =
                batch.iter().map(|(row, _)| row).filter(is_young).map(|row| (row.request_id, row.attempt));
            // A few that it had long ago tell of a loss that spared these; they are missing while one is repaired.
            let may_ask = self.inside.kept.losses().is_none() && self.may_probe();
            let others = may_ask.then(|| self.inside.kept.latest(first));
            let names: Vec<RowName> = names.chain(others.into_iter().flatten()).collect();
            let missing = self.missing(&names).await;
            lost_any |= !missing.is_empty();
            let lost = batch.iter().map(|(row, _)| row);
            let lost = lost.filter(|row| missing.binary_search(&(row.request_id, row.attempt)).is_ok());
            let lost: Vec<AttemptRow> = lost.cloned().collect();
            if !lost.is_empty() {
                let rows = lost.len() as u64;
                self.append(lost).await;
                self.inside.kept.note_brought_back(rows);
            }
        }
        if lost_any && self.keeping.is_on() {
            let (disk, inside) = (Arc::clone(&self.disk), Arc::clone(&self.inside));
            let noted = spawn_blocking(move || inside.unless_closed(|| inside.kept.note_loss(&*disk, taken)));
            if let Ok(Err(error)) = noted.await {
                tracing::warn!(%error, "the spool cannot keep in mind that the shared ledger lost rows");
            }
        }
        self.inside.kept.saw(rows.iter().map(|(row, _)| row));
        self.inside.settle(stretch.number, stretch.until);
    }

    /// Asks until there is an answer, which is sorted.
    async fn missing(&mut self, names: &[RowName]) -> Vec<RowName> {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.inner.missing(names).await {
                Ok(mut missing) => {
                    missing.sort_unstable();
                    return missing;
                }
                Err(error) => self.tell_lost(&error),
            }
            sleep(shortened(pause)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Reads until it succeeds, or gives a stretch up that the disk does not hand out.
    async fn read(&self, stretch: Stretch) -> Part {
        let Stretch { number, from, until } = stretch;
        for _ in 0..READS {
            let disk = Arc::clone(&self.disk);
            match spawn_blocking(move || segment::read(&*disk, number, from, until)).await {
                Ok(Ok(part)) => return part,
                Ok(Err(error)) => tracing::warn!(%error, number, "a segment of the spool cannot be read"),
                Err(error) => tracing::error!(%error, number, "reading a segment of the spool failed"),
            }
            sleep(LONGEST_PAUSE).await;
        }
        Part { rows: Vec::new(), flaws: Flaws { damaged_bytes: until - from, ..Flaws::default() } }
    }

    /// Hands rows to the store for as long as it takes.
    async fn append(&mut self, rows: Vec<AttemptRow>) {
        let mut pause = FIRST_PAUSE;
        while let Err(error) = self.inner.append(&rows).await {
            self.tell_lost(&error);
            sleep(shortened(pause)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn tell_lost(&mut self, error: &StorageError) {
        self.lost.get_or_insert_with(Instant::now);
        let (news, rows) = (self.inside.note_lost(true), self.inside.waiting_rows());
        let error = error as &dyn std::error::Error;
        if !self.pace.is_due() {
            tracing::debug!(error, rows, "the shared ledger still cannot be written");
        } else if news {
            tracing::error!(error, rows, "the shared ledger cannot be written; rows wait in the spool");
        } else {
            tracing::warn!(error, rows, "the shared ledger still cannot be written; rows wait in the spool");
        }
    }

    fn tell_drained(&mut self) {
        let Some(since) = self.lost.take() else { return };
        self.inside.note_lost(false);
        self.pace.reset();
        // It may have come back without what it had.
        self.inside.kept.doubt();
        tracing::info!(
            outage_s = since.elapsed().as_secs(),
            "the shared ledger has taken what waited in the spool"
        );
    }

    async fn remove(&mut self, number: Number, length: u64, damaged: bool) {
        let (disk, inside) = (Arc::clone(&self.disk), Arc::clone(&self.inside));
        let (keep, now) = (self.keeping.is_on(), self.clock.now());
        let removed = spawn_blocking(move || {
            inside.unless_closed(|| {
                if damaged {
                    return disk.rename(&segment::name(number), &segment::damaged_name(number));
                }
                put_away(&*disk, number, keep)?;
                if keep {
                    inside.kept.add(number, length, now);
                }
                Ok(())
            })
        });
        if let Ok(Err(error)) = removed.await {
            // The next process hands it over again, and the store knows it.
            tracing::warn!(%error, number, "a segment of the spool that is done with cannot be put away");
        }
        self.inside.remove_first();
    }

    /// After a crash what was taken out since is taken out once more, which the store knows to pass over.
    async fn save_now_and_then(&mut self) {
        let cursor = self.inside.settled();
        if cursor == self.saved || self.saved_at.elapsed() < SAVE_EVERY {
            return;
        }
        let (disk, inside) = (Arc::clone(&self.disk), Arc::clone(&self.inside));
        self.saved_at = Instant::now();
        match spawn_blocking(move || inside.unless_closed(|| cursor.save(&*disk))).await {
            Ok(Ok(())) => self.saved = cursor,
            Ok(Err(error)) => tracing::debug!(%error, "the spool's cursor cannot be kept"),
            Err(error) => tracing::debug!(%error, "keeping the spool's cursor failed"),
        }
    }
}

fn tell_flaws(number: Number, flaws: Flaws) {
    let Flaws { damaged_bytes, cut_bytes, unknown_rows } = flaws;
    if flaws.are_losses() {
        tracing::error!(
            number,
            damaged_bytes,
            unknown_rows,
            "a segment of the spool is damaged: its readable rows are booked, the file is kept for you to look at"
        );
    }
    if cut_bytes > 0 {
        tracing::info!(number, cut_bytes, "the end of a segment was never written whole, and is left out");
    }
}

/// Between half and all of a pause, so that relays that lost the same store do not come back as one.
fn shortened(pause: Duration) -> Duration {
    let (_, chance) = Uuid::new_v4().as_u64_pair();
    pause / 2 + (pause / 2).mul_f64((chance % 1_000) as f64 / 1_000.0)
}

/// Rows in one append.
const BATCH: usize = 1_000;

const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// Between two tries, so that a store that is back is used at once.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A loss is seen so soon while there is traffic; an idle spool asks for nothing.
const PROBE_EVERY: Duration = Duration::from_secs(10);

const SAVE_EVERY: Duration = Duration::from_secs(1);

/// How often a part of a segment is read in vain before it is given up.
const READS: u32 = 3;
