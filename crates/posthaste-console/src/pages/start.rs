//! First start: the set-up token makes the owner.

use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use posthaste_admin::{AdminError, Disclosed, FirstOwner};
use posthaste_core::Secret;

use crate::{
    BASE, answer,
    asked::Asked,
    fields::Fields,
    frame::Frame,
    serve::{Door, Page, shows, takes},
};

pub(super) fn pages() -> Vec<Page> {
    vec![shows("/start", Door::Open, show), takes("/start", Door::Open, set_up)]
}

#[derive(Template)]
#[template(path = "start.html")]
struct Start<'a> {
    p: Frame,
    form: &'a Fields,
    trouble: Option<String>,
}

async fn show(asked: Arc<Asked>) -> Result<Response, AdminError> {
    if !asked.admin.sign_in().needs_owner().await? {
        return Ok(answer::see(BASE));
    }
    form(&asked, StatusCode::OK, None).await
}

async fn form(asked: &Asked, status: StatusCode, trouble: Option<String>) -> Result<Response, AdminError> {
    let p = asked.frame(asked.say("Welcome")).await?;
    asked.page_as(status, &Start { p, form: &asked.form, trouble })
}

async fn set_up(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let form = &asked.form;
    let secret = |name: &str| Disclosed::new(Secret::new(form.value(name)));
    if form.value("password") != form.value("again") {
        let said = asked.say("The two passwords differ.").to_owned();
        return self::form(&asked, StatusCode::UNPROCESSABLE_ENTITY, Some(said)).await;
    }
    let first = FirstOwner {
        token: secret("token"),
        name: form.value("name").to_owned(),
        password: secret("password"),
    };
    match asked.admin.sign_in().set_up(first, &asked.visitor.visit).await {
        Ok(signed) => {
            asked.cookies.lock().extend(asked.visitor.begin_session(&signed.token));
            Ok(answer::see(&format!("{BASE}/accounts/new")))
        }
        Err(
            error @ (AdminError::Invalid { .. }
            | AdminError::Conflict { .. }
            | AdminError::Unauthenticated { .. }
            | AdminError::TooMany { .. }),
        ) => {
            let said = asked.say_error(&error);
            self::form(&asked, StatusCode::UNPROCESSABLE_ENTITY, Some(said)).await
        }
        Err(error) => Err(error),
    }
}
