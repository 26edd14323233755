//! Configuration records and their typed form.

use std::{fmt, marker::PhantomData, sync::Arc};

use posthaste_core::{
    Account, AccountId, ApiToken, Card, Channel, ClientKey, ClientKeyHash, ClientKeyId, HashForm, OwnPrice,
    Owner, Pool, Route, Setting, Team, User,
};
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::{ConfigStore, Expect, StorageError};

/// The kinds of configuration records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordKind {
    /// The vault's own: the keyring, and what it keeps of another relay whose client keys were taken over.
    Keyring,
    /// Upstream accounts; looked up by name.
    Account,
    /// Client keys; looked up by the hash of the secret.
    ClientKey,
    /// Pools of accounts; looked up by name.
    Pool,
    /// Routes; looked up by the model that clients ask for.
    Route,
    /// Owners of client keys; looked up by name.
    Owner,
    /// Teams of owners; looked up by name.
    Team,
    /// Channels that notices are brought to; looked up by name.
    Channel,
    /// People who log in; looked up by name.
    User,
    /// Tokens of the admin API; looked up by the hash of the secret.
    ApiToken,
    /// Prices of the operator's own; looked up by list and model.
    OwnPrice,
    /// Redemption cards; looked up by the hash of the code.
    Card,
    /// Settings that operators change while the relay runs; looked up by name.
    Setting,
}

impl RecordKind {
    /// Every kind, in the order of their declaration.
    pub const ALL: [Self; 13] = [
        Self::Keyring,
        Self::Account,
        Self::ClientKey,
        Self::Pool,
        Self::Route,
        Self::Owner,
        Self::Team,
        Self::Channel,
        Self::User,
        Self::ApiToken,
        Self::OwnPrice,
        Self::Card,
        Self::Setting,
    ];

    /// The stable name used in stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Keyring => "keyring",
            Self::Account => "account",
            Self::ClientKey => "client_key",
            Self::Pool => "pool",
            Self::Route => "route",
            Self::Owner => "owner",
            Self::Team => "team",
            Self::Channel => "channel",
            Self::User => "user",
            Self::ApiToken => "api_token",
            Self::OwnPrice => "own_price",
            Self::Card => "card",
            Self::Setting => "setting",
        }
    }

    /// Reads [`as_str`](Self::as_str)'s form.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl fmt::Display for RecordKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One configuration record as it lies in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its kind.
    pub kind: RecordKind,
    /// Its identity within the kind.
    pub id: Uuid,
    /// 1 when made, one more with each change.
    pub version: u64,
    /// The name it can be looked up by, unique within the kind.
    pub lookup: Option<String>,
    /// The content as JSON.
    pub body: String,
    /// Whether all of it is as it was written, as far as the store can tell.
    pub intact: bool,
}

impl Record {
    /// The record, where it is as it was written.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] when it is not.
    pub fn checked(self) -> Result<Self, StorageError> {
        if self.intact {
            return Ok(self);
        }
        let what = format!("{} {}", self.kind, self.id);
        Err(StorageError::corrupt(what, "it is damaged: its checksum is another one"))
    }
}

/// A type that is kept as configuration records.
pub trait Entity: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// The kind of its records.
    const KIND: RecordKind;

    /// Its identity.
    fn id(&self) -> Uuid;

    /// The name it can be looked up by, unique within the kind.
    fn lookup(&self) -> Option<String>;
}

impl Entity for Account {
    const KIND: RecordKind = RecordKind::Account;

    fn id(&self) -> Uuid {
        self.id.uuid()
    }

    fn lookup(&self) -> Option<String> {
        Some(self.name.clone())
    }
}

impl Entity for ClientKey {
    const KIND: RecordKind = RecordKind::ClientKey;

    fn id(&self) -> Uuid {
        self.id.uuid()
    }

    fn lookup(&self) -> Option<String> {
        Some(match self.hash_form {
            HashForm::Own => self.hash.to_hex(),
            HashForm::Crs => crs_lookup(self.hash),
        })
    }
}

impl Entity for Pool {
    const KIND: RecordKind = RecordKind::Pool;

    fn id(&self) -> Uuid {
        self.id.uuid()
    }

    fn lookup(&self) -> Option<String> {
        Some(self.name.clone())
    }
}

impl Entity for Route {
    const KIND: RecordKind = RecordKind::Route;

    fn id(&self) -> Uuid {
        self.id.uuid()
    }

    fn lookup(&self) -> Option<String> {
        Some(self.model.as_str().to_owned())
    }
}

impl Entity for Owner {
    const KIND: RecordKind = RecordKind::Owner;

    fn id(&self) -> Uuid {
        self.id.uuid()
    }

    fn lookup(&self) -> Option<String> {
        Some(self.name.clone())
    }
}

impl Entity for Team {
    const KIND: RecordKind = RecordKind::Team;

    fn id(&self) -> Uuid {
        self.id.uuid()
    }

    fn lookup(&self) -> Option<String> {
        Some(self.name.clone())
    }
}

impl Entity for Channel {
    const KIND: RecordKind = RecordKind::Channel;

    fn id(&self) -> Uuid {
        self.id.uuid()
    }

    fn lookup(&self) -> Option<String> {
        Some(self.name.clone())
    }
}

impl Entity for User {
    const KIND: RecordKind = RecordKind::User;

