//! Traces: requests that are over, gathered and delivered.

mod batches;
mod spans;

pub(crate) use self::batches::Batches;
