//! People who log in, and the tokens that programs use in their place.

use std::{fmt, net::IpAddr};

use serde::{Deserialize, Serialize};

use crate::{ApiTokenId, Role, Scope, Sealed, Timestamp, TokenHash, UserId};

/// A person who can log in. What the person's client keys may use together is told by the [`Owner`](crate::Owner) of the
/// same identity, if there is one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct User {
    /// The identity, also that of the owner of the person's client keys.
    pub id: UserId,
    /// The name to log in with, unique, in small letters.
    pub name: String,
    /// What the person is called; empty for the same as `name`.
    #[serde(default)]
    pub display_name: String,
    /// Where mail reaches the person.
    #[serde(default)]
    pub email: Option<String>,
    /// What the person may do.
    pub role: Role,
    /// How the person is known.
    pub sign_in: SignIn,
    /// The second factor, once it was set up.
    #[serde(default)]
    pub second_factor: Option<SecondFactor>,
    /// Whether the person may log in.
    pub enabled: bool,
    /// How many client keys the person may have at once; `None` leaves it to the relay's setting.
    #[serde(default)]
    pub max_keys: Option<u32>,
    /// When the person last logged in.
    #[serde(default)]
    pub last_login_at: Option<Timestamp>,
    /// The networks that the person logged in from lately, by their first address, the latest last.
    #[serde(default)]
    pub known_networks: Vec<IpAddr>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl User {
    /// What to call the person.
    pub fn shown(&self) -> &str {
        if self.display_name.is_empty() { &self.name } else { &self.display_name }
    }

    /// Whether there is anything that the person can be known by: one who was given no password yet cannot log in.
    pub const fn has_sign_in(&self) -> bool {
        !matches!(self.sign_in, SignIn::Password { hash: None })
    }
}

/// How a person is known at log-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum SignIn {
    /// By a password that is kept here; `None` for one who has none yet and cannot log in.
    Password {
        /// What is kept of it.
        hash: Option<PasswordHash>,
    },
    /// By an LDAP directory.
    Ldap {
        /// The entry's distinguished name at the last log-in.
        dn: String,
    },
    /// By an OpenID provider.
    Oidc {
        /// The provider.
        issuer: String,
        /// Who it is there.
        subject: String,
    },
}

impl SignIn {
    /// Its kind.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Password { .. } => "password",
            Self::Ldap { .. } => "ldap",
            Self::Oidc { .. } => "oidc",
        }
    }
}

/// What is kept of a password: an Argon2 hash in the PHC string form. Not printed, since it can be guessed at.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Takes a hash in the PHC string form.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The PHC string form.
    pub fn as_text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// A second factor: a code from a device that shares a secret (TOTP, RFC 6238).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SecondFactor {
    /// The shared secret.
    pub secret: Sealed,
    /// The step of the last code that was taken: no code is taken twice.
    pub last_step: u64,
    /// What the unused recovery codes are known by.
    pub recovery: Vec<TokenHash>,
}

/// A token that programs use for the admin API. It may do no more than the person who made it may at that moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ApiToken {
    /// Its identity.
    pub id: ApiTokenId,
    /// The name it was given, unique.
    pub name: String,
    /// What it is known by.
    pub token: TokenHash,
    /// Its last four characters, so that tokens can be told apart.
    pub hint: String,
    /// Who made it; `None` for one that was made on the relay's machine, which is its operator's.
    pub user: Option<UserId>,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}
