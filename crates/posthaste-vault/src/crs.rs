//! What claude-relay-service (CRS) sealed and hashed, for those who move over from it.
//!
//! Its secrets are AES-256-CBC with PKCS #7 padding, written as `hex(iv):hex(ciphertext)`; the key is scrypt (N 16384, r 8,
//! p 1) of its `ENCRYPTION_KEY` with a fixed text for each kind of account as salt. For Bedrock it is SHA-256 of
//! `ENCRYPTION_KEY`, and the parts stand in an object. Client keys are kept as SHA-256 of the key and `ENCRYPTION_KEY`, one
//! behind the other. Source: its release 1.1.314, whose own functions accepted the vectors in the tests below.

use std::{collections::HashMap, fmt};

use aes::cipher::{BlockModeDecrypt, KeyIvInit, block_padding::Pkcs7};
use parking_lot::Mutex;
use posthaste_core::{ClientKeyHash, Secret};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// The kinds of accounts whose secrets CRS seals each under a key of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CrsSeal {
    /// `claude-official`
    Claude,
    /// `claude-console`
    Console,
    /// `ccr`
    Ccr,
    /// `bedrock`
    Bedrock,
    /// `gemini`
    Gemini,
    /// `gemini-api`
    GeminiApi,
    /// `openai`
    OpenAi,
    /// `openai-responses`
    OpenAiResponses,
    /// `azure-openai`
    AzureOpenAi,
    /// `droid`
    Droid,
}

impl CrsSeal {
    /// The salt of the kind's key; `None` where the key is no scrypt.
    const fn salt(self) -> Option<&'static str> {
        match self {
            Self::Claude => Some("salt"),
            Self::Console => Some("claude-console-salt"),
            Self::Ccr => Some("ccr-account-salt"),
            Self::Bedrock => None,
            Self::Gemini => Some("gemini-account-salt"),
            Self::GeminiApi => Some("gemini-api-salt"),
            Self::OpenAi => Some("openai-account-salt"),
            Self::OpenAiResponses => Some("openai-responses-salt"),
            Self::AzureOpenAi => Some("azure-openai-account-default-salt"),
            Self::Droid => Some("droid-account-salt"),
        }
    }
}

/// Why a secret of CRS cannot be read. Without a checksum in its form, "another key" and "damaged" look alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum CrsUnreadable {
    /// It has no `iv:ciphertext` form.
    #[error("it is not in the form in which CRS seals: plain text, or sealed by a release before 2024")]
    OtherForm,
    /// It does not open.
    #[error("it does not open: it is damaged, or was sealed with another ENCRYPTION_KEY")]
    NotOpened,
}

/// The `ENCRYPTION_KEY` of a CRS. `Debug` does not show it.
pub struct CrsKey {
    key: Secret,
    /// Keys that were worked out already: scrypt takes its time on purpose.
    derived: Mutex<HashMap<CrsSeal, Zeroizing<[u8; 32]>>>,
}

impl CrsKey {
    /// Takes the key as CRS reads it from its environment.
    pub fn new(key: Secret) -> Self {
        Self { key, derived: Mutex::default() }
    }

    /// The key itself.
    pub fn secret(&self) -> &Secret {
        &self.key
    }

    /// The hash under which CRS keeps a client key.
    pub fn hash_client_key(&self, presented: &str) -> ClientKeyHash {
        crs_hash(&self.key, presented)
    }

    /// Opens a secret in the form `hex(iv):hex(ciphertext)`. Where CRS has sealed what was sealed before, as it does when it
    /// saves what it could not open, the innermost secret comes out.
    ///
    /// # Errors
    /// When it has another form or does not open: never is anything taken for the secret that CRS did not seal.
    pub fn open(&self, seal: CrsSeal, text: &str) -> Result<Secret, CrsUnreadable> {
        let mut opened = self.open_once(seal, text)?;
        for _ in 0..MOST_LAYERS {
            if parts(opened.expose()).is_none() {
                return Ok(opened);
            }
            opened = self.open_once(seal, opened.expose())?;
        }
        Err(CrsUnreadable::NotOpened)
    }

    fn open_once(&self, seal: CrsSeal, text: &str) -> Result<Secret, CrsUnreadable> {
        let (iv, mut bytes) = parts(text).ok_or(CrsUnreadable::OtherForm)?;
        let key = self.derived(seal);
        let decryptor = cbc::Decryptor::<aes::Aes256>::new((&*key).into(), (&iv).into());
        let plain = decryptor.decrypt_padded::<Pkcs7>(&mut bytes).map_err(|_| CrsUnreadable::NotOpened)?;
        let plain = str::from_utf8(plain).map_err(|_| CrsUnreadable::NotOpened)?;
        // One wrong key in some hundred gives a valid padding; what it gives then is no text that anybody entered.
        if plain.is_empty() || plain.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            return Err(CrsUnreadable::NotOpened);
        }
        Ok(Secret::new(plain.to_owned()))
    }

    fn derived(&self, seal: CrsSeal) -> Zeroizing<[u8; 32]> {
        // Held meanwhile, so that two who ask at once do not both work.
        let mut derived = self.derived.lock();
        derived.entry(seal).or_insert_with(|| derive(&self.key, seal)).clone()
    }
}

impl fmt::Debug for CrsKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CrsKey(…)")
    }
}

