//! Secrets on their way to another relay: sealed under a key that is derived from a passphrase.

use argon2::{Algorithm, Argon2, Params, Version};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use posthaste_core::{Sealed, Secret};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    Place, VaultError, random,
    seal::{Damage, SealedBytes, SealingKey},
};

/// How a key is derived from a passphrase: Argon2id (RFC 9106), version 1.3. No secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Derivation {
    /// `argon2id`.
    pub algorithm: String,
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
    /// The salt, as base64 without padding.
    pub salt: String,
}

/// A key that was derived from a passphrase. It seals in the form of the vault's own sealed bytes, under an id of its own.
pub struct PassphraseKey(SealingKey);

impl PassphraseKey {
    /// Derives a key with a new salt, at the cost that RFC 9106 §4 recommends where memory is scarce: 64 MiB, three passes.
    ///
    /// # Errors
    /// When the passphrase is too short, or the system gives no random bytes.
    pub fn new(passphrase: &Secret) -> Result<(Self, Derivation), VaultError> {
        if passphrase.expose().chars().count() < LEAST_CHARACTERS {
            return Err(VaultError::Passphrase { what: TOO_SHORT });
        }
        let salt = &random::key()?[..SALT_BYTES];
        let derivation = Derivation {
            algorithm: ALGORITHM.to_owned(),
            memory_kib: MEMORY_KIB,
            passes: PASSES,
            lanes: LANES,
            salt: STANDARD_NO_PAD.encode(salt),
        };
        Ok((Self::derive(passphrase, &derivation)?, derivation))
    }

    /// Derives the key again. Costs far beyond what [`new`](Self::new) asks for are refused: the file may be anybody's.
    ///
    /// # Errors
    /// [`VaultError::Passphrase`] when the derivation is not known. Whether the passphrase is right, only opening tells.
    pub fn derive(passphrase: &Secret, derivation: &Derivation) -> Result<Self, VaultError> {
        let unknown = || VaultError::Passphrase { what: UNKNOWN_DERIVATION };
        let Derivation { algorithm, memory_kib, passes, lanes, salt } = derivation;
        let bounded = *memory_kib <= MOST_MEMORY_KIB && *passes <= MOST_PASSES && *lanes <= MOST_LANES;
        if algorithm != ALGORITHM || !bounded {
            return Err(unknown());
        }
        let salt = STANDARD_NO_PAD.decode(salt).map_err(|_| unknown())?;
        let mut key = Zeroizing::new([0; 32]);
        let params = Params::new(*memory_kib, *passes, *lanes, Some(key.len())).map_err(|_| unknown())?;
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.expose().as_bytes(), &salt, key.as_mut_slice())
            .map_err(|_| unknown())?;
        Ok(Self(SealingKey::new(PASSPHRASE_KEY_ID, &key)))
    }

    /// Seals a secret for `place`.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn seal(&self, place: &Place<'_>, secret: &Secret) -> Result<Sealed, VaultError> {
        self.0.seal(place, secret.expose().as_bytes())
    }

    /// Opens what the same passphrase sealed for `place`.
    ///
    /// # Errors
    /// [`VaultError::Passphrase`] when it was another passphrase, another place, or any bit was changed.
    pub fn open(&self, place: &Place<'_>, sealed: &Sealed) -> Result<Secret, VaultError> {
        let plain = self.open_bytes(place, sealed).map_err(|damage| match damage {
            Damage::NotAuthentic => VaultError::Passphrase { what: WRONG_PASSPHRASE },
            _ => VaultError::Passphrase { what: NOT_SEALED },
        })?;
        let text = str::from_utf8(&plain).map_err(|_| VaultError::Passphrase { what: NOT_SEALED })?;
        Ok(Secret::new(text.to_owned()))
    }

    pub(crate) fn seal_bytes(&self, place: &Place<'_>, plain: &[u8]) -> Result<Sealed, VaultError> {
        self.0.seal(place, plain)
    }

    pub(crate) fn open_bytes(
        &self,
        place: &Place<'_>,
        sealed: &Sealed,
    ) -> Result<Zeroizing<Vec<u8>>, Damage> {
        self.0.open(place, &SealedBytes::parse(sealed)?)
    }
}

const ALGORITHM: &str = "argon2id";
const MEMORY_KIB: u32 = 64 * 1_024;
const PASSES: u32 = 3;
const LANES: u32 = 1;
const SALT_BYTES: usize = 16;

const MOST_MEMORY_KIB: u32 = 1_024 * 1_024;
const MOST_PASSES: u32 = 16;
const MOST_LANES: u32 = 16;
const LEAST_CHARACTERS: usize = 12;

/// Data keys count from 1, the master key is 0.
const PASSPHRASE_KEY_ID: u32 = u32::MAX;

const TOO_SHORT: &str = "it is shorter than 12 characters";
const UNKNOWN_DERIVATION: &str = "the file says to derive a key in a way that this release does not know";
const WRONG_PASSPHRASE: &str = "it is not the one that the file was sealed under, or the file was changed";
const NOT_SEALED: &str = "the file holds something that was not sealed under a passphrase";

#[cfg(test)]
mod tests {
    use posthaste_core::AccountId;

    use super::*;
    use crate::account_credential_place;

    fn cheap(salt: &str) -> Derivation {
        let algorithm = ALGORITHM.to_owned();
        Derivation { algorithm, memory_kib: 32, passes: 3, lanes: 4, salt: STANDARD_NO_PAD.encode(salt) }
    }

    #[test]
    fn only_the_same_passphrase_and_salt_open_and_only_in_their_place() {
        let derive =
            |passphrase: &str, salt| PassphraseKey::derive(&Secret::new(passphrase), &cheap(salt)).unwrap();
        let place = account_credential_place(AccountId::generate());
        let sealed = derive("correct horse", "saltsalt").seal(&place, &Secret::new("sk-dummy")).unwrap();
        assert_eq!(derive("correct horse", "saltsalt").open(&place, &sealed).unwrap().expose(), "sk-dummy");
        let elsewhere = account_credential_place(AccountId::generate());
        for (key, place) in [
            (derive("correct house", "saltsalt"), &place),
            (derive("correct horse", "saltsalz"), &place),
            (derive("correct horse", "saltsalt"), &elsewhere),
        ] {
            assert!(matches!(key.open(place, &sealed), Err(VaultError::Passphrase { .. })));
        }
    }

    #[test]
    fn short_passphrases_and_unknown_or_boundless_derivations_are_refused() {
        let refused = PassphraseKey::new(&Secret::new("elevenchars")).map(|_| ()).unwrap_err();
        assert!(refused.to_string().contains("12 characters"), "{refused}");
        let bad = [
            Derivation { algorithm: "scrypt".to_owned(), ..cheap("saltsalt") },
            Derivation { memory_kib: u32::MAX, ..cheap("saltsalt") },
            Derivation { passes: u32::MAX, ..cheap("saltsalt") },
            Derivation { salt: "!".to_owned(), ..cheap("saltsalt") },
        ];
        for derivation in bad {
            assert!(PassphraseKey::derive(&Secret::new("correct horse"), &derivation).is_err());
        }
    }
}
