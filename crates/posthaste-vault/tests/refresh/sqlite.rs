//! Two instances with a connection each to one SQLite file.

use std::time::Duration;

use posthaste_storage_sqlite::SqliteStores;
use tokio::task::JoinSet;

use crate::support::{World, token};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_processes_worth_of_callers_ask_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("posthaste.db");
    let (one, two) = (SqliteStores::open(&path).unwrap(), SqliteStores::open(&path).unwrap());
    let world = World::on(one.stores()).await;
    for round in 1..=5_u64 {
        let account = match round {
            1 => world.logged_in("a", Duration::ZERO).await,
            _ => {
                world.clock.advance(crate::support::LIFE);
                world.accounts().all().await.unwrap().remove(0).value
            }
        };
        let instances = [
            world.instance(),
            world.instance_on(&two.stores(), std::sync::Arc::new(world.transport.clone()), []),
        ];
        let mut callers = JoinSet::new();
        for instance in instances.iter().cycle().take(100) {
            let (instance, account) = (instance.clone(), account.clone());
            callers.spawn(async move { token(&instance, &account).await });
        }
        while let Some(got) = callers.join_next().await {
            assert_eq!(got.unwrap(), format!("canary-access-{round}"));
        }
        for instance in &instances {
            instance.settle().await;
        }
        assert_eq!(world.asked() as u64, round);
        assert_eq!(world.stored_token(&account).await.generation, round + 1);
    }
    one.close().await.unwrap();
    two.close().await.unwrap();
}
