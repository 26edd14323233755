#![doc = include_str!("../README.md")]

mod check;
mod cursor;
mod disk;
mod drain;
mod error;
mod ledger;
mod log;
mod notice;
mod record;
mod segment;
mod spool;
mod state;

pub use check::{Checked, check};
pub use error::SpoolError;
pub use ledger::SpooledLedger;
pub use spool::SpoolOptions;
pub use state::{SpoolState, SpoolView};
