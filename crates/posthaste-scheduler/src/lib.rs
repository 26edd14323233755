#![doc = include_str!("../README.md")]

mod backoff;
mod health;
mod plan;
mod scheduler;

pub use backoff::{Backoff, Steps};
pub use health::Parked;
pub use plan::{Candidate, Exclusion, Plan};
pub use scheduler::Scheduler;
