//! What a relay knows and does: the part that is compared.

use std::time::Duration;

use anyhow::Result;
use posthaste_core::{AccountId, Cooldown, CooldownReason, NanoUsd, Strategy, Timestamp};
use posthaste_scheduler::{Backoff, Candidate, Hint, QuotaWindow, Scheduler, Ticket, Warmth};

use super::{
    load::{Ask, CLIENTS, Conversation, DAY, HOUR, SYSTEM_TOKENS},
    policy::Policy,
    vendor::{Account, CACHE_GAP, CACHE_TTL, Fault, Vendor, price},
};

/// A relay of one policy.
pub(crate) struct Relay {
    policy: Policy,
    pub(crate) scheduler: Scheduler,
    pools: Vec<Vec<usize>>,
    ids: Vec<AccountId>,
    known: Vec<Known>,
    homes: Vec<Option<Home>>,
    /// When each client's system prompt was served last at each account.
    beginnings: Vec<[Option<i64>; CLIENTS]>,
}

/// What answers have told of an account.
#[derive(Clone, Copy)]
struct Known {
    windows: [QuotaWindow; 2],
    /// What of each was used by the last answer.
    told: [u64; 2],
    /// Whether each has been opened by a request: until then it has not begun.
    open: [bool; 2],
    /// Until the first answer nothing is known of the week.
    week: bool,
    /// What requests under way are expected to cost.
    reserved: u64,
}

/// Where a conversation was served last.
#[derive(Clone, Copy)]
pub(crate) struct Home {
    pub(crate) account: usize,
    tokens: u64,
    pub(crate) at: i64,
}

impl Relay {
    pub(crate) fn new(policy: Policy, vendor: &Vendor, conversations: usize, pool_size: u32) -> Result<Self> {
        let count = vendor.accounts.len();
        let ids = (1..=count)
            .map(|number| format!("00000000-0000-7000-8000-{number:012x}").parse())
            .collect::<Result<_, _>>()?;
        let numbers: Vec<usize> = (0..count).collect();
        let known = vendor.accounts.iter().map(Known::of).collect();
        Ok(Self {
            policy,
            scheduler: Scheduler::new(Backoff::default()),
            pools: numbers.chunks(pool_size as usize).map(<[usize]>::to_vec).collect(),
            ids,
            known,
            homes: vec![None; conversations],
            beginnings: vec![[None; CLIENTS]; count],
        })
    }

    pub(crate) fn id(&self, account: usize) -> AccountId {
        self.ids[account]
    }

    pub(crate) fn home(&self, conversation: u32) -> Option<Home> {
        self.homes[conversation as usize]
    }

    /// Whom to ask, in order, as numbers of accounts.
    pub(crate) fn plan(
        &mut self,
        vendor: &Vendor,
        of: &Conversation,
        conversation: u32,
        ask: &Ask,
        now: i64,
    ) -> Vec<usize> {
        let members = &self.pools[of.pool as usize];
        let home = self.homes[conversation as usize];
        let list = price(0, ask.context, ask.output);
        for &member in members {
            self.known[member].refresh(list, now);
        }
        let candidates: Vec<_> = members
            .iter()
            .map(|&member| {
                let account = &vendor.accounts[member];
                let at_home = home.filter(|home| home.account == member);
                Candidate {
                    priority: account.priority,
                    price: Some(NanoUsd::from_nanos(i64::try_from(list).unwrap_or(0) / 100 * account.rate)),
                    most_in_flight: Some(account.most),
                    quota: self.quota(member),
                    warmth: self.warmth(member, of.client, at_home, ask, now),
                    weight: u16::try_from(account.most).unwrap_or(1),
                    ..Candidate::new(self.ids[member], MODEL)
                }
            })
            .collect();
        let hint = match self.policy {
            Policy::Plain => Hint::of(Strategy::LeastRecentlyUsed),
            Policy::Posthaste(strategy) | Policy::Beginnings(strategy) => {
                Hint { seed: ask.seed, affinity: true, ..Hint::of(strategy) }
            }
        };
        let plan = self.scheduler.plan(&candidates, &hint, at(now));
        let mut order: Vec<_> = plan.order.iter().map(|pick| members[pick.candidate as usize]).collect();
        if self.policy == Policy::Plain
            && let Some(home) = home.filter(|home| now - home.at <= HOUR)
            && let Some(place) = order.iter().position(|&account| account == home.account)
        {
            order[..=place].rotate_right(1);
        }
        order
    }

    fn quota(&self, account: usize) -> &[QuotaWindow] {
        let known = &self.known[account];
        match (self.policy, known.week) {
            (Policy::Plain, _) => &[],
            (_, true) => &known.windows,
            (_, false) => &known.windows[..1],
        }
    }

