//! The first owner.
//!
//! A relay without one has no door for people. Whoever starts it is shown a token, and with that the first owner is made; there
//! is no password that everybody knows.

use posthaste_core::{Role, Secret, User, UserId};
use posthaste_vault::{NewToken, hash_token};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{SignInService, SignedIn, Visit, actor};
use crate::{AdminError, NewUser, NotKnown, input::Disclosed};

/// What the first owner is made with.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FirstOwner {
    /// The token that the relay showed when it started.
    pub token: Disclosed,
    /// The name to log in with.
    pub name: String,
    /// The password.
    pub password: Disclosed,
}

/// A token that makes the first owner. It lives as long as the relay's process.
#[derive(Debug)]
pub struct SetupToken {
    pub(crate) hash: posthaste_core::TokenHash,
}

impl SetupToken {
    /// Makes one, and tells it for whoever starts the relay.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn generate() -> Result<(Self, Secret), AdminError> {
        let made = NewToken::generate("")?;
        Ok((Self { hash: made.hash }, made.secret))
    }
}

impl SignInService<'_> {
    /// Whether nobody can log in yet who could let others in.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn needs_owner(self) -> Result<bool, AdminError> {
        let all = self.users().all().await?;
        let could = |user: &User| user.role == Role::Owner && user.has_sign_in();
        Ok(!all.iter().any(|found| could(&found.value)))
    }

    /// Makes the first owner and logs it in.
    ///
    /// # Errors
    /// [`AdminError::Unauthenticated`] for a wrong token, [`AdminError::Conflict`] when there is an owner already,
    /// [`AdminError::Invalid`] for a name or password that cannot be taken, [`AdminError::TooMany`].
    pub async fn set_up(self, first: FirstOwner, visit: &Visit) -> Result<SignedIn, AdminError> {
        let now = self.now();
        let misses = self.admin.misses();
        let _tried = misses.begin(SETUP, visit.address, now).map_err(|wait| AdminError::TooMany { wait })?;
        let presented = hash_token(first.token.secret().expose().trim());
        if self.admin.setup_token().is_none_or(|token| token.hash != presented) {
            misses.missed(SETUP, visit.address, now);
            self.note_stranger(&first.name, visit, "setup", NotKnown::SetupToken.as_text()).await;
            return Err(AdminError::Unauthenticated { what: NotKnown::SetupToken, missing: None });
        }
        let new = NewUser { name: first.name, password: Some(first.password), ..NewUser::default() };
        let user = self.furnish_first(new).await?;
        let made = json!({ "id": user.id, "name": user.name, "role": user.role });
        self.note(&actor(&user, visit.address), "setup", Some(made)).await;
        self.begin(user, visit, "setup").await
    }

    /// Of any number who try at once, on any relay, one makes it: all would have the same identity.
    async fn furnish_first(self, new: NewUser) -> Result<User, AdminError> {
        let taken = || AdminError::Conflict { what: "there is an owner already; log in".to_owned() };
        if !self.needs_owner().await? {
            return Err(taken());
        }
        let people = self.admin.people();
        let mut user = people.furnish(new, Role::Owner).await?;
        user.id = FIRST;
        if self.users().get(FIRST.uuid()).await?.is_some() {
            return Err(taken());
        }
        people.keep(user).await
    }
}

/// The first owner's identity: a record that is there once, whoever else tries to make it.
const FIRST: UserId = UserId::from_uuid(uuid::Uuid::from_u128(0x706f_7374_6861_8d00_8000_6f77_6e65_0001));

/// What misses are counted under.
const SETUP: &str = "the first owner";
