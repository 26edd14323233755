//! The one record that holds the wrapped data keys and the pepper.

use std::sync::Arc;

use posthaste_core::Sealed;
use posthaste_storage::{ConfigStore, Expect, RecordKind, StorageError};
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::{
    MasterKey, Place, VaultError, random,
    seal::{Damage, SealedBytes, SealingKey},
};

/// The keyring, unwrapped.
pub(crate) struct Keyring {
    pub(crate) pepper: Zeroizing<[u8; 32]>,
    /// The key that seals from now on.
    pub(crate) active: SealingKey,
    /// Keys that sealed before and still open.
    pub(crate) former: Vec<SealingKey>,
}

/// Opens the store's keyring, or makes it when the store is empty.
pub(crate) async fn open(master: &MasterKey, store: &Arc<dyn ConfigStore>) -> Result<Keyring, VaultError> {
    if let Some(record) = read(store).await? {
        return record.unwrap(master);
    }
    if is_used(store).await? {
        // Another process may have made the keyring and the first account since we looked.
        return read(store).await?.ok_or(VaultError::KeyringMissing)?.unwrap(master);
    }
    let made = KeyringRecord::make(master)?;
    match write(store, &made).await {
        Ok(()) => made.unwrap(master),
        Err(VaultError::Store(StorageError::Conflict { .. })) => {
            read(store).await?.ok_or(VaultError::KeyringMissing)?.unwrap(master)
        }
        Err(error) => Err(error),
    }
}

async fn read(store: &Arc<dyn ConfigStore>) -> Result<Option<KeyringRecord>, VaultError> {
    let Some(record) = store.get(RecordKind::Keyring, Uuid::nil()).await? else { return Ok(None) };
    KeyringRecord::parse(&record.body).map(Some)
}

/// Puts another pepper into the keyring of a store that has no client keys.
pub(crate) async fn replace_pepper(
    master: &MasterKey,
    store: &Arc<dyn ConfigStore>,
    pepper: &[u8; 32],
) -> Result<(), VaultError> {
    let record = store.get(RecordKind::Keyring, Uuid::nil()).await?.ok_or(VaultError::KeyringMissing)?;
    if !store.list(RecordKind::ClientKey, None, 1).await?.records.is_empty() {
        return Err(VaultError::ForeignPepper);
    }
    let mut keyring = KeyringRecord::parse(&record.body)?;
    keyring.check_master(master)?;
    keyring.pepper = master.sealing_key().seal(&place(PEPPER), pepper)?;
    let body = serde_json::to_string(&keyring).expect("a keyring holds texts and numbers only");
    let expect = Expect::Version(record.version);
    store.put(RecordKind::Keyring, Uuid::nil(), None, body, expect).await?;
    Ok(())
}

