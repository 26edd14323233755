//! The people who log in: all of them, and one of them.

use std::{collections::HashMap, sync::Arc};

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use posthaste_admin::{AdminError, Command, OwnKeyView, OwnerView, SessionView, UserView};
use posthaste_core::{Area, Role, UserId};

use super::{Tabs, holds, part, role_name, role_words, twice_the_same};
use crate::{
    BASE, asked::Asked, fields::Fields, frame::Frame, pages::keys::state_word, pages::paging::Paging,
    pages::reading::invalid, trouble::is_of_form,
};

#[derive(Template)]
#[template(path = "people/users.html")]
struct List<'a> {
    p: Frame,
    tabs: Tabs,
    query: &'a Fields,
    users: Vec<UserView>,
    /// What the people's client keys are known by: an owner of the same identity.
    owners: HashMap<UserId, OwnerView>,
    paging: Paging,
    may_write: bool,
}

#[derive(Template)]
#[template(path = "people/user.html")]
struct One {
    p: Frame,
    user: UserView,
    owner: Option<OwnerView>,
    sessions: Vec<SessionView>,
    keys: Vec<OwnKeyView>,
    trouble: Option<String>,
    /// What the session is known by in which the page is asked for.
    this_session: String,
    /// Whether whoever asks may change this person.
    may_keep: bool,
    may_revoke: bool,
}

pub(super) async fn list(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let query = &asked.query;
    let role = query.text("role").and_then(|role| role.parse::<Role>().ok());
    let mut users: Vec<UserView> = asked.act(Command::ListUsers).await?;
    users.retain(|user| {
        let texts = [user.name.as_str(), &user.display_name, user.email.as_deref().unwrap_or_default()];
        role.is_none_or(|role| role == user.role) && holds(query.text("search"), &texts)
    });
    let (users, paging) = part(&asked, query, users);
    let owners: Option<Vec<OwnerView>> = asked.act_if_may(Area::Keys.read(), Command::ListOwners).await?;
    let owners = owners.into_iter().flatten().map(|owner| (owner.id, owner)).collect();
    let p = asked.frame(asked.say("People")).await?;
    let (tabs, may_write) = (Tabs::of(&asked, "users"), asked.may(Area::Users.write()));
    asked.page(&List { p, tabs, query, users, owners, paging, may_write })
}

pub(super) async fn show(asked: Arc<Asked>) -> Result<Response, AdminError> {
    show_one(&asked, StatusCode::OK, None).await
}

async fn show_one(
    asked: &Asked,
    status: StatusCode,
    trouble: Option<String>,
) -> Result<Response, AdminError> {
    let user = asked.parameter("user").to_owned();
    let user: UserView = asked.act(Command::ShowUser { user }).await?;
    let id = user.id.to_string();
    let sessions: Vec<SessionView> = asked.act(Command::ListSessions { user: id.clone() }).await?;
    let keys: Option<Vec<OwnKeyView>> =
        asked.act_if_may(Area::Keys.read(), Command::ListKeysOf { user: id.clone() }).await?;
    let owner = owner_of(asked, id).await?;
    let p = asked.frame(&user.name).await?;
    let may_keep = asked.may(Area::Users.write()) && asked.actor.role().may_keep(user.role);
    let may_revoke = asked.may(Area::Keys.write());
    let keys = keys.unwrap_or_default();
    let this_session = own_session(asked);
    asked
        .page_as(status, &One { p, user, owner, sessions, keys, trouble, this_session, may_keep, may_revoke })
}

/// The owner of a person's client keys, if there is one and whoever asks may see it.
async fn owner_of(asked: &Asked, id: String) -> Result<Option<OwnerView>, AdminError> {
    match asked.act_if_may(Area::Keys.read(), Command::ShowOwner { owner: id }).await {
        Err(AdminError::NotFound { .. }) => Ok(None),
        found => found,
    }
}

/// What a button on a person's page does.
pub(super) async fn act(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let user = asked.parameter("user").to_owned();
    match asked.parameter("action") {
        "password" => match set_password(&asked, user).await {
            Ok(user) => Ok(done(
                &asked,
                &user,
                &asked.fill("{} has another password, and no session any more.", &user.name),
            )),
            Err(error) if is_of_form(&error) => {
                let said = asked.say_error(&error);
                show_one(&asked, StatusCode::UNPROCESSABLE_ENTITY, Some(said)).await
            }
            Err(error) => Err(error),
        },
        "drop-second-factor" => {
            let user: UserView = asked.act(Command::DropSecondFactor { user }).await?;
            Ok(done(&asked, &user, &asked.fill("{} logs in without a code now.", &user.name)))
        }
        "end-sessions" => {
            let user: UserView = asked.act(Command::EndSessions { user }).await?;
            Ok(done(&asked, &user, &asked.fill("All sessions of {} are ended.", &user.name)))
        }
        "delete" => {
            let gone: UserView = asked.act(Command::DeleteUser { user }).await?;
            Ok(asked.done(&format!("{BASE}/people"), &asked.fill("{} is removed.", &gone.name)))
        }
        other => Err(AdminError::NotFound { what: format!("action `{other}` of a person") }),
    }
}

async fn set_password(asked: &Asked, user: String) -> Result<UserView, AdminError> {
    let password = twice_the_same(asked, &asked.form, "password")?;
    let password = password.ok_or_else(|| invalid("password", asked.say("Give the new password twice.")))?;
    asked.act(Command::SetPassword { user, password }).await
}

pub(super) async fn revoke_key(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let (user, key) = (asked.parameter("user").to_owned(), asked.form.value("key").to_owned());
    let page = format!("{BASE}/people/{user}");
    let key: OwnKeyView = asked.act(Command::RevokeKeyOf { user, key }).await?;
    Ok(asked.done(&page, &asked.fill("{} is revoked. It opens no door any more.", &key.name)))
}

fn done(asked: &Asked, user: &UserView, told: &str) -> Response {
    asked.done(&format!("{BASE}/people/{}", user.id), told)
}

impl List<'_> {
    fn roles(&self) -> [Role; 5] {
        Role::ALL
    }

    fn role(&self, role: &Role) -> &'static str {
        role_name(*role)
    }

    fn owner(&self, user: &UserView) -> Option<&OwnerView> {
        self.owners.get(&user.id)
    }

    fn is_filtered(&self) -> bool {
        ["search", "role"].iter().any(|name| self.query.text(name).is_some())
    }
}

impl One {
    fn role(&self) -> &'static str {
        role_name(self.user.role)
    }

    fn may(&self) -> &'static str {
        role_words(self.user.role)
    }

    fn state(&self, key: &OwnKeyView) -> &'static str {
        state_word(key.state)
    }

    fn is_this(&self, session: &SessionView) -> bool {
        session.id == self.this_session
    }

    /// Whether the password is kept here.
    fn has_own_password(&self) -> bool {
        self.user.sign_in == "password"
    }
}

/// How a person is known at log-in, in words.
pub(in crate::pages) fn sign_in_words(by: &str) -> &str {
    fn text(text: &'static str) -> &'static str {
        text
    }
    match by {
        "password" => text("password"),
        "ldap" => text("directory (LDAP)"),
        "oidc" => text("identity provider (OIDC)"),
        other => other,
    }
}

/// What the session is known by in which a page is asked for, as lists of sessions tell it.
pub(in crate::pages) fn own_session(asked: &Asked) -> String {
    asked.person().map(|person| SessionView::of(person.session.clone()).id).unwrap_or_default()
}
