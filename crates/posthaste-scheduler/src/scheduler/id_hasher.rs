//! A hasher for identities alone.

use std::hash::{BuildHasherDefault, Hasher};

/// Makes [`IdHasher`]s.
pub(super) type BuildIdHasher = BuildHasherDefault<IdHasher>;

/// Hashes identities, which are random bits already: folding them halves the time of a plan over many accounts.
/// Operators make identities, clients cannot, so that nobody gains by making them collide.
#[derive(Default)]
pub(super) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        for word in bytes.chunks(8) {
            let mut padded = [0; 8];
            padded[..word.len()].copy_from_slice(word);
            self.write_u64(u64::from_le_bytes(padded));
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(26) ^ word).wrapping_mul(GOLDEN_RATIO);
    }

    /// The length of an identity is always the same.
    fn write_usize(&mut self, _length: usize) {}

    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}

/// 2^64 divided by the golden ratio, made odd: multiplying by it spreads neighbours (Knuth, TAOCP vol. 3, §6.4).
const GOLDEN_RATIO: u64 = 0x9e37_79b9_7f4a_7c15;

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, hash::BuildHasher};

    use posthaste_core::AccountId;

    use super::*;

    /// Version 7 identities of one moment differ in their last half only, and hand-made ones perhaps in one byte.
    #[test]
    fn neighbours_are_spread() {
        let hash = |account: AccountId| BuildIdHasher::default().hash_one(account);
        let written =
            (0..1_000).map(|number| format!("00000000-0000-0000-0000-{number:012x}").parse().unwrap());
        let hashes: Vec<_> = (0..1_000).map(|_| AccountId::generate()).chain(written).map(hash).collect();
        for bits in [0, 57] {
            let buckets: HashSet<_> = hashes.iter().map(|hash| (hash >> bits) & 0x7f).collect();
            assert!(buckets.len() > 120, "{} of 128 from bit {bits}", buckets.len());
        }
        assert_eq!(hashes.iter().collect::<HashSet<_>>().len(), hashes.len());
    }
}
