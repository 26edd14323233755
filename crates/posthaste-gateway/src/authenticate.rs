//! Step 2, authenticate: client key to caller.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use moka::sync::Cache;
use posthaste_core::{ClientKey, ClientKeyHash, ClientKeyId, Fault, FaultKind, Origin};
use posthaste_storage::{ConfigStore, Repository, StorageError, Versioned};
use posthaste_vault::Vault;

/// The authenticated owner of a client key.
#[derive(Clone, Debug)]
pub struct Caller {
    pub(crate) key: Arc<Versioned<ClientKey>>,
}

impl Caller {
    /// A caller with this key, for embedding programs that authenticate by themselves.
    pub fn trusted(key: ClientKey) -> Self {
        Self { key: Arc::new(Versioned { version: 0, value: key }) }
    }

    /// The client key's record.
    pub fn key(&self) -> &ClientKey {
        &self.key.value
    }
}

/// Turns presented secrets into callers, with bounded memories of known and of unknown ones.
///
/// The memories are kept right by [`forget`](Self::forget), which the change feed calls; their lifetimes are only a
/// second line of defence.
pub struct Authenticator {
    vault: Arc<Vault>,
    keys: Repository<ClientKey>,
    known: Cache<ClientKeyHash, Caller>,
    unknown: Cache<ClientKeyHash, ()>,
    /// Counts what was forgotten, so that a record read before a change is not remembered after it.
    generation: AtomicU64,
}

impl Authenticator {
    /// Authenticates against the keys in `store`.
    pub fn new(vault: Arc<Vault>, store: Arc<dyn ConfigStore>) -> Self {
        Self {
            vault,
            keys: Repository::new(store),
            known: Cache::builder().max_capacity(KNOWN).time_to_live(KNOWN_LIFETIME).build(),
            unknown: Cache::builder().max_capacity(UNKNOWN).time_to_live(UNKNOWN_LIFETIME).build(),
            generation: AtomicU64::new(0),
        }
    }

    /// Finds the owner of a presented secret. Whether the key may be used now is for admission to say.
    ///
    /// # Errors
    /// `Unauthenticated` when nothing was presented or nobody owns it; `Overloaded` when the store cannot be asked.
    pub async fn authenticate(&self, presented: Option<&str>) -> Result<Caller, Fault> {
        let presented = presented.ok_or_else(|| {
            unauthenticated(
                "no client key: send the relay's key (cr_…) as `Authorization: Bearer` or `x-api-key`",
            )
        })?;
        if presented.len() > LONGEST {
            return Err(unknown_key());
        }
        // The look-up is by keyed hash, so its timing tells nothing about stored keys.
        let hash = self.vault.hash_client_key(presented);
        if let Some(caller) = self.known.get(&hash) {
            return Ok(caller);
        }
        if self.unknown.contains_key(&hash) {
            return Err(unknown_key());
        }
        self.look_up(hash).await?.ok_or_else(unknown_key)
    }

    /// Forgets what is remembered of one key, or of all keys when its record is gone and with it its hash.
    ///
    /// # Errors
    /// When the store cannot be read; everything is forgotten then.
    pub async fn forget(&self, id: ClientKeyId) -> Result<(), StorageError> {
        self.generation.fetch_add(1, Ordering::SeqCst);
        match self.keys.client_key(id).await {
            Ok(Some(key)) => {
                self.known.invalidate(&key.value.hash);
                self.unknown.invalidate(&key.value.hash);
                Ok(())
            }
            Ok(None) => {
                self.known.invalidate_all();
                Ok(())
            }
            Err(error) => {
                self.forget_all();
                Err(error)
            }
        }
    }

    /// Forgets everything.
    pub fn forget_all(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.known.invalidate_all();
        self.unknown.invalidate_all();
    }

    /// Records the first use of a key whose lifetime counts from there, and gives the caller with the record as it is
    /// then.
    ///
    /// # Errors
    /// `Overloaded` when the store cannot be written.
    pub(crate) async fn record_first_use(
        &self,
        caller: &Caller,
        now: posthaste_core::Timestamp,
    ) -> Result<Caller, Fault> {
        let hash = caller.key().hash;
        let mut used = caller.key().clone();
        used.first_used_at = Some(now);
        let generation = self.generation.load(Ordering::SeqCst);
        let recorded = match self.keys.replace(used, caller.key.version).await {
            Ok(recorded) => Caller { key: Arc::new(recorded) },
            // Somebody else was first, or the key was changed or removed: what stands there now counts.
            Err(StorageError::Conflict { .. }) => return self.look_up(hash).await?.ok_or_else(unknown_key),
            Err(error) => return Err(store_fault(error)),
        };
        self.remember(hash, Some(&recorded), generation);
        Ok(recorded)
    }

    async fn look_up(&self, hash: ClientKeyHash) -> Result<Option<Caller>, Fault> {
        let generation = self.generation.load(Ordering::SeqCst);
        let found = self.keys.by_hash(hash).await.map_err(store_fault)?;
        let caller = found.map(|key| Caller { key: Arc::new(key) });
        self.remember(hash, caller.as_ref(), generation);
        Ok(caller)
    }

    /// Remembers what was read at `generation`, unless something was forgotten since: then it may be out of date.
    fn remember(&self, hash: ClientKeyHash, caller: Option<&Caller>, generation: u64) {
        match caller {
            Some(caller) => self.known.insert(hash, caller.clone()),
            None => self.unknown.insert(hash, ()),
        }
        if self.generation.load(Ordering::SeqCst) != generation {
            self.known.invalidate(&hash);
            self.unknown.invalidate(&hash);
        }
    }
}

fn unknown_key() -> Fault {
    unauthenticated(
        "this client key is not known to the relay: check it, or ask the relay's operator for a new one",
    )
}

fn unauthenticated(message: &'static str) -> Fault {
    Fault::new(FaultKind::Unauthenticated, Origin::Client, message)
}

fn store_fault(error: StorageError) -> Fault {
    Fault::new(
        FaultKind::Overloaded,
        Origin::Relay,
        "the relay cannot check client keys at the moment: ask again soon",
    )
    .retry_after(Duration::from_secs(1))
    .caused_by(error)
}

const KNOWN: u64 = 50_000;
const KNOWN_LIFETIME: Duration = Duration::from_secs(600);
const UNKNOWN: u64 = 100_000;
const UNKNOWN_LIFETIME: Duration = Duration::from_secs(60);

/// Longer texts are no keys of ours; not even hashing is spent on them.
const LONGEST: usize = 512;
