//! What people do for themselves.

use posthaste_core::{Area, Scope, SignIn, User};
use posthaste_vault::verify_password;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{KnownPerson, SignInService, actor, password_hash};
use crate::{AdminError, SessionView, UserView, change, input::Disclosed};

/// A person's own picture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProfileView {
    /// The person.
    #[serde(flatten)]
    pub user: UserView,
    /// What the person may do, area by area.
    pub scopes: Vec<Scope>,
    /// What a browser has to send as `X-CSRF-Token` with what changes something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub csrf_token: Option<String>,
}

/// A password to be changed by its person.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    /// The present one.
    pub current: Disclosed,
    /// The next one.
    pub new: Disclosed,
}

impl SignInService<'_> {
    /// Who the person is and what the person may do.
    pub fn profile(self, person: &KnownPerson) -> ProfileView {
        let needs = Area::ALL.into_iter().flat_map(|area| [area.read(), area.write()]);
        let scopes = needs.filter(|need| person.user.role.may(*need)).collect();
        ProfileView { user: UserView::of(person.user.clone()), scopes, csrf_token: None }
    }

    /// Changes a person's own password and ends the person's other sessions.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] for a wrong present password or a next one that cannot be taken, [`AdminError::TooMany`].
    pub async fn change_password(
        self,
        person: &KnownPerson,
        change: PasswordChange,
    ) -> Result<UserView, AdminError> {
        let (now, address) = (self.now(), person.session.address);
        let misses = self.admin.misses();
        let _tried =
            misses.begin(&person.user.name, address, now).map_err(|wait| AdminError::TooMany { wait })?;
        if !matches!(person.user.sign_in, SignIn::Password { .. }) {
            let by = person.user.sign_in.as_str();
            return Err(AdminError::invalid(
                "current",
                format!("you log in by {by}; change your password there"),
            ));
        }
        let hash = password_hash(&person.user).cloned();
        if !verify_password(change.current.secret().clone(), hash).await {
            misses.missed(&person.user.name, address, now);
            return Err(AdminError::invalid("current", "is not your present password"));
        }
        let changed = self.admin.people().replace_password(&person.user, &change.new).await?;
        for session in self.admin.parts().stores.sessions.of(changed.id, now).await? {
            if session.token != person.session.token {
                self.end_by_hash(session.token).await?;
            }
        }
        self.note(&actor(&person.user, address), "user.own_password", None).await;
        Ok(UserView::of(changed))
    }

    /// Switches a person's second factor off.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] for a wrong password.
    pub async fn remove_second_factor(
        self,
        person: &KnownPerson,
        password: &Disclosed,
    ) -> Result<UserView, AdminError> {
        let (now, address) = (self.now(), person.session.address);
        let misses = self.admin.misses();
        let _tried =
            misses.begin(&person.user.name, address, now).map_err(|wait| AdminError::TooMany { wait })?;
        if password.secret().expose().is_empty()
            || !self.is_password_of(&person.user, password.secret()).await?
        {
            misses.missed(&person.user.name, address, now);
            return Err(AdminError::invalid("password", "is not your present password"));
        }
        let changed = change::apply(&self.users(), person.user.id.uuid(), |user: &mut User| {
            user.second_factor = None;
            user.updated_at = now;
            Ok(())
        })
        .await?;
        self.note(&actor(&person.user, address), "user.own_second_factor_removed", None).await;
        Ok(UserView::of(changed))
    }

    /// The person's own sessions, the oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn own_sessions(self, person: &KnownPerson) -> Result<Vec<SessionView>, AdminError> {
        let sessions = self.admin.parts().stores.sessions.of(person.user.id, self.now()).await?;
        Ok(sessions.into_iter().map(SessionView::of).collect())
    }

    /// Ends the person's other sessions. Tells how many those were.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn end_other_sessions(self, person: &KnownPerson) -> Result<usize, AdminError> {
        let mut ended = 0;
        for session in self.admin.parts().stores.sessions.of(person.user.id, self.now()).await? {
            if session.token != person.session.token && self.end_by_hash(session.token).await? {
                ended += 1;
            }
        }
        self.note(&actor(&person.user, person.session.address), "session.end_others", None).await;
        Ok(ended)
    }
}
