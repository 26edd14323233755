//! Chance that is the same in every run.

/// SplitMix64 (<https://prng.di.unimi.it/splitmix64.c>): quick, and good enough to spread things.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// Each seed has an order of its own.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number from 0 to `most` - 1.
    ///
    /// # Panics
    /// When `most` is 0.
    pub const fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % most
    }

    /// True once in so many times, about.
    pub const fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    /// One of them.
    ///
    /// # Panics
    /// When there are none.
    pub fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[usize::try_from(self.below(all.len() as u64)).unwrap_or(0)]
    }

    /// A place among `count`, the first ones far more often than the last ones.
    pub fn skewed(&mut self, count: usize) -> usize {
        let part = self.below(1 << 32) as f64 / (1_u64 << 32) as f64;
        ((part * part * count as f64) as usize).min(count - 1)
    }
}