    fn id(&self) -> Uuid {
        self.id.uuid()
    }

    fn lookup(&self) -> Option<String> {
        Some(self.name.clone())
    }
}

impl Entity for ApiToken {
    const KIND: RecordKind = RecordKind::ApiToken;

    fn id(&self) -> Uuid {
        self.id.uuid()
    }

    fn lookup(&self) -> Option<String> {
        Some(self.token.to_hex())
    }
}

impl Entity for OwnPrice {
    const KIND: RecordKind = RecordKind::OwnPrice;

    fn id(&self) -> Uuid {
        self.id.uuid()
    }

    fn lookup(&self) -> Option<String> {
        Some(self.name())
    }
}

impl Entity for Card {
    const KIND: RecordKind = RecordKind::Card;

    fn id(&self) -> Uuid {
        self.id.uuid()
    }

    fn lookup(&self) -> Option<String> {
        Some(self.code.to_hex())
    }
}

impl Entity for Setting {
    const KIND: RecordKind = RecordKind::Setting;

    fn id(&self) -> Uuid {
        self.value.id()
    }

    fn lookup(&self) -> Option<String> {
        Some(self.name().to_owned())
    }
}

/// A value with the version of the record that holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned<T> {
    /// The record's version.
    pub version: u64,
    /// The value.
    pub value: T,
}

/// Typed access to the records of one [`Entity`].
pub struct Repository<T> {
    store: Arc<dyn ConfigStore>,
    entity: PhantomData<fn() -> T>,
}

impl<T> Clone for Repository<T> {
    fn clone(&self) -> Self {
        Self { store: Arc::clone(&self.store), entity: PhantomData }
    }
}

impl<T: Entity> Repository<T> {
    /// Looks into `store`.
    pub fn new(store: Arc<dyn ConfigStore>) -> Self {
        Self { store, entity: PhantomData }
    }

    /// The record with this identity.
    ///
    /// # Errors
    /// When the store is not available or the record cannot be read; so it is with the other reads.
    pub async fn get(&self, id: Uuid) -> Result<Option<Versioned<T>>, StorageError> {
        self.store.get(T::KIND, id).await?.map(decode).transpose()
    }

    /// The record with this look-up name.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn find(&self, lookup: &str) -> Result<Option<Versioned<T>>, StorageError> {
        self.store.find(T::KIND, lookup).await?.map(decode).transpose()
    }

    /// All records, by identity.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn all(&self) -> Result<Vec<Versioned<T>>, StorageError> {
        let mut all = Vec::new();
        let mut after = None;
        loop {
            let page = self.store.list(T::KIND, after, Self::PAGE).await?;
            for record in page.records {
                all.push(decode(record)?);
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(all),
            }
        }
    }

    /// Makes a record that is not there yet.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when the identity exists, [`StorageError::Taken`] when the look-up name does.
    pub async fn create(&self, value: T) -> Result<Versioned<T>, StorageError> {
        self.put(value, Expect::Absent).await
    }

    /// Replaces the record that has `version`.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when it has another version or is gone, [`StorageError::Taken`] when the look-up name
    /// belongs to another record.
    pub async fn replace(&self, value: T, version: u64) -> Result<Versioned<T>, StorageError> {
        self.put(value, Expect::Version(version)).await
    }

    /// Removes the record that has `version`.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when it has another version or is gone.
    pub async fn remove(&self, id: Uuid, version: u64) -> Result<(), StorageError> {
        self.store.delete(T::KIND, id, version).await
    }

    const PAGE: usize = 500;

    async fn put(&self, value: T, expect: Expect) -> Result<Versioned<T>, StorageError> {
        let body = serde_json::to_string(&value)
            .map_err(|error| StorageError::corrupt(format!("{} {}", T::KIND, value.id()), error))?;
        let version = self.store.put(T::KIND, value.id(), value.lookup(), body, expect).await?;
        Ok(Versioned { version, value })
    }
}

impl Repository<Account> {
    /// The account with this identity.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn account(&self, id: AccountId) -> Result<Option<Versioned<Account>>, StorageError> {
        self.get(id.uuid()).await
    }
}

impl Repository<ClientKey> {
    /// The client key with this identity.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn client_key(&self, id: ClientKeyId) -> Result<Option<Versioned<ClientKey>>, StorageError> {
        self.get(id.uuid()).await
    }

    /// The client key whose secret has this hash.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn by_hash(&self, hash: ClientKeyHash) -> Result<Option<Versioned<ClientKey>>, StorageError> {
        self.find(&hash.to_hex()).await
    }

    /// The client key that was taken over from claude-relay-service, has not been used since, and whose secret has this
    /// hash there.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn by_crs_hash(
        &self,
        hash: ClientKeyHash,
    ) -> Result<Option<Versioned<ClientKey>>, StorageError> {
        self.find(&crs_lookup(hash)).await
    }
}

/// Apart from the relay's own hashes: the two are made under different secrets, and one must not answer for the other.
fn crs_lookup(hash: ClientKeyHash) -> String {
    format!("crs-{}", hash.to_hex())
}

fn decode<T: Entity>(record: Record) -> Result<Versioned<T>, StorageError> {
    let record = record.checked()?;
    serde_json::from_str(&record.body)
        .map(|value| Versioned { version: record.version, value })
        .map_err(|error| StorageError::corrupt(format!("{} {}", record.kind, record.id), error))
}
