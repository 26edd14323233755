//! Segments that a store has taken for good, as far as anybody can know: kept for some days, in case it loses them all the
//! same.

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    time::Duration,
};

use parking_lot::Mutex;
use posthaste_core::{AttemptRow, ClientKeyId, RequestId, Timestamp};
use posthaste_storage::first_request;
use tokio::{sync::Notify, time::Instant};

use crate::{
    cursor::Cursor,
    disk::Disk,
    segment::{self, Number},
};

/// A row's name.
pub(crate) type RowName = (RequestId, u16);

/// For how long what is kept may be booked once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Keeping {
    /// How long segments are kept; nothing is with no time at all.
    pub(crate) time: Duration,
    /// How long the store keeps rows before it forgets them.
    pub(crate) rows: Option<Duration>,
}

impl Keeping {
    pub(crate) fn is_on(self) -> bool {
        !self.time.is_zero()
    }

    /// The first request whose rows may be booked once more. One that the store has forgotten in good order would count
    /// twice; so nothing is near that border.
    pub(crate) fn first(self, now: Timestamp) -> RequestId {
        let oldest = self.rows.map_or(Timestamp::from_micros(0), |rows| {
            now.minus(rows.saturating_sub(FORGETTING_MARGIN.min(rows / 2)))
        });
        first_request(oldest)
    }
}

/// What is kept, and whether there is reason to go through it.
pub(crate) struct Kept {
    state: Mutex<State>,
    /// There is something to do for the one who looks back.
    pub(crate) stirred: Notify,
    /// Over the file that tells of a loss.
    marking: Mutex<()>,
}

#[derive(Default)]
struct State {
    /// The oldest first.
    segments: VecDeque<Segment>,
    /// What lies before it is of other books.
    floor: Cursor,
    /// For each of some client keys the last row that the store was seen to have.
    latest: BTreeMap<ClientKeyId, RowName>,
    /// Whether somebody has reason to believe that the store lost something.
    doubted: bool,
    /// Whether it has, and not everything was gone through since; which time it is.
    losses: Option<u64>,
    count: u64,
    /// When that was noted last.
    noted: Option<Instant>,
    brought_back: u64,
}

#[derive(Clone, Copy, Debug)]
struct Segment {
    number: Number,
    length: u64,
    since: Timestamp,
}

impl Kept {
    /// Counts what an earlier process kept. What is of other books than these is dropped, and what lies before `cursor` then
    /// is of no use.
    pub(crate) fn open(disk: &dyn Disk, keeping: Keeping, books: &str, cursor: Cursor) -> io::Result<Self> {
        let mut state = State::default();
        let files = segment::kept(disk)?;
        if keeping.is_on() && !is_of(disk, books) {
            if !files.is_empty() {
                tracing::warn!(books, "what the spool has kept is of other books, and is dropped");
            }
            state.floor = cursor;
            remove_all(disk, &files);
            if let Err(error) = disk.replace(BOOKS, books.as_bytes()) {
                tracing::warn!(%error, "what the spool keeps from now on is kept until the next start only");
            }
        } else if keeping.is_on() {
            for (number, length) in files {
                let since = disk.modified(&segment::kept_name(number))?;
                state.segments.push_back(Segment { number, length, since });
            }
            state.doubted = true;
            if is_marked(disk) {
                (state.losses, state.count) = (Some(1), 1);
            }
        } else {
            remove_all(disk, &files);
        }
        Ok(Self { state: Mutex::new(state), stirred: Notify::new(), marking: Mutex::new(()) })
    }

    /// A segment was put under its name for what is kept.
    pub(crate) fn add(&self, number: Number, length: u64, since: Timestamp) {
        self.state.lock().segments.push_back(Segment { number, length, since });
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.state.lock().segments.iter().map(|segment| segment.length).sum()
    }

    /// Takes out what is kept for too long by now, for its file to be removed.
    pub(crate) fn expired(&self, now: Timestamp, keeping: Keeping) -> Option<Number> {
        let longest = keeping.rows.map_or(keeping.time, |rows| keeping.time.min(rows));
        let mut state = self.state.lock();
        let first = state.segments.front().filter(|first| now.since(first.since) > longest)?.number;
        state.segments.pop_front();
        Some(first)
    }

    /// Takes out what is kept for longest, for its file to be removed.
    pub(crate) fn oldest(&self) -> Option<Number> {
        self.state.lock().segments.pop_front().map(|first| first.number)
    }

    /// The first segment behind one, and its length.
    pub(crate) fn after(&self, number: Option<Number>) -> Option<(Number, u64)> {
        let state = self.state.lock();
        let next = state.segments.iter().find(|segment| number.is_none_or(|number| segment.number > number));
        next.map(|segment| (segment.number, segment.length))
    }

