//! Step 2, authenticate: client key to caller.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use moka::sync::Cache;
use posthaste_core::{ClientKey, ClientKeyHash, ClientKeyId, Fault, FaultKind, HashForm, Origin};
use posthaste_storage::{ConfigStore, Repository, StorageError, Versioned};
use posthaste_vault::{Vault, VaultError};

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
    /// How many client keys are remembered, about: those that there are, and those that there are not.
    pub(crate) fn known(&self) -> (u64, u64) {
        (self.known.entry_count(), self.unknown.entry_count())
    }

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
    /// A key that was taken over from claude-relay-service is recognised by its hash there, and kept under the relay's own
    /// from then on.
    ///
    /// # Errors
    /// `Unauthenticated` when nothing was presented or nobody owns it; `Overloaded` when the store cannot be asked, or not be
    /// written where it has to be.
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
        // The old hash goes first: where another request takes the key over in between, it is found by the new one.
        if let Some(old) = self.vault.hash_crs_client_key(presented)
            && let Some(caller) = self.take_over(presented, old, hash).await?
        {
            return Ok(caller);
        }
        self.look_up(hash).await?.ok_or_else(unknown_key)
    }

    /// Looks again for the `ENCRYPTION_KEY` of a claude-relay-service that client keys were taken over from.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) async fn reload_vault(&self, store: &dyn ConfigStore) -> Result<(), VaultError> {
        self.vault.reload(store).await?;
        self.forget_all();
        Ok(())
    }

    /// Forgets what is remembered of one key, or of all keys when its record is gone and with it its hash.
    ///
    /// # Errors
    /// When the store cannot be read; everything is forgotten then.
    pub async fn forget(&self, id: ClientKeyId) -> Result<(), StorageError> {
        self.generation.fetch_add(1, Ordering::SeqCst);
        match self.keys.client_key(id).await {
            // Its own hash is not known yet, and it may have been asked for in vain before.
            Ok(Some(key)) if key.value.hash_form == HashForm::Crs => {
                self.unknown.invalidate_all();
                Ok(())
            }
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

    /// Finds a key by the hash that claude-relay-service had of it, and puts the relay's own in its place: the secret is at
    /// hand at this moment only. `None` where no key has that hash, or none any more.
    async fn take_over(
        &self,
        presented: &str,
        old: ClientKeyHash,
        own: ClientKeyHash,
    ) -> Result<Option<Caller>, Fault> {
        for _ in 0..TAKE_OVER_TRIES {
            let generation = self.generation.load(Ordering::SeqCst);
            let found = self.keys.by_crs_hash(old).await.map_err(store_fault)?;
            let Some(Versioned { version, value: mut key }) = found else { return Ok(None) };
            key.hash = own;
            key.hash_form = HashForm::Own;
            key.hint = hint(presented);
            match self.keys.replace(key, version).await {
                Ok(key) => {
                    let caller = Caller { key: Arc::new(key) };
                    self.remember(own, Some(&caller), generation);
                    return Ok(Some(caller));
                }
                // It was changed meanwhile: what stands there now counts.
                Err(StorageError::Conflict { .. }) => {}
                Err(error) => return Err(store_fault(error)),
            }
        }
        Err(busy())
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

pub(crate) fn unknown_key() -> Fault {
    unauthenticated(
        "this client key is not known to the relay: check it, or ask the relay's operator for a new one",
    )
}

fn unauthenticated(message: &'static str) -> Fault {
    Fault::new(FaultKind::Unauthenticated, Origin::Client, message)
}

fn store_fault(error: StorageError) -> Fault {
    busy().caused_by(error)
}

fn busy() -> Fault {
    Fault::new(
        FaultKind::Overloaded,
        Origin::Relay,
        "the relay cannot check client keys at the moment: ask again soon",
    )
    .retry_after(Duration::from_secs(1))
}

/// A secret's last four characters.
fn hint(presented: &str) -> String {
    let start = presented.char_indices().rev().nth(3).map_or(0, |(at, _)| at);
    presented[start..].to_owned()
}

const KNOWN: u64 = 50_000;
const KNOWN_LIFETIME: Duration = Duration::from_secs(600);
const UNKNOWN: u64 = 100_000;
const UNKNOWN_LIFETIME: Duration = Duration::from_secs(60);

/// Changes of one record that may come between; an operator makes one, a first use another.
const TAKE_OVER_TRIES: usize = 5;

/// Longer texts are no keys of ours; not even hashing is spent on them.
const LONGEST: usize = 512;
