#![doc = include_str!("../README.md")]

mod admission;
mod answered;
mod attempt;
mod authenticate;
mod betas;
mod call;
mod collecting;
mod counting;
mod directory;
mod engine;
mod estimate;
mod follow;
mod journey;
mod limits;
mod memory;
mod metrics;
mod models;
mod open;
mod options;
mod planning;
mod prepare;
mod pulse;
mod relay;
mod settle;
mod stream;
mod transcode;
mod unpack;
mod waiting;
mod whole;

pub use authenticate::{Authenticator, Caller};
pub use call::{Answer, Call, PathFacts};
pub use directory::AccountDirectory;
pub use engine::RelayPorts;
pub use options::{FirstEventTimeouts, RelayOptions};
pub use relay::{Health, Relay};
