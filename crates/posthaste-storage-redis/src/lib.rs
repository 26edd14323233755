#![doc = include_str!("../README.md")]

mod account_errors;
mod admission;
mod affinity;
mod config;
mod error;
mod fleet;
mod journal;
mod keys;
mod ledger;
mod link;
mod lock;
mod msgpack;
mod options;
mod predecessor;
mod reply;
mod requests;
mod script;
mod sessions;
mod start;
mod stores;

pub use options::{DEFAULT_PREFIX, RedisOptions};
pub use stores::RedisStores;
