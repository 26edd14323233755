//! Making a person, and changing one.

use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use posthaste_admin::{AdminError, Command, NewUser, UserChange, UserView};
use posthaste_core::Role;

use super::{role_name, role_words, twice_the_same};
use crate::{BASE, asked::Asked, fields::Fields, frame::Frame, pages::reading::invalid, trouble::is_of_form};

#[derive(Template)]
#[template(path = "people/user_form.html")]
struct Form<'a> {
    p: Frame,
    form: &'a Fields,
    /// The person who is changed; `None` for a new one.
    user: Option<UserView>,
    version: Option<u64>,
    /// The roles that whoever asks may give.
    roles: Vec<Role>,
    trouble: Option<String>,
}

pub(super) async fn show_new(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let blank = Fields::default().with("role", Role::User.as_str());
    show_form(&asked, StatusCode::OK, &blank, None, None).await
}

pub(super) async fn create(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let made: Result<UserView, _> = match new_user(&asked) {
        Ok(new) => asked.act(Command::CreateUser(new)).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(user) => {
            Ok(asked.done(&format!("{BASE}/people/{}", user.id), &asked.fill("{} is made.", &user.name)))
        }
        Err(error) if is_of_form(&error) => {
            let said = asked.say_error(&error);
            show_form(&asked, StatusCode::UNPROCESSABLE_ENTITY, &asked.form, None, Some(said)).await
        }
        Err(error) => Err(error),
    }
}

pub(super) async fn show_edit(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let (user, version) = look_up(&asked).await?;
    let filled = filled(&user);
    show_form(&asked, StatusCode::OK, &filled, Some((user, version)), None).await
}

pub(super) async fn edit(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let user = asked.parameter("user").to_owned();
    let changed: Result<UserView, _> = match change(&asked.form) {
        Ok(change) => asked.act_on(Command::UpdateUser { user, change }).await,
        Err(error) => Err(error),
    };
    match changed {
        Ok(user) => {
            Ok(asked.done(&format!("{BASE}/people/{}", user.id), &asked.fill("Saved {}.", &user.name)))
        }
        Err(error) if is_of_form(&error) => {
            let said = asked.say_error(&error);
            let now = look_up(&asked).await?;
            show_form(&asked, StatusCode::CONFLICT, &asked.form, Some(now), Some(said)).await
        }
        Err(error) => Err(error),
    }
}

fn new_user(asked: &Asked) -> Result<NewUser, AdminError> {
    let form = &asked.form;
    let given = |name: &str| form.text(name).map(str::to_owned);
    Ok(NewUser {
        name: form.value("name").trim().to_owned(),
        password: twice_the_same(asked, form, "password")?,
        role: role(form)?,
        display_name: given("display_name"),
        email: given("email"),
        max_keys: max_keys(form)?,
    })
}

fn change(form: &Fields) -> Result<UserChange, AdminError> {
    Ok(UserChange {
        role: role(form)?,
        enabled: Some(form.ticked("enabled")),
        display_name: Some(form.value("display_name").trim().to_owned()),
        email: Some(form.value("email").trim().to_owned()),
        max_keys: max_keys(form)?,
    })
}

/// What the form says of a person as it is.
fn filled(user: &UserView) -> Fields {
    let called = if user.display_name == user.name { "" } else { &user.display_name };
    let form = Fields::default()
        .with("role", user.role.as_str())
        .with("display_name", called)
        .with("email", user.email.as_deref().unwrap_or_default())
        .with("max_keys", user.max_keys.map(|most| most.to_string()).unwrap_or_default());
    if user.enabled { form.with("enabled", "on") } else { form }
}

fn role(form: &Fields) -> Result<Option<Role>, AdminError> {
    let read = |word: &str| word.parse::<Role>().map_err(|error| invalid("role", error.to_string()));
    form.text("role").map(read).transpose()
}

fn max_keys(form: &Fields) -> Result<Option<u32>, AdminError> {
    let read = |text: &str| {
        text.parse().map_err(|_| invalid("max_keys", format!("`{text}` is no whole number such as 5")))
    };
    form.text("max_keys").map(read).transpose()
}

async fn look_up(asked: &Asked) -> Result<(UserView, Option<u64>), AdminError> {
    asked.look_up(Command::ShowUser { user: asked.parameter("user").to_owned() }).await
}

async fn show_form(
    asked: &Asked,
    status: StatusCode,
    form: &Fields,
    of: Option<(UserView, Option<u64>)>,
    trouble: Option<String>,
) -> Result<Response, AdminError> {
    let p = match &of {
        Some((user, _)) => asked.frame(&asked.fill("Edit {}", &user.name)).await?,
        None => asked.frame(asked.say("New person")).await?,
    };
    let roles = Role::ALL.into_iter().filter(|role| asked.actor.role().may_keep(*role)).collect();
    let (user, version) = of.unzip();
    asked.page_as(status, &Form { p, form, user, version: version.flatten(), roles, trouble })
}

impl Form<'_> {
    fn role(&self, role: &Role) -> &'static str {
        role_name(*role)
    }

    fn may(&self, role: &Role) -> &'static str {
        role_words(*role)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_says_all_of_a_person() {
        let form =
            Fields::read(b"role=operator&enabled=on&display_name=+Ada+&email=ada@example.com&max_keys=3");
        let UserChange { role, enabled, display_name, email, max_keys } = change(&form).unwrap();
        assert_eq!((role, enabled, max_keys), (Some(Role::Operator), Some(true), Some(3)));
        assert_eq!((display_name.as_deref(), email.as_deref()), (Some("Ada"), Some("ada@example.com")));
        for wrong in ["role=boss", "max_keys=many"] {
            assert!(matches!(change(&Fields::read(wrong.as_bytes())), Err(AdminError::Invalid { .. })));
        }
    }
}
