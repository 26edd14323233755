//! What is in a spool, as its parts share it and as others may see it.

use std::{collections::VecDeque, io, sync::Arc, time::Duration};

use parking_lot::Mutex;
use posthaste_core::Timestamp;
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

use crate::{
    cursor::Cursor,
    kept::Kept,
    segment::{Flaws, HEAD, Number},
};

/// What waits in a spool. Clones look at the same one.
#[derive(Clone)]
pub struct SpoolState(pub(crate) Arc<Inside>);

/// What waited at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpoolView {
    /// Rows that the store behind the spool has not taken yet.
    pub rows: u64,
    /// Their bytes.
    pub bytes: u64,
    /// When the attempt ended whose row has waited longest.
    pub oldest: Option<Timestamp>,
    /// Whether the store behind the spool failed, and has not caught up since.
    pub lost: bool,
    /// Whether the spool itself cannot be written, or is full: rows then go straight to the store.
    pub failing: bool,
    /// Segments with rows that could not be read, kept aside for somebody to look at.
    pub damaged: u64,
    /// Bytes of rows that the store has, kept in case it loses them.
    pub kept_bytes: u64,
    /// Whether it has lost such rows, and they are being booked again.
    pub looking_back: bool,
    /// How many rows were booked again since the start, because the store had lost them.
    pub brought_back: u64,
}

impl SpoolState {
    /// What waits now.
    pub fn view(&self) -> SpoolView {
        let state = self.0.state.lock();
        SpoolView {
            rows: state.appended - state.drained,
            bytes: state.waiting_bytes(),
            oldest: state.oldest.filter(|_| state.appended > state.drained),
            lost: state.lost,
            failing: state.failing,
            damaged: state.damaged,
            kept_bytes: self.0.kept.bytes(),
            looking_back: self.0.kept.losses().is_some(),
            brought_back: self.0.kept.brought_back(),
        }
    }

    /// Somebody has reason to believe that the store lost what it had: it is asked.
    pub fn doubt(&self) {
        self.0.kept.doubt();
    }
}

/// What the writer adds to and the drain takes from.
pub(crate) struct Inside {
    state: Mutex<State>,
    /// There may be something to do for the drain.
    pub(crate) grown: Notify,
    /// What the store has taken for good.
    pub(crate) kept: Kept,
    /// Whether the drain's files are no longer its own.
    closed: Mutex<bool>,
    /// What went out by now.
    gone: watch::Sender<Gone>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Gone {
    rows: u64,
    lost: bool,
}

/// A segment, as far as its rows are acknowledged.
struct Segment {
    number: Number,
    end: u64,
    /// Rows that were not handed over yet.
    rows: u64,
    /// Nothing is added any more.
    finished: bool,
    damaged: bool,
}

struct State {
    /// The oldest first; the writer adds to the last one.
    segments: VecDeque<Segment>,
    /// Everything before it was handed to the store.
    handed: Cursor,
    /// Everything before it was asked for a while later, and does not wait here any longer.
    settled: Cursor,
    /// When it was handed over what lies between the two.
    marks: VecDeque<Mark>,
    hold: Hold,
    /// The end is near: what was not handed over yet goes first.
    hurried: bool,
    /// Rows that ever came in, those found at the start included, and rows that were handed over.
    appended: u64,
    drained: u64,
    oldest: Option<Timestamp>,
    lost: bool,
    failing: bool,
    damaged: u64,
}

/// How long rows are kept that the store has taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hold {
    pub(crate) time: Duration,
    /// Beyond so many bytes they are kept for less.
    pub(crate) most_bytes: u64,
}

/// What was handed over within about a second.
#[derive(Clone, Copy, Debug)]
struct Mark {
    begun: Instant,
    at: Instant,
    until: Cursor,
}

/// What the drain does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Hand these rows over.
    Hand(Stretch),
    /// Ask for these rows, which were handed over by that moment.
    Settle(Stretch, Instant),
    /// Nothing of it is needed, and nothing comes any more.
    Remove { number: Number, length: u64, damaged: bool },
    /// Wait; there is something to do at that moment.
    Nothing(Option<Instant>),
}

/// A part of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) number: Number,
    pub(crate) from: u64,
    pub(crate) until: u64,
}

impl Inside {
    /// A spool in which an earlier process left segments, each with its end and its rows behind the cursor.
    pub(crate) fn new(left: Vec<(Number, u64, u64)>, cursor: Cursor, hold: Hold, kept: Kept) -> Self {
        let appended = left.iter().map(|(.., rows)| rows).sum();
        let segments = left
            .into_iter()
            .map(|(number, end, rows)| Segment { number, end, rows, finished: true, damaged: false })
            .collect();
        let state = State {
            segments,
            handed: cursor,
            settled: cursor,
            marks: VecDeque::new(),
            hold,
            hurried: false,
            appended,
            drained: 0,
            oldest: None,
            lost: false,
            failing: false,
            damaged: 0,
        };
        Self {
            state: Mutex::new(state),
            grown: Notify::new(),
            kept,
            closed: Mutex::new(false),
            gone: watch::Sender::default(),
        }
    }

