//! Client keys: made here, and known afterwards by their keyed hash alone.

use hmac::{Hmac, KeyInit, Mac};
use posthaste_core::{ClientKeyHash, Secret};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{VaultError, random};

/// A client key that was just made. The secret is shown to its holder once; the store keeps the rest.
#[derive(Debug)]
pub struct NewClientKey {
    /// What the holder presents.
    pub secret: Secret,
    /// What the store keeps in its place.
    pub hash: ClientKeyHash,
    /// The last four characters, so that a holder can tell keys apart.
    pub hint: String,
}

/// Tells peppers apart and gives nothing of them away: 16 hexadecimal digits.
pub(crate) fn fingerprint(pepper: &[u8; 32]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(pepper).expect("HMAC takes keys of any length");
    mac.update(b"posthaste pepper fingerprint");
    hex::encode(&mac.finalize().into_bytes()[..8])
}

/// A link of a chain, under a key of its own that is derived from the pepper.
pub(crate) fn link(pepper: &[u8; 32], before: &[u8; 32], text: &str) -> [u8; 32] {
    let keyed = |key: &[u8]| Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    let mut derived = keyed(pepper);
    derived.update(b"posthaste chain");
    let mut mac = keyed(&Zeroizing::new(<[u8; 32]>::from(derived.finalize().into_bytes()))[..]);
    mac.update(before);
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().into()
}

/// HMAC-SHA-256 under the pepper. The key's two blocks are hashed once; each hash starts from a copy of that state.
pub(crate) struct KeyHasher(Hmac<Sha256>);

impl KeyHasher {
    pub(crate) fn new(pepper: &[u8; 32]) -> Self {
        Self(Hmac::new_from_slice(pepper).expect("HMAC takes keys of any length"))
    }

    pub(crate) fn hash(&self, presented: &str) -> ClientKeyHash {
        let mut mac = self.0.clone();
        mac.update(presented.as_bytes());
        ClientKeyHash(mac.finalize().into_bytes().into())
    }
}

pub(crate) fn generate(prefix: &str, hasher: &KeyHasher) -> Result<NewClientKey, VaultError> {
    let digits = Zeroizing::new(hex::encode(random::key()?.as_slice()));
    let mut text = String::with_capacity(prefix.len() + digits.len());
    text.push_str(prefix);
    text.push_str(&digits);
    let hash = hasher.hash(&text);
    let hint = digits[digits.len() - HINT_LENGTH..].to_owned();
    Ok(NewClientKey { secret: Secret::new(text), hash, hint })
}

const HINT_LENGTH: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test case 2 (its key padded with zeros, as HMAC itself pads short keys).
    #[test]
    fn the_hash_is_hmac_sha_256() {
        let mut pepper = [0; 32];
        pepper[..4].copy_from_slice(b"Jefe");
        let hash = KeyHasher::new(&pepper).hash("what do ya want for nothing?");
        assert_eq!(hash.to_hex(), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[test]
    fn another_pepper_gives_another_hash() {
        let hash = |pepper| KeyHasher::new(&pepper).hash("cr_dummy");
        assert_ne!(hash([1; 32]).to_hex(), hash([2; 32]).to_hex());
    }

    #[test]
    fn a_new_key_is_prefix_and_64_digits_and_is_found_by_its_hash() {
        let hasher = KeyHasher::new(&[1; 32]);
        let key = generate("cr_", &hasher).unwrap();
        let digits = key.secret.expose().strip_prefix("cr_").unwrap();
        assert!(digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_eq!(key.hash, hasher.hash(key.secret.expose()));
        assert!(digits.ends_with(&key.hint) && key.hint.len() == 4);
        assert_ne!(generate("cr_", &hasher).unwrap().hash, key.hash);
    }

    #[test]
    fn debug_shows_the_hint_and_nothing_else() {
        let key = generate("cr_", &KeyHasher::new(&[1; 32])).unwrap();
        let expected =
            format!("NewClientKey {{ secret: Secret(…), hash: ClientKeyHash(…), hint: {:?} }}", key.hint);
        assert_eq!(format!("{key:?}"), expected);
    }
}
