//! The second factor: set up with a picture, put in force by a first code, taken away by the password.

use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use posthaste_admin::{AdminError, Disclosed, EnrolledFactor};
use posthaste_core::Secret;

use super::{account::show_trouble, is_told_at_the_form, person};
use crate::{
    BASE,
    asked::Asked,
    frame::Frame,
    show::{self, Html},
};

#[derive(Template)]
#[template(path = "me/factor.html")]
struct Factor {
    p: Frame,
    /// What the device shares. It is kept nowhere: the form sends it along.
    secret: String,
    url: String,
    picture: Option<Html>,
    /// Whether one is in force that the new one replaces.
    replaces: bool,
    trouble: Option<String>,
}

#[derive(Template)]
#[template(path = "me/recovery.html")]
struct Recovery {
    p: Frame,
    enrolled: EnrolledFactor,
}

pub(super) async fn show(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let made = asked.admin.sign_in().new_second_factor(person(&asked)?)?;
    let text = |secret: &Disclosed| secret.secret().expose().to_owned();
    show_form(&asked, StatusCode::OK, text(&made.secret), text(&made.url), None).await
}

pub(super) async fn enrol(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let form = &asked.form;
    let given = |name: &str| Disclosed::new(Secret::new(form.value(name).trim()));
    let code: String = form.value("code").split_whitespace().collect();
    let code = Disclosed::new(Secret::new(code));
    let me = person(&asked)?;
    match asked.admin.sign_in().enrol_second_factor(me, &given("secret"), &code).await {
        Ok(enrolled) => {
            let p = asked.frame(asked.say("Recovery codes")).await?;
            asked.page(&Recovery { p, enrolled })
        }
        Err(error) if is_told_at_the_form(&error) => {
            let (secret, url) = (form.value("secret").to_owned(), form.value("url").to_owned());
            let said = asked.say_error(&error);
            show_form(&asked, StatusCode::UNPROCESSABLE_ENTITY, secret, url, Some(said)).await
        }
        Err(error) => Err(error),
    }
}

pub(super) async fn remove(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let password = Disclosed::new(Secret::new(asked.form.value("password")));
    match asked.admin.sign_in().remove_second_factor(person(&asked)?, &password).await {
        Ok(_) => {
            let told = asked.say("The second factor is gone. Your password alone logs you in.");
            Ok(asked.done(&format!("{BASE}/me"), told))
        }
        Err(error) => show_trouble(&asked, error).await,
    }
}

async fn show_form(
    asked: &Asked,
    status: StatusCode,
    secret: String,
    url: String,
    trouble: Option<String>,
) -> Result<Response, AdminError> {
    let replaces = person(asked)?.user.second_factor.is_some();
    let p = asked.frame(asked.say("Second factor")).await?;
    let picture = show::picture(&url).filter(|_| !url.is_empty());
    asked.page_as(status, &Factor { p, secret, url, picture, replaces, trouble })
}

impl Factor {
    /// The secret in groups of four, as people type it.
    fn grouped(&self) -> String {
        let letters: Vec<char> = self.secret.chars().collect();
        letters.chunks(4).map(|four| four.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
    }
}
