//! The vault as others use it.

use std::{fmt, sync::Arc};

use parking_lot::RwLock;
use posthaste_core::{ClientKeyHash, Sealed, Secret};
use posthaste_storage::{ConfigStore, Expect, RecordKind, StorageError};
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::{
    CrsKey, MasterKey, NewClientKey, PassphraseKey, Place, VaultError,
    client_key::{self, KeyHasher, generate},
    crs::crs_hash,
    keyring::{self, Keyring},
    seal::{Damage, SealedBytes, SealingKey},
};

/// Seals and opens secrets, and hashes client keys. Holds the keyring's keys in memory; asks the store again only when told
/// to.
pub struct Vault {
    active: SealingKey,
    former: Vec<SealingKey>,
    hasher: KeyHasher,
    /// The `ENCRYPTION_KEY` of the CRS that client keys were taken over from, if some were.
    crs: RwLock<Option<Secret>>,
    pepper: Zeroizing<[u8; 32]>,
}

impl Vault {
    /// Opens the keyring kept in the store, or makes it when the store holds no keyring, account or client key at all.
    ///
    /// Several processes may open an empty store at once: one makes the keyring, the others take it.
    ///
    /// # Errors
    /// [`VaultError::WrongMasterKey`], [`VaultError::KeyringMissing`] and [`VaultError::KeyringUnreadable`]: nothing was
    /// written then. Otherwise when the store fails.
    pub async fn open(master: &MasterKey, store: Arc<dyn ConfigStore>) -> Result<Self, VaultError> {
        let Keyring { pepper, active, former } = keyring::open(master, &store).await?;
        let hasher = KeyHasher::new(&pepper);
        let vault = Self { active, former, hasher, pepper, crs: RwLock::default() };
        vault.reload(&*store).await?;
        Ok(vault)
    }

    /// Looks again whether client keys of a CRS were taken over, by this process or another.
    ///
    /// # Errors
    /// When the store fails or what it holds does not open; what was known stays so.
    pub async fn reload(&self, store: &dyn ConfigStore) -> Result<(), VaultError> {
        let found = self.crs_key(store).await?;
        *self.crs.write() = found;
        Ok(())
    }

