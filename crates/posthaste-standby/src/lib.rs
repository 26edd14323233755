#![doc = include_str!("../README.md")]

mod admission;
mod affinity;
mod bounded;
mod breaker;
mod config;
mod local;
mod lock;
mod metrics;
mod options;
mod owed;
mod requests;
mod seen;
mod standby;
mod steady;

pub use options::StandbyOptions;
pub use standby::Standby;
pub use steady::{Standing, SteadyClock};
