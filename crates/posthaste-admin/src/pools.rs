//! Pools of accounts.

mod view;

pub use view::PoolView;

use std::collections::BTreeMap;

use posthaste_core::{
    Account, AffinityRules, ClientKey, Limit, Place, Pool, PoolId, PoolRules, RetryPolicy, Route, Strategy,
    Timestamp,
};
use posthaste_storage::{Repository, StorageError, Versioned};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Admin, AdminError,
    change::{self, find},
    input,
};

/// A pool to be made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NewPool {
    /// The operator's name for it.
    pub name: String,
    /// How its members are chosen; the relay's own rules where not told.
    pub rules: RulesChange,
    /// Its members' limits taken together.
    pub limits: Vec<Limit>,
}

/// What is to change of a pool. What is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PoolChange {
    /// The operator's name for it.
    pub name: Option<String>,
    /// How its members are chosen.
    pub rules: RulesChange,
    /// Its members' limits, in place of all that was said before.
    pub limits: Option<Vec<Limit>>,
}

/// What is to change of a pool's rules. What is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RulesChange {
    /// The order within equal priority.
    pub strategy: Option<Strategy>,
    /// How eagerly failed requests are repeated.
    pub retry: Option<RetryPolicy>,
    /// How long a request waits while all candidates are limited, in milliseconds.
    pub patience_ms: Option<u64>,
    /// Whether conversations stay with their account.
    pub affinity: Option<bool>,
    /// How long a conversation is remembered after its last request, in seconds.
    pub affinity_ttl_seconds: Option<u64>,
    /// Whether each request renews that time.
    pub affinity_renews: Option<bool>,
}

/// Pools of accounts.
#[derive(Clone, Copy)]
pub struct PoolService<'a> {
    admin: &'a Admin,
}

impl<'a> PoolService<'a> {
    pub(crate) fn new(admin: &'a Admin) -> Self {
        Self { admin }
    }

    /// Makes a pool. Accounts join it by their own settings.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] for an input that cannot be taken, [`AdminError::Conflict`] when the name is taken.
    pub async fn create(self, new: NewPool) -> Result<PoolView, AdminError> {
        let now = self.now();
        let pool = Pool {
            id: PoolId::generate(),
            name: input::name(&new.name)?,
            rules: changed(PoolRules::default(), &new.rules)?,
            limits: input::limits(&new.limits)?,
            created_at: now,
            updated_at: now,
        };
        let name = pool.name.clone();
        match self.records().create(pool).await {
            Ok(created) => Ok(PoolView::new(created.value, Vec::new())),
            Err(StorageError::Taken { .. }) => Err(change::taken("pool", &name)),
            Err(error) => Err(error.into()),
        }
    }

