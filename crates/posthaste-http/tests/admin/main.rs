//! The admin API over memory stores.

mod documented;
mod doors;
mod lists;
mod sessions;
mod support;
