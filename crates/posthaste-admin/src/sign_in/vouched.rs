//! People for whom somebody else vouches.

use std::{error::Error, sync::Arc};

use posthaste_core::{Role, Secret, SignIn, User};
use posthaste_vault::verify_password;
use serde_json::json;

use super::{Credentials, SignInService, actor, password_hash};
use crate::{
    AdminError, NewUser, NotKnown, PeopleDirectory, Vouched, VouchedRole, change,
    people::{login_name, spoken_of},
};

/// Whether the directory is asked for this person. Who is kept here is never looked for there: nobody who can write to the
/// directory takes a local owner's name.
pub(super) fn asks_directory(found: Option<&User>) -> bool {
    found.is_none_or(|user| matches!(user.sign_in, SignIn::Ldap { .. }))
}

impl SignInService<'_> {
    /// Who it is, as the directory says.
    pub(super) async fn by_directory(
        self,
        directory: &Arc<dyn PeopleDirectory>,
        given: &Credentials,
    ) -> Result<User, AdminError> {
        // An empty password would make the bind an anonymous one, which servers grant (RFC 4513, section 5.1.2).
        let password = given.password.secret();
        let Ok(name) = login_name(&given.name) else { return Err(wrong()) };
        if password.expose().is_empty() {
            return Err(wrong());
        }
        match directory.identify(&name, password).await {
            Ok(Some(vouched)) => self.take_in(vouched).await,
            Ok(None) => Err(wrong()),
            Err(error) => {
                tracing::warn!(error = %whole(&error), "the directory cannot tell who logs in");
                Err(AdminError::Directory)
            }
        }
    }

    /// Whether this is the person's password, wherever that is kept.
    pub(super) async fn is_password_of(self, user: &User, password: &Secret) -> Result<bool, AdminError> {
        match (&user.sign_in, self.admin.people_directory()) {
            (SignIn::Ldap { .. }, Some(directory)) => match directory.identify(&user.name, password).await {
                Ok(found) => {
                    Ok(found.is_some_and(|found| login_name(&found.name).is_ok_and(|name| name == user.name)))
                }
                Err(error) => {
                    tracing::warn!(error = %whole(&error), "the directory cannot tell whose password it is");
                    Err(AdminError::Directory)
                }
            },
            _ => Ok(verify_password(password.clone(), password_hash(user).cloned()).await),
        }
    }

    /// The person whom somebody else vouches for: made at the first log-in, and brought up to date at the others.
    pub(crate) async fn take_in(self, vouched: Vouched) -> Result<User, AdminError> {
        let Ok(name) = login_name(&vouched.name) else {
            tracing::warn!(by = vouched.sign_in.as_str(), "somebody's name there cannot be one here");
            return Err(wrong());
        };
        let found = self.users().find(&name).await?.map(|found| found.value);
        match found {
            None => self.furnish_vouched(name, vouched).await,
            Some(user) if !same_person(&user.sign_in, &vouched.sign_in) => {
                let (here, there) = (user.sign_in.as_str(), vouched.sign_in.as_str());
                tracing::warn!(
                    user = name,
                    here,
                    there,
                    "two people have one name; the one of here keeps it"
                );
                Err(wrong())
            }
            Some(user) if !user.enabled => Err(wrong()),
            Some(user) => self.bring_up_to_date(user, vouched).await,
        }
    }

    async fn furnish_vouched(self, name: String, vouched: Vouched) -> Result<User, AdminError> {
        let user = self.furnished(&name, &vouched).await?;
        let user = match self.admin.people().keep(user).await {
            Ok(user) => user,
            // Whoever logs in twice at once for the first time is made once.
            Err(AdminError::Conflict { .. }) => {
                let found = self.users().find(&name).await?.map(|found| found.value);
                return found
                    .filter(|user| user.enabled && same_person(&user.sign_in, &vouched.sign_in))
                    .ok_or_else(wrong);
            }
            Err(error) => return Err(error),
        };
        self.note_first(&user).await;
        Ok(user)
    }

    /// A new person, not kept yet.
    pub(super) async fn furnished(self, name: &str, vouched: &Vouched) -> Result<User, AdminError> {
        let role = match vouched.role {
            VouchedRole::AtFirst(role) | VouchedRole::Always(role) => below_owner(role),
        };
        let new = NewUser { name: name.to_owned(), ..NewUser::default() };
        let mut user = self.admin.people().furnish(new, role).await?;
        spoken_of(&mut user, vouched.display_name.as_deref(), vouched.email.as_deref());
        user.sign_in = vouched.sign_in.clone();
        Ok(user)
    }

    pub(super) async fn note_first(self, user: &User) {
        let after = json!({ "by": user.sign_in.as_str(), "role": user.role });
        self.note(&actor(user, None), "user.first_login", Some(after)).await;
    }

    pub(super) async fn bring_up_to_date(self, was: User, vouched: Vouched) -> Result<User, AdminError> {
        let now = self.now();
        let user = change::apply(&self.users(), was.id.uuid(), |user: &mut User| {
            let before = user.clone();
            if let VouchedRole::Always(role) = vouched.role
                && user.role != Role::Owner
            {
                user.role = below_owner(role);
            }
            spoken_of(user, vouched.display_name.as_deref(), vouched.email.as_deref());
            user.sign_in = vouched.sign_in.clone();
            if *user != before {
                user.updated_at = now;
            }
            Ok(())
        })
        .await?;
        if user.role < was.role {
            self.admin.people().log_out(user.id).await?;
        }
        if user.role != was.role {
            let after = json!({ "was": was.role, "role": user.role, "by": user.sign_in.as_str() });
            self.note(&actor(&user, None), "user.role_follows", Some(after)).await;
        }
        Ok(user)
    }
}

/// An owner is made by an owner.
fn below_owner(role: Role) -> Role {
    role.min(Role::Admin)
}

/// Whether who is kept here is who is vouched for. An entry of a directory may move within it; the name is the directory's.
fn same_person(here: &SignIn, there: &SignIn) -> bool {
    match (here, there) {
        (SignIn::Ldap { .. }, SignIn::Ldap { .. }) => true,
        // Who comes from an identity provider is found by subject and not by name; see `provider.rs`.
        _ => false,
    }
}

fn wrong() -> AdminError {
    AdminError::Unauthenticated { what: NotKnown::NameOrPassword, missing: None }
}

/// An error with its causes, on one line.
pub(super) fn whole(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}
