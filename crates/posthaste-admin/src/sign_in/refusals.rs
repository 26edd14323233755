//! Log-ins of strangers that were refused, told so that they cannot fill the audit log.
//!
//! Of a name and an address the first refusal is written at once; those that follow within the interval are counted, and told by one
//! entry when it is over. Beyond so many names and addresses in an interval all others are counted together.

use std::{
    collections::{HashMap, hash_map::Entry},
    net::IpAddr,
    time::Duration,
};

use parking_lot::Mutex;
use posthaste_core::Timestamp;

/// What was refused lately and not told yet.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    interval: Mutex<Option<Interval>>,
}

/// Refusals that are told together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Repeated {
    /// What was tried, and the name that was given; `None` for several.
    pub(crate) of: Option<Tried>,
    /// How often it was refused beyond what is in the log already.
    pub(crate) times: u64,
    /// When the first of the interval was.
    pub(crate) since: Timestamp,
}

/// What somebody tried.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Tried {
    pub(crate) action: &'static str,
    pub(crate) name: String,
    pub(crate) address: Option<IpAddr>,
}

#[derive(Debug)]
struct Interval {
    since: Timestamp,
    repeats: HashMap<Tried, u64>,
    others: u64,
}

impl Refusals {
    /// Whether this refusal gets an entry of its own; else it is counted.
    pub(crate) fn is_new(&self, tried: Tried, now: Timestamp) -> bool {
        let mut interval = self.interval.lock();
        let interval =
            interval.get_or_insert_with(|| Interval { since: now, repeats: HashMap::new(), others: 0 });
        let room = interval.repeats.len() < MOST_TOLD;
        match interval.repeats.entry(tried) {
            Entry::Occupied(mut known) => {
                *known.get_mut() += 1;
                false
            }
            Entry::Vacant(new) if room => {
                new.insert(0);
                true
            }
            Entry::Vacant(_) => {
                interval.others += 1;
                false
            }
        }
    }

    /// What is to be told now that an interval is over.
    pub(crate) fn over(&self, now: Timestamp) -> Vec<Repeated> {
        let mut interval = self.interval.lock();
        match interval.take_if(|interval| now.since(interval.since) >= INTERVAL) {
            Some(over) => over.told(),
            None => Vec::new(),
        }
    }

    /// What is to be told before the program ends.
    pub(crate) fn all(&self) -> Vec<Repeated> {
        self.interval.lock().take().map(Interval::told).unwrap_or_default()
    }
}

impl Interval {
    fn told(self) -> Vec<Repeated> {
        let Self { since, repeats, others } = self;
        let several = (others > 0).then_some(Repeated { of: None, times: others, since });
        let known = repeats.into_iter().filter(|(_, times)| *times > 0);
        known.map(|(tried, times)| Repeated { of: Some(tried), times, since }).chain(several).collect()
    }
}

const INTERVAL: Duration = Duration::from_secs(10 * 60);

/// So many names and addresses are told apart in an interval.
const MOST_TOLD: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp::from_secs(1_773_144_000);

    fn tried(name: &str) -> Tried {
        Tried { action: "session.begin", name: name.to_owned(), address: None }
    }

    #[test]
    fn the_first_is_told_and_the_others_are_counted() {
        let refusals = Refusals::default();
        assert!(refusals.is_new(tried("ada"), NOON));
        assert!(refusals.is_new(tried("bob"), NOON));
        for _ in 0..7 {
            assert!(!refusals.is_new(tried("ada"), NOON.plus(Duration::from_secs(9))));
        }
        assert!(refusals.over(NOON.plus(Duration::from_secs(599))).is_empty());
        let told = refusals.over(NOON.plus(INTERVAL));
        assert_eq!(told, [Repeated { of: Some(tried("ada")), times: 7, since: NOON }]);
        assert!(refusals.over(NOON.plus(INTERVAL * 2)).is_empty(), "told once");
        assert!(refusals.is_new(tried("ada"), NOON.plus(INTERVAL)), "and then it begins anew");
    }

    #[test]
    fn names_without_end_are_counted_together() {
        let refusals = Refusals::default();
        let told = (0..1_000).filter(|n| refusals.is_new(tried(&format!("name{n}")), NOON)).count();
        assert_eq!(told, MOST_TOLD);
        assert_eq!(refusals.all(), [Repeated { of: None, times: 950, since: NOON }]);
        assert!(refusals.all().is_empty());
    }
}
