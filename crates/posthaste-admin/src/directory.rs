//! Client keys, accounts, their owners, teams, pools and redemption cards as they are now, in memory: what lists and reports look through.
//!
//! The relay's own directory has no client keys (it finds those by hash, a few at a time), and there is none where a command
//! works on a store by itself. So this one is filled when the first operator asks and follows the change feed from then on:
//! each question looks where the feed stands, and reads what has changed since.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use posthaste_core::{Account, Card, ClientKey, Owner, Pool, Team};
use posthaste_storage::{ConfigStore, Entity, RecordKind, Repository, Revision, StorageError};
use tokio::sync::Mutex;
use uuid::Uuid;

/// Follows the change feed.
#[derive(Default)]
pub(crate) struct Directory {
    known: Mutex<Option<(Revision, Arc<Snapshot>)>>,
}

/// All of them at one moment.
#[derive(Clone, Default)]
pub(crate) struct Snapshot {
    pub(crate) keys: Records<ClientKey>,
    pub(crate) accounts: Records<Account>,
    pub(crate) owners: Records<Owner>,
    pub(crate) teams: Records<Team>,
    pub(crate) pools: Records<Pool>,
    pub(crate) cards: Records<Card>,
}

/// Records by their identity.
pub(crate) type Records<T> = BTreeMap<Uuid, Arc<T>>;

impl Directory {
    /// What is there now, of this process's writes every one.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn snapshot(&self, store: &Arc<dyn ConfigStore>) -> Result<Arc<Snapshot>, StorageError> {
        let mut known = self.known.lock().await;
        let now = store.revision().await?;
        let next = match known.take() {
            Some((since, snapshot)) if since == now => (since, snapshot),
            Some((since, snapshot)) if since < now => follow(store, since, snapshot).await?,
            // Also for a feed that stands further back, as that of a store which was put back.
            _ => (now, Arc::new(Snapshot::read(store).await?)),
        };
        let snapshot = Arc::clone(&next.1);
        *known = Some(next);
        Ok(snapshot)
    }
}

async fn follow(
    store: &Arc<dyn ConfigStore>,
    since: Revision,
    mut snapshot: Arc<Snapshot>,
) -> Result<(Revision, Arc<Snapshot>), StorageError> {
    let told = store.changes(since).await?;
    let changed: BTreeSet<(RecordKind, Uuid)> =
        told.changes.iter().map(|change| (change.kind, change.id)).collect();
    if told.truncated || changed.len() > MOST_FOLLOWED {
        let now = store.revision().await?;
        return Ok((now, Arc::new(Snapshot::read(store).await?)));
    }
    let whole = Arc::make_mut(&mut snapshot);
    for (kind, id) in changed {
        match kind {
            RecordKind::ClientKey => renew(store, &mut whole.keys, id).await?,
            RecordKind::Account => renew(store, &mut whole.accounts, id).await?,
            RecordKind::Owner => renew(store, &mut whole.owners, id).await?,
            RecordKind::Team => renew(store, &mut whole.teams, id).await?,
            RecordKind::Pool => renew(store, &mut whole.pools, id).await?,
            RecordKind::Card => renew(store, &mut whole.cards, id).await?,
            RecordKind::Keyring
            | RecordKind::OwnPrice
            | RecordKind::Setting
            | RecordKind::Route
            | RecordKind::Channel
            | RecordKind::User
            | RecordKind::ApiToken => {}
        }
    }
    Ok((told.revision, snapshot))
}

async fn renew<T: Entity>(
    store: &Arc<dyn ConfigStore>,
    records: &mut Records<T>,
    id: Uuid,
) -> Result<(), StorageError> {
    match Repository::<T>::new(Arc::clone(store)).get(id).await? {
        Some(found) => records.insert(id, Arc::new(found.value)),
        None => records.remove(&id),
    };
    Ok(())
}

impl Snapshot {
    async fn read(store: &Arc<dyn ConfigStore>) -> Result<Self, StorageError> {
        Ok(Self {
            keys: all(store).await?,
            accounts: all(store).await?,
            owners: all(store).await?,
            teams: all(store).await?,
            pools: all(store).await?,
            cards: all(store).await?,
        })
    }

    /// The team of a key's owner.
    pub(crate) fn team_of(&self, owner: Uuid) -> Option<Uuid> {
        self.owners.get(&owner)?.team.map(|team| team.uuid())
    }
}

async fn all<T: Entity>(store: &Arc<dyn ConfigStore>) -> Result<Records<T>, StorageError> {
    let records = Repository::<T>::new(Arc::clone(store)).all().await?;
    Ok(records.into_iter().map(|record| (record.value.id(), Arc::new(record.value))).collect())
}

/// When more has changed, reading all in pages is quicker.
const MOST_FOLLOWED: usize = 1_000;
