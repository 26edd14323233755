//! Accounts, pools, routes, owners and teams as they are now, without asking the store.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use arc_swap::ArcSwap;
use posthaste_core::{Account, AccountId, ModelName, Owner, Pool, PoolId, Route, Team, TeamId, UserId};
use posthaste_storage::{ConfigStore, Repository, StorageError};

/// Immutable snapshots of all of them, each replaced whole when one of its kind changes.
pub struct AccountDirectory {
    accounts: Repository<Account>,
    pools: Repository<Pool>,
    routes: Repository<Route>,
    owners: Repository<Owner>,
    teams: Repository<Team>,
    snapshot: ArcSwap<Vec<Arc<Account>>>,
    by_pool: ArcSwap<HashMap<PoolId, Arc<Pool>>>,
    by_model: ArcSwap<BTreeMap<ModelName, Arc<Route>>>,
    by_owner: ArcSwap<HashMap<UserId, Arc<Owner>>>,
    by_team: ArcSwap<HashMap<TeamId, Arc<Team>>>,
}

impl AccountDirectory {
    /// Reads everything.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn load(store: Arc<dyn ConfigStore>) -> Result<Self, StorageError> {
        let directory = Self {
            accounts: Repository::new(Arc::clone(&store)),
            pools: Repository::new(Arc::clone(&store)),
            routes: Repository::new(Arc::clone(&store)),
            owners: Repository::new(Arc::clone(&store)),
            teams: Repository::new(store),
            snapshot: ArcSwap::default(),
            by_pool: ArcSwap::default(),
            by_model: ArcSwap::default(),
            by_owner: ArcSwap::default(),
            by_team: ArcSwap::default(),
        };
        directory.reload().await?;
        directory.reload_places().await?;
        directory.reload_owners().await?;
        Ok(directory)
    }

    /// Reads all accounts again. Requests under way keep the snapshot they began with.
    ///
    /// # Errors
    /// When the store cannot be read; the old snapshot stays.
    pub async fn reload(&self) -> Result<(), StorageError> {
        let accounts = self.accounts.all().await?;
        self.snapshot.store(Arc::new(accounts.into_iter().map(|account| Arc::new(account.value)).collect()));
        Ok(())
    }

    /// Reads all pools and routes again.
    ///
    /// # Errors
    /// As [`reload`](Self::reload).
    pub async fn reload_places(&self) -> Result<(), StorageError> {
        let pools = self.pools.all().await?.into_iter().map(|pool| (pool.value.id, Arc::new(pool.value)));
        let routes = self
            .routes
            .all()
            .await?
            .into_iter()
            .map(|route| (route.value.model.clone(), Arc::new(route.value)));
        self.by_pool.store(Arc::new(pools.collect()));
        self.by_model.store(Arc::new(routes.collect()));
        Ok(())
    }

    /// Reads all owners and teams again.
    ///
    /// # Errors
    /// As [`reload`](Self::reload).
    pub async fn reload_owners(&self) -> Result<(), StorageError> {
        let teams = self.teams.all().await?.into_iter().map(|team| (team.value.id, Arc::new(team.value)));
        let owners =
            self.owners.all().await?.into_iter().map(|owner| (owner.value.id, Arc::new(owner.value)));
        self.by_team.store(Arc::new(teams.collect()));
        self.by_owner.store(Arc::new(owners.collect()));
        Ok(())
    }

    /// The owner with this identity.
    pub fn owner(&self, id: UserId) -> Option<Arc<Owner>> {
        self.by_owner.load().get(&id).cloned()
    }

    /// The team with this identity.
    pub fn team(&self, id: TeamId) -> Option<Arc<Team>> {
        self.by_team.load().get(&id).cloned()
    }

    /// All accounts, in the order of their identity.
    pub fn all(&self) -> Arc<Vec<Arc<Account>>> {
        self.snapshot.load_full()
    }

    /// Whether an account with this identity exists.
    pub fn contains(&self, id: AccountId) -> bool {
        self.snapshot.load().binary_search_by_key(&id, |account| account.id).is_ok()
    }

    /// The pool with this identity.
    pub fn pool(&self, id: PoolId) -> Option<Arc<Pool>> {
        self.by_pool.load().get(&id).cloned()
    }

    /// All pools.
    pub fn pools(&self) -> Arc<HashMap<PoolId, Arc<Pool>>> {
        self.by_pool.load_full()
    }

    /// The route of a model that clients ask for.
    pub fn route(&self, model: &str) -> Option<Arc<Route>> {
        let routes = self.by_model.load();
        if routes.is_empty() { None } else { routes.get(model).cloned() }
    }

    /// All routes, by model.
    pub fn routes(&self) -> Arc<BTreeMap<ModelName, Arc<Route>>> {
        self.by_model.load_full()
    }
}
