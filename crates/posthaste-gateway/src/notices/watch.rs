//! Looking now and then at what no request finds out.

use std::{sync::Arc, time::Duration};

use posthaste_core::{AccountId, ClientKey, Pool, Timestamp};
use posthaste_storage::{ConfigStore, Repository};
use tokio::time::{MissedTickBehavior, interval};

use super::{
    keys::{EXPIRY_DAYS, expiring},
    pools::{PoolState, PoolWatch},
    stores::StoreWatch,
};
use crate::engine::Engine;

/// Looks at the store, the pools and how many attempts fail every few seconds, and at keys that end every hour; never ends.
pub(crate) async fn watch(engine: &Engine, store: Arc<dyn ConfigStore>) {
    let keys: Repository<ClientKey> = Repository::new(store);
    let (mut stores, mut pools) = (StoreWatch::default(), PoolWatch::default());
    let (mut looks, mut hours) = (interval(LOOKS), interval(HOUR));
    for rounds in [&mut looks, &mut hours] {
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    }
    loop {
        tokio::select! {
            _ = looks.tick() => {
                let now = engine.clock.now();
                engine.notices.look_at_errors(now);
                let lost = stores.look(engine.store_health.loss(), now);
                let down = pools.look(&pool_states(engine, now), now);
                lost.into_iter().chain(down).for_each(|notice| engine.notices.sink.tell(notice));
            }
            _ = hours.tick() => look_at_keys(engine, &keys).await,
        }
    }
}

async fn look_at_keys(engine: &Engine, keys: &Repository<ClientKey>) {
    match keys.all().await {
        Ok(keys) => {
            let keys = keys.iter().map(|key| &key.value);
            let notices = expiring(keys, &EXPIRY_DAYS, engine.clock.now());
            notices.into_iter().for_each(|notice| engine.notices.sink.tell(notice));
        }
        Err(error) => {
            tracing::warn!(%error, "keys that end soon cannot be looked for; trying again in an hour")
        }
    }
}

fn pool_states(engine: &Engine, now: Timestamp) -> Vec<PoolState> {
    let accounts = engine.directory.all();
    let pools = engine.directory.pools();
    let state = |pool: &Arc<Pool>| {
        let members =
            accounts.iter().filter(|account| account.enabled && account.scheduling.pools.contains(&pool.id));
        let rests_until =
            |account: AccountId| engine.scheduler.parked(account, now).map(|parked| parked.until);
        let members = members.map(|account| rests_until(account.id)).collect();
        PoolState { id: pool.id, name: pool.name.clone(), members }
    };
    pools.values().map(state).collect()
}

const LOOKS: Duration = Duration::from_secs(5);
const HOUR: Duration = Duration::from_secs(3_600);
