//! The contract suite over files in a temporary folder.

use posthaste_storage::Stores;
use posthaste_storage_sqlite::SqliteStores;
use tempfile::TempDir;

posthaste_storage::contract_tests!(fresh());

/// The same of a process that is alone with its file.
mod alone {
    posthaste_storage::contract_tests!(super::fresh_alone());
}

fn fresh_alone() -> std::future::Ready<(Stores, (SqliteStores, TempDir))> {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let opened = SqliteStores::open_alone(&folder.path().join("posthaste.db"));
    let opened = opened.expect("a new file can be opened");
    std::future::ready((opened.stores(), (opened, folder)))
}

fn fresh() -> std::future::Ready<(Stores, (SqliteStores, TempDir))> {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let opened = SqliteStores::open(&folder.path().join("posthaste.db")).expect("a new file can be opened");
    std::future::ready((opened.stores(), (opened, folder)))
}
