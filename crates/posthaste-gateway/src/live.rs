//! What goes on, told as it happens to those who watch.
//!
//! Requests pay for it only while somebody watches: else telling is one look at a number. It never waits for those who watch.
//! Whoever does not look for long loses what is oldest, and is told how much that was.

mod overheads;
mod tally;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use posthaste_core::{
    AccountId, AttemptRow, ClientKeyId, Dialect, ModelName, NanoUsd, Notice, NoticeSink, Operation,
    RecordedFault, RequestId, RequestRecord, StopEnd, Timestamp, Usage,
};
use tokio::sync::broadcast::{self, error::TryRecvError};

pub(crate) use self::{overheads::Overheads, tally::Tally};
pub use self::{overheads::OwnTime, tally::LiveTotals};
use crate::Caller;

/// Something that happened.
#[derive(Clone, Debug)]
pub enum LiveEvent {
    /// A request was accepted.
    Began(LiveRequest),
    /// It is over, its answer's last byte included.
    Ended(LiveRequest, LiveEnd),
    /// Something that operators should know.
    Notice(Notice),
}

/// A request, as it came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveRequest {
    /// The identity that the client was told.
    pub id: RequestId,
    /// When it came in.
    pub received_at: Timestamp,
    /// Whose.
    pub key_id: ClientKeyId,
    /// The key's name.
    pub key: String,
    /// The dialect that the client speaks.
    pub dialect: Dialect,
    /// What is asked for.
    pub operation: Operation,
    /// Whether a stream is asked for.
    pub streamed: bool,
    /// The model that the client named.
    pub model: ModelName,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveEnd {
    /// The status of the head that the client was given; `None` where the fault gave it.
    pub status: Option<u16>,
    /// What went wrong, as the client was told.
    pub fault: Option<RecordedFault>,
    /// The account whose answer was delivered.
    pub account: Option<AccountId>,
    /// How many attempts were made.
    pub attempts: u32,
    /// What they used together.
    pub spent: Spent,
    /// When the answer's head was given to the client, in microseconds since the request came in.
    pub answered_us: Option<u64>,
    /// When all was over, likewise.
    pub ended_us: u64,
}

/// What attempts used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Tokens.
    pub usage: Usage,
    /// What they cost.
    pub cost: NanoUsd,
    /// What the client key is billed for them.
    pub billed: NanoUsd,
}

impl Spent {
    pub(crate) fn add(&mut self, row: &AttemptRow) {
        self.usage.add(&row.usage);
        self.cost += row.cost;
        self.billed += row.billed;
    }
}

/// Tells. One a relay.
pub(crate) struct Live {
    watchers: Arc<AtomicUsize>,
    events: broadcast::Sender<Arc<LiveEvent>>,
}

impl Live {
    pub(crate) fn new() -> Arc<Self> {
        let (events, _) = broadcast::channel(KEPT);
        Arc::new(Self { watchers: Arc::default(), events })
    }

    /// Whether anybody would be told.
    pub(crate) fn is_watched(&self) -> bool {
        self.watchers.load(Ordering::Relaxed) > 0
    }

    /// A request begins to be recorded.
    pub(crate) fn began(&self, record: &RequestRecord, caller: &Caller) {
        self.tell(|| LiveEvent::Began(request(record, caller)));
    }

    /// Its record is complete.
    pub(crate) fn ended(&self, record: &RequestRecord, caller: &Caller, spent: Spent) {
        self.tell(|| LiveEvent::Ended(request(record, caller), end(record, spent)));
    }

    /// Begins to watch.
    pub(crate) fn watch(&self) -> LiveFeed {
        let watching = Watching(Arc::clone(&self.watchers));
        watching.0.fetch_add(1, Ordering::Relaxed);
        LiveFeed { events: self.events.subscribe(), _watching: watching }
    }

    fn tell(&self, event: impl FnOnce() -> LiveEvent) {
        if self.is_watched() {
            // An error means that the last one who watched has just gone.
            let _ = self.events.send(Arc::new(event()));
        }
    }
}