    /// What the relay believes to be warm: the conversation where it was served last, and where that is looked at, the
    /// client's system prompt where a conversation of the same client was served within the cache's time.
    fn warmth(
        &self,
        account: usize,
        client: usize,
        home: Option<Home>,
        ask: &Ask,
        now: i64,
    ) -> Option<Warmth> {
        let own = home.map(|home| warmth(home.tokens.min(ask.context), home.at));
        let shared = self.beginnings[account][client]
            .filter(|served| matches!(self.policy, Policy::Beginnings(_)) && now - served <= CACHE_TTL)
            .map(|served| warmth(SYSTEM_TOKENS, served));
        [own, shared].into_iter().flatten().max_by_key(|warmth| warmth.worth(at(now)))
    }

    /// A request is under way: what it is expected to cost is kept for it.
    pub(crate) fn reserve(&mut self, account: usize, conversation: u32, ask: &Ask, now: i64) -> u64 {
        let home = self.homes[conversation as usize];
        let warm = home.filter(|home| home.account == account && now - home.at <= CACHE_TTL);
        let cached = warm.map_or(0, |home| home.tokens.min(ask.context));
        let amount = price(cached, ask.context - cached, ask.output);
        let known = &mut self.known[account];
        known.reserved += amount;
        known.open[0] = true;
        amount
    }

    pub(crate) fn release(&mut self, account: usize, amount: u64) {
        self.known[account].reserved -= amount;
    }

    /// An answer is complete: its headers told of the windows, its usage of the cache.
    pub(crate) fn learn(
        &mut self,
        account: usize,
        of: &Account,
        (conversation, client): (u32, usize),
        context: u64,
        asked_at: i64,
    ) {
        self.beginnings[account][client] = Some(asked_at);
        let known = &mut self.known[account];
        known.week = true;
        for ((window, told), truth) in
            known.windows.iter_mut().zip(&mut known.told).zip([&of.five_hours, &of.week])
        {
            *told = truth.used;
            if let (Some(begin), Some(end)) = (truth.opened_at, truth.ends_at()) {
                (window.starts_at, window.resets_at) = (at(begin), at(end));
            }
        }
        known.open = [true; 2];
        self.homes[conversation as usize] = Some(Home { account, tokens: context, at: asked_at });
    }

    /// An upstream turned a request down: until when the account rests.
    pub(crate) fn fails(&mut self, (account, ticket): (usize, Ticket), fault: Fault, now: i64) -> i64 {
        let (reason, until) = match fault {
            Fault::UsedUp { until } => (CooldownReason::QuotaExhausted, Some(at(until))),
            Fault::Overloaded => (CooldownReason::Overloaded, None),
            Fault::Failing => (CooldownReason::Failing, None),
            Fault::Forbidden => (CooldownReason::Forbidden, None),
        };
        let cooldown = Cooldown::of_account(reason, until, "the vendor said so");
        let parked = self.scheduler.rest_after(self.ids[account], ticket, &cooldown, at(now));
        parked.until.as_millis() - EPOCH
    }
}

impl Known {
    fn of(account: &Account) -> Self {
        let window = |limit| QuotaWindow { used: 0, limit, request: 0, starts_at: at(0), resets_at: at(0) };
        let windows = [window(account.five_hours.limit), window(account.week.limit)];
        Self { windows, told: [0, 0], open: [false; 2], week: false, reserved: 0 }
    }

    /// A window that has ended is a fresh one. What is reserved counts as used; the request is expected to cost its list price.
    fn refresh(&mut self, request: u64, now: i64) {
        let lengths = [5 * HOUR, 7 * DAY];
        let parts = self.windows.iter_mut().zip(&mut self.told).zip(&mut self.open).zip(lengths);
        for (((window, told), open), length) in parts {
            if !*open || window.resets_at <= at(now) {
                (*open, *told, window.starts_at, window.resets_at) = (false, 0, at(now), at(now + length));
            }
            (window.used, window.request) = (*told + self.reserved, request);
        }
    }
}

fn warmth(tokens: u64, warmed_at: i64) -> Warmth {
    Warmth {
        tokens,
        gap: NanoUsd::from_nanos(CACHE_GAP),
        warmed_at: at(warmed_at),
        ttl: Duration::from_millis(CACHE_TTL.unsigned_abs()),
    }
}

/// Milliseconds of the simulation as a time; it begins on some day that is not the first of all.
pub(crate) const fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms + EPOCH)
}

const EPOCH: i64 = 1_800_000_000_000;

pub(crate) const MODEL: &str = "claude-sonnet-5";
