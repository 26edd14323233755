//! The vault as others use it.

use std::{fmt, sync::Arc};

use posthaste_core::{ClientKeyHash, Sealed, Secret};
use posthaste_storage::ConfigStore;

use uuid::Uuid;
use zeroize::Zeroizing;

use crate::{
    MasterKey, NewClientKey, PassphraseKey, Place, VaultError,
    client_key::{self, KeyHasher, generate},
    keyring::{self, Keyring},
    seal::{Damage, SealedBytes, SealingKey},
};

/// Seals and opens secrets, and hashes client keys. Holds the keyring's keys in memory and never calls the store again.
pub struct Vault {
    active: SealingKey,
    former: Vec<SealingKey>,
    hasher: KeyHasher,
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
        Ok(Self { active, former, hasher: KeyHasher::new(&pepper), pepper })
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

    /// Makes a client key: `prefix` and 64 hexadecimal digits.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn generate_client_key(&self, prefix: &str) -> Result<NewClientKey, VaultError> {
        generate(prefix, &self.hasher)
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

const PEPPER_PLACE: Place<'static> = Place { kind: "export", id: Uuid::nil(), field: "pepper" };