    /// All pools, by name.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list(self) -> Result<Vec<PoolView>, AdminError> {
        let mut members = self.members().await?;
        let records = self.records().all().await?;
        let view = |Versioned { value, .. }: Versioned<Pool>| {
            let names = members.remove(&value.id).unwrap_or_default();
            PoolView::new(value, names)
        };
        let mut views: Vec<_> = records.into_iter().map(view).collect();
        views.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(views)
    }

    /// One pool, by id or name.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] when there is none; so it is with the other services.
    pub async fn show(self, pool: &str) -> Result<PoolView, AdminError> {
        let pool = find(&self.records(), pool).await?.value;
        self.view(pool).await
    }

    /// Changes a pool.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] for an input that cannot be taken, [`AdminError::Conflict`] when the name is taken.
    pub async fn update(self, pool: &str, change: PoolChange) -> Result<PoolView, AdminError> {
        let now = self.now();
        let records = self.records();
        let id = find(&records, pool).await?.value.id;
        let pool = change::apply(&records, id.uuid(), |pool: &mut Pool| {
            if let Some(name) = &change.name {
                pool.name = input::name(name)?;
            }
            pool.rules = changed(pool.rules.clone(), &change.rules)?;
            if let Some(limits) = &change.limits {
                pool.limits = input::limits(limits)?;
            }
            pool.updated_at = now;
            Ok(())
        });
        self.view(pool.await?).await
    }

    /// Removes a pool that nobody uses.
    ///
    /// # Errors
    /// [`AdminError::Conflict`] while accounts belong to it, keys are bound to it or routes lead to it.
    pub async fn delete(self, pool: &str) -> Result<PoolView, AdminError> {
        let found = find(&self.records(), pool).await?.value;
        let users = self.users(found.id).await?;
        if !users.is_empty() {
            let what = format!("pool `{}` is used by {}; let them go first", found.name, users.join(", "));
            return Err(AdminError::Conflict { what });
        }
        let removed = change::remove(&self.records(), &found.id.to_string()).await?;
        Ok(PoolView::new(removed, Vec::new()))
    }

    /// The identities of the pools that an operator names.
    pub(crate) async fn named(self, names: &[String]) -> Result<Vec<PoolId>, AdminError> {
        let mut pools = Vec::with_capacity(names.len());
        for name in names {
            let id = find(&self.records(), name).await?.value.id;
            if !pools.contains(&id) {
                pools.push(id);
            }
        }
        Ok(pools)
    }

    /// A pool that can serve, as far as membership tells.
    pub(crate) async fn with_members(self, field: &'static str, name: &str) -> Result<PoolId, AdminError> {
        let pool = find(&self.records(), name).await?.value;
        if self.members().await?.contains_key(&pool.id) {
            return Ok(pool.id);
        }
        let message = format!(
            "pool `{}` has no accounts; let some join it first: posthaste accounts update ACCOUNT --pool {}",
            pool.name, pool.name
        );
        Err(AdminError::invalid(field, message))
    }

    async fn view(self, pool: Pool) -> Result<PoolView, AdminError> {
        let members = self.members().await?.remove(&pool.id).unwrap_or_default();
        Ok(PoolView::new(pool, members))
    }

    /// The names of the accounts in each pool, sorted.
    async fn members(self) -> Result<BTreeMap<PoolId, Vec<String>>, AdminError> {
        let mut members = BTreeMap::<_, Vec<_>>::new();
        for Versioned { value: Account { name, scheduling, .. }, .. } in
            self.admin.account_records().all().await?
        {
            for pool in scheduling.pools {
                members.entry(pool).or_default().push(name.clone());
            }
        }
        members.values_mut().for_each(|names| names.sort_unstable());
        Ok(members)
    }

    async fn users(self, pool: PoolId) -> Result<Vec<String>, AdminError> {
        let accounts = self.members().await?.remove(&pool).unwrap_or_default();
        let mut users: Vec<_> = accounts.into_iter().map(|name| format!("account `{name}`")).collect();
        let bound =
            |key: &ClientKey| key.policy.binding.is_some_and(|binding| binding.to == Place::Pool(pool));
        let keys = self.admin.key_records().all().await?;
        let keys = keys.into_iter().map(|record| record.value).filter(bound);
        users.extend(keys.map(|key| format!("client key `{}`", key.name)));
        let leads =
            |route: &Route| route.targets.iter().any(|target| target.place == Some(Place::Pool(pool)));
        let routes = self.admin.route_records().all().await?;
        let routes = routes.into_iter().map(|record| record.value).filter(leads);
        users.extend(routes.map(|route| format!("route `{}`", route.model)));
        Ok(users)
    }

    fn records(self) -> Repository<Pool> {
        self.admin.pool_records()
    }

    fn now(self) -> Timestamp {
        self.admin.parts().clock.now()
    }
}

/// The rules with what is to change of them.
fn changed(rules: PoolRules, change: &RulesChange) -> Result<PoolRules, AdminError> {
    let patience_ms = change.patience_ms.unwrap_or(rules.patience_ms);
    if patience_ms > MOST_PATIENCE_MS {
        let message = format!("{patience_ms} ms is longer than 300 s, for which no client waits");
        return Err(AdminError::invalid("patience_ms", message));
    }
    let ttl_seconds = change.affinity_ttl_seconds.unwrap_or(rules.affinity.ttl_seconds);
    if !(1..=MOST_AFFINITY_SECONDS).contains(&ttl_seconds) {
        let message =
            format!("{ttl_seconds} s is not from 1 s to 30 days; to switch it off: --affinity=false");
        return Err(AdminError::invalid("affinity_ttl_seconds", message));
    }
    Ok(PoolRules {
        strategy: change.strategy.unwrap_or(rules.strategy),
        retry: change.retry.unwrap_or(rules.retry),
        patience_ms,
        affinity: AffinityRules {
            enabled: change.affinity.unwrap_or(rules.affinity.enabled),
            ttl_seconds,
            renew: change.affinity_renews.unwrap_or(rules.affinity.renew),
        },
    })
}

const MOST_PATIENCE_MS: u64 = 300_000;
const MOST_AFFINITY_SECONDS: u64 = 30 * 86_400;
