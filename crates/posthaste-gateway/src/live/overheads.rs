//! What the relay itself took of its latest requests.

use std::{
    sync::atomic::{AtomicU32, AtomicUsize, Ordering},
    time::Duration,
};

/// What the relay itself took of its latest requests, in microseconds, up to the beginning of their answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnTime {
    /// Half of them took no more than this.
    pub p50_us: u64,
    /// Of a hundred 99 took no more than this.
    pub p99_us: u64,
    /// How many they are.
    pub requests: usize,
}

/// Keeps the latest. Noting one is two additions; a look at them may see one that is just being replaced.
pub(crate) struct Overheads {
    micros: Box<[AtomicU32]>,
    noted: AtomicUsize,
}

impl Overheads {
    pub(crate) fn new() -> Self {
        Self { micros: (0..KEPT).map(|_| AtomicU32::new(0)).collect(), noted: AtomicUsize::new(0) }
    }

    pub(crate) fn note(&self, took: Duration) {
        let place = self.noted.fetch_add(1, Ordering::Relaxed) % KEPT;
        let micros = u32::try_from(took.as_micros()).unwrap_or(u32::MAX);
        self.micros[place].store(micros, Ordering::Relaxed);
    }

    /// `None` until there is one.
    pub(crate) fn told(&self) -> Option<OwnTime> {
        let requests = self.noted.load(Ordering::Relaxed).min(KEPT);
        let mut latest: Vec<u32> =
            self.micros[..requests].iter().map(|micros| micros.load(Ordering::Relaxed)).collect();
        latest.sort_unstable();
        let at = |percent: usize| latest.get((requests * percent).div_ceil(100).saturating_sub(1));
        Some(OwnTime { p50_us: (*at(50)?).into(), p99_us: (*at(99)?).into(), requests })
    }
}

const KEPT: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_and_nearly_all_are_told_of_the_latest() {
        let overheads = Overheads::new();
        assert_eq!(overheads.told(), None);
        overheads.note(Duration::from_micros(7));
        assert_eq!(overheads.told(), Some(OwnTime { p50_us: 7, p99_us: 7, requests: 1 }));
        for micros in 1..=100 {
            overheads.note(Duration::from_micros(micros));
        }
        let told = overheads.told().unwrap();
        assert_eq!((told.p50_us, told.p99_us, told.requests), (50, 99, 101));
        for _ in 0..KEPT {
            overheads.note(Duration::from_hours(24));
        }
        let told = overheads.told().unwrap();
        assert_eq!((told.p50_us, told.requests), (u32::MAX.into(), KEPT));
    }
}
