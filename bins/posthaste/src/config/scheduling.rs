//! `[scheduling]`

use std::time::Duration;

use posthaste_core::{AffinityRules, PoolRules, RetryPolicy, Strategy};

use super::{ConfigError, section::section, setting::Setting};

section! {
    /// How accounts are chosen where no pool has rules of its own. Pools have theirs by `posthaste pools update`.
    "scheduling" => Scheduling {
        /// The order within equal priority: `least-recently-used`, `round-robin`, `sequential`, `weighted`, `least-busy`,
        /// `peak-ewma`, `lowest-cost`, `hybrid` or `quota-paced`. docs/SCHEDULING.md tells what each is for.
        strategy: Strategy = "quota-paced",
        /// How eagerly failed requests are repeated. `aggressive` asks twice as many accounts as `relay.attempts`,
        /// `conservative` two at most and none of them twice.
        retry: RetryPolicy = "balanced",
        /// How long a request waits while all accounts are limited, before its client is told. At most `300s`.
        patience: Option<Duration> = unset,
        /// Whether conversations stay with the account that holds their prompt cache, unless too much speaks against it.
        affinity: bool = "true",
        /// How long a conversation is remembered after its last request.
        affinity_ttl: Duration = "1h",
        /// Whether each request renews that time.
        affinity_renews: bool = "true",
    }
}

impl Scheduling {
    /// The same as the rules of a pool.
    pub fn rules(&self) -> PoolRules {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        PoolRules {
            strategy: self.strategy,
            retry: self.retry,
            patience_ms: self.patience.map_or(0, millis),
            affinity: AffinityRules {
                enabled: self.affinity,
                ttl_seconds: self.affinity_ttl.as_secs().max(1),
                renew: self.affinity_renews,
            },
        }
    }

    pub(super) fn finish(&self, errors: &mut Vec<ConfigError>) {
        if self.patience.is_some_and(|patience| patience > MOST_PATIENCE) {
            let problem = "is longer than `300s`, for which no client waits".to_owned();
            errors.push(ConfigError::new("scheduling.patience", None, problem));
        }
    }
}

impl Setting for Strategy {
    const EXPECTED: &'static str = "the name of a strategy, such as `least-recently-used`";

    fn parse(text: &str) -> Option<Self> {
        Self::parse(text.trim())
    }

    fn show(&self) -> Option<String> {
        Some(format!("\"{self}\""))
    }
}

impl Setting for RetryPolicy {
    const EXPECTED: &'static str = "`aggressive`, `balanced` or `conservative`";

    fn parse(text: &str) -> Option<Self> {
        Self::parse(text.trim())
    }

    fn show(&self) -> Option<String> {
        Some(format!("\"{self}\""))
    }
}

const MOST_PATIENCE: Duration = Duration::from_secs(300);