    /// Works on the drain's files, unless they were given up. A task that is aborted leaves such work behind, running.
    pub(crate) fn unless_closed(&self, work: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        let closed = self.closed.lock();
        if *closed { Ok(()) } else { work() }
    }

    /// Waits for work on the drain's files, and lets no more begin.
    pub(crate) fn close(&self) {
        *self.closed.lock() = true;
    }

    pub(crate) fn waiting_rows(&self) -> u64 {
        let state = self.state.lock();
        state.appended - state.drained
    }

    /// Whether the store has everything for good.
    pub(crate) fn is_settled(&self) -> bool {
        let state = self.state.lock();
        state.appended == state.drained && state.marks.is_empty()
    }

    pub(crate) fn waiting_bytes(&self) -> u64 {
        self.state.lock().waiting_bytes()
    }

    /// From where on rows are needed here.
    pub(crate) fn settled(&self) -> Cursor {
        self.state.lock().settled
    }

    /// The writer began a segment.
    pub(crate) fn begin(&self, number: Number) {
        let end = HEAD.len() as u64;
        let segment = Segment { number, end, rows: 0, finished: false, damaged: false };
        self.state.lock().segments.push_back(segment);
    }

    /// Rows are durable in the last segment, up to `end`.
    pub(crate) fn grow(&self, end: u64, rows: u64) {
        {
            let mut state = self.state.lock();
            state.appended += rows;
            if let Some(last) = state.segments.back_mut() {
                last.end = end;
                last.rows += rows;
            }
        }
        self.grown.notify_one();
    }

    /// Nothing is added to the last segment any more.
    pub(crate) fn finish(&self) {
        if let Some(last) = self.state.lock().segments.back_mut() {
            last.finished = true;
        }
        self.grown.notify_one();
    }

    /// What was handed over is not held any longer than it takes to ask for it.
    pub(crate) fn hurry(&self) {
        {
            let mut state = self.state.lock();
            (state.hold.time, state.hurried) = (Duration::ZERO, true);
        }
        self.grown.notify_one();
    }

    /// After how long the store is asked for what it has taken.
    pub(crate) fn hold_time(&self) -> Duration {
        self.state.lock().hold.time
    }

    pub(crate) fn next(&self, now: Instant) -> Next {
        let state = self.state.lock();
        if let Some(first) = state.segments.front()
            && first.finished
            && first.place(state.settled) >= first.end
            && first.place(state.handed) >= first.end
        {
            return Next::Remove { number: first.number, length: first.end, damaged: first.damaged };
        }
        let mark = state.marks.front();
        let due = mark.map(|mark| mark.at + state.hold.time);
        let everything = Cursor { segment: Number::MAX, place: 0 };
        let hand = state.stretch(state.handed, everything);
        if let Some(mark) = mark
            && !(state.hurried && hand.is_some())
            && (due.is_some_and(|due| due <= now) || state.held_bytes() > state.hold.most_bytes)
            && let Some(stretch) = state.stretch(state.settled, mark.until)
        {
            return Next::Settle(stretch, mark.at);
        }
        hand.map_or(Next::Nothing(due), Next::Hand)
    }

    /// The store has taken rows, up to `place`.
    pub(crate) fn hand(&self, number: Number, place: u64, rows: u64, now: Instant) {
        let gone = {
            let mut state = self.state.lock();
            state.handed = Cursor { segment: number, place };
            state.drained += rows;
            let mut unreadable = 0;
            if let Some(segment) = state.segments.iter_mut().find(|segment| segment.number == number) {
                segment.rows = segment.rows.saturating_sub(rows);
                // What could not be read of it waits no longer.
                if segment.finished && place >= segment.end {
                    unreadable = std::mem::take(&mut segment.rows);
                }
            }
            state.drained += unreadable;
            state.mark(now);
            if state.drained >= state.appended {
                state.oldest = None;
            }
            state.gone()
        };
        self.gone.send_replace(gone);
    }

    /// The store has rows for good, up to `place`.
    pub(crate) fn settle(&self, number: Number, place: u64) {
        let gone = {
            let mut state = self.state.lock();
            state.settled = Cursor { segment: number, place };
            let settled = state.settled;
            while state.marks.front().is_some_and(|mark| mark.until <= settled) {
                state.marks.pop_front();
            }
            state.gone()
        };
        self.gone.send_replace(gone);
    }

