#![doc = include_str!("../README.md")]

mod account_errors;
mod admission;
mod affinity;
mod checksum;
mod columns;
mod config;
mod copies;
mod error;
mod journal;
mod ledger;
mod lock;
mod readers;
mod reports;
mod requests;
mod schema;
mod sessions;
mod stores;
mod writer;

pub use admission::alone::PausedAdmission;
pub use copies::{Copied, UNFINISHED, backup_file, examine_file};
pub use schema::{Schema, SchemaError, schema_of};
pub use stores::SqliteStores;
