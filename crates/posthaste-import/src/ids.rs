//! The identities that records have here.

use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

/// The identity of what was called `id` there: the same one where it is a UUID, as CRS gives them, else one that is worked out
/// from it. The same each time, so that a second import finds what the first one made.
pub(crate) fn stable(kind: &str, id: &str) -> Uuid {
    match Uuid::try_parse(id) {
        Ok(uuid) if !uuid.is_nil() => uuid,
        _ => derived(kind, id),
    }
}

/// An identity that is worked out from a text (version 8 of RFC 9562 §5.8, over SHA-256).
pub(crate) fn derived(kind: &str, text: &str) -> Uuid {
    let mut hash = Sha256::new();
    for part in ["posthaste import crs", kind, text] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let digest = hash.finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    Builder::from_custom_bytes(bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_stay_the_same_and_apart() {
        let own = "0b2f1c1e-7b1f-4c38-9f2e-0123456789ab";
        assert_eq!(stable("account", own).to_string(), own);
        assert_eq!(stable("account", "x"), stable("account", "x"));
        assert_ne!(stable("account", "x"), stable("client key", "x"));
        assert_ne!(stable("a", "bc"), stable("ab", "c"));
        assert_eq!(stable("account", "x").get_version_num(), 8);
    }
}
