//! People who log in: their roles, passwords, sessions.

mod input;
mod view;

pub use input::{NewUser, UserChange};
pub use view::{SessionView, UserView};

pub(crate) use input::{login_name, password as checked_password, spoken_of};

use posthaste_core::{Owner, Role, SignIn, Timestamp, User, UserId};
use posthaste_storage::{Entity, Repository, StorageError};
use posthaste_vault::hash_password;

use crate::{
    Actor, Admin, AdminError,
    change::{self, find},
    input::Disclosed,
};

/// People. What an actor may do to whom is decided here, beyond the scope that the command needs.
#[derive(Clone, Copy)]
pub struct PeopleService<'a> {
    admin: &'a Admin,
}

impl<'a> PeopleService<'a> {
    pub(crate) fn new(admin: &'a Admin) -> Self {
        Self { admin }
    }

    /// Everybody, by name.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list(self) -> Result<Vec<UserView>, AdminError> {
        let users = self.users().all().await?.into_iter().map(|found| UserView::of(found.value));
        let mut users: Vec<_> = users.collect();
        users.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(users)
    }

    /// One person, by id or name.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] when there is none.
    pub async fn show(self, user: &str) -> Result<UserView, AdminError> {
        find(&self.users(), user).await.map(|found| UserView::of(found.value))
    }

    /// Makes a person, and an owner of the same identity for the person's client keys; an owner of that name that nobody
    /// logs in for becomes the person's.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] for an input that cannot be taken, [`AdminError::Conflict`] when the name is taken,
    /// [`AdminError::Forbidden`] for a role that the actor may not give.
    pub async fn create(self, actor: &Actor, new: NewUser) -> Result<UserView, AdminError> {
        let role = new.role.unwrap_or(Role::User);
        may_keep(actor, role)?;
        let user = self.furnish(new, role).await?;
        self.keep(user).await.map(UserView::of)
    }

    /// Changes a person. Who loses rights is logged out everywhere.
    ///
    /// # Errors
    /// As [`create`](Self::create); [`AdminError::Conflict`] when no owner would be left who can log in.
    pub async fn update(self, actor: &Actor, user: &str, change: UserChange) -> Result<UserView, AdminError> {
        let found = find(&self.users(), user).await?.value;
        may_keep(actor, found.role)?;
        let role = change.role.unwrap_or(found.role);
        may_keep(actor, role)?;
        let enabled = change.enabled.unwrap_or(found.enabled);
        let (lowered, off) = (role < found.role, found.enabled && !enabled);
        if lowered || off {
            self.refuse_last_owner(&found).await?;
        }
        let checked = change.check()?;
        let now = self.now();
        let changed = change::apply(&self.users(), found.id.uuid(), |user: &mut User| {
            checked.apply(user);
            user.updated_at = now;
            Ok(())
        })
        .await?;
        if lowered || off {
            self.log_out(changed.id).await?;
        }
        Ok(UserView::of(changed))
    }

    /// Gives a person another password and ends the person's sessions.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] for one that is too weak, or a person who is known by another place's word.
    pub async fn set_password(
        self,
        actor: &Actor,
        user: &str,
        password: &Disclosed,
    ) -> Result<UserView, AdminError> {
        let found = find(&self.users(), user).await?.value;
        may_keep(actor, found.role)?;
        // One who was taken over from elsewhere, and whom no directory has vouched for yet, can be given a password instead.
        let is_unclaimed = matches!(&found.sign_in, SignIn::Ldap { dn } if dn.is_empty());
        if !is_unclaimed && !matches!(found.sign_in, SignIn::Password { .. }) {
            let by = found.sign_in.as_str();
            let message = format!("`{}` logs in by {by}; the password is changed there", found.name);
            return Err(AdminError::invalid("password", message));
        }
        let changed = self.replace_password(&found, password).await?;
        self.log_out(changed.id).await?;
        Ok(UserView::of(changed))
    }

    /// Takes a person's second factor away, for one who has lost the device and the recovery codes.
    ///
    /// # Errors
    /// As [`show`](Self::show), and [`AdminError::Forbidden`].
    pub async fn drop_second_factor(self, actor: &Actor, user: &str) -> Result<UserView, AdminError> {
        let found = find(&self.users(), user).await?.value;
        may_keep(actor, found.role)?;
        let now = self.now();
        let changed = change::apply(&self.users(), found.id.uuid(), |user: &mut User| {
            user.second_factor = None;
            user.updated_at = now;
            Ok(())
        })
        .await?;
        Ok(UserView::of(changed))
    }

    /// Removes a person and ends the person's sessions. The owner of the person's client keys stays, with the keys.
    ///
    /// # Errors
    /// As [`update`](Self::update).
    pub async fn delete(self, actor: &Actor, user: &str) -> Result<UserView, AdminError> {
        let found = find(&self.users(), user).await?.value;
        may_keep(actor, found.role)?;
        self.refuse_last_owner(&found).await?;
        let removed = change::remove(&self.users(), &found.id.to_string()).await?;
        self.log_out(removed.id).await?;
        Ok(UserView::of(removed))
    }

    /// A person's sessions, the oldest first.
    ///
    /// # Errors
    /// As [`show`](Self::show).
    pub async fn sessions(self, user: &str) -> Result<Vec<SessionView>, AdminError> {
        let found = find(&self.users(), user).await?.value;
        let sessions = self.admin.parts().stores.sessions.of(found.id, self.now()).await?;
        Ok(sessions.into_iter().map(SessionView::of).collect())
    }

    /// Ends all sessions of a person.
    ///
    /// # Errors
    /// As [`show`](Self::show), and [`AdminError::Forbidden`].
    pub async fn end_sessions(self, actor: &Actor, user: &str) -> Result<UserView, AdminError> {
        let found = find(&self.users(), user).await?.value;
        may_keep(actor, found.role)?;
        self.log_out(found.id).await?;
        Ok(UserView::of(found))
    }

    /// Ends all sessions of whom has this identity.
    pub(crate) async fn log_out(self, user: UserId) -> Result<(), AdminError> {
        let sessions = &self.admin.parts().stores.sessions;
        for session in sessions.of(user, self.now()).await? {
            sessions.end(session.token).await?;
        }
        Ok(())
    }

    /// A person as the input says, not kept yet.
    pub(crate) async fn furnish(self, new: NewUser, role: Role) -> Result<User, AdminError> {
        let now = self.now();
        let name = login_name(&new.name)?;
        let hash = match &new.password {
            Some(password) => Some(hash_password(checked_password(password, &name)?).await?),
            None => None,
        };
        let adopted = change::by_name(&self.admin.owner_records(), &name).await?;
        let id = adopted.map_or_else(UserId::generate, |owner| owner.value.id);
        let mut user = User {
            id,
            name,
            display_name: String::new(),
            email: None,
            role,
            sign_in: SignIn::Password { hash },
            second_factor: None,
            enabled: true,
            max_keys: new.max_keys,
            last_login_at: None,
            known_networks: Vec::new(),
            created_at: now,
            updated_at: now,
        };
        UserChange { display_name: new.display_name, email: new.email, ..UserChange::default() }
            .check()?
            .apply(&mut user);
        Ok(user)
    }

    /// Keeps a new person, and an owner for the person's client keys.
    pub(crate) async fn keep(self, user: User) -> Result<User, AdminError> {
        let name = user.name.clone();
        let kept = match self.users().create(user).await {
            Ok(kept) => kept.value,
            Err(StorageError::Taken { .. } | StorageError::Conflict { .. }) => {
                return Err(change::taken("user", &name));
            }
            Err(error) => return Err(error.into()),
        };
        let (id, now) = (kept.id, kept.created_at);
        let owner = Owner {
            id,
            name: name.clone(),
            limits: Vec::new(),
            team: None,
            created_at: now,
            updated_at: now,
        };
        match self.admin.owner_records().create(owner).await {
            // There is one already, which is the person's from now on.
            Ok(_) | Err(StorageError::Conflict { .. }) => Ok(kept),
            Err(error) => Err(error.into()),
        }
    }

    /// Puts another password in the place of the one before.
    pub(crate) async fn replace_password(
        self,
        user: &User,
        password: &Disclosed,
    ) -> Result<User, AdminError> {
        let hash = hash_password(checked_password(password, &user.name)?).await?;
        let now = self.now();
        change::apply(&self.users(), user.id.uuid(), |user: &mut User| {
            user.sign_in = SignIn::Password { hash: Some(hash.clone()) };
            user.updated_at = now;
            Ok(())
        })
        .await
    }

    /// Somebody has to be able to do everything.
    async fn refuse_last_owner(self, user: &User) -> Result<(), AdminError> {
        if user.role != Role::Owner || !user.enabled {
            return Ok(());
        }
        let all = self.users().all().await?;
        let other = |other: &User| {
            other.id() != user.id() && other.role == Role::Owner && other.enabled && other.has_sign_in()
        };
        if all.iter().any(|found| other(&found.value)) {
            return Ok(());
        }
        let what = format!("`{}` is the last owner who can log in; make another one first", user.name);
        Err(AdminError::Conflict { what })
    }

    fn users(self) -> Repository<User> {
        self.admin.user_records()
    }

    fn now(self) -> Timestamp {
        self.admin.parts().clock.now()
    }
}

/// Nobody raises himself, and nobody keeps those who stand as high.
fn may_keep(actor: &Actor, role: Role) -> Result<(), AdminError> {
    if actor.role().may_keep(role) {
        return Ok(());
    }
    Err(AdminError::Forbidden { need: format!("a role above {role}") })
}
