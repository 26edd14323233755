//! Log-ins that last.

use std::{fmt, net::IpAddr};

use serde::{Deserialize, Serialize};

use crate::{ClientKeyHash, Timestamp, UserId};

/// What a secret token is known by: its SHA-256. Tokens are 256 random bits, so nothing slower is needed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct TokenHash(ClientKeyHash);

impl TokenHash {
    /// Takes a hash.
    pub const fn new(hash: [u8; 32]) -> Self {
        Self(ClientKeyHash(hash))
    }

    /// The hash as 64 hexadecimal digits.
    pub fn to_hex(self) -> String {
        self.0.to_hex()
    }

    /// The hash's bytes.
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0.0
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(…)")
    }
}

/// A person's log-in that lasts until it lapses or is ended. Only the hash of its token is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Session {
    /// What its token is known by.
    pub token: TokenHash,
    /// Whose it is.
    pub user: UserId,
    /// When it began.
    pub began_at: Timestamp,
    /// When it was last used, to the minute or so.
    pub used_at: Timestamp,
    /// When it ends if it is not used before.
    pub until: Timestamp,
    /// Where it began.
    #[serde(default)]
    pub address: Option<IpAddr>,
    /// What the browser called itself, cut short.
    #[serde(default)]
    pub agent: String,
}
