//! An edit beside other writers.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use posthaste_admin::{AccountChange, Actor, Admin, AdminError, AdminParts, Command};
use posthaste_core::Account;
use posthaste_storage::{
    Changes, ConfigStore, Expect, Page, Record, RecordKind, Repository, Revision, StorageError, Stores,
};
use uuid::Uuid;

use crate::support::{Bench, compatible, quiet};

/// A store in which the relay writes an account between an editor's look and his write, as it does with a new token.
struct Refreshing {
    inner: Arc<dyn ConfigStore>,
    refreshed: AtomicBool,
}

#[async_trait]
impl ConfigStore for Refreshing {
    async fn get(&self, kind: RecordKind, id: Uuid) -> Result<Option<Record>, StorageError> {
        self.inner.get(kind, id).await
    }

    async fn find(&self, kind: RecordKind, lookup: &str) -> Result<Option<Record>, StorageError> {
        self.inner.find(kind, lookup).await
    }

    async fn list(&self, kind: RecordKind, after: Option<Uuid>, limit: usize) -> Result<Page, StorageError> {
        self.inner.list(kind, after, limit).await
    }

    async fn put(
        &self,
        kind: RecordKind,
        id: Uuid,
        lookup: Option<String>,
        body: String,
        expect: Expect,
    ) -> Result<u64, StorageError> {
        let edits = kind == RecordKind::Account && expect != Expect::Absent;
        if edits && !self.refreshed.swap(true, Ordering::SeqCst) {
            let records = Repository::<Account>::new(Arc::clone(&self.inner));
            let mut found = records.get(id).await?.unwrap();
            found.value.scheduling.notes = "written by the relay".to_owned();
            records.replace(found.value, found.version).await?;
        }
        self.inner.put(kind, id, lookup, body, expect).await
    }

    async fn delete(&self, kind: RecordKind, id: Uuid, version: u64) -> Result<(), StorageError> {
        self.inner.delete(kind, id, version).await
    }

    async fn revision(&self) -> Result<Revision, StorageError> {
        self.inner.revision().await
    }

    async fn changes(&self, since: Revision) -> Result<Changes, StorageError> {
        self.inner.changes(since).await
    }

    async fn changed(&self, since: Revision) -> Result<(), StorageError> {
        self.inner.changed(since).await
    }
}

async fn raced() -> (Bench, Admin) {
    let bench = quiet().await;
    bench.admin.accounts().add(compatible("one")).await.unwrap();
    let config = Refreshing { inner: Arc::clone(&bench.stores.config), refreshed: AtomicBool::new(false) };
    let stores = Stores { config: Arc::new(config), ..bench.stores.clone() };
    let admin = Admin::new(AdminParts { stores, ..bench.parts.clone() });
    (bench, admin)
}

fn edit() -> Command {
    let change = AccountChange { priority: Some(7), ..AccountChange::default() };
    Command::UpdateAccount { account: "one".to_owned(), change }
}

async fn kept(bench: &Bench) -> (u64, u32, String) {
    let records = Repository::<Account>::new(Arc::clone(&bench.stores.config));
    let found = records.find("one").await.unwrap().unwrap();
    (found.version, found.value.priority.into(), found.value.scheduling.notes)
}

#[tokio::test]
async fn an_edit_undoes_nothing_that_was_written_meanwhile() {
    let (bench, admin) = raced().await;
    let acted = admin.act_on(&Actor::machine(), edit(), None).await.unwrap();
    let (version, priority, notes) = kept(&bench).await;
    assert_eq!((priority, notes.as_str()), (7, "written by the relay"));
    assert_eq!(acted.version, Some(version));
}

#[tokio::test]
async fn an_edit_of_what_was_seen_is_refused_when_it_changes_before_the_write() {
    let (bench, admin) = raced().await;
    let (seen, ..) = kept(&bench).await;
    let refused = admin.act_on(&Actor::machine(), edit(), Some(seen)).await.unwrap_err();
    let AdminError::Stale { version, current, .. } = refused else { panic!("{refused}") };
    let (now, priority, notes) = kept(&bench).await;
    assert_eq!((version, now), (seen + 1, seen + 1));
    assert_ne!(priority, 7);
    assert_eq!(notes, "written by the relay");
    let current = current.unwrap().to_string();
    assert!(current.contains("written by the relay") && !current.contains("sk-ant-dummy"), "{current}");
}
