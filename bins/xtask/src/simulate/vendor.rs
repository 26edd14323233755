//! The truth about accounts: what the vendor counts, remembers and breaks.

use std::collections::HashMap;

use anyhow::{Result, ensure};

use super::{
    Setting,
    load::{Ask, CLIENTS, DAY, Dice, HOUR, SYSTEM_TOKENS},
};

/// One account, as its vendor sees it.
pub(crate) struct Account {
    pub(crate) priority: u16,
    /// How many requests it may serve at the same time.
    pub(crate) most: u32,
    /// What its requests cost, in hundredths of the list price.
    pub(crate) rate: i64,
    pub(crate) five_hours: Window,
    pub(crate) week: Window,
    outages: Vec<(i64, i64)>,
    pub(crate) dies_at: Option<i64>,
    first_token_ms: i64,
    in_flight: u32,
    /// What requests under way will cost.
    pending: u64,
    conversations: HashMap<u32, Warm>,
    clients: [Option<i64>; CLIENTS],
}

#[derive(Clone, Copy)]
struct Warm {
    tokens: u64,
    at: i64,
}

/// An allowance for a span of time, in nano-dollars of list price.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) limit: u64,
    pub(crate) used: u64,
    /// When the one that is open began; `None` while it waits for a first request.
    pub(crate) opened_at: Option<i64>,
    length: i64,
    /// Whether it begins anew by itself, and not with the next request.
    fixed: bool,
}

/// What became of windows.
#[derive(Clone, Copy, Default)]
pub(crate) struct Ended {
    pub(crate) allowed: u128,
    pub(crate) unused: u128,
}

impl Window {
    pub(crate) fn ends_at(&self) -> Option<i64> {
        Some(self.opened_at? + self.length)
    }

    /// Closes what has ended by `now`.
    fn roll(&mut self, now: i64, ended: &mut Ended) {
        while let Some(end) = self.ends_at().filter(|&end| end <= now) {
            ended.allowed += u128::from(self.limit);
            ended.unused += u128::from(self.limit.saturating_sub(self.used));
            self.used = 0;
            self.opened_at = self.fixed.then_some(end);
        }
    }
}

/// What the vendor says to a request.
pub(crate) enum Answer {
    /// It will be served: the first token and the end come so many milliseconds later.
    Served { first_token: i64, end: i64, cached: u64, cost: u64 },
    /// It is not, which is known so many milliseconds later.
    Refused { after: i64, fault: Fault },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A window is used up until then.
    UsedUp {
        until: i64,
    },
    Overloaded,
    Failing,
    Forbidden,
}

/// All accounts, and the windows that have ended.
pub(crate) struct Vendor {
    pub(crate) accounts: Vec<Account>,
    pub(crate) five_hours: Ended,
    pub(crate) weeks: Ended,
    /// When all of the vendor is overloaded.
    storms: Vec<(i64, i64)>,
    dearest: u64,
}

impl Vendor {
    /// Accounts whose weekly windows together allow `demand` for each week, and something more by the setting's load.
    pub(crate) fn new(setting: &Setting, demand: u128) -> Self {
        let mut accounts: Vec<_> =
            (0..setting.accounts).map(|number| Account::new(setting, number)).collect();
        let shares: u128 = accounts.iter().map(|account| u128::from(account.week.limit)).sum();
        let weekly = demand * 7 / u128::from(setting.days) * 100 / u128::from(setting.load);
        for account in &mut accounts {
            let limit = u128::from(account.week.limit) * weekly / shares;
            account.week.limit = u64::try_from(limit).unwrap_or(u64::MAX);
            account.five_hours.limit = account.week.limit / WINDOWS_A_WEEK;
            // The first week has been going on for a while, at the load's pace.
            let elapsed = u128::from(account.week.opened_at.unwrap_or(0).unsigned_abs());
            let used =
                limit * elapsed / u128::from((7 * DAY).unsigned_abs()) * u128::from(setting.load) / 100;
            account.week.used = u64::try_from(used).unwrap_or(0);
        }
        let mut dice = Dice::of(setting.seed, 4, 0);
        let storms = (0..setting.days / 2)
            .map(|_| {
                let begin = dice.within(0, i64::from(setting.days) * DAY);
                (begin, begin + dice.within(5, 40) * 60_000)
            })
            .collect();
        Self { accounts, five_hours: Ended::default(), weeks: Ended::default(), storms, dearest: 0 }
    }

    /// Closes the windows of an account that have ended.
    pub(crate) fn roll(&mut self, account: usize, now: i64) {
        let of = &mut self.accounts[account];
        of.five_hours.roll(now, &mut self.five_hours);
        of.week.roll(now, &mut self.weeks);
    }

