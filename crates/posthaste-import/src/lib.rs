#![doc = include_str!("../README.md")]

mod apply;
mod diff;
mod error;
mod found;
mod ids;
mod map;
mod names;
mod opening;
mod plan;
mod report;
mod secrets;
mod source;

pub use apply::{Applied, Clash, Progress, Step, apply};
pub use error::ImportError;
pub use found::{
    AccountKind, Counts, Fields, Flaw, Found, FoundAccount, FoundGroup, FoundRecord, FoundUsage,
};
pub use map::{MapOptions, Wanted, map};
pub use plan::{CheckChannel, Plan, Target, plan};
pub use report::{Difference, Entry, LeftOut, Part, Report, State};
pub use secrets::Unreadable;
pub use source::{ReadOptions, read_file, read_redis};
