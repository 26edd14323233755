//! Who acts.

use std::net::IpAddr;

use posthaste_core::{ApiTokenId, Role, Scope, UserId};
use schemars::JsonSchema;
use serde::Serialize;

use crate::AdminError;

/// Whoever has something done, as it was found when the request came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// Who.
    pub who: Who,
    /// Where the request came from, as far as it is known.
    pub address: Option<IpAddr>,
}

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Who {
    /// Whoever may use the relay's data folder: the command line.
    Machine {
        /// The machine's own name for who runs it, where that is known.
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
    /// A person who has logged in.
    User {
        /// The person.
        id: UserId,
        /// The name to log in with.
        name: String,
        /// What the person may do.
        role: Role,
    },
    /// Somebody whom nobody knows.
    Stranger,
    /// A program with an API token.
    Token {
        /// The token.
        id: ApiTokenId,
        /// Its name.
        name: String,
        /// Who made it.
        user: Option<UserId>,
        /// What that person may do; the relay's own operator may do everything.
        role: Role,
        /// What the token may do of that.
        scopes: Vec<Scope>,
    },
}

impl Actor {
    /// The command line on the relay's machine.
    pub const fn machine() -> Self {
        Self { who: Who::Machine { name: None }, address: None }
    }

    /// The command line, as a user of the machine runs it.
    pub const fn machine_user(name: String) -> Self {
        Self { who: Who::Machine { name: Some(name) }, address: None }
    }

    /// Whether this may be done.
    pub fn may(&self, need: Scope) -> bool {
        match &self.who {
            Who::Machine { .. } => true,
            Who::Stranger => false,
            Who::User { role, .. } => role.may(need),
            Who::Token { role, scopes, .. } => {
                role.may(need) && scopes.iter().any(|scope| scope.covers(need))
            }
        }
    }

    /// Whose role counts where people are kept.
    pub fn role(&self) -> Role {
        match self.who {
            Who::Machine { .. } => Role::Owner,
            Who::Stranger => Role::User,
            Who::User { role, .. } | Who::Token { role, .. } => role,
        }
    }

    /// The person behind it, if there is one.
    pub fn user(&self) -> Option<UserId> {
        match self.who {
            Who::Machine { .. } | Who::Stranger => None,
            Who::User { id, .. } => Some(id),
            Who::Token { user, .. } => user,
        }
    }

    /// Refuses what may not be done.
    ///
    /// # Errors
    /// [`AdminError::Forbidden`].
    pub fn check(&self, need: Scope) -> Result<(), AdminError> {
        if self.may(need) { Ok(()) } else { Err(AdminError::Forbidden { need: need.to_string() }) }
    }
}

#[cfg(test)]
mod tests {
    use posthaste_core::Area;

    use super::*;

    fn token(role: Role, scopes: &[Scope]) -> Actor {
        let (id, name) = (ApiTokenId::generate(), "ci".to_owned());
        let who = Who::Token { id, name, user: None, role, scopes: scopes.to_vec() };
        Actor { who, address: None }
    }

    #[test]
    fn a_token_may_what_its_scopes_and_its_maker_may() {
        let keys = token(Role::Owner, &[Area::Keys.read()]);
        assert!(keys.may(Area::Keys.read()));
        assert!(!keys.may(Area::Keys.write()) && !keys.may(Area::Accounts.read()));
        let lowered = token(Role::Viewer, &[Area::Keys.write()]);
        assert!(lowered.may(Area::Keys.read()) && !lowered.may(Area::Keys.write()));
        assert!(!token(Role::Owner, &[]).may(Area::System.read()));
    }

    #[test]
    fn the_machine_may_everything() {
        for area in Area::ALL {
            assert!(Actor::machine().check(area.write()).is_ok());
        }
        let error = token(Role::User, &[]).check(Area::Audit.read()).unwrap_err().to_string();
        assert!(error.contains("audit:read"), "{error}");
    }
}
