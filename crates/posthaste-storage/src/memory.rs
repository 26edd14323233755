//! The reference implementation: plain maps in memory. Nothing outlives the process.
//!
//! Whatever clients' texts make grow has a cap; what is older goes first.

mod account_errors;
mod admission;
mod affinity;
mod config;
mod fleet;
mod journal;
mod ledger;
mod lock;
mod requests;
mod sessions;

use std::sync::Arc;

pub use self::fleet::MemoryFleet;
use crate::{StoreHealth, Stores};

/// Every port, kept in memory.
#[derive(Clone, Copy, Debug)]
pub struct MemoryStores;

impl MemoryStores {
    /// Makes empty stores. Clones of the [`Stores`] share what is kept.
    pub fn stores() -> Stores {
        Stores {
            config: Arc::new(config::MemoryConfig::default()),
            admission: Arc::new(admission::MemoryAdmission::default()),
            ledger: Arc::new(ledger::MemoryLedger::default()),
            affinity: Arc::new(affinity::MemoryAffinity::default()),
            requests: Arc::new(requests::MemoryRequests::default()),
            sessions: Arc::new(sessions::MemorySessions::default()),
            journals: Arc::new(journal::MemoryJournals::default()),
            account_errors: Arc::new(account_errors::MemoryAccountErrors::default()),
            locks: Arc::new(lock::MemoryLocks::default()),
            fleet: Arc::new(MemoryFleet::default()),
            health: StoreHealth::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    crate::contract_tests!(std::future::ready((MemoryStores::stores(), ())));
}
