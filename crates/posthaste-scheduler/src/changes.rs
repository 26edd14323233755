//! Whose state has changed, so that what was made of the others' need not be made anew.

use std::{
    collections::VecDeque,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use parking_lot::Mutex;
use posthaste_core::AccountId;

/// The accounts that something happened to, the last ones only. Nothing is noted until somebody asks.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    is_read: AtomicBool,
    noted: Mutex<Noted>,
}

#[derive(Debug, Default)]
struct Noted {
    /// How many changes there were before those that are kept.
    dropped: u64,
    kept: VecDeque<AccountId>,
    /// How many somebody has read.
    read: u64,
}

impl Changes {
    /// Something happened to an account.
    pub(crate) fn note(&self, account: AccountId) {
        if !self.is_read.load(Relaxed) {
            return;
        }
        let mut noted = self.noted.lock();
        // Several things happen to an account within a moment.
        if noted.kept.back() == Some(&account) && noted.count() > noted.read {
            return;
        }
        if noted.kept.len() == MOST_KEPT {
            noted.kept.pop_front();
            noted.dropped += 1;
        }
        noted.kept.push_back(account);
    }

    /// Something happened to more accounts than can be named.
    pub(crate) fn note_all(&self) {
        let mut noted = self.noted.lock();
        noted.dropped = noted.count() + 1;
        noted.kept.clear();
    }

    /// How many there were so far. Later ones are noted.
    pub(crate) fn count(&self) -> u64 {
        self.is_read.store(true, Relaxed);
        self.noted.lock().read()
    }

    /// Those after the first `count`, and how many there are with them; `None` where they are not kept any more.
    pub(crate) fn since(&self, count: u64) -> Option<(Vec<AccountId>, u64)> {
        let mut noted = self.noted.lock();
        let known = usize::try_from(count.checked_sub(noted.dropped)?).ok()?;
        let changed = noted.kept.range(known..).copied().collect();
        Some((changed, noted.read()))
    }
}

impl Noted {
    fn count(&self) -> u64 {
        self.dropped + self.kept.len() as u64
    }

    fn read(&mut self) -> u64 {
        self.read = self.count();
        self.read
    }
}

/// Whoever missed more than these looks at all accounts again, which costs about as much.
const MOST_KEPT: usize = 2_048;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reader_gets_what_came_since() {
        let changes = Changes::default();
        let [one, other] = [(); 2].map(|()| AccountId::generate());
        changes.note(one);
        let start = changes.count();
        assert_eq!((start, changes.since(start)), (0, Some((vec![], 0))), "nobody read yet");
        changes.note(one);
        changes.note(one);
        changes.note(other);
        assert_eq!(changes.since(start), Some((vec![one, other], 2)));
        changes.note(other);
        assert_eq!(changes.since(2), Some((vec![other], 3)), "the same account again, after it was read");
        assert_eq!(changes.since(start), Some((vec![one, other, other], 3)));
    }

    #[test]
    fn whoever_comes_too_late_is_told_so() {
        let changes = Changes::default();
        let start = changes.count();
        changes.note_all();
        assert_eq!(changes.since(start), None);
        let now = changes.count();
        let accounts: Vec<_> = (0..=MOST_KEPT).map(|_| AccountId::generate()).collect();
        accounts.iter().for_each(|&account| changes.note(account));
        assert_eq!(changes.since(now), None);
        let (last, _) = changes.since(now + 1).unwrap();
        assert_eq!(last, accounts[1..]);
    }
}
