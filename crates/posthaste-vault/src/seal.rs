//! Sealed bytes: AES-256-GCM with the key's id in front and the place as associated data. The README has the layout.

use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use posthaste_core::Sealed;
use zeroize::Zeroizing;

use crate::{Place, VaultError, random};

/// A key that seals, with the id under which sealed bytes name it.
pub(crate) struct SealingKey {
    id: u32,
    cipher: Aes256Gcm,
}

impl SealingKey {
    pub(crate) fn new(id: u32, key: &[u8; 32]) -> Self {
        Self { id, cipher: Aes256Gcm::new(key.into()) }
    }

    pub(crate) const fn id(&self) -> u32 {
        self.id
    }

    /// Seals `plain` for `place`.
    pub(crate) fn seal(&self, place: &Place<'_>, plain: &[u8]) -> Result<Sealed, VaultError> {
        let nonce = random::nonce()?;
        let mut bytes = Vec::with_capacity(OVERHEAD + plain.len());
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.id.to_be_bytes());
        let associated = associated_data(&bytes, place);
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(plain);
        let tag = self
            .cipher
            .encrypt_inout_detached(&nonce.into(), &associated, (&mut bytes[HEAD..]).into())
            .expect("secrets are far shorter than the 64 GiB that AES-GCM can take");
        bytes.extend_from_slice(&tag);
        Ok(Sealed::from_text(STANDARD_NO_PAD.encode(bytes)))
    }

    /// Opens what this key sealed for `place`.
    pub(crate) fn open(&self, place: &Place<'_>, sealed: &SealedBytes) -> Result<Zeroizing<Vec<u8>>, Damage> {
        if sealed.key_id() != self.id {
            return Err(Damage::UnknownKey);
        }
        let (head, rest) = sealed.0.split_at(HEAD);
        let (ciphertext, tag) = rest.split_at(rest.len() - TAG);
        let associated = associated_data(&head[..PREFIX], place);
        let nonce = <[u8; NONCE]>::try_from(&head[PREFIX..]).expect("the head ends with a nonce");
        let tag = <[u8; TAG]>::try_from(tag).expect("the bytes end with a tag");
        let mut plain = Zeroizing::new(ciphertext.to_vec());
        self.cipher
            .decrypt_inout_detached(&nonce.into(), &associated, plain.as_mut_slice().into(), &tag.into())
            .map_err(|_| Damage::NotAuthentic)?;
        Ok(plain)
    }
}

/// Sealed bytes that are long enough and of a known version; nothing else is known of them.
pub(crate) struct SealedBytes(Vec<u8>);

impl SealedBytes {
    pub(crate) fn parse(sealed: &Sealed) -> Result<Self, Damage> {
        let bytes = STANDARD_NO_PAD.decode(sealed.as_text()).map_err(|_| Damage::NotSealedText)?;
        if bytes.len() < OVERHEAD {
            return Err(Damage::NotSealedText);
        }
        if bytes[0] != VERSION {
            return Err(Damage::UnknownVersion);
        }
        Ok(Self(bytes))
    }

    /// Which key they say that they were sealed with.
    pub(crate) fn key_id(&self) -> u32 {
        let id = <[u8; 4]>::try_from(&self.0[1..PREFIX]).expect("the bytes are at least a head long");
        u32::from_be_bytes(id)
    }
}

/// Why sealed bytes cannot be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Damage {
    NotSealedText,
    UnknownVersion,
    UnknownKey,
    NotAuthentic,
}

impl Damage {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::NotSealedText => "it is not sealed text",
            Self::UnknownVersion => "it was sealed by a newer release",
            Self::UnknownKey => "its data key is not in the keyring",
            Self::NotAuthentic => "it was changed, or sealed for another place",
        }
    }
}

fn associated_data(prefix: &[u8], place: &Place<'_>) -> Vec<u8> {
    let mut data = prefix.to_vec();
    place.write_to(&mut data);
    data
}

const VERSION: u8 = 1;
/// Version and key id.
const PREFIX: usize = 1 + 4;
const NONCE: usize = 12;
const HEAD: usize = PREFIX + NONCE;
const TAG: usize = 16;
const OVERHEAD: usize = HEAD + TAG;

#[cfg(test)]
mod tests;