/// What happens from the moment on at which it was asked for.
#[derive(Debug)]
pub struct LiveFeed {
    events: broadcast::Receiver<Arc<LiveEvent>>,
    _watching: Watching,
}

impl LiveFeed {
    /// The next event that is there, and before it how many were lost; `None` when there is none yet. It does not wait: looking a
    /// few times a second costs less than being woken by each event.
    pub fn look(&mut self) -> Option<Result<Arc<LiveEvent>, u64>> {
        match self.events.try_recv() {
            Ok(event) => Some(Ok(event)),
            Err(TryRecvError::Lagged(lost)) => Some(Err(lost)),
            Err(TryRecvError::Empty | TryRecvError::Closed) => None,
        }
    }
}

#[derive(Debug)]
struct Watching(Arc<AtomicUsize>);

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Hands notices on, and tells of them.
pub(crate) struct Overheard {
    pub(crate) live: Arc<Live>,
    pub(crate) sink: Arc<dyn NoticeSink>,
}

impl NoticeSink for Overheard {
    fn tell(&self, notice: Notice) {
        self.live.tell(|| LiveEvent::Notice(notice.clone()));
        self.sink.tell(notice);
    }
}

fn request(record: &RequestRecord, caller: &Caller) -> LiveRequest {
    LiveRequest {
        id: record.id,
        received_at: record.received_at,
        key_id: record.key_id,
        key: caller.key().name.clone(),
        dialect: record.dialect,
        operation: record.operation,
        streamed: record.streamed,
        model: record.model.clone(),
    }
}

fn end(record: &RequestRecord, spent: Spent) -> LiveEnd {
    let delivered = record.stops.iter().rev().find(|stop| stop.end == StopEnd::Delivered);
    let attempts = record.stops.iter().filter(|stop| stop.attempt.is_some()).count();
    LiveEnd {
        status: record.status,
        fault: record.fault.clone(),
        account: delivered.map(|stop| stop.account),
        attempts: u32::try_from(attempts).unwrap_or(u32::MAX).saturating_add(record.more_stops),
        spent,
        answered_us: record.steps.answered_us,
        ended_us: record.steps.ended_us,
    }
}

/// Events that wait for the slowest; some hundred kilobytes while somebody watches.
const KEPT: usize = 1_024;

#[cfg(test)]
mod tests {
    use posthaste_core::{NoNotices, NoticeEvent, ProviderKind, Subject};

    use super::*;

    fn notice(number: usize) -> Notice {
        let event = NoticeEvent::PriceUnknown { provider: ProviderKind::Anthropic, priced: false };
        Notice { at: Timestamp::EPOCH, subject: Subject::Model { name: number.to_string() }, event }
    }

    fn overheard(live: &Arc<Live>) -> Overheard {
        Overheard { live: Arc::clone(live), sink: Arc::new(NoNotices) }
    }

    #[test]
    fn nothing_is_made_where_nobody_watches() {
        let live = Live::new();
        live.tell(|| panic!("nobody asked for it"));
        let feed = live.watch();
        assert!(live.is_watched());
        drop(feed);
        live.tell(|| panic!("nobody asks for it any more"));
    }

    #[test]
    fn whoever_does_not_look_loses_the_oldest_and_is_told_how_many() {
        let live = Live::new();
        let (mut slow, mut quick) = (live.watch(), live.watch());
        let sink = overheard(&live);
        for number in 0..KEPT + 7 {
            sink.tell(notice(number));
            assert!(matches!(quick.look(), Some(Ok(_))), "{number}");
        }
        assert!(matches!(slow.look(), Some(Err(7))));
        let first = slow.look().unwrap().unwrap();
        let LiveEvent::Notice(first) = &*first else { panic!("{first:?}") };
        assert_eq!(first.subject, Subject::Model { name: "7".to_owned() });
        assert!(quick.look().is_none());
    }
}
