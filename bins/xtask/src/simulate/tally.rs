//! What is counted.

/// The counts of one policy.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) requests: u64,
    pub(crate) served: u64,
    pub(crate) refused: u64,
    pub(crate) hung_up: u64,
    /// Attempts that an upstream turned down.
    pub(crate) wasted: u64,
    pub(crate) attempts: u64,
    pub(crate) input_tokens: u64,
    pub(crate) cached_tokens: u64,
    /// Requests whose conversation was warm at one account and that another one served.
    pub(crate) moves: u64,
    /// What was paid, in nano-dollars.
    pub(crate) cost: u128,
    pub(crate) first_token_ms: u64,
    /// The shares of ended windows that nobody used.
    pub(crate) five_hours_unused: f64,
    pub(crate) weeks_unused: f64,
    /// In nano-dollars of list price.
    pub(crate) five_hours_lost: u128,
    pub(crate) weeks_lost: u128,
    /// Jain's index of the shares of their weekly allowance that the accounts of a pool used, the mean over the pools.
    pub(crate) fairness: f64,
    pub(crate) steps: u64,
}

impl Tally {
    pub(crate) fn hit_rate(&self) -> f64 {
        ratio(self.cached_tokens, self.input_tokens)
    }

    pub(crate) fn refusal_rate(&self) -> f64 {
        ratio(self.refused, self.requests)
    }
}

pub(crate) fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// Jain's index of fairness: 1 when all are equal, 1/n when one has all (Jain, Chiu and Hawe, 1984).
pub(crate) fn jain(shares: &[f64]) -> f64 {
    let (sum, squares) =
        shares.iter().fold((0.0, 0.0), |(sum, squares), share| (sum + share, squares + share * share));
    if squares == 0.0 { 1.0 } else { sum * sum / (shares.len() as f64 * squares) }
}
