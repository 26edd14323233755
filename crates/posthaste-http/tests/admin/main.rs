//! The admin API over memory stores.

#![expect(clippy::unwrap_used, reason = "a failed setup is a failed test")]

mod cards;
mod documented;
mod doors;
mod exports;
mod key_batches;
mod lists;
mod operating;
mod prices;
mod sessions;
mod support;
mod versions;