    pub(crate) fn floor(&self) -> Cursor {
        self.state.lock().floor
    }

    /// The store was seen to have these rows.
    pub(crate) fn saw<'a>(&self, rows: impl Iterator<Item = &'a AttemptRow>) {
        let mut state = self.state.lock();
        for row in rows {
            state.latest.insert(row.key_id, (row.request_id, row.attempt));
        }
        while state.latest.len() > MOST_LATEST {
            let oldest = state.latest.iter().min_by_key(|(_, name)| **name).map(|(key, _)| *key);
            state.latest.retain(|key, _| Some(*key) != oldest);
        }
    }

    /// Rows that the store has, unless it lost something; each of another client key.
    pub(crate) fn latest(&self, first: RequestId) -> Vec<RowName> {
        let state = self.state.lock();
        state.latest.values().filter(|(request, _)| *request >= first).copied().collect()
    }

    /// Somebody has reason to believe that the store lost something.
    pub(crate) fn doubt(&self) {
        self.state.lock().doubted = true;
        self.stirred.notify_one();
    }

    pub(crate) fn take_doubt(&self) -> bool {
        std::mem::take(&mut self.state.lock().doubted)
    }

    /// Which loss is to be repaired.
    pub(crate) fn losses(&self) -> Option<u64> {
        self.state.lock().losses
    }

    /// The store has lost rows that it had taken at that moment. That is remembered on disk before this returns, so that the
    /// next process goes through everything if this one does not come to it.
    pub(crate) fn note_loss(&self, disk: &dyn Disk, taken: Instant) -> io::Result<()> {
        let _marking = self.marking.lock();
        let is_new = {
            let mut state = self.state.lock();
            // What it had before a loss that is known went with that one.
            let is_new = state.noted.is_none_or(|noted| taken > noted);
            if is_new {
                state.noted = Some(Instant::now());
                state.count += 1;
                state.losses = Some(state.count);
            }
            is_new
        };
        self.stirred.notify_one();
        if is_new { disk.replace(MARK, b"") } else { Ok(()) }
    }

    /// Everything was gone through after this loss; `false` when there was another one since.
    pub(crate) fn repaired(&self, disk: &dyn Disk, loss: u64) -> io::Result<bool> {
        let _marking = self.marking.lock();
        {
            let mut state = self.state.lock();
            if state.losses != Some(loss) {
                return Ok(false);
            }
            state.losses = None;
        }
        forget_mark(disk)?;
        Ok(true)
    }

    pub(crate) fn note_brought_back(&self, rows: u64) {
        self.state.lock().brought_back += rows;
    }

    pub(crate) fn brought_back(&self) -> u64 {
        self.state.lock().brought_back
    }
}

fn is_of(disk: &dyn Disk, books: &str) -> bool {
    disk.read(BOOKS, 0, MOST_NAME).is_ok_and(|known| known == books.as_bytes())
}

/// What cannot be removed is in nobody's way but the disk's, and is tried again at the next start.
fn remove_all(disk: &dyn Disk, files: &[(Number, u64)]) {
    let removed = files.iter().try_for_each(|(number, _)| disk.remove(&segment::kept_name(*number)));
    if let Err(error) = removed.and_then(|()| forget_mark(disk)) {
        tracing::warn!(%error, "what the spool has kept cannot be removed");
    }
}

fn is_marked(disk: &dyn Disk) -> bool {
    disk.read(MARK, 0, 1).is_ok()
}

fn forget_mark(disk: &dyn Disk) -> io::Result<()> {
    if is_marked(disk) { disk.remove(MARK) } else { Ok(()) }
}

/// There while rows that the store has lost may be missing still.
const MARK: &str = "lost";

/// Whose rows are kept.
const BOOKS: &str = "books";

const MOST_NAME: u64 = 4_096;

/// How many client keys' rows are asked for beside others.
const MOST_LATEST: usize = 8;

/// Old rows are dropped within the hour, by the clocks of several relays.
const FORGETTING_MARGIN: Duration = Duration::from_secs(2 * 3_600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_the_store_may_have_forgotten_is_booked_once_more() {
        let now = Timestamp::from_secs(1_790_000_000);
        let day = Duration::from_secs(86_400);
        let keeping = Keeping { time: day, rows: Some(day) };
        assert_eq!(keeping.first(now), first_request(now.minus(day - FORGETTING_MARGIN)));
        assert_eq!(Keeping { rows: None, ..keeping }.first(now), first_request(Timestamp::from_micros(0)));
        let short = Keeping { rows: Some(FORGETTING_MARGIN), ..keeping };
        assert_eq!(short.first(now), first_request(now.minus(FORGETTING_MARGIN / 2)));
    }
}
