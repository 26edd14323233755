//! Who failed to log in too often waits.
//!
//! Counted by name and address together, so that strangers elsewhere lock nobody out, and by address alone, so that nobody
//! tries one password on many names. Tries that are still being checked count as failed ones, so that many at once get no
//! further than one after the other. Kept in memory: a relay that starts forgets it, and each relay counts for itself.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    time::Duration,
};

use parking_lot::Mutex;
use posthaste_core::Timestamp;

/// The failed tries of the last while.
#[derive(Debug, Default)]
pub(crate) struct Misses {
    by_pair: Mutex<HashMap<(String, Place), Count>>,
    by_place: Mutex<HashMap<Place, Count>>,
}

/// A network that one person or machine has: an IPv4 address, or what an IPv6 host is usually given.
type Place = Option<IpAddr>;

/// A name that has to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Locked {
    /// After so many failed tries.
    pub(crate) misses: u32,
    /// Until then.
    pub(crate) until: Timestamp,
}

#[derive(Clone, Copy, Debug)]
struct Count {
    misses: u32,
    /// How many tries are being checked.
    open: u32,
    last: Timestamp,
}

/// A try that is being checked.
#[must_use = "the try is over when this is dropped"]
#[derive(Debug)]
pub(crate) struct Try<'a> {
    misses: &'a Misses,
    pair: (String, Place),
}

impl Drop for Try<'_> {
    fn drop(&mut self) {
        close(&mut self.misses.by_pair.lock(), &self.pair);
        close(&mut self.misses.by_place.lock(), &self.pair.1);
    }
}

impl Misses {
    /// Begins a try, where one may be made now; else tells how long to wait.
    pub(crate) fn begin(
        &self,
        name: &str,
        address: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Try<'_>, Duration> {
        let pair = (name.to_owned(), place(address));
        let (mut by_pair, mut by_place) = (self.by_pair.lock(), self.by_place.lock());
        let of_pair =
            by_pair.get(&pair).map_or(Duration::ZERO, |count| count.wait_to_begin(FREE_FOR_PAIR, now));
        let of_place =
            by_place.get(&pair.1).map_or(Duration::ZERO, |count| count.wait_to_begin(FREE_FOR_PLACE, now));
        match of_pair.max(of_place) {
            Duration::ZERO => {
                open(&mut by_pair, pair.clone(), now);
                open(&mut by_place, pair.1, now);
                Ok(Try { misses: self, pair })
            }
            wait => Err(wait),
        }
    }

    /// Notes a try that failed. Tells it when the name has to wait at that address from now on.
    pub(crate) fn missed(&self, name: &str, address: Option<IpAddr>, now: Timestamp) -> Option<Locked> {
        let place = place(address);
        let pair = note(&mut self.by_pair.lock(), (name.to_owned(), place), now);
        note(&mut self.by_place.lock(), place, now);
        let begins = pair.filter(|pair| pair.misses == FREE_FOR_PAIR);
        begins.map(|pair| Locked { misses: pair.misses, until: now.plus(pair.wait(FREE_FOR_PAIR, now)) })
    }

    /// Notes one that did not: the name is known from there. The address goes on counting.
    pub(crate) fn hit(&self, name: &str, address: Option<IpAddr>) {
        if let Some(count) = self.by_pair.lock().get_mut(&(name.to_owned(), place(address))) {
            count.misses = 0;
        }
    }
}

impl Count {
    /// Beyond the free ones tries are made one at a time.
    fn wait_to_begin(self, free: u32, now: Timestamp) -> Duration {
        let is_busy = self.open > 0 && self.misses.saturating_add(self.open) >= free;
        let others = if is_busy { FIRST_WAIT } else { Duration::ZERO };
        self.wait(free, now).max(others)
    }

    /// From the first try beyond the free ones on the wait doubles, up to a quarter of an hour.
    fn wait(self, free: u32, now: Timestamp) -> Duration {
        let Some(beyond) = self.misses.checked_sub(free) else { return Duration::ZERO };
        let wait = FIRST_WAIT.saturating_mul(1 << beyond.min(20)).min(LONGEST_WAIT);
        wait.saturating_sub(now.since(self.last))
    }
}

fn open<K: Eq + std::hash::Hash>(counts: &mut HashMap<K, Count>, key: K, now: Timestamp) {
    make_room(counts, now);
    if counts.len() < MOST_KEPT || counts.contains_key(&key) {
        counts.entry(key).or_insert(Count { misses: 0, open: 0, last: now }).open += 1;
    }
}

fn close<K: Eq + std::hash::Hash>(counts: &mut HashMap<K, Count>, key: &K) {
    let Some(count) = counts.get_mut(key) else { return };
    count.open = count.open.saturating_sub(1);
    if count.open == 0 && count.misses == 0 {
        counts.remove(key);
    }
}

