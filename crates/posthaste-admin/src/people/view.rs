//! People and their sessions as operators see them.

use std::net::IpAddr;

use posthaste_core::{Role, Session, Timestamp, User, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A person as operators see one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UserView {
    /// The identity, also that of the owner of the person's client keys.
    pub id: UserId,
    /// The name to log in with.
    pub name: String,
    /// What the person is called.
    pub display_name: String,
    /// Where mail reaches the person.
    pub email: Option<String>,
    /// What the person may do.
    pub role: Role,
    /// How the person is known at log-in: `password`, `ldap` or `oidc`.
    pub sign_in: String,
    /// Whether a code is asked for at log-in.
    pub second_factor: bool,
    /// How many recovery codes are left.
    pub recovery_codes: usize,
    /// Whether the person may log in.
    pub enabled: bool,
    /// How many client keys the person may have at once; `None` leaves it to the relay's setting.
    pub max_keys: Option<u32>,
    /// When the person last logged in.
    pub last_login_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl UserView {
    pub(crate) fn of(user: User) -> Self {
        let shown = user.shown().to_owned();
        Self {
            id: user.id,
            name: user.name,
            display_name: shown,
            email: user.email,
            role: user.role,
            sign_in: user.sign_in.as_str().to_owned(),
            recovery_codes: user.second_factor.as_ref().map_or(0, |factor| factor.recovery.len()),
            second_factor: user.second_factor.is_some(),
            enabled: user.enabled,
            max_keys: user.max_keys,
            last_login_at: user.last_login_at,
            created_at: user.created_at,
            updated_at: user.updated_at,
        }
    }
}

/// A session as operators and its person see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SessionView {
    /// The first digits of what its token is known by: tells sessions apart.
    pub id: String,
    /// When it began.
    pub began_at: Timestamp,
    /// When it was last used, to the minute or so.
    pub used_at: Timestamp,
    /// When it ends if it is not used before.
    pub until: Timestamp,
    /// Where it began.
    pub address: Option<IpAddr>,
    /// What the browser called itself.
    pub agent: String,
}

impl SessionView {
    /// What is shown of a session.
    pub fn of(session: Session) -> Self {
        let id = session.token.to_hex()[..16].to_owned();
        let Session { began_at, used_at, until, address, agent, .. } = session;
        Self { id, began_at, used_at, until, address, agent }
    }
}
