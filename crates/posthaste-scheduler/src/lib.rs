#![doc = include_str!("../README.md")]

mod affinity;
mod backoff;
mod candidate;
mod chance;
mod changes;
mod decay;
mod health;
mod hint;
mod lineup;
mod observed;
mod plan;
mod quota;
mod ranking;
mod retry;
mod scheduler;
mod strategy;
mod tuning;

pub use affinity::Warmth;
pub use backoff::{Backoff, Instance, Steps};
pub use candidate::{Candidate, Exclusion};
pub use health::{Parked, Resort, Rested, Ticket};
pub use hint::Hint;
pub use lineup::{Lineup, Member};
pub use observed::Flight;
pub use plan::{Pick, Plan};
pub use posthaste_core::OrderReason as Reason;
pub use quota::{Forecast, Level, QuotaWindow};
pub use retry::{Attempts, BudgetRules, RetryBudget};
pub use scheduler::{Begun, Recovered, Scheduler};
pub use tuning::{AffinityTuning, HybridTuning, LatencyTuning, Tuning};