fn make_room<K: Eq + std::hash::Hash>(counts: &mut HashMap<K, Count>, now: Timestamp) {
    if counts.len() >= MOST_KEPT {
        counts.retain(|_, count| count.open > 0 || now.since(count.last) < FORGOTTEN_AFTER);
    }
}

fn note<K: Eq + std::hash::Hash>(counts: &mut HashMap<K, Count>, key: K, now: Timestamp) -> Option<Count> {
    make_room(counts, now);
    // Whoever fills the table with names of his own gains nothing: his address is counted.
    if counts.len() >= MOST_KEPT && !counts.contains_key(&key) {
        return None;
    }
    let count = counts.entry(key).or_insert(Count { misses: 0, open: 0, last: now });
    if now.since(count.last) >= FORGOTTEN_AFTER {
        count.misses = 0;
    }
    count.misses = count.misses.saturating_add(1);
    count.last = now;
    Some(*count)
}

fn place(address: Option<IpAddr>) -> Place {
    address.map(|address| match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 => v4,
    })
}

const FREE_FOR_PAIR: u32 = 5;
const FREE_FOR_PLACE: u32 = 30;
const FIRST_WAIT: Duration = Duration::from_secs(2);
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);
const FORGOTTEN_AFTER: Duration = Duration::from_secs(60 * 60);
const MOST_KEPT: usize = 20_000;

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp::from_secs(1_773_144_000);

    fn at(seconds: u64) -> Timestamp {
        NOON.plus(Duration::from_secs(seconds))
    }

    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn after_five_misses_the_wait_grows_to_a_quarter_of_an_hour() {
        let (misses, here) = (Misses::default(), address("192.0.2.1"));
        for _ in 0..5 {
            assert_eq!(misses.begin("ada", here, NOON).map(drop), Ok(()));
            misses.missed("ada", here, NOON);
        }
        assert_eq!(misses.begin("ada", here, NOON).map(drop), Err(Duration::from_secs(2)));
        assert_eq!(misses.begin("ada", here, at(2)).map(drop), Ok(()));
        misses.missed("ada", here, at(2));
        assert_eq!(misses.begin("ada", here, at(2)).map(drop), Err(Duration::from_secs(4)));
        for _ in 0..30 {
            misses.missed("ada", here, at(2));
        }
        assert_eq!(misses.begin("ada", here, at(2)).map(drop), Err(Duration::from_secs(900)));
    }

    #[test]
    fn strangers_elsewhere_lock_nobody_out() {
        let misses = Misses::default();
        for n in 0..200 {
            misses.missed("ada", address(&format!("198.51.100.{}", n % 7)), NOON);
        }
        assert_eq!(misses.begin("ada", address("192.0.2.1"), NOON).map(drop), Ok(()));
        assert!(misses.begin("ada", address("198.51.100.3"), NOON).is_err());
    }

    #[test]
    fn one_place_does_not_try_many_names() {
        let misses = Misses::default();
        for n in 0..30 {
            misses.missed(&format!("name{n}"), address(&format!("2001:db8::{n:x}")), NOON);
        }
        assert!(misses.begin("another", address("2001:db8::ffff"), NOON).is_err());
        assert_eq!(misses.begin("another", address("2001:db8:0:1::1"), NOON).map(drop), Ok(()));
        assert_eq!(misses.begin("another", None, NOON).map(drop), Ok(()));
    }

    #[test]
    fn a_right_password_ends_the_wait_of_its_name_and_time_that_of_all() {
        let (misses, here) = (Misses::default(), address("192.0.2.1"));
        for _ in 0..6 {
            misses.missed("ada", here, NOON);
        }
        misses.hit("ada", here);
        assert_eq!(misses.begin("ada", here, NOON).map(drop), Ok(()));
        for _ in 0..40 {
            misses.missed("bob", here, NOON);
        }
        assert!(misses.begin("bob", here, NOON).is_err());
        assert_eq!(misses.begin("bob", here, at(900)).map(drop), Ok(()));
        misses.missed("bob", here, at(7_200));
        assert_eq!(misses.begin("bob", here, at(7_200)).map(drop), Ok(()));
    }

    #[test]
    fn many_tries_at_once_get_no_further_than_one_after_the_other() {
        let (misses, here) = (Misses::default(), address("192.0.2.1"));
        let open: Vec<_> = (0..5).map(|_| misses.begin("ada", here, NOON).unwrap()).collect();
        assert_eq!(misses.begin("ada", here, NOON).map(drop), Err(Duration::from_secs(2)));
        assert!(misses.begin("bob", here, NOON).is_ok(), "another name");
        for tried in open {
            misses.missed("ada", here, NOON);
            drop(tried);
        }
        // After the wait one at a time.
        let tried = misses.begin("ada", here, at(2)).unwrap();
        assert!(misses.begin("ada", here, at(2)).is_err());
        misses.hit("ada", here);
        drop(tried);
        assert!(misses.by_pair.lock().is_empty());
        assert_eq!(misses.begin("ada", here, at(2)).map(drop), Ok(()));
    }
}