    /// A request comes to an account.
    pub(crate) fn ask(
        &mut self,
        account: usize,
        conversation: u32,
        client: usize,
        ask: &Ask,
        attempt: u32,
        now: i64,
    ) -> Result<Answer> {
        self.roll(account, now);
        let stormy = self.storms.iter().any(|&(begin, end)| (begin..end).contains(&now));
        let of = &mut self.accounts[account];
        let mut dice = Dice::of(ask.seed, 5, u64::from(attempt));
        if of.dies_at.is_some_and(|at| at <= now) {
            return Ok(Answer::Refused { after: 300, fault: Fault::Forbidden });
        }
        if of.outages.iter().any(|&(begin, end)| (begin..end).contains(&now)) {
            return Ok(Answer::Refused { after: 2_000, fault: Fault::Failing });
        }
        if dice.per_mille(if stormy { 250 } else { 3 }) {
            return Ok(Answer::Refused { after: 400, fault: Fault::Overloaded });
        }
        for window in [&of.week, &of.five_hours] {
            if window.used + of.pending >= window.limit {
                let until = window.ends_at().unwrap_or(now + 60_000);
                return Ok(Answer::Refused { after: 250, fault: Fault::UsedUp { until } });
            }
        }
        ensure!(of.in_flight < of.most, "account {account} was given more requests than it may serve");
        of.five_hours.opened_at.get_or_insert(now);
        let cached = of.cached(conversation, client, ask.context, now);
        of.conversations.insert(conversation, Warm { tokens: ask.context, at: now });
        of.clients[client] = Some(now);
        let cost = price(cached, ask.context - cached, ask.output);
        of.in_flight += 1;
        of.pending += cost;
        self.dearest = self.dearest.max(cost);
        let crowd = i64::from(of.in_flight) * of.first_token_ms / i64::from(of.most);
        let reading = i64::try_from((ask.context - cached) / 40).unwrap_or(0);
        let first_token = of.first_token_ms / 2 + crowd + reading + dice.within(0, 300);
        let end = first_token + i64::try_from(ask.output).unwrap_or(0) * 14;
        Ok(Answer::Served { first_token, end, cached, cost })
    }

    /// A served request is over.
    pub(crate) fn finish(&mut self, account: usize, cost: u64, now: i64) -> Result<()> {
        self.roll(account, now);
        let dearest = self.dearest;
        let of = &mut self.accounts[account];
        ensure!(of.in_flight > 0, "account {account} was given back a slot that it did not give");
        of.in_flight -= 1;
        of.pending -= cost;
        of.five_hours.opened_at.get_or_insert(now);
        for window in [&mut of.five_hours, &mut of.week] {
            window.used += cost;
            ensure!(
                window.used <= window.limit + dearest * u64::from(of.most),
                "account {account} used {} of {}",
                window.used,
                window.limit
            );
        }
        Ok(())
    }

    pub(crate) fn in_flight(&self, account: usize) -> u32 {
        self.accounts[account].in_flight
    }
}

impl Account {
    /// A share of the weekly limit stands for the limit until all shares are known.
    fn new(setting: &Setting, number: u32) -> Self {
        let mut dice = Dice::of(setting.seed, 3, u64::from(number));
        let (share, most) = match dice.within(0, 9) {
            0..6 => (1, 3),
            6..9 => (5, 6),
            _ => (20, 12),
        };
        let horizon = i64::from(setting.days) * DAY;
        let outages = (0..setting.days)
            .filter_map(|day| {
                let begin = i64::from(day) * DAY + dice.within(0, DAY - 1);
                let length = dice.within(1, 45) * 60_000;
                dice.per_mille(60).then_some((begin, begin + length))
            })
            .collect();
        Self {
            priority: if dice.per_mille(200) { 60 } else { 50 },
            most,
            rate: [80, 100, 125][dice.within(0, 2).unsigned_abs() as usize],
            five_hours: Window { limit: 0, used: 0, opened_at: None, length: 5 * HOUR, fixed: false },
            week: Window {
                limit: share,
                used: 0,
                // Weeks begin on all days.
                opened_at: Some(-dice.within(1, 7 * DAY - 1)),
                length: 7 * DAY,
                fixed: true,
            },
            outages,
            dies_at: dice.per_mille(20).then(|| dice.within(0, horizon)),
            first_token_ms: dice.within(500, 2_500),
            in_flight: 0,
            pending: 0,
            conversations: HashMap::new(),
            clients: [None; CLIENTS],
        }
    }

    /// How many of the request's tokens are in its prompt cache.
    fn cached(&self, conversation: u32, client: usize, context: u64, now: i64) -> u64 {
        let warm = self.conversations.get(&conversation).filter(|warm| now - warm.at <= CACHE_TTL);
        let own = warm.map_or(0, |warm| warm.tokens.min(context));
        let common = self.clients[client].filter(|at| now - at <= CACHE_TTL).map_or(0, |_| SYSTEM_TOKENS);
        // A summed-up conversation shares its beginning alone.
        let own = if own < context || warm.is_none() { own } else { SYSTEM_TOKENS };
        own.max(common).min(context)
    }
}

/// In nano-dollars: $0.30 a million tokens from the cache, $3.75 written to it, $15 for answers.
pub(crate) fn price(cached: u64, written: u64, output: u64) -> u64 {
    cached * 300 + written * 3_750 + output * 15_000
}

/// What a million tokens cost less when they are read from the cache instead of written to it.
pub(crate) const CACHE_GAP: i64 = 3_450_000_000;

/// Five minutes from the last use.
pub(crate) const CACHE_TTL: i64 = 5 * 60_000;

/// So many windows of five hours use a week up.
const WINDOWS_A_WEEK: u64 = 8;
