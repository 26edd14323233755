//! What people ask for.

use super::Setting;

/// Numbers from a seed (SplitMix64). Whole numbers only, so that every machine makes the same world.
pub(crate) struct Dice(u64);

impl Dice {
    /// The stream of one thing in one world.
    pub(crate) fn of(seed: u64, kind: u64, number: u64) -> Self {
        let mut dice = Self(seed ^ kind.rotate_left(32) ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        dice.next();
        Self(dice.next())
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From `low` to `high`, both included.
    pub(crate) fn within(&mut self, low: i64, high: i64) -> i64 {
        let span = high.abs_diff(low) + 1;
        low + i64::try_from(self.next() % span).unwrap_or(0)
    }

    pub(crate) fn per_mille(&mut self, chance: u64) -> bool {
        self.next() % 1_000 < chance
    }
}

/// A conversation of an agent with one of the pools.
pub(crate) struct Conversation {
    pub(crate) pool: u32,
    pub(crate) turns: u32,
    /// When it begins, in milliseconds.
    pub(crate) starts_at: i64,
    /// How many tokens are in its context before the next turn's answer.
    pub(crate) context: u64,
    /// Which client's system prompt it begins with.
    pub(crate) client: usize,
    dice: Dice,
}

/// One request of a conversation.
#[derive(Clone, Copy)]
pub(crate) struct Ask {
    pub(crate) context: u64,
    pub(crate) output: u64,
    /// Until the next request, from the end of this one, in milliseconds.
    pub(crate) pause: i64,
    /// The client goes away before the first token.
    pub(crate) hangs_up: bool,
    pub(crate) seed: u64,
}

/// How many kinds of clients there are in a pool, each with a system prompt and tools of its own.
pub(crate) const CLIENTS: usize = 4;
/// The length of these.
pub(crate) const SYSTEM_TOKENS: u64 = 15_000;

impl Conversation {
    pub(crate) fn new(setting: &Setting, pools: u32, number: u32) -> Self {
        let mut dice = Dice::of(setting.seed, 1, u64::from(number));
        let pool = pool_of(setting.seed, pools, &mut dice);
        // About twenty-four turns in the mean, and a long tail.
        let turns = (1..200).take_while(|_| !dice.per_mille(40)).count() as u32 + 1;
        let day = dice.within(0, i64::from(setting.days) - 1);
        let starts_at = day * DAY + hour_of(&mut dice) * HOUR + dice.within(0, HOUR - 1);
        let client = (dice.next() % CLIENTS as u64) as usize;
        let context = SYSTEM_TOKENS + dice.within(500, 8_000).unsigned_abs();
        Self { pool, turns, starts_at, context, client, dice }
    }

    /// The next request; the context grows by it.
    pub(crate) fn ask(&mut self) -> Ask {
        let dice = &mut self.dice;
        let output = dice.within(100, 1_500).unsigned_abs();
        // Tool calls follow at once, people think, and sometimes go for lunch.
        let pause = match dice.within(0, 99) {
            0..70 => dice.within(500, 15_000),
            70..92 => dice.within(20_000, 240_000),
            _ => dice.within(5 * 60_000, 75 * 60_000),
        };
        let ask =
            Ask { context: self.context, output, pause, hangs_up: dice.per_mille(5), seed: dice.next() };
        let growth = dice.within(300, 5_000).unsigned_abs();
        self.context = if self.context > MOST_CONTEXT { COMPACTED } else { self.context + output + growth };
        ask
    }
}

/// Pools do not have the same amount of work for their accounts.
fn pool_of(seed: u64, pools: u32, dice: &mut Dice) -> u32 {
    loop {
        let pool = (dice.next() % u64::from(pools)) as u32;
        let weight = Dice::of(seed, 2, u64::from(pool)).within(600, 1_000).unsigned_abs();
        if dice.per_mille(weight) {
            return pool;
        }
    }
}

/// Few work at night.
fn hour_of(dice: &mut Dice) -> i64 {
    const WEIGHTS: [u64; 24] = [2, 1, 1, 1, 1, 1, 2, 4, 7, 10, 10, 9, 6, 9, 10, 10, 9, 8, 6, 4, 4, 4, 3, 2];
    let total: u64 = WEIGHTS.iter().sum();
    let mut left = dice.next() % total;
    for (hour, weight) in (0..).zip(WEIGHTS) {
        if left < weight {
            return hour;
        }
        left -= weight;
    }
    0
}

/// From here on a client sums the conversation up.
const MOST_CONTEXT: u64 = 150_000;
const COMPACTED: u64 = 25_000;

pub(crate) const HOUR: i64 = 3_600_000;
pub(crate) const DAY: i64 = 24 * HOUR;
