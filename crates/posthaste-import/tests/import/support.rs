//! A place to move in to.

use std::{collections::BTreeSet, sync::Arc};

use posthaste_core::{Account, Channel, ClientKey, Owner, Pool, Secret, Timestamp, User};
use posthaste_import::{
    Applied, Found, ImportError, MapOptions, Plan, ReadOptions, Report, Target, apply, plan, read_redis,
};
use posthaste_storage::{Entity, Repository, Stores, memory::MemoryStores};
use posthaste_vault::{CrsKey, MasterKey, Vault};

use crate::predecessor::crs_key;

pub(crate) struct Home {
    pub(crate) stores: Stores,
    pub(crate) vault: Arc<Vault>,
}

impl Home {
    pub(crate) async fn new() -> Self {
        Self::on(MemoryStores::stores()).await
    }

    pub(crate) async fn on(stores: Stores) -> Self {
        let vault = Vault::open(&MasterKey::generate().unwrap(), Arc::clone(&stores.config)).await.unwrap();
        Self { stores, vault: Arc::new(vault) }
    }

    pub(crate) fn target(&self) -> Target<'_> {
        Target { stores: &self.stores, vault: &self.vault, check_channel: &unless_in_the_clear }
    }

    pub(crate) async fn plan_with(&self, found: &Found, key: Option<&CrsKey>) -> Result<Plan, ImportError> {
        plan(self.target(), found, key, &options(), &BTreeSet::new()).await
    }

    pub(crate) async fn report(&self, found: &Found) -> Report {
        self.plan_with(found, Some(&crs_key())).await.unwrap().report
    }

    pub(crate) async fn apply(&self, found: &Found, update: bool) -> Applied {
        let key = crs_key();
        let plan = self.plan_with(found, Some(&key)).await.unwrap();
        apply(self.target(), plan, Some(&key), update, now(), &|_, _, _| {}).await.unwrap()
    }

    pub(crate) async fn all<T: Entity>(&self) -> Vec<T> {
        let mut all: Vec<T> = Repository::new(self.stores.config.clone())
            .all()
            .await
            .unwrap()
            .into_iter()
            .map(|found| found.value)
            .collect();
        all.sort_by_key(Entity::id);
        all
    }

    pub(crate) async fn account(&self, name: &str) -> Account {
        self.all::<Account>().await.into_iter().find(|account| account.name == name).unwrap()
    }

    pub(crate) async fn key(&self, name: &str) -> ClientKey {
        self.all::<ClientKey>().await.into_iter().find(|key| key.name == name).unwrap()
    }

    /// Everything that is kept, without what is sealed and so differs each time.
    pub(crate) async fn records(&self) -> String {
        let mut accounts = self.all::<Account>().await;
        for account in &mut accounts {
            account.credential = None;
            account.proxy.iter_mut().for_each(|proxy| proxy.password = None);
        }
        let (pools, owners, keys) =
            (self.all::<Pool>().await, self.all::<Owner>().await, self.all::<ClientKey>().await);
        let mut channels = self.all::<Channel>().await;
        for channel in &mut channels {
            (channel.target, channel.key) = (None, None);
            channel.proxy.iter_mut().for_each(|proxy| proxy.password = None);
        }
        let people = self.all::<User>().await;
        serde_json::to_string_pretty(&(accounts, pools, owners, keys, people, channels)).unwrap()
    }
}

/// As the notifier has it, for channels whose address can be told from their host.
fn unless_in_the_clear(channel: &Channel) -> Result<(), String> {
    match &channel.target_host {
        Some(host) if host.starts_with("http:") => Err("it must begin with https://".to_owned()),
        _ => Ok(()),
    }
}

/// 2026-11-26T20:00Z: the 27th in Shanghai.
pub(crate) fn now() -> Timestamp {
    "2026-11-26T20:00:00Z".parse().unwrap()
}

pub(crate) fn options() -> MapOptions {
    MapOptions { zone: "Asia/Shanghai".to_owned(), now: now() }
}

pub(crate) async fn read(url: &str) -> Found {
    let options = ReadOptions { today: "2026-11-27".to_owned() };
    read_redis(&Secret::new(url), &options, &|_, _, _| {}).await.unwrap()
}