    /// Keeps the `ENCRYPTION_KEY` of a CRS, sealed, so that client keys that were taken over from there are recognised by
    /// their old hash. Keeping it again changes nothing.
    ///
    /// # Errors
    /// [`VaultError::AnotherCrsKey`] when another CRS's is kept: a presented key is hashed once for it, not once for each
    /// CRS there ever was.
    pub async fn keep_crs_key(&self, store: &dyn ConfigStore, key: &CrsKey) -> Result<(), VaultError> {
        let sealed = self.seal(&CRS_PLACE, key.secret())?;
        let body = serde_json::to_string(&CrsRecord { format: CRS_FORMAT, encryption_key: sealed })
            .expect("the record holds a number and a text");
        match store.put(RecordKind::Keyring, CRS_ID, None, body, Expect::Absent).await {
            Ok(_) | Err(StorageError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        self.reload(store).await?;
        if self.keeps_crs_key(key) { Ok(()) } else { Err(VaultError::AnotherCrsKey) }
    }

    /// Whether this very `ENCRYPTION_KEY` is kept.
    pub fn keeps_crs_key(&self, key: &CrsKey) -> bool {
        self.crs.read().as_ref().is_some_and(|kept| kept == key.secret())
    }

    /// Whether client keys of some CRS were taken over.
    pub fn knows_crs(&self) -> bool {
        self.crs.read().is_some()
    }

    /// Tells which pepper client keys are hashed under: stores with the same one know the same keys.
    pub fn pepper_fingerprint(&self) -> String {
        client_key::fingerprint(&self.pepper)
    }

    /// Seals the pepper under a passphrase, so that another store can [take it over](Self::with_pepper_of).
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn seal_pepper(&self, passphrase: &PassphraseKey) -> Result<Sealed, VaultError> {
        passphrase.seal_bytes(&PEPPER_PLACE, self.pepper.as_slice())
    }

    /// Gives the store the pepper that another one sealed, so that its client keys work here. Every process that has the
    /// store open has to open it again: no relay may run on it.
    ///
    /// # Errors
    /// [`VaultError::ForeignPepper`] when the store has client keys of its own, [`VaultError::Passphrase`] when the
    /// passphrase does not open it.
    pub async fn with_pepper_of(
        master: &MasterKey,
        store: Arc<dyn ConfigStore>,
        passphrase: &PassphraseKey,
        sealed: &Sealed,
    ) -> Result<Self, VaultError> {
        let wrong = VaultError::Passphrase { what: "it does not open what client keys are hashed under" };
        let Ok(plain) = passphrase.open_bytes(&PEPPER_PLACE, sealed) else { return Err(wrong) };
        let Ok(pepper) = <[u8; 32]>::try_from(plain.as_slice()) else { return Err(wrong) };
        keyring::replace_pepper(master, &store, &Zeroizing::new(pepper)).await?;
        Self::open(master, store).await
    }

    /// Seals a secret for `place`.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn seal(&self, place: &Place<'_>, secret: &Secret) -> Result<Sealed, VaultError> {
        self.active.seal(place, secret.expose().as_bytes())
    }

    /// Opens a secret that was sealed for `place`.
    ///
    /// # Errors
    /// [`VaultError::Unsealable`] when it was changed, moved from another place, or sealed with a key that the keyring
    /// does not hold.
    pub fn unseal(&self, place: &Place<'_>, sealed: &Sealed) -> Result<Secret, VaultError> {
        let unsealable = |what| VaultError::Unsealable { place: place.to_string(), what };
        let plain = self.open_bytes(place, sealed).map_err(|damage| unsealable(damage.as_str()))?;
        let text = str::from_utf8(&plain).map_err(|_| unsealable("it is not text"))?;
        // A copy of exactly the right size: growing or shrinking one would leave remains in memory.
        Ok(Secret::new(text.to_owned()))
    }

    /// The keyed hash that a client key is stored and looked up under. Of any text: whether it is a key, the look-up
    /// tells.
    pub fn hash_client_key(&self, presented: &str) -> ClientKeyHash {
        self.hasher.hash(presented)
    }

    /// The hash that a CRS kept a client key under; `None` where no client keys of a CRS were taken over.
    pub fn hash_crs_client_key(&self, presented: &str) -> Option<ClientKeyHash> {
        self.crs.read().as_ref().map(|key| crs_hash(key, presented))
    }

    /// A link of a chain: what `text` makes of the link before it. Nobody can forge one who does not have the vault's keys.
    pub fn link(&self, before: &[u8; 32], text: &str) -> [u8; 32] {
        client_key::link(&self.pepper, before, text)
    }

    /// Makes a client key: `prefix` and 64 hexadecimal digits.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn generate_client_key(&self, prefix: &str) -> Result<NewClientKey, VaultError> {
        generate(prefix, &self.hasher)
    }

    async fn crs_key(&self, store: &dyn ConfigStore) -> Result<Option<Secret>, VaultError> {
        let Some(record) = store.get(RecordKind::Keyring, CRS_ID).await? else { return Ok(None) };
        let unreadable = |what: String| VaultError::KeyringUnreadable { what };
        let kept: CrsRecord =
            serde_json::from_str(&record.body).map_err(|error| unreadable(error.to_string()))?;
        if kept.format != CRS_FORMAT {
            return Err(unreadable(format!("the format of its CRS key is {}", kept.format)));
        }
        self.unseal(&CRS_PLACE, &kept.encryption_key).map(Some)
    }

    fn open_bytes(&self, place: &Place<'_>, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, Damage> {
        let sealed = SealedBytes::parse(sealed)?;
        let key = std::iter::once(&self.active).chain(&self.former).find(|key| key.id() == sealed.key_id());
        key.ok_or(Damage::UnknownKey)?.open(place, &sealed)
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault(…)")
    }
}

/// The record beside the keyring.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CrsRecord {
    format: u32,
    encryption_key: Sealed,
}

const CRS_FORMAT: u32 = 1;
const CRS_ID: Uuid = Uuid::from_u128(1);
const CRS_PLACE: Place<'static> = Place { kind: "keyring", id: CRS_ID, field: "crs-encryption-key" };
const PEPPER_PLACE: Place<'static> = Place { kind: "export", id: Uuid::nil(), field: "pepper" };