/// Whether the store holds anything that a keyring was there for.
async fn is_used(store: &Arc<dyn ConfigStore>) -> Result<bool, VaultError> {
    for kind in RecordKind::ALL {
        if !store.list(kind, None, 1).await?.records.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn write(store: &Arc<dyn ConfigStore>, keyring: &KeyringRecord) -> Result<(), VaultError> {
    let body = serde_json::to_string(keyring).expect("a keyring holds texts and numbers only");
    store.put(RecordKind::Keyring, Uuid::nil(), None, body, Expect::Absent).await?;
    Ok(())
}

/// The record's JSON.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyringRecord {
    format: u32,
    /// The fingerprint of the master key.
    master: String,
    /// A known text, sealed: tells a wrong master key from a damaged keyring.
    check: Sealed,
    pepper: Sealed,
    /// The data key that seals.
    active: u32,
    data_keys: Vec<WrappedKey>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrappedKey {
    id: u32,
    wrapped: Sealed,
}

impl KeyringRecord {
    fn make(master: &MasterKey) -> Result<Self, VaultError> {
        let sealing = master.sealing_key();
        let wrapped = sealing.seal(&place(&data_key_field(FIRST_DATA_KEY)), random::key()?.as_slice())?;
        Ok(Self {
            format: FORMAT,
            master: master.fingerprint(),
            check: sealing.seal(&place(CHECK), CHECK_TEXT)?,
            pepper: sealing.seal(&place(PEPPER), random::key()?.as_slice())?,
            active: FIRST_DATA_KEY,
            data_keys: vec![WrappedKey { id: FIRST_DATA_KEY, wrapped }],
        })
    }

    fn parse(body: &str) -> Result<Self, VaultError> {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let format: Format = serde_json::from_str(body).map_err(|error| unreadable(error.to_string()))?;
        if format.format != FORMAT {
            return Err(unreadable(format!("its format is {}, this release reads {FORMAT}", format.format)));
        }
        serde_json::from_str(body).map_err(|error| unreadable(error.to_string()))
    }

    fn unwrap(self, master: &MasterKey) -> Result<Keyring, VaultError> {
        self.check_master(master)?;
        let sealing = master.sealing_key();
        let mut active = None;
        let mut former = Vec::new();
        for WrappedKey { id, wrapped } in &self.data_keys {
            let key = SealingKey::new(*id, &*unwrap_key(&sealing, &data_key_field(*id), wrapped)?);
            if *id == self.active {
                active = Some(key);
            } else {
                former.push(key);
            }
        }
        let active = active.ok_or_else(|| unreadable(format!("data key {} is not in it", self.active)))?;
        Ok(Keyring { pepper: unwrap_key(&sealing, PEPPER, &self.pepper)?, active, former })
    }

    /// The fingerprint is a hint for people; what decides is whether the check opens.
    fn check_master(&self, master: &MasterKey) -> Result<(), VaultError> {
        match open_field(&master.sealing_key(), CHECK, &self.check) {
            Ok(text) if *text == CHECK_TEXT => Ok(()),
            Err(Damage::NotAuthentic) if self.master != master.fingerprint() => {
                Err(VaultError::WrongMasterKey {
                    hint: format!(
                        "it was made with the key whose fingerprint is {}, and this one's is {}",
                        self.shown_master(),
                        master.fingerprint()
                    ),
                })
            }
            Ok(_) => Err(unreadable("its check value is not the known one".to_owned())),
            Err(damage) => Err(unreadable(format!("its check value: {}", damage.as_str()))),
        }
    }

    /// The fingerprint comes from the store: a damaged one shall not fill the log.
    fn shown_master(&self) -> String {
        self.master.chars().filter(char::is_ascii_hexdigit).take(8).collect()
    }
}

fn unwrap_key(master: &SealingKey, field: &str, sealed: &Sealed) -> Result<Zeroizing<[u8; 32]>, VaultError> {
    let plain = open_field(master, field, sealed)
        .map_err(|damage| unreadable(format!("its {field}: {}", damage.as_str())))?;
    let mut key = Zeroizing::new([0; 32]);
    if plain.len() != key.len() {
        return Err(unreadable(format!("its {field} is not 32 bytes long")));
    }
    key.copy_from_slice(&plain);
    Ok(key)
}

fn open_field(master: &SealingKey, field: &str, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, Damage> {
    master.open(&place(field), &SealedBytes::parse(sealed)?)
}

const fn place(field: &str) -> Place<'_> {
    Place { kind: "keyring", id: Uuid::nil(), field }
}

fn data_key_field(id: u32) -> String {
    format!("data-key-{id}")
}

fn unreadable(what: String) -> VaultError {
    VaultError::KeyringUnreadable { what }
}

const FORMAT: u32 = 1;
const FIRST_DATA_KEY: u32 = 1;
const CHECK: &str = "check";
const PEPPER: &str = "pepper";
const CHECK_TEXT: &[u8] = b"posthaste keyring";

#[cfg(test)]
mod tests {
    use posthaste_core::AccountId;

    use super::*;
    use crate::account_credential_place;

    /// A keyring in which a second data key has taken over.
    fn rotated(master: &MasterKey) -> KeyringRecord {
        let mut record = KeyringRecord::make(master).unwrap();
        let wrapped =
            master.sealing_key().seal(&place(&data_key_field(2)), random::key().unwrap().as_slice()).unwrap();
        record.data_keys.push(WrappedKey { id: 2, wrapped });
        record.active = 2;
        record
    }

    fn copy(record: &KeyringRecord) -> KeyringRecord {
        KeyringRecord::parse(&serde_json::to_string(record).unwrap()).unwrap()
    }

    #[test]
    fn former_data_keys_still_open_and_the_active_one_seals() {
        let master = MasterKey::generate().unwrap();
        let record = rotated(&master);
        let place = account_credential_place(AccountId::generate());
        let mut before = copy(&record);
        before.active = 1;
        let sealed = before.unwrap(&master).unwrap().active.seal(&place, b"sk-ant-dummy").unwrap();

        let keyring = copy(&record).unwrap(&master).unwrap();
        assert_eq!(keyring.active.id(), 2);
        let former = keyring.former.iter().find(|key| key.id() == 1).unwrap();
        let plain = former.open(&place, &SealedBytes::parse(&sealed).unwrap()).unwrap();
        assert_eq!(plain.as_slice(), b"sk-ant-dummy");
    }

    #[test]
    fn data_keys_cannot_change_places() {
        let master = MasterKey::generate().unwrap();
        let mut record = rotated(&master);
        let [first, second] = &mut record.data_keys[..] else { unreachable!("it has two") };
        std::mem::swap(&mut first.wrapped, &mut second.wrapped);
        assert!(matches!(record.unwrap(&master), Err(VaultError::KeyringUnreadable { .. })));
    }

    #[test]
    fn a_changed_fingerprint_keeps_nobody_out() {
        let master = MasterKey::generate().unwrap();
        let mut record = KeyringRecord::make(&master).unwrap();
        record.master = "no fingerprint".to_owned();
        assert!(record.unwrap(&master).is_ok());
    }
}
