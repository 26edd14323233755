//! The master key: 32 bytes that never enter a store.

use std::{
    fmt,
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use hmac::{Hmac, KeyInit, Mac};
use posthaste_core::Secret;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{VaultError, random, seal::SealingKey};

/// The key that wraps the keyring. Wiped when dropped, redacted in `Debug`.
pub struct MasterKey(Zeroizing<[u8; 32]>);

impl MasterKey {
    /// Makes a new key.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn generate() -> Result<Self, VaultError> {
        random::key().map(Self)
    }

    /// Reads 64 hexadecimal digits, or base64 of 32 bytes in either alphabet, with or without padding. Blanks around it
    /// are ignored.
    ///
    /// # Errors
    /// When the text is neither.
    pub fn parse(text: &str) -> Result<Self, VaultError> {
        let text = text.trim();
        let bytes = match text.len() {
            64 => hex::decode(text).ok(),
            43 | 44 => [STANDARD, URL_SAFE].iter().find_map(|engine| engine.decode(text).ok()),
            _ => None,
        };
        let bytes = Zeroizing::new(bytes.ok_or(VaultError::MalformedMasterKey)?);
        let mut key = Zeroizing::new([0; 32]);
        if bytes.len() != key.len() {
            return Err(VaultError::MalformedMasterKey);
        }
        key.copy_from_slice(&bytes);
        Ok(Self(key))
    }

    /// The key as 64 hexadecimal digits.
    pub fn to_hex(&self) -> Secret {
        Secret::new(hex::encode(self.0.as_slice()))
    }

    /// Reads the key from a file that only its owner may read.
    ///
    /// # Errors
    /// When the file cannot be read, is open to others, or holds no key.
    pub fn load(path: &Path) -> Result<Self, VaultError> {
        let file = File::open(path).map_err(|error| unusable(path, "cannot be opened", error))?;
        check_mode(path, &file)?;
        let mut text = Zeroizing::new(String::with_capacity(MOST_FILE_BYTES));
        file.take(MOST_FILE_BYTES as u64)
            .read_to_string(&mut text)
            .map_err(|error| unusable(path, "cannot be read", error))?;
        Self::parse(&text).map_err(|_| VaultError::MasterKeyFile {
            path: path.to_owned(),
            what: "holds no master key: expected 32 bytes as 64 hexadecimal digits or as base64".to_owned(),
            source: None,
        })
    }

    /// Makes a new key and keeps it in a new file that only its owner may read. The file is durable when this returns.
    ///
    /// # Errors
    /// When the file exists already (it is left as it is), or cannot be written.
    pub fn create(path: &Path) -> Result<Self, VaultError> {
        let key = Self::generate()?;
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .map_err(|error| unusable(path, "cannot be made", error))?;
        key.write(path, file).inspect_err(|_| {
            // Half a key would stand in the way of the next attempt.
            let _ = std::fs::remove_file(path);
        })?;
        Ok(key)
    }

    /// Eight hexadecimal digits that tell keys apart and give nothing of the key away.
    pub fn fingerprint(&self) -> String {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.0.as_slice()).expect("HMAC takes keys of any length");
        mac.update(b"posthaste master key fingerprint");
        hex::encode(&mac.finalize().into_bytes()[..4])
    }

    /// The key that seals the keyring's contents.
    pub(crate) fn sealing_key(&self) -> SealingKey {
        SealingKey::new(MASTER_KEY_ID, &self.0)
    }

    fn write(&self, path: &Path, mut file: File) -> Result<(), VaultError> {
        let mut line = Zeroizing::new(String::with_capacity(65));
        line.push_str(self.to_hex().expose());
        line.push('\n');
        file.write_all(line.as_bytes())
            .and_then(|()| file.sync_all())
            .and_then(|()| sync_folder_of(path))
            .map_err(|error| unusable(path, "cannot be written", error))
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

/// Looks at the open file and not at its path, which could come to name another one in between.
fn check_mode(path: &Path, file: &File) -> Result<(), VaultError> {
    let metadata = file.metadata().map_err(|error| unusable(path, "cannot be examined", error))?;
    let mode = metadata.permissions().mode() & 0o777;
    let what = if !metadata.is_file() {
        "is not a regular file".to_owned()
    } else if mode & 0o077 != 0 {
        format!("is open to others (mode {mode:04o}): run `chmod 600 {}`", path.display())
    } else {
        return Ok(());
    };
    Err(VaultError::MasterKeyFile { path: path.to_owned(), what, source: None })
}

/// A new file outlasts a power loss only when its folder is synced too.
fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

fn unusable(path: &Path, what: &str, error: io::Error) -> VaultError {
    VaultError::MasterKeyFile { path: path.to_owned(), what: what.to_owned(), source: Some(error) }
}

/// The id under which sealed bytes name the master key; data keys count from 1.
const MASTER_KEY_ID: u32 = 0;

/// A key's text is 64 bytes long; a file of more than this is something else.
const MOST_FILE_BYTES: usize = 1_024;

const EITHER_PADDING: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, EITHER_PADDING);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, EITHER_PADDING);

#[cfg(test)]
mod tests;
