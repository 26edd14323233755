//! The imitation of prompt caching (<https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching>).
//!
//! Unlike the vendor's it has no least size, looks back over the whole prompt, and forgets by use, not by time, so
//! that an answer depends on requests alone.

use std::collections::{BTreeMap, HashMap};

use parking_lot::Mutex;

use super::pieces::{Pieces, Ttl};

/// The prefixes of prompts that were asked to be cached.
#[derive(Debug, Default)]
pub(crate) struct PromptCache(Mutex<Prefixes>);

/// How a prompt's tokens fall into the classes of usage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CacheUse {
    pub(crate) input: u64,
    pub(crate) read: u64,
    pub(crate) write_5m: u64,
    pub(crate) write_1h: u64,
}

impl PromptCache {
    /// Reads the longest known prefix and writes the rest, up to the last mark.
    pub(crate) fn use_for(&self, prompt: &Pieces) -> CacheUse {
        let pieces = prompt.pieces();
        let Some(last_mark) = pieces.iter().rposition(|piece| piece.mark.is_some()) else {
            return CacheUse { input: prompt.tokens(), ..CacheUse::default() };
        };
        let mut prefixes = self.0.lock();
        let known = pieces[..=last_mark].iter().rposition(|piece| prefixes.touch(piece.prefix));
        let mut usage = CacheUse::default();
        let mut unwritten = 0;
        for (index, piece) in pieces.iter().enumerate() {
            if known.is_some_and(|known| index <= known) {
                usage.read += piece.tokens;
            } else {
                unwritten += piece.tokens;
            }
            match piece.mark {
                None => {}
                Some(Ttl::FiveMinutes) => usage.write_5m += std::mem::take(&mut unwritten),
                Some(Ttl::OneHour) => usage.write_1h += std::mem::take(&mut unwritten),
            }
            if piece.mark.is_some() {
                prefixes.insert(piece.prefix);
            }
        }
        usage.input = unwritten;
        usage
    }
}

/// A set that forgets what was not used for longest.
#[derive(Debug, Default)]
struct Prefixes {
    used_at: HashMap<[u8; 32], u64>,
    by_use: BTreeMap<u64, [u8; 32]>,
    uses: u64,
}

impl Prefixes {
    /// Whether the prefix is known; then it counts as used.
    fn touch(&mut self, prefix: [u8; 32]) -> bool {
        let known = self.used_at.contains_key(&prefix);
        if known {
            self.insert(prefix);
        }
        known
    }

    fn insert(&mut self, prefix: [u8; 32]) {
        self.uses += 1;
        if let Some(before) = self.used_at.insert(prefix, self.uses) {
            self.by_use.remove(&before);
        }
        self.by_use.insert(self.uses, prefix);
        if self.by_use.len() > MAX_PREFIXES
            && let Some((_, oldest)) = self.by_use.pop_first()
        {
            self.used_at.remove(&oldest);
        }
    }
}

const MAX_PREFIXES: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_set_is_bounded_and_forgets_the_least_used() {
        let prefix = |number: usize| {
            let mut prefix = [0; 32];
            prefix[..8].copy_from_slice(&number.to_be_bytes());
            prefix
        };
        let mut prefixes = Prefixes::default();
        (0..MAX_PREFIXES).for_each(|number| prefixes.insert(prefix(number)));
        assert!(prefixes.touch(prefix(0)));
        prefixes.insert(prefix(MAX_PREFIXES));
        assert!(!prefixes.touch(prefix(1)));
        assert!(prefixes.touch(prefix(0)));
        assert_eq!(prefixes.used_at.len(), MAX_PREFIXES);
        assert_eq!(prefixes.by_use.len(), MAX_PREFIXES);
    }
}
