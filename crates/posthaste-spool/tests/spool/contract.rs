//! The contract suite with a spool before the ledger of the reference.

use std::sync::Arc;

use posthaste_core::SystemClock;
use posthaste_spool::{SpoolOptions, SpooledLedger};
use posthaste_storage::{Stores, memory::MemoryStores};
use tempfile::TempDir;

posthaste_storage::contract_tests!(fresh());

async fn fresh() -> (Stores, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut stores = MemoryStores::stores();
    let spooled =
        SpooledLedger::open(folder.path(), SpoolOptions::default(), Arc::new(SystemClock), stores.ledger)
            .await
            .unwrap();
    stores.ledger = Arc::new(spooled);
    (stores, folder)
}
