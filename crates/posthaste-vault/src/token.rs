//! Tokens that say nothing: of sessions, of the admin API, and of people who lost their second factor.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use posthaste_core::{Secret, TokenHash};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::{VaultError, random};

/// A token that was just made. It is shown once; the store keeps its hash.
#[derive(Debug)]
pub struct NewToken {
    /// What is presented.
    pub secret: Secret,
    /// What is kept in its place.
    pub hash: TokenHash,
}

impl NewToken {
    /// Makes one of 256 random bits: `prefix` and 43 characters of base64 that may stand in a header or a URL.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn generate(prefix: &str) -> Result<Self, VaultError> {
        let letters = Zeroizing::new(URL_SAFE_NO_PAD.encode(random::key()?.as_slice()));
        let mut text = String::with_capacity(prefix.len() + letters.len());
        text.push_str(prefix);
        text.push_str(&letters);
        let hash = hash_token(&text);
        Ok(Self { secret: Secret::new(text), hash })
    }

    /// Makes a code that a person can copy from paper: 80 random bits as `xxxx-xxxx-xxxx-xxxx`.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn recovery_code() -> Result<Self, VaultError> {
        Self::code("", RECOVERY_LETTERS)
    }

    /// Makes the code of a redemption card: 120 random bits as `phc-xxxx-xxxx-xxxx-xxxx-xxxx-xxxx`.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn card_code() -> Result<Self, VaultError> {
        Self::code(CARD_PREFIX, CARD_LETTERS)
    }

    fn code(prefix: &str, letters: usize) -> Result<Self, VaultError> {
        let bytes = random::key()?;
        let letters: Vec<char> =
            bytes[..letters].iter().map(|byte| ALPHABET[usize::from(byte % 32)].into()).collect();
        let groups: Vec<String> = letters.chunks(4).map(|group| group.iter().collect()).collect();
        let text = format!("{prefix}{}", groups.join("-"));
        let hash = hash_token(&text);
        Ok(Self { secret: Secret::new(text), hash })
    }
}

/// What a presented token is looked up under. Of any text: whether it is a token, the look-up tells.
pub fn hash_token(presented: &str) -> TokenHash {
    TokenHash::new(Sha256::digest(presented.as_bytes()).into())
}

const RECOVERY_LETTERS: usize = 16;
const CARD_LETTERS: usize = 24;
const CARD_PREFIX: &str = "phc-";

/// Without those that look like others.
const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_by_its_hash() {
        let token = NewToken::generate("pht_").unwrap();
        assert!(token.secret.expose().starts_with("pht_") && token.secret.expose().len() == 47);
        assert_eq!(hash_token(token.secret.expose()), token.hash);
        assert_ne!(NewToken::generate("pht_").unwrap().hash, token.hash);
        // FIPS 180-4, the example of one block.
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hash_token("abc").to_hex(), known);
    }

    #[test]
    fn a_code_can_be_copied_from_paper() {
        let code = NewToken::recovery_code().unwrap();
        let text = code.secret.expose();
        let groups: Vec<_> = text.split('-').collect();
        assert!(groups.len() == 4 && groups.iter().all(|group| group.len() == 4), "{text}");
        assert!(!text.contains(['l', 'o', '1', 'i']), "{text}");
        assert_eq!(hash_token(text), code.hash);
        let card = NewToken::card_code().unwrap();
        let text = card.secret.expose();
        assert!(text.starts_with("phc-") && text.len() == 33 && text.split('-').count() == 7, "{text}");
        assert_eq!(hash_token(text), card.hash);
        assert_ne!(NewToken::card_code().unwrap().hash, card.hash);
    }
}
