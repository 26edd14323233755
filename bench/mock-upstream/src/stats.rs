//! What came in.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

#[derive(Default)]
pub(crate) struct Stats {
    pub(crate) requests: u64,
    pub(crate) streams: u64,
    pub(crate) in_flight: u64,
    pub(crate) max_in_flight: u64,
    pub(crate) aborted: u64,
    pub(crate) faults: u64,
    pub(crate) bytes_in: u64,
    pub(crate) connections: u64,
    pub(crate) by_path: BTreeMap<String, u64>,
    pub(crate) by_key: BTreeMap<String, u64>,
    /// A recent request as it came.
    pub(crate) last: String,
}

impl Stats {
    /// Starts from zero, except for what is still going on.
    pub(crate) fn reset(&mut self) {
        *self = Self { in_flight: self.in_flight, connections: self.connections, ..Self::default() };
    }

    /// Counts an answer that begins.
    pub(crate) fn begin(stats: &Rc<RefCell<Self>>, stream: bool) -> Live {
        let mut now = stats.borrow_mut();
        now.in_flight += 1;
        now.max_in_flight = now.max_in_flight.max(now.in_flight);
        now.streams += u64::from(stream);
        Live { stats: Rc::clone(stats), finished: false }
    }

    pub(crate) fn to_json(&self) -> String {
        format!(
            "{{\"requests\":{},\"streams\":{},\"in_flight\":{},\"max_in_flight\":{},\"aborted\":{},\
             \"faults\":{},\"bytes_in\":{},\"connections\":{},\"by_path\":{:?},\"by_key\":{:?}}}",
            self.requests,
            self.streams,
            self.in_flight,
            self.max_in_flight,
            self.aborted,
            self.faults,
            self.bytes_in,
            self.connections,
            self.by_path,
            self.by_key
        )
    }
}

/// An answer in flight; counted as aborted when dropped before its end.
pub(crate) struct Live {
    stats: Rc<RefCell<Stats>>,
    finished: bool,
}

impl Live {
    pub(crate) fn finish(&mut self) {
        self.finished = true;
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let mut stats = self.stats.borrow_mut();
        stats.in_flight -= 1;
        stats.aborted += u64::from(!self.finished);
    }
}
