//! Where the data comes from. A source is only ever read.

mod file;
mod known;
mod redis;
mod sync;

pub use file::read_file;
pub use redis::{ReadOptions, read_redis};