/// The hash under which CRS keeps a client key.
pub(crate) fn crs_hash(key: &Secret, presented: &str) -> ClientKeyHash {
    let hash = Sha256::new().chain_update(presented).chain_update(key.expose()).finalize();
    ClientKeyHash(hash.into())
}

fn derive(key: &Secret, seal: CrsSeal) -> Zeroizing<[u8; 32]> {
    let mut derived = Zeroizing::new([0; 32]);
    match seal.salt() {
        Some(salt) => {
            let params = scrypt::Params::new(14, 8, 1).expect("CRS's parameters are valid ones");
            scrypt::scrypt(key.expose().as_bytes(), salt.as_bytes(), &params, &mut *derived)
                .expect("32 bytes is a length that scrypt gives");
        }
        None => derived.copy_from_slice(&Sha256::digest(key.expose())),
    }
    derived
}

/// Initial value and ciphertext of a sealed text.
fn parts(text: &str) -> Option<([u8; 16], Zeroizing<Vec<u8>>)> {
    let (iv, bytes) = text.split_once(':')?;
    let iv = hex::decode(iv).ok()?.try_into().ok()?;
    let bytes = Zeroizing::new(hex::decode(bytes).ok()?);
    (!bytes.is_empty() && bytes.len() % 16 == 0).then_some((iv, bytes))
}

/// CRS seals again at each save that follows a failed opening; nobody saves that often without noticing.
const MOST_LAYERS: usize = 8;

#[cfg(any(test, feature = "crs-seal"))]
impl CrsKey {
    /// Seals as CRS does, for tests of moving over.
    pub fn seal(&self, seal: CrsSeal, iv: [u8; 16], plain: &str) -> String {
        use aes::cipher::BlockModeEncrypt;
        let key = self.derived(seal);
        let encryptor = cbc::Encryptor::<aes::Aes256>::new((&*key).into(), (&iv).into());
        let sealed = encryptor.encrypt_padded_vec::<Pkcs7>(plain.as_bytes());
        format!("{}:{}", hex::encode(iv), hex::encode(sealed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> CrsKey {
        CrsKey::new(Secret::new("0123456789abcdef0123456789abcdef"))
    }

    const IV: &str = "000102030405060708090a0b0c0d0e0f";

    #[test]
    fn keys_are_derived_as_crs_derives_them() {
        let derived = |seal| hex::encode(key().derived(seal).as_slice());
        assert_eq!(
            derived(CrsSeal::Claude),
            "537eb71a3be3f0ce6b0cb0ac053584bf8ea0772c39d7b3848c20c47df499123f"
        );
        assert_eq!(
            derived(CrsSeal::Bedrock),
            "3eb1bd439947eb762998e566ccc2e099c791118b2f40579cc4f7da2b5061b7f9"
        );
    }

    #[test]
    fn what_crs_sealed_opens() {
        let key = key();
        for (seal, sealed) in [
            (CrsSeal::Claude, "ddc00ea6065bfe7633595d01d01f35e1"),
            (CrsSeal::Console, "ea033db43d90de7ebc86c5c8340011a0"),
            (CrsSeal::Droid, "2c86945df0ec67ddf9caf2fbc4ba58e5"),
        ] {
            assert_eq!(key.open(seal, &format!("{IV}:{sealed}")).unwrap().expose(), "sk-test-123");
        }
    }

    #[test]
    fn client_keys_are_hashed_as_crs_hashes_them() {
        let presented = format!("cr_{}", "ab".repeat(32));
        assert_eq!(
            key().hash_client_key(&presented).to_hex(),
            "38b82b4629cec2a4caa71024d5be18e5365acd55b40d66474c9e2e52f1ec023a"
        );
    }

    #[test]
    fn what_was_sealed_twice_opens_to_the_innermost() {
        let key = key();
        let once = key.seal(CrsSeal::Console, [7; 16], "sk-dummy");
        let twice = key.seal(CrsSeal::Console, [8; 16], &once);
        assert_eq!(key.open(CrsSeal::Console, &twice).unwrap().expose(), "sk-dummy");
        let foreign = key.seal(CrsSeal::Console, [9; 16], &format!("{IV}:{}", "00".repeat(16)));
        assert_eq!(key.open(CrsSeal::Console, &foreign).unwrap_err(), CrsUnreadable::NotOpened);
    }

    #[test]
    fn nothing_that_crs_did_not_seal_is_taken_for_a_secret() {
        let key = key();
        for plain in [
            "sk-ant-plain-dummy",
            "",
            "U2FsdGVkX18=",
            "0011aabb",
            ":",
            "zz:00",
            &format!("{IV}:"),
            &format!("{IV}:00"),
        ] {
            assert_eq!(key.open(CrsSeal::Claude, plain).unwrap_err(), CrsUnreadable::OtherForm, "{plain}");
        }
    }

    #[test]
    fn another_key_opens_nothing() {
        let sealed: Vec<_> =
            (0..=255).map(|byte| key().seal(CrsSeal::Bedrock, [byte; 16], "{\"token\":\"dummy\"}")).collect();
        let other = CrsKey::new(Secret::new("another ENCRYPTION_KEY, 32 bytes"));
        for text in sealed {
            assert_eq!(other.open(CrsSeal::Bedrock, &text).unwrap_err(), CrsUnreadable::NotOpened);
        }
    }

    #[test]
    fn the_key_is_not_shown() {
        assert_eq!(format!("{:?}", CrsKey::new(Secret::new("canary"))), "CrsKey(…)");
    }
}
