//! Metrics: those that Prometheus is given, and the conventions' own.

mod gen_ai;
mod push;
mod scraped;

pub(crate) use self::{gen_ai::GenAi, push::Push};

/// What all points of one delivery share, in nanoseconds since 1970: since when is counted, and now.
#[derive(Clone, Copy)]
pub(crate) struct Period {
    pub(crate) since: u64,
    pub(crate) now: u64,
}
