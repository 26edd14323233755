//! `[vault]`

use std::path::PathBuf;

use posthaste_vault::MasterKey;

use super::{ConfigError, EnvSecret, section::section};

section! {
    /// The master key that wraps every stored secret. Lose it and the stored credentials are lost.
    "vault" => VaultSection {
        /// The file that holds the master key. Unset: `master.key` in the data folder, made with mode 0600 at the first
        /// start.
        master_key_file: Option<PathBuf> = unset,
        /// The master key itself, 64 hexadecimal digits or base64 of 32 bytes; goes before the file. Taken from the
        /// environment only.
        master_key: Option<EnvSecret> = unset,
    }
}

impl VaultSection {
    pub(super) fn finish(&self, errors: &mut Vec<ConfigError>) {
        let parsed = self.master_key.as_ref().map(|key| MasterKey::parse(key.0.expose()));
        if let Some(Err(error)) = parsed {
            errors.push(ConfigError::new("vault.master_key", None, error.to_string()));
        }
    }
}
