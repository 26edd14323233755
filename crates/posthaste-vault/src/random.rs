//! Random bytes from the system.

use zeroize::Zeroizing;

use crate::VaultError;

/// A fresh key.
pub(crate) fn key() -> Result<Zeroizing<[u8; 32]>, VaultError> {
    let mut key = Zeroizing::new([0; 32]);
    getrandom::fill(key.as_mut_slice()).map_err(VaultError::NoRandomness)?;
    Ok(key)
}

/// A fresh nonce.
pub(crate) fn nonce() -> Result<[u8; 12], VaultError> {
    let mut nonce = [0; 12];
    getrandom::fill(&mut nonce).map_err(VaultError::NoRandomness)?;
    Ok(nonce)
}
