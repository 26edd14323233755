#![doc = include_str!("../README.md")]

mod check;
mod copied;
mod copy;
mod cursor;
mod disk;
mod drain;
mod error;
mod kept;
mod ledger;
mod log;
mod lookback;
mod notice;
mod record;
mod refill;
mod segment;
mod spool;
mod state;

pub use check::{Checked, check};
pub use copied::CopiedConfig;
pub use copy::{ConfigCopy, CopyError, CopyFile, Seal};
pub use error::SpoolError;
pub use ledger::SpooledLedger;
pub use refill::{Comparison, Refilled, bring_back, compare, is_lost, refill};
pub use spool::SpoolOptions;
pub use state::{SpoolState, SpoolView};
