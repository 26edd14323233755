//! Sorts ranks.

use super::Rank;
use crate::backoff::Instance;

/// The places of the ranks, best first: by tier, by key and last use unless `by_identity`, then by identity, from where this
/// relay begins its rounds.
///
/// Numbers of 64 bits are sorted several times faster than anything larger, so that each rank becomes one: what decides, less
/// the least of its kind, and the rank's place in the lowest bits. Where that does not fit, the lowest bits of the last
/// use and then of the key are left away, and those that are alike so are compared in full.
pub(super) fn sorted(ranks: &[Rank], by_identity: bool, instance: Instance) -> Vec<usize> {
    let packing = Packing::of(Spread::of(ranks, by_identity), ranks.len());
    let mut words: Vec<u64> = (0..).zip(ranks).map(|(place, rank)| packing.word(place, rank)).collect();
    words.sort_unstable();
    let mut told_apart = 0;
    while let Some(first) =
        words[told_apart..].windows(2).position(|pair| packing.are_alike(pair[0], pair[1]))
    {
        let rest = &mut words[told_apart + first..];
        let count = rest.iter().take_while(|&&word| packing.are_alike(word, rest[0])).count();
        settle(&mut rest[..count], ranks, &packing, instance);
        told_apart += first + count;
    }
    words.into_iter().map(|word| packing.place(word)).collect()
}

/// Puts those in order that their numbers do not tell apart.
fn settle(alike: &mut [u64], ranks: &[Rank], packing: &Packing, instance: Instance) {
    let rank = |word: u64| &ranks[packing.place(word)];
    if packing.is_exact() {
        alike.sort_unstable_by_key(|&word| rank(word).account);
        alike.rotate_left(instance.offset(alike.len()));
        return;
    }
    let decides = |word: u64| packing.spread.beyond(rank(word));
    alike.sort_unstable_by_key(|&word| (decides(word), rank(word).account));
    for equals in alike.chunk_by_mut(|&one, &other| decides(one) == decides(other)) {
        equals.rotate_left(instance.offset(equals.len()));
    }
}

/// How far the ranks lie apart in each of what decides.
#[derive(Clone, Copy, Debug, Default)]
struct Spread {
    tier: Range,
    key: Range,
    last_use: Range,
}

impl Spread {
    /// What does not count is the same for all.
    fn of(ranks: &[Rank], by_identity: bool) -> Self {
        let mut spread = Self::default();
        for rank in ranks {
            spread.tier.note(rank.tier.into());
            if !by_identity {
                spread.key.note(rank.key);
                spread.last_use.note(rank.last_use);
            }
        }
        spread
    }

    /// What decides, beyond the least of all ranks.
    fn beyond(&self, rank: &Rank) -> (u64, u64, u64) {
        let key = self.key.beyond(rank.key);
        (self.tier.beyond(rank.tier.into()), key, self.last_use.beyond(rank.last_use))
    }
}

/// From the least to the greatest number that was noted.
#[derive(Clone, Copy, Debug)]
struct Range {
    least: u64,
    most: u64,
}

impl Default for Range {
    fn default() -> Self {
        Self { least: u64::MAX, most: 0 }
    }
}

impl Range {
    fn note(&mut self, number: u64) {
        self.least = self.least.min(number);
        self.most = self.most.max(number);
    }

    /// 0 where nothing was noted.
    const fn beyond(self, number: u64) -> u64 {
        number.saturating_sub(self.least)
    }

    /// How many bits hold what [`beyond`](Self::beyond) gives.
    const fn bits(self) -> u32 {
        u64::BITS - self.beyond(self.most).leading_zeros()
    }
}

/// Where in a number the parts of a rank stand.
struct Packing {
    spread: Spread,
    /// How many of the lowest bits are left away.
    key_cut: u32,
    last_use_cut: u32,
    /// By how much each is shifted up.
    tier_at: u32,
    key_at: u32,
    last_use_at: u32,
}

