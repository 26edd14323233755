//! An edit beside other writers.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use posthaste_admin::{AccountChange, Actor, Admin, AdminError, AdminParts, Command};
use posthaste_core::Account;
use posthaste_storage::{Expect, RecordKind, Repository, Stores};

use crate::{
    doubles::WatchedConfig,
    support::{Bench, compatible, quiet},
};

/// The relay writes an account between an editor's look and his write, as it does with a new token.
pub(crate) async fn raced() -> (Bench, Admin) {
    let bench = quiet().await;
    bench.admin.accounts().add(compatible("one")).await.unwrap();
    let inner = Arc::clone(&bench.stores.config);
    let refreshed = Arc::new(AtomicBool::new(false));
    let config = WatchedConfig::new(&inner).before_write(Box::new(move |kind, id, expect| {
        let edits = kind == RecordKind::Account && expect != Expect::Absent;
        let (inner, first) = (Arc::clone(&inner), edits && !refreshed.swap(true, Ordering::SeqCst));
        Box::pin(async move {
            if first {
                let records = Repository::<Account>::new(inner);
                let mut found = records.get(id).await.unwrap().unwrap();
                found.value.scheduling.notes = "written by the relay".to_owned();
                records.replace(found.value, found.version).await.unwrap();
            }
        })
    }));
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
