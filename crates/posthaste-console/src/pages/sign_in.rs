//! Logging in and out.

use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use posthaste_admin::{AdminError, Credentials, Disclosed, SignInWays};
use posthaste_core::Secret;

use super::look::own_path;
use crate::{
    BASE, answer,
    asked::Asked,
    fields::Fields,
    frame::Frame,
    serve::{Door, Page, shows, takes},
};

pub(super) fn pages() -> Vec<Page> {
    vec![
        shows("/sign-in", Door::Open, show),
        takes("/sign-in", Door::Open, sign_in),
        takes("/sign-out", Door::Person, sign_out),
    ]
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn<'a> {
    p: Frame,
    form: &'a Fields,
    to: String,
    ways: SignInWays,
    /// Whether the code of a second factor is asked for.
    needs_code: bool,
    /// Whether the person comes from the identity provider and only the code is wanted.
    only_code: bool,
    trouble: Option<String>,
}

async fn show(asked: Arc<Asked>) -> Result<Response, AdminError> {
    if asked.admin.sign_in().needs_owner().await? {
        return Ok(answer::see(&format!("{BASE}/start")));
    }
    if asked.person().is_some() {
        return Ok(answer::see(own_path(asked.query.value("to"))));
    }
    let only_code = asked.query.is("second_factor", "needed") && asked.visitor.ticket().is_some();
    form(&asked, StatusCode::OK, only_code, only_code, None).await
}

async fn form(
    asked: &Asked,
    status: StatusCode,
    needs_code: bool,
    only_code: bool,
    trouble: Option<String>,
) -> Result<Response, AdminError> {
    let to = asked.form.text("to").or(asked.query.text("to")).unwrap_or_default().to_owned();
    let p = asked.frame(asked.say("Log in")).await?;
    let ways = asked.admin.sign_in().ways();
    asked.page_as(status, &SignIn { p, form: &asked.form, to, ways, needs_code, only_code, trouble })
}

async fn sign_in(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let form = &asked.form;
    let secret = |name: &str| form.text(name).map(|text| Disclosed::new(Secret::new(text)));
    let only_code = form.ticked("only_code");
    let signed = if only_code {
        let code = secret("code").unwrap_or_else(|| Disclosed::new(Secret::new("")));
        let ticket = asked.visitor.ticket();
        Box::pin(asked.admin.sign_in().arrive_with_code(ticket, code, &asked.visitor.visit)).await
    } else {
        let given = Credentials {
            name: form.value("name").to_owned(),
            password: Disclosed::new(Secret::new(form.value("password"))),
            code: secret("code"),
        };
        asked.admin.sign_in().by_password(given, &asked.visitor.visit).await
    };
    match signed {
        Ok(signed) => {
            asked.cookies.lock().extend(asked.visitor.begin_session(&signed.token));
            Ok(answer::see(own_path(form.value("to"))))
        }
        Err(AdminError::Unauthenticated { missing: Some(_), .. }) => {
            self::form(&asked, StatusCode::OK, true, false, None).await
        }
        Err(error @ (AdminError::Unauthenticated { .. } | AdminError::TooMany { .. })) => {
            let needs_code = form.given("code").is_some();
            let said = asked.say_error(&error);
            self::form(&asked, StatusCode::UNAUTHORIZED, needs_code, only_code, Some(said)).await
        }
        Err(error) => Err(error),
    }
}

async fn sign_out(asked: Arc<Asked>) -> Result<Response, AdminError> {
    if let Some(person) = asked.person() {
        asked.admin.sign_in().end(person, asked.visitor.visit.address).await?;
    }
    asked.cookies.lock().push(asked.visitor.end_session());
    Ok(answer::see(&format!("{BASE}/sign-in")))
}
