//! Signatures of thoughts.
//!
//! A signature holds a salt and a keyed digest of the text that was shown, so that a block that comes back is checked
//! as the vendor checks it: any change is refused.

use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};

/// Signs the text as it is shown to the client, which is empty where it is omitted.
pub(crate) fn sign(shown: &str, salt: &str) -> String {
    seal(THINKING, spread(salt), shown.as_bytes(), &[])
}

/// Whether the block came from here and was not changed.
pub(crate) fn is_genuine(shown: &str, signature: &str) -> bool {
    let Some((salt, rest)) = open(signature) else { return false };
    rest.is_empty() && seal(THINKING, salt, shown.as_bytes(), &[]) == signature
}

/// Thoughts that only come back: the text is scrambled, not encrypted, since the sandbox has no secrets.
pub(crate) fn redact(text: &str, salt: &str) -> String {
    let scrambled: Vec<_> = text.bytes().map(|byte| byte ^ 0x5a).collect();
    seal(REDACTED, spread(salt), &scrambled, &scrambled)
}

/// Whether the block came from here and was not changed.
pub(crate) fn is_genuine_redaction(data: &str) -> bool {
    let Some((salt, scrambled)) = open(data) else { return false };
    seal(REDACTED, salt, &scrambled, &scrambled) == data
}

/// Something for one reader only, which brings `carried` back: to others, and changed, it is worth nothing.
pub(crate) fn stamp(purpose: &[u8], salt: &str, reader: &[u8], carried: &[u8]) -> String {
    let carried: Vec<_> = carried.iter().map(|byte| byte ^ 0x5a).collect();
    seal(purpose, spread(salt), &bound(reader, &carried), &carried)
}

/// What a stamp carries, when it came from here, for this reader, and was not changed.
pub(crate) fn unstamp(purpose: &[u8], reader: &[u8], stamped: &str) -> Option<Vec<u8>> {
    let (salt, carried) = open(stamped)?;
    let genuine = seal(purpose, salt, &bound(reader, &carried), &carried) == stamped;
    genuine.then(|| carried.iter().map(|byte| byte ^ 0x5a).collect())
}

fn bound(reader: &[u8], carried: &[u8]) -> Vec<u8> {
    // With its length, so that no reader's name can pass for another's and a piece of what is carried.
    [&(reader.len() as u64).to_be_bytes(), reader, carried].concat()
}

fn spread(salt: &str) -> [u8; SALT_LEN] {
    Sha256::digest(salt)[..SALT_LEN].try_into().expect("a digest is longer than the salt")
}

/// Base64 of prefix, salt, digest and what is carried along.
fn seal(purpose: &[u8], salt: [u8; SALT_LEN], bound: &[u8], carried: &[u8]) -> String {
    let digest = Sha256::new().chain_update(purpose).chain_update(salt).chain_update(bound).finalize();
    STANDARD.encode([PREFIX, &salt, &digest[..], carried].concat())
}

fn open(sealed: &str) -> Option<([u8; SALT_LEN], Vec<u8>)> {
    let bytes = STANDARD.decode(sealed).ok()?;
    let (salt, rest) = bytes.strip_prefix(PREFIX)?.split_first_chunk()?;
    Some((*salt, rest.get(DIGEST_LEN..)?.to_vec()))
}

/// Other than the beginning of what the relay seals (`posthaste`), or it would take what comes back for its own.
const PREFIX: &[u8] = b"sandbox of posthaste";
const THINKING: &[u8] = b"thinking";
const REDACTED: &[u8] = b"redacted thinking";
const SALT_LEN: usize = 16;
const DIGEST_LEN: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_binds_its_text() {
        let signature = sign("thoughts", "salt");
        assert!(is_genuine("thoughts", &signature));
        assert!(!is_genuine("other thoughts", &signature));
        assert!(!is_genuine("thoughts", &signature.to_lowercase()));
        assert!(!is_genuine("thoughts", ""));
        assert!(is_genuine("", &sign("", "salt")));
    }

    #[test]
    fn what_is_sealed_is_not_taken_for_the_relay_s() {
        let relay = STANDARD.encode("posthaste");
        assert!(!sign("thoughts", "salt").starts_with(&relay));
        assert!(!redact("thoughts", "salt").starts_with(&relay));
    }

    #[test]
    fn a_redaction_binds_itself() {
        let data = redact("thoughts", "salt");
        assert!(is_genuine_redaction(&data));
        assert!(!is_genuine_redaction(&redact("thoughts", "salt")[4..]));
        assert!(!is_genuine_redaction(&sign("thoughts", "salt")));
    }

    #[test]
    fn a_stamp_is_for_one_reader() {
        let stamped = stamp(b"test", "salt", b"reader", b"carried");
        assert_eq!(unstamp(b"test", b"reader", &stamped).as_deref(), Some(&b"carried"[..]));
        assert_eq!(unstamp(b"test", b"other", &stamped), None);
        assert_eq!(unstamp(b"other", b"reader", &stamped), None);
        assert_eq!(unstamp(b"test", b"reader", &stamped.to_uppercase()), None);
        assert_eq!(unstamp(b"test", b"reader", "?"), None);
    }
}
