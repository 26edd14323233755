//! People's passwords.

use std::sync::LazyLock;

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc},
};
use posthaste_core::{PasswordHash, Secret};
use tokio::{sync::Semaphore, task};

use crate::{VaultError, random};

/// Hashes a new password: Argon2id with 19 MiB and two passes, the least that OWASP's Password Storage Cheat Sheet recommends.
///
/// # Errors
/// When the system gives no random bytes.
pub async fn hash_password(password: Secret) -> Result<PasswordHash, VaultError> {
    let salt = random::key()?;
    let hashed = worked_out(move || {
        let hash: Result<phc::PasswordHash, _> =
            hasher().hash_password_with_salt(password.expose().as_bytes(), &salt[..SALT_BYTES]);
        hash.map(|hash| PasswordHash::from_text(hash.to_string()))
    });
    Ok(hashed.await.expect("a salt of 16 bytes and the parameters above are within Argon2's bounds"))
}

/// Whether a password is the one that was hashed. Without a hash it takes as long and is not: so nobody can tell by the time
/// who is known.
pub async fn verify_password(password: Secret, hash: Option<PasswordHash>) -> bool {
    worked_out(move || {
        let known = hash.as_ref().and_then(|hash| phc::PasswordHash::new(hash.as_text()).ok());
        let right = known.is_some();
        let against = known.as_ref().unwrap_or(&NOBODY);
        let verified = hasher().verify_password(password.expose().as_bytes(), against).is_ok();
        verified && right
    })
    .await
}

/// Beside the runtime, and few at once: each takes 19 MiB and a core for some tens of milliseconds.
async fn worked_out<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let _permit = AT_ONCE.acquire().await.expect("it is never closed");
    task::spawn_blocking(work).await.expect("hashing does not panic")
}

fn hasher() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).expect("constants within Argon2's bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

static AT_ONCE: Semaphore = Semaphore::const_new(2);

/// What nobody's password is compared with.
static NOBODY: LazyLock<phc::PasswordHash> = LazyLock::new(|| {
    hasher().hash_password_with_salt(b"", &[0; SALT_BYTES]).expect("constants within Argon2's bounds")
});

const MEMORY_KIB: u32 = 19 * 1_024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const SALT_BYTES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_same_password_is_right() {
        let hash = hash_password(Secret::new("correct horse")).await.unwrap();
        assert!(hash.as_text().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.as_text());
        assert!(verify_password(Secret::new("correct horse"), Some(hash.clone())).await);
        assert!(!verify_password(Secret::new("correct house"), Some(hash.clone())).await);
        assert!(!verify_password(Secret::new(""), Some(hash.clone())).await);
        assert_ne!(hash_password(Secret::new("correct horse")).await.unwrap(), hash);
        assert_eq!(format!("{hash:?}"), "PasswordHash(…)");
    }

    #[tokio::test]
    async fn nobody_is_let_in_without_a_hash_or_with_a_broken_one() {
        for hash in [None, Some(PasswordHash::from_text("")), Some(PasswordHash::from_text("$argon2id$"))] {
            assert!(!verify_password(Secret::new(""), hash).await);
        }
    }
}
