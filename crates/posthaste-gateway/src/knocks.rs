//! Whoever presents one unknown client key after the other is answered later each time.
//!
//! The same one again is no other try: a client that was given a wrong key learns so at once, however often it asks.
//!
//! It is the refusal that waits, after the look-up: a key that is known opens at once, wherever it comes from and whatever else
//! comes from there. So a client that was given a wrong key, or a guesser, behind the same proxy or address translation
//! keeps nobody out.

use std::{
    hash::{BuildHasher, RandomState},
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use moka::sync::Cache;
use tokio::{sync::Semaphore, time::sleep};

use crate::Visitor;

/// Counts unknown keys by where they come from and by how they begin, for a minute each.
pub(crate) struct Knocks {
    counts: Cache<Mark, Arc<AtomicU32>>,
    /// What was tried from where, as a number that tells nothing of it.
    tried: Cache<u64, ()>,
    numbers: RandomState,
    /// Refusals that may be held back at the same time: who asks a thousand times at once is not to fill the memory with them.
    places: Semaphore,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Mark {
    /// An IPv4 address, or what an IPv6 host is usually given.
    Place(IpAddr),
    /// The first letters of what was presented: many addresses may try the ends of one beginning.
    Beginning([u8; BEGINNING_BYTES]),
}

impl Knocks {
    pub(crate) fn new() -> Self {
        Self {
            counts: Cache::builder().max_capacity(REMEMBERED).time_to_live(MINUTE).build(),
            tried: Cache::builder().max_capacity(REMEMBERED).time_to_live(MINUTE).build(),
            numbers: RandomState::new(),
            places: Semaphore::new(MOST_HELD),
        }
    }

    /// Counts an unknown key, and lets its refusal wait where there were too many.
    pub(crate) async fn hold(&self, visitor: &Visitor<'_>, presented: &str) {
        // Who embeds the relay and tells no address does this elsewhere.
        let Ok(address) = visitor.address else { return };
        let place = place(address);
        if !self.is_new(place, presented) {
            return;
        }
        let by_place = self.count(Mark::Place(place));
        let misses = by_place.max(self.count(Mark::Beginning(beginning(presented))));
        let pause = pause(misses);
        if !pause.is_zero()
            && let Ok(_place) = self.places.try_acquire()
        {
            sleep(pause).await;
        }
    }

    fn is_new(&self, place: IpAddr, presented: &str) -> bool {
        let number = self.numbers.hash_one((place, presented));
        let before = self.tried.contains_key(&number);
        self.tried.insert(number, ());
        !before
    }

    fn count(&self, mark: Mark) -> u32 {
        let count = self.counts.get_with(mark, Arc::default);
        count.fetch_add(1, Ordering::Relaxed).saturating_add(1)
    }
}

/// From the eleventh within a minute on it doubles.
fn pause(misses: u32) -> Duration {
    match misses.saturating_sub(FREE) {
        0 => Duration::ZERO,
        more => LEAST.saturating_mul(1 << (more - 1).min(16)).min(MOST),
    }
}

fn place(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        address => address,
    }
}

fn beginning(presented: &str) -> [u8; BEGINNING_BYTES] {
    let mut beginning = [0; BEGINNING_BYTES];
    let length = presented.len().min(BEGINNING_BYTES);
    beginning[..length].copy_from_slice(&presented.as_bytes()[..length]);
    beginning
}

/// A minute's worth of mistakes.
const FREE: u32 = 10;
const MINUTE: Duration = Duration::from_secs(60);
const LEAST: Duration = Duration::from_millis(50);
/// Short enough for a client that shows its user what is wrong.
const MOST: Duration = Duration::from_secs(1);
/// `cr_` and a few letters that are the key's own.
const BEGINNING_BYTES: usize = 8;
const REMEMBERED: u64 = 50_000;
const MOST_HELD: usize = 1_000;

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    fn from(address: &str) -> Visitor<'static> {
        Visitor { address: Ok(address.parse().unwrap()), ..Visitor::UNKNOWN }
    }

    /// How long the refusal of each waits, in milliseconds.
    async fn waits(knocks: &Knocks, keys: &[(&str, &str)]) -> Vec<u128> {
        let mut waits = Vec::new();
        for (address, key) in keys {
            let begun = Instant::now();
            knocks.hold(&from(address), key).await;
            waits.push(begun.elapsed().as_millis());
        }
        waits
    }

    #[tokio::test(start_paused = true)]
    async fn the_eleventh_waits_and_each_one_longer() {
        let keys: Vec<_> = (0..18).map(|number| format!("{number:08}-dummy")).collect();
        let keys: Vec<_> = keys.iter().map(|key| ("192.0.2.7", key.as_str())).collect();
        let waited = waits(&Knocks::new(), &keys).await;
        assert_eq!(waited[..10], [0; 10]);
        assert_eq!(waited[10..], [50, 100, 200, 400, 800, 1000, 1000, 1000]);
    }

    #[tokio::test(start_paused = true)]
    async fn one_beginning_from_many_addresses_waits_and_other_ones_do_not() {
        let knocks = Knocks::new();
        let addresses: Vec<_> = (0..12).map(|host| format!("192.0.2.{host}")).collect();
        let keys: Vec<_> = addresses.iter().map(|address| (address.as_str(), "cr_00000-dummy")).collect();
        assert_eq!(waits(&knocks, &keys).await[10..], [50, 100]);
        assert_eq!(waits(&knocks, &[("192.0.2.0", "cr_11111-dummy")]).await, [0]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_hosts_of_an_ipv6_network_are_one_and_mapped_addresses_are_ipv4() {
        let knocks = Knocks::new();
        let hosts: Vec<_> =
            (0..12).map(|host| (format!("2001:db8::{host:x}"), format!("{host:08}"))).collect();
        let keys: Vec<_> = hosts.iter().map(|(host, key)| (host.as_str(), key.as_str())).collect();
        assert_eq!(waits(&knocks, &keys).await[10..], [50, 100]);
        for number in 0..5 {
            let keys = [format!("{number}-dummy"), format!("{number}-other")];
            waits(&knocks, &[("192.0.2.7", &keys[0]), ("::ffff:192.0.2.7", &keys[1])]).await;
        }
        assert_eq!(waits(&knocks, &[("192.0.2.7", "other-dummy")]).await, [50]);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_held_who_has_no_place() {
        let knocks = Knocks { places: Semaphore::new(0), ..Knocks::new() };
        let keys: Vec<_> = (0..20).map(|number| format!("{number:08}-dummy")).collect();
        let keys: Vec<_> = keys.iter().map(|key| ("192.0.2.7", key.as_str())).collect();
        assert_eq!(waits(&knocks, &keys).await, [0; 20]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_same_key_again_is_no_other_try() {
        assert_eq!(waits(&Knocks::new(), &[("192.0.2.7", "cr_dummy"); 50]).await, [0; 50]);
    }
}
