//! What is known of each account, kept in the order of identities.
//!
//! Callers keep their accounts in that order too, so that a plan walks over both side by side: nothing is hashed, and memory
//! is read from front to back. An account that is seen for the first time moves those behind it, which is less work than
//! any plan over them.

use std::sync::Arc;

use posthaste_core::{AccountId, Timestamp};

use super::entry::Entry;
use crate::{
    Resort, Tuning,
    changes::Changes,
    health::{Health, Ticket},
};

#[derive(Debug, Default)]
pub(super) struct Accounts {
    /// Ascending; apart from the entries, since looking for one reads many of them.
    ids: Vec<AccountId>,
    entries: Vec<Entry>,
    uses: u64,
    /// Whose entries were given out to be changed.
    changes: Arc<Changes>,
}

impl Accounts {
    pub(super) fn get(&self, account: AccountId) -> Option<&Entry> {
        self.ids.binary_search(&account).ok().map(|place| &self.entries[place])
    }

    pub(super) fn get_mut(&mut self, account: AccountId) -> Option<&mut Entry> {
        self.changes.note(account);
        self.ids.binary_search(&account).ok().map(|place| &mut self.entries[place])
    }

    pub(super) fn entry(&mut self, account: AccountId) -> &mut Entry {
        self.changes.note(account);
        let place = self.ids.binary_search(&account).unwrap_or_else(|place| {
            self.ids.insert(place, account);
            self.entries.insert(place, Entry::default());
            place
        });
        &mut self.entries[place]
    }

    pub(super) const fn changes(&self) -> &Arc<Changes> {
        &self.changes
    }

    /// An outage of all seems to be over. Those that it changes are held against something before and after.
    pub(super) fn hope(&mut self) {
        self.entries.iter_mut().flat_map(Entry::healths).for_each(Health::hope);
    }

    /// Looks for one account after another; quick where they come in the order of identities.
    pub(super) const fn walk(&self) -> Walk<'_> {
        Walk { accounts: self, next: 0 }
    }

    pub(super) fn retain(&mut self, keep: impl Fn(AccountId) -> bool) {
        let keep: Vec<bool> = self.ids.iter().map(|&account| keep(account)).collect();
        let (mut ids, mut entries) = (keep.iter(), keep.iter());
        self.ids.retain(|_| ids.next() == Some(&true));
        self.entries.retain(|_| entries.next() == Some(&true));
        self.ids.shrink_to_fit();
        self.entries.shrink_to_fit();
        self.changes.note_all();
    }

    pub(super) fn next_use(&mut self) -> u64 {
        self.uses += 1;
        self.uses
    }

    pub(super) fn start(
        &mut self,
        account: AccountId,
        model: &str,
        resort: Resort,
        tuning: &Tuning,
        now: Timestamp,
    ) -> Ticket {
        let number = self.next_use();
        let ticket = Ticket(number);
        let entry = self.entry(account);
        entry.seen.used(number, &tuning.hybrid, now);
        entry.healths_of(model).for_each(|health| health.started(ticket, resort, now));
        ticket
    }
}

/// A place between the accounts, from which the next one is looked for.
pub(super) struct Walk<'a> {
    accounts: &'a Accounts,
    /// How many come before the place.
    next: usize,
}

impl<'a> Walk<'a> {
    /// What is known of an account.
    #[inline]
    pub(super) fn find(&mut self, account: AccountId) -> Option<&'a Entry> {
        if self.accounts.ids.get(self.next) != Some(&account) {
            self.next = self.place(account);
            if self.accounts.ids.get(self.next) != Some(&account) {
                return None;
            }
        }
        self.next += 1;
        self.accounts.entries.get(self.next - 1)
    }

    /// Where the account stands, or would stand. Looks in steps that double from here on: it is near in most cases.
    fn place(&self, account: AccountId) -> usize {
        let ids = &self.accounts.ids;
        let is_before = |known: &AccountId| *known < account;
        if self.next > 0 && !is_before(&ids[self.next - 1]) {
            return ids[..self.next].partition_point(is_before);
        }
        let (mut start, mut step) = (self.next, 1);
        while ids.get(start + step - 1).is_some_and(is_before) {
            start += step;
            step *= 2;
        }
        let end = ids.len().min(start + step);
        start + ids[start..end].partition_point(is_before)
    }
}

#[cfg(test)]
impl Accounts {
    pub(super) const fn len(&self) -> usize {
        self.ids.len()
    }

    pub(super) const fn capacity(&self) -> usize {
        self.entries.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of all of them those at odd places are known.
    fn every_other(count: usize) -> (Vec<AccountId>, Accounts) {
        let mut all: Vec<_> = (0..count).map(|_| AccountId::generate()).collect();
        all.sort_unstable();
        let mut accounts = Accounts::default();
        // Not in their order.
        for place in (0..count).map(|step| step * 7 % count).filter(|place| place % 2 == 1) {
            accounts.entry(all[place]).seen.last_use = place as u64;
        }
        (all, accounts)
    }

    #[test]
    fn each_account_is_found_and_no_other() {
        let (all, mut accounts) = every_other(100);
        assert_eq!(accounts.len(), 50);
        for (place, &account) in all.iter().enumerate() {
            let wanted = (place % 2 == 1).then_some(place as u64);
            assert_eq!(accounts.get(account).map(|entry| entry.seen.last_use), wanted);
            assert_eq!(accounts.get_mut(account).map(|entry| entry.seen.last_use), wanted);
        }
        accounts.retain(|account| account > all[89]);
        assert_eq!((accounts.len(), accounts.get(all[91]).map(|entry| entry.seen.last_use)), (5, Some(91)));
    }

    /// Forwards and backwards, by steps of any length, and over those that are not known.
    #[test]
    fn a_walk_finds_the_same_in_any_order() {
        let (all, accounts) = every_other(100);
        for step in 1..100 {
            let mut walk = accounts.walk();
            for place in (0..100).map(|number| number * step % 101 % 100) {
                let found = walk.find(all[place]).map(|entry| entry.seen.last_use);
                assert_eq!(found, (place % 2 == 1).then_some(place as u64), "in steps of {step}");
            }
        }
        assert!(Accounts::default().walk().find(all[0]).is_none());
    }
}
