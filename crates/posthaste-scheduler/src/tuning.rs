//! The constants of strategies and affinity.

use std::time::Duration;

/// What can be set, with the values that are good for most.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Tuning {
    /// Of `hybrid`.
    pub hybrid: HybridTuning,
    /// Of `peak-ewma`.
    pub latency: LatencyTuning,
    /// Of affinity.
    pub affinity: AffinityTuning,
}

/// How `hybrid` makes its score: `health_weight` × health + `token_weight` × tokens + `freshness_weight` × seconds since the
/// last use.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HybridTuning {
    /// Points for each point of health, which goes from 0 to 100.
    pub health_weight: f64,
    /// Points for each token in the account's bucket.
    pub token_weight: f64,
    /// Points for each second since the last use, of which `freshest` counts at most.
    pub freshness_weight: f64,
    /// The health of an account that was never asked.
    pub initial_health: f64,
    /// What an answer adds to health.
    pub success: f64,
    /// What a rate limit, an overload or a used-up quota takes from health.
    pub limited: f64,
    /// What any other failure takes from health.
    pub failure: f64,
    /// What an hour adds to health.
    pub recovery_per_hour: f64,
    /// Accounts with less health go behind the others.
    pub usable_health: f64,
    /// The size of the bucket.
    pub tokens: f64,
    /// What a minute adds to the bucket; each attempt takes one token. Accounts with less than one go behind the others.
    pub tokens_per_minute: f64,
    /// Longer than this no account gets fresher.
    pub freshest: Duration,
}

impl Default for HybridTuning {
    fn default() -> Self {
        Self {
            health_weight: 2.0,
            token_weight: 5.0,
            freshness_weight: 0.1,
            initial_health: 70.0,
            success: 1.0,
            limited: 10.0,
            failure: 20.0,
            recovery_per_hour: 2.0,
            usable_health: 50.0,
            tokens: 50.0,
            tokens_per_minute: 6.0,
            freshest: Duration::from_secs(3_600),
        }
    }
}

/// How times to the first token are remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatencyTuning {
    /// How soon a measured time is half forgotten. An account that is slow and therefore not asked is so tried again.
    pub half_life: Duration,
    /// Shorter times than this do not tell accounts apart.
    pub least: Duration,
}

impl Default for LatencyTuning {
    fn default() -> Self {
        Self { half_life: Duration::from_secs(120), least: Duration::from_millis(50) }
    }
}

/// What speaks against the account that holds a conversation's prompt cache, as shares of the request's price.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AffinityTuning {
    /// At an account that serves as many requests as it may; in between, with the square of the load, so that a half-full
    /// account costs a quarter.
    pub load: f64,
    /// At an account with nothing left of its quota; falls to nothing where [`scarce`](Self::scarce) begins.
    pub scarcity: f64,
    /// Below which slack (1 is on pace) a quota counts as scarce.
    pub scarce: f64,
}

impl Default for AffinityTuning {
    fn default() -> Self {
        Self { load: 0.5, scarcity: 0.5, scarce: 0.1 }
    }
}
