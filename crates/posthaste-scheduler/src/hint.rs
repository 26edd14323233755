//! What a plan is asked for.

use posthaste_core::Strategy;

use crate::Resort;

/// What a plan depends on beside the candidates and the time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hint {
    /// The order within equal priority.
    pub strategy: Strategy,
    /// Decides where the strategy draws lots; a number of the request's own, such as a part of its identity.
    pub seed: u64,
    /// Whether warm prompt caches count.
    pub affinity: bool,
    /// Whether accounts that rest are asked as well, since there are no others.
    pub resort: Resort,
}

impl Hint {
    /// A strategy without lots and affinity.
    pub const fn of(strategy: Strategy) -> Self {
        Self { strategy, seed: 0, affinity: false, resort: Resort::Usual }
    }
}
