//! The contract suite over files in a temporary folder.

use posthaste_storage::Stores;
use posthaste_storage_sqlite::SqliteStores;
use tempfile::TempDir;

posthaste_storage::contract_tests!(fresh());

fn fresh() -> std::future::Ready<(Stores, (SqliteStores, TempDir))> {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let opened = SqliteStores::open(&folder.path().join("posthaste.db")).expect("a new file can be opened");
    std::future::ready((opened.stores(), (opened, folder)))
}
