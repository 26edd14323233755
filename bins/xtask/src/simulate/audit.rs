//! What must hold at every step. Kept apart from the scheduler and the relay: it counts on its own.

use anyhow::{Result, ensure};

/// The books of one account.
#[derive(Clone, Copy, Default)]
struct Account {
    in_flight: u32,
    /// The last end of a rest that the scheduler named.
    rests_until: i64,
    /// After a rest: not yet proved.
    suspect: bool,
    /// The conversation whose request tries the account after a rest, and since when.
    trial: Option<(u32, i64)>,
}

/// Accounts and requests.
pub(crate) struct Audit {
    accounts: Vec<Account>,
    /// At which account a conversation's request is, if it is under way.
    seats: Vec<Option<usize>>,
    /// Whether a conversation has a request that has not ended.
    open: Vec<bool>,
    begun: u64,
    ended: u64,
}

impl Audit {
    pub(crate) fn new(accounts: usize, conversations: usize) -> Self {
        Self {
            accounts: vec![Account::default(); accounts],
            seats: vec![None; conversations],
            open: vec![false; conversations],
            begun: 0,
            ended: 0,
        }
    }

    pub(crate) fn begins(&mut self, conversation: u32) -> Result<()> {
        let open = &mut self.open[conversation as usize];
        ensure!(!*open, "conversation {conversation} began a request before its last one ended");
        *open = true;
        self.begun += 1;
        Ok(())
    }

    pub(crate) fn ends(&mut self, conversation: u32) -> Result<()> {
        ensure!(self.seats[conversation as usize].is_none(), "a request of {conversation} ended in its seat");
        let open = &mut self.open[conversation as usize];
        ensure!(*open, "a request of conversation {conversation} ended twice");
        *open = false;
        self.ended += 1;
        Ok(())
    }

    /// An attempt begins, which takes a slot.
    pub(crate) fn seated(&mut self, conversation: u32, account: usize, most: u32, now: i64) -> Result<()> {
        let seat = &mut self.seats[conversation as usize];
        ensure!(seat.is_none(), "conversation {conversation} took a second slot");
        *seat = Some(account);
        let of = &mut self.accounts[account];
        of.in_flight += 1;
        ensure!(of.in_flight <= most, "account {account} serves {} of {most}", of.in_flight);
        ensure!(now >= of.rests_until, "account {account} was asked while it rests until {}", of.rests_until);
        if of.suspect {
            let tried = of.trial.is_some_and(|(_, since)| now < since + LONGEST_TRIAL);
            ensure!(!tried, "account {account} was tried by two requests at once");
            of.trial = Some((conversation, now));
        }
        Ok(())
    }

    pub(crate) fn unseated(&mut self, conversation: u32, account: usize) -> Result<()> {
        let seat = self.seats[conversation as usize].take();
        ensure!(
            seat == Some(account),
            "conversation {conversation} gave back a slot of {account}, had {seat:?}"
        );
        let of = &mut self.accounts[account];
        ensure!(of.in_flight > 0, "account {account} got back a slot twice");
        of.in_flight -= 1;
        Ok(())
    }

    pub(crate) fn proved(&mut self, account: usize, now: i64) {
        let of = &mut self.accounts[account];
        // News from before the rest, or from before the trial, is none.
        if of.suspect && now >= of.rests_until && of.trial.is_some() {
            (of.suspect, of.trial) = (false, None);
        }
    }

    pub(crate) fn rests(&mut self, account: usize, until: i64) {
        let of = &mut self.accounts[account];
        (of.rests_until, of.suspect, of.trial) = (of.rests_until.max(until), true, None);
    }

    pub(crate) fn said_nothing(&mut self, account: usize) {
        self.accounts[account].trial = None;
    }

    /// Three counts of one thing agree: the scheduler's, the vendor's and these books'.
    pub(crate) fn agrees(&self, account: usize, scheduler: u32, vendor: u32) -> Result<()> {
        let own = self.accounts[account].in_flight;
        ensure!(own == scheduler, "account {account} serves {own}, and the scheduler counts {scheduler}");
        ensure!(vendor <= own, "account {account} serves {own}, and its vendor counts {vendor}");
        Ok(())
    }

    /// When nothing is to come any more.
    pub(crate) fn closes(&self, requests: u64) -> Result<()> {
        ensure!(self.begun == requests && self.ended == requests, "{} of {requests} ended", self.ended);
        let lost = self.accounts.iter().position(|account| account.in_flight > 0);
        ensure!(lost.is_none(), "account {lost:?} lost a slot");
        Ok(())
    }
}

const LONGEST_TRIAL: i64 = 60_000;
