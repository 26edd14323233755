//! The local copy of the configuration records, for relays whose records are in Redis.

use std::{path::Path, sync::Arc};

use anyhow::{Context, bail};
use posthaste_core::{BoxError, Clock, Sealed, Secret, SystemClock};
use posthaste_spool::{ConfigCopy, CopiedConfig, CopyFile, Refilled, Seal, SpoolState, is_lost, refill};
use posthaste_storage::{ConfigStore, Expect, RecordKind, Stores, memory::MemoryStores};
use posthaste_vault::{Derivation, MasterKey, PassphraseKey, Place, Vault};
use uuid::Uuid;

use super::{Opened, StoreKind, files};
use crate::Config;

/// Seals the copy under a key that is derived from the master key: it opens also when the keyring is lost with the store.
struct Sealing(PassphraseKey);

impl Sealing {
    /// The master key has all the entropy that a key can have, so deriving one from it need not be costly.
    fn new(master: &MasterKey) -> anyhow::Result<Self> {
        let derivation = Derivation {
            algorithm: "argon2id".to_owned(),
            memory_kib: 32,
            passes: 1,
            lanes: 1,
            salt: SALT.to_owned(),
        };
        Ok(Self(PassphraseKey::derive(&master.to_hex(), &derivation)?))
    }
}

impl Seal for Sealing {
    fn seal(&self, plain: &str) -> Result<String, BoxError> {
        Ok(self.0.seal(&PLACE, &Secret::new(plain))?.as_text().to_owned())
    }

    fn open(&self, sealed: &str) -> Result<String, BoxError> {
        Ok(self.0.open(&PLACE, &Sealed::from_text(sealed))?.expose().to_owned())
    }
}

/// The copy in a data folder.
///
/// # Errors
/// When no key can be derived.
pub fn file(folder: &Path, master: &MasterKey) -> anyhow::Result<CopyFile> {
    Ok(CopyFile::new(folder, Arc::new(Sealing::new(master)?)))
}

/// Writes the records back into a Redis that has none at all, before anybody takes it for a new one.
///
/// # Errors
/// When Redis is empty and there is a copy that cannot be used: whoever goes on then makes a new relay of it.
pub(super) async fn refill_at_start(
    config: &Config,
    master: Option<&MasterKey>,
    stores: &Stores,
    made: &mut Vec<String>,
) -> anyhow::Result<()> {
    if config.data.store != StoreKind::Redis
        || stores.config.get(RecordKind::Keyring, Uuid::nil()).await?.is_some()
    {
        return Ok(());
    }
    let Some(copy) = usable(config, master)? else { return Ok(()) };
    if !is_lost(&*stores.config, &copy).await? {
        return Ok(());
    }
    check_keyring(master, &copy).await?;
    match refill(&*stores.config, &*stores.locks, &copy, SystemClock.now()).await? {
        Refilled::Done(records) => {
            tracing::error!(records, "Redis was empty and has its records again, from the local copy");
            made.push(format!(
                "{records} records in an empty Redis, from the local copy of revision {}",
                copy.revision
            ));
            Ok(())
        }
        Refilled::NotNeeded => Ok(()),
        Refilled::Busy => {
            bail!("another relay writes the records of an empty Redis back; start again in a moment")
        }
        Refilled::Foreign => bail!(
            "Redis has lost its keyring, but holds records that the local copy has not; nothing was changed. See `posthaste \
             data restore --from-copy`"
        ),
    }
}

/// The copy, if it is one of these books.
fn usable(config: &Config, master: Option<&MasterKey>) -> anyhow::Result<Option<ConfigCopy>> {
    let folder = &config.data.dir;
    let Some(master) = master else {
        let unsealed = CopyFile::path_in(folder);
        if unsealed.exists() {
            bail!(
                "Redis holds no records, and there is a copy of them at {}, but no master key to open it: put the right one \
                 back, or move the copy away to begin anew",
                unsealed.display()
            );
        }
        return Ok(None);
    };
    let loaded = file(folder, master)?.load().context(
        "Redis holds no records, and the local copy of them cannot be used; nothing was changed. Put the right master key or \
         a back-up of Redis in place, or move the copy away to begin anew",
    )?;
    Ok(loaded.filter(|copy| copy.books == config.data.redis_prefix))
}

/// Makes sure that what is written back can be opened afterwards.
async fn check_keyring(master: Option<&MasterKey>, copy: &ConfigCopy) -> anyhow::Result<()> {
    let Some(master) = master else { return Ok(()) };
    let trial = MemoryStores::stores().config;
    for record in copy.records.values().filter(|record| record.kind == RecordKind::Keyring) {
        let (lookup, body) = (record.lookup.clone(), record.body.clone());
        trial.put(record.kind, record.id, lookup, body, Expect::Absent).await?;
    }
    Vault::open(master, trial).await.context("the keyring in the local copy does not open")?;
    Ok(())
}

/// Puts a copy beside the records, where those are in Redis. For the process that serves requests. The spool is told when
/// Redis turns out to have lost its records: it may have lost its rows as well.
///
/// # Errors
/// When there is no master key, or the copy cannot be moved out of the way.
pub fn open(
    config: &Config,
    opened: &mut Opened,
    spool: Option<SpoolState>,
) -> anyhow::Result<Option<Arc<CopiedConfig>>> {
    if config.data.store != StoreKind::Redis {
        return Ok(None);
    }
    let file = file(&config.data.dir, &files::master_key(config)?)?;
    let books = config.data.redis_prefix.clone();
    let known = match file.load() {
        Ok(Some(copy)) if copy.books == books => copy,
        Ok(None) => ConfigCopy::default(),
        Ok(Some(_)) => {
            file.set_aside("of-another-prefix")?;
            ConfigCopy::default()
        }
        Err(error) => {
            let aside = file.set_aside("damaged")?;
            tracing::error!(
                error = &error as &dyn std::error::Error,
                kept = %aside.display(),
                "the local copy of the configuration cannot be used; a new one is made"
            );
            ConfigCopy::default()
        }
    };
    let known = ConfigCopy { books, ..known };
    let (config, locks) = (Arc::clone(&opened.stores.config), Arc::clone(&opened.stores.locks));
    let mut copied = CopiedConfig::new(config, locks, Arc::clone(&opened.clock), file, known);
    if let Some(spool) = spool {
        copied = copied.telling(move || spool.doubt());
    }
    let copied = Arc::new(copied);
    opened.stores.config = Arc::<CopiedConfig>::clone(&copied) as Arc<dyn ConfigStore>;
    Ok(Some(copied))
}

const PLACE: Place<'static> = Place { kind: "copy", id: Uuid::nil(), field: "records" };

/// `posthaste config.copy`, in base64: keys for other purposes have other salts.
const SALT: &str = "cG9zdGhhc3RlIGNvbmZpZy5jb3B5";