    /// The first segment is done with.
    pub(crate) fn remove_first(&self) {
        let mut state = self.state.lock();
        let Some(first) = state.segments.pop_front() else { return };
        state.damaged += u64::from(first.damaged);
        let next = Cursor { segment: first.number + 1, place: 0 };
        state.settled = state.settled.max(next);
        state.handed = state.handed.max(next);
    }

    /// The first segment behind one of which the store has taken rows for good, and up to where.
    pub(crate) fn taken_after(&self, number: Option<Number>) -> Option<(Number, u64)> {
        let live = {
            let state = self.state.lock();
            let behind = |segment: &&Segment| number.is_none_or(|number| segment.number > number);
            let taken = |segment: &Segment| (segment.number, segment.place(state.settled));
            let mut taken = state.segments.iter().filter(behind).map(taken);
            taken.find(|(_, until)| *until > HEAD.len() as u64)
        };
        [self.kept.after(number), live].into_iter().flatten().min()
    }

    /// How much of the disk is taken by what is not only kept.
    pub(crate) fn live_bytes(&self) -> u64 {
        self.state.lock().segments.iter().map(|segment| segment.end).sum()
    }

    /// Notes what is wrong with a segment.
    pub(crate) fn note_flaws(&self, number: Number, flaws: Flaws) {
        let mut state = self.state.lock();
        if let Some(segment) = state.segments.iter_mut().find(|segment| segment.number == number) {
            segment.damaged |= flaws.are_losses();
        }
    }

    pub(crate) fn note_oldest(&self, oldest: Timestamp) {
        self.state.lock().oldest = Some(oldest);
    }

    /// Whether the store fails; whether that is news.
    pub(crate) fn note_lost(&self, lost: bool) -> bool {
        let news = std::mem::replace(&mut self.state.lock().lost, lost) != lost;
        self.gone.send_modify(|gone| gone.lost = lost);
        news
    }

    /// Whether the spool itself fails; whether that is news.
    pub(crate) fn note_failing(&self, failing: bool) -> bool {
        std::mem::replace(&mut self.state.lock().failing, failing) != failing
    }

    /// Waits until what is in now was handed over. Does not wait for a store that fails.
    pub(crate) async fn caught_up(&self) {
        let target = {
            let state = self.state.lock();
            if state.drained >= state.appended {
                return;
            }
            state.appended
        };
        let mut gone = self.gone.subscribe();
        // The sender lives as long as this.
        let _ = gone.wait_for(|gone| gone.rows >= target || gone.lost).await;
    }

    /// Waits until nothing is needed here any longer, however long the store fails.
    pub(crate) async fn drained(&self) {
        let mut gone = self.gone.subscribe();
        while !self.is_settled() {
            if gone.changed().await.is_err() {
                return;
            }
        }
    }
}

impl Segment {
    /// How far into it a cursor points.
    const fn place(&self, cursor: Cursor) -> u64 {
        if cursor.segment > self.number {
            self.end
        } else if cursor.segment == self.number {
            cursor.place
        } else {
            0
        }
    }
}

impl State {
    /// The first part of a segment between two cursors that holds anything.
    fn stretch(&self, from: Cursor, until: Cursor) -> Option<Stretch> {
        self.segments.iter().find_map(|segment| {
            let (from, until) = (segment.place(from), segment.place(until));
            // A head alone that may still grow is nothing, and one that is finished has to be passed.
            let is_head = until <= HEAD.len() as u64 && !segment.finished;
            (from < until && !is_head).then_some(Stretch { number: segment.number, from, until })
        })
    }

    fn mark(&mut self, now: Instant) {
        let until = self.handed;
        match self.marks.back_mut() {
            Some(last) if now.duration_since(last.begun) < MARK_EVERY => (last.at, last.until) = (now, until),
            _ => self.marks.push_back(Mark { begun: now, at: now, until }),
        }
    }

    fn gone(&self) -> Gone {
        Gone { rows: self.drained, lost: self.lost }
    }

    fn waiting_bytes(&self) -> u64 {
        let bytes = |segment: &Segment| {
            segment.end - segment.place(self.handed).max(HEAD.len() as u64).min(segment.end)
        };
        self.segments.iter().map(bytes).sum()
    }

    fn held_bytes(&self) -> u64 {
        let bytes =
            |segment: &Segment| segment.place(self.handed).saturating_sub(segment.place(self.settled));
        self.segments.iter().map(bytes).sum()
    }
}

/// How finely it is known when rows were handed over.
const MARK_EVERY: Duration = Duration::from_secs(1);