impl Packing {
    /// Places have 32 bits at most and tiers 17, so that nothing but keys and last uses has to be cut.
    fn of(spread: Spread, count: usize) -> Self {
        let last_use_at = count.max(1).next_power_of_two().ilog2();
        let (tier, key, last_use) = (spread.tier.bits(), spread.key.bits(), spread.last_use.bits());
        let excess = (last_use_at + tier + key + last_use).saturating_sub(u64::BITS);
        let last_use_cut = excess.min(last_use);
        let key_cut = excess - last_use_cut;
        let key_at = last_use_at + last_use - last_use_cut;
        let tier_at = key_at + key - key_cut;
        Self { spread, key_cut, last_use_cut, tier_at, key_at, last_use_at }
    }

    const fn is_exact(&self) -> bool {
        self.key_cut + self.last_use_cut == 0
    }

    fn word(&self, place: u64, rank: &Rank) -> u64 {
        let (tier, key, last_use) = self.spread.beyond(rank);
        // What would be shifted by all 64 bits has none, and is 0 whatever is done to it.
        let last_use = last_use.checked_shr(self.last_use_cut).unwrap_or(0).wrapping_shl(self.last_use_at);
        let key = (key >> self.key_cut).wrapping_shl(self.key_at);
        tier.wrapping_shl(self.tier_at) | key | last_use | place
    }

    const fn are_alike(&self, one: u64, other: u64) -> bool {
        (one ^ other) >> self.last_use_at == 0
    }

    const fn place(&self, word: u64) -> usize {
        (word & ((1 << self.last_use_at) - 1)) as usize
    }
}

#[cfg(test)]
mod tests {
    use posthaste_core::AccountId;
    use proptest::prelude::*;

    use super::*;

    /// Ranks of ascending identities.
    fn ranks(of: &[(u16, u64, u64)]) -> Vec<Rank> {
        let mut accounts: Vec<_> = of.iter().map(|_| AccountId::generate()).collect();
        accounts.sort_unstable();
        let ranks = (0..).zip(accounts.into_iter().zip(of));
        ranks
            .map(|(position, (account, &(tier, key, last_use)))| Rank {
                account,
                position,
                tier: tier.into(),
                key,
                last_use,
            })
            .collect()
    }

    /// Few different numbers, so that many are alike, and such as take all bits.
    fn number() -> impl Strategy<Value = u64> {
        prop_oneof![0..4_u64, 1_000..1_010_u64, Just(1 << 60), Just(u64::MAX), any::<u64>()]
    }

    proptest! {
        #[test]
        fn the_order_is_that_of_what_decides_then_of_identities(
            of in prop::collection::vec((prop_oneof![100..104_u16, any::<u16>()], number(), number()), 0..200),
            shift in 0..200_usize,
            by_identity: bool,
        ) {
            let mut ranks = ranks(&of);
            let middle = shift.min(ranks.len());
            ranks.rotate_left(middle);
            let mut wanted: Vec<usize> = (0..ranks.len()).collect();
            wanted.sort_by_key(|&place| {
                let Rank { account, tier, key, last_use, .. } = ranks[place];
                if by_identity { (tier, 0, 0, account) } else { (tier, key, last_use, account) }
            });
            prop_assert_eq!(sorted(&ranks, by_identity, Instance::default()), wanted);
        }
    }

    #[test]
    fn what_is_alike_in_its_first_bits_alone_is_not_equal() {
        let ranks = ranks(&[(1, u64::MAX, 7), (1, 3, 7), (1, 2, 9), (1, 2, 8), (1, 0, 0)]);
        assert_eq!(sorted(&ranks, false, Instance::default()), [4, 3, 2, 1, 0]);
    }

    /// Rounds begin elsewhere only among those that are equal.
    #[test]
    fn relays_side_by_side_begin_with_others_of_those_that_are_equal() {
        let instance = (1..).map(Instance).find(|instance| instance.offset(3) == 1).unwrap();
        let exact = ranks(&[(1, 5, 0), (1, 5, 0), (1, 5, 0), (0, 9, 0)]);
        assert_eq!(sorted(&exact, false, instance), [3, 1, 2, 0]);
        let cut = ranks(&[(1, 5, 0), (1, 5, 0), (1, 5, 0), (1, 4, 0), (1, u64::MAX, 0)]);
        assert_eq!(sorted(&cut, false, instance), [3, 1, 2, 0, 4]);
    }
}
