//! A sealed copy of the configuration records in one file.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use posthaste_core::BoxError;
use posthaste_storage::{Record, RecordKind};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::disk::{Disk, Folder};

/// Seals the copy. What was sealed opens with the same key only, and not at all when a bit of it was changed.
pub trait Seal: Send + Sync + 'static {
    /// Seals a text.
    ///
    /// # Errors
    /// When that cannot be done now.
    fn seal(&self, plain: &str) -> Result<String, BoxError>;

    /// Opens what was sealed.
    ///
    /// # Errors
    /// When it was sealed with another key, or changed.
    fn open(&self, sealed: &str) -> Result<String, BoxError>;
}

/// Every configuration record of a store, as they stood at a revision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigCopy {
    /// Which books these are, on servers that keep several.
    pub books: String,
    /// Where the store's feed stood.
    pub revision: u64,
    /// The records.
    pub records: BTreeMap<(RecordKind, Uuid), Record>,
}

impl ConfigCopy {
    /// Whether it has the keyring, without which no record is of use.
    pub fn has_keyring(&self) -> bool {
        self.records.contains_key(&KEYRING)
    }
}

/// Where the vault keeps its keyring: the first record that a store gets, and the last one that it would lose.
pub(crate) const KEYRING: (RecordKind, Uuid) = (RecordKind::Keyring, Uuid::nil());

/// Why a copy cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The file cannot be read or written.
    #[error("the copy of the configuration {} cannot be used", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// It is not what was written.
    #[error("the copy of the configuration {} is damaged, or was sealed under another master key", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: BoxError,
    },
    /// It could not be sealed.
    #[error("the copy of the configuration cannot be sealed")]
    Unsealed(#[source] BoxError),
}

/// The file that holds a copy.
#[derive(Clone)]
pub struct CopyFile {
    folder: PathBuf,
    seal: Arc<dyn Seal>,
}

impl CopyFile {
    /// The copy in a data folder.
    pub fn new(folder: &Path, seal: Arc<dyn Seal>) -> Self {
        Self { folder: folder.to_owned(), seal }
    }

    /// Where it is.
    pub fn path(&self) -> PathBuf {
        Self::path_in(&self.folder)
    }

    /// Where a data folder's copy is.
    pub fn path_in(folder: &Path) -> PathBuf {
        folder.join(NAME)
    }

    /// Reads it; `None` where there is none.
    ///
    /// # Errors
    /// When it cannot be read or opened.
    pub fn load(&self) -> Result<Option<ConfigCopy>, CopyError> {
        let path = self.path();
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                return Err(CopyError::Unreadable { path, source: error.into() });
            }
            read => read.map_err(|source| CopyError::Io { path: path.clone(), source })?,
        };
        self.parse(&text).map(Some)
    }

    /// Writes it, whole and durably or not at all, for this user alone.
    ///
    /// # Errors
    /// When it cannot be sealed or written; what was there stays.
    pub fn save(&self, copy: &ConfigCopy) -> Result<(), CopyError> {
        let records = copy.records.values().map(Kept::of).collect();
        let body = Body { books: copy.books.clone(), revision: copy.revision, records };
        let plain = serde_json::to_string(&body).map_err(|error| CopyError::Unsealed(error.into()))?;
        let sealed = self.seal.seal(&plain).map_err(CopyError::Unsealed)?;
        let written = Folder(self.folder.clone()).replace(NAME, format!("{HEAD}{sealed}\n").as_bytes());
        written.map_err(|source| CopyError::Io { path: self.path(), source })
    }

    /// Gives the file another name, so that a new copy does not take its place.
    ///
    /// # Errors
    /// When that cannot be done.
    pub fn set_aside(&self, mark: &str) -> Result<PathBuf, CopyError> {
        let to = format!("{NAME}.{mark}");
        let renamed = Folder(self.folder.clone()).rename(NAME, &to);
        renamed.map_err(|source| CopyError::Io { path: self.path(), source })?;
        Ok(self.folder.join(to))
    }

    /// Reads a copy that lies elsewhere.
    ///
    /// # Errors
    /// [`CopyError::Unreadable`] when it is damaged, or was sealed under another key.
    pub fn parse(&self, text: &str) -> Result<ConfigCopy, CopyError> {
        self.unsealed(text).map_err(|source| CopyError::Unreadable { path: self.path(), source })
    }

    fn unsealed(&self, text: &str) -> Result<ConfigCopy, BoxError> {
        let sealed = text.strip_prefix(HEAD).ok_or("it does not begin as a copy does")?;
        let plain = self.seal.open(sealed.trim_end())?;
        let Body { books, revision, records } = serde_json::from_str(&plain)?;
        let records = records.into_iter().map(|kept| {
            let Kept { kind, id, version, lookup, body } = kept;
            ((kind, id), Record { kind, id, version, lookup, body, intact: true })
        });
        Ok(ConfigCopy { books, revision, records: records.collect() })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    books: String,
    revision: u64,
    records: Vec<Kept>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    kind: RecordKind,
    id: Uuid,
    version: u64,
    lookup: Option<String>,
    body: String,
}

impl Kept {
    fn of(record: &Record) -> Self {
        let Record { kind, id, version, lookup, body, intact: _ } = record.clone();
        Self { kind, id, version, lookup, body }
    }
}

const NAME: &str = "config.copy";

const HEAD: &str = "posthaste configuration copy 1\n";
