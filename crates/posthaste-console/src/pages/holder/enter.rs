//! Presenting a client key, and taking it away again.

use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use posthaste_admin::{AdminError, Branding, Disclosed, HolderService};
use posthaste_core::Secret;

use super::cookie;
use crate::{BASE, answer, asked::Asked, frame::Frame};

#[derive(Template)]
#[template(path = "holder/enter.html")]
struct Enter {
    p: Frame,
    branding: Branding,
    trouble: Option<Trouble>,
}

/// Why a key is not let in.
struct Trouble {
    what: &'static str,
    advice: &'static str,
}

/// Takes the key that was typed. What opens nothing is told as the API tells it: a key that is not known learns no more than that.
pub(super) async fn enter(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let presented = Disclosed::new(Secret::new(asked.form.value("key").trim()));
    // Also one that is over: a card of time opens it again.
    match asked.admin.holders().redeeming_key(&presented, asked.visitor.visit.address).await {
        Ok(key) => {
            let ticket = asked.admin.holders().ticket(&key)?;
            asked.cookies.lock().extend(cookie::keep(&ticket, asked.visitor.secure));
            Ok(answer::see(&format!("{BASE}/key")))
        }
        Err(error) => refused(&asked, error).await,
    }
}

pub(super) async fn leave(asked: Arc<Asked>) -> Result<Response, AdminError> {
    asked.cookies.lock().push(cookie::forget());
    Ok(answer::see(&format!("{BASE}/key")))
}

/// The form, empty: a key that was typed is not written into a page.
pub(super) async fn show(asked: &Asked) -> Result<Response, AdminError> {
    form(asked, StatusCode::OK, None).await
}

/// The form with why the key is not let in; the browser keeps nothing of it.
pub(super) async fn refused(asked: &Asked, error: AdminError) -> Result<Response, AdminError> {
    fn text(text: &'static str) -> &'static str {
        text
    }
    let (status, what, advice) = match error {
        AdminError::Unauthenticated { .. } => (
            StatusCode::UNAUTHORIZED,
            text("This key is not known here."),
            text(
                "Was it copied whole, and is it a key of this relay? A key that was given another secret is known by the new one alone.",
            ),
        ),
        AdminError::Forbidden { need } if need == HolderService::NETWORK => (
            StatusCode::FORBIDDEN,
            text("This key may not be used from where you are."),
            text("It is bound to certain networks. Try it from one of them, or ask whoever gave it to you."),
        ),
        AdminError::Forbidden { .. } => (
            StatusCode::FORBIDDEN,
            text("This key opens nothing now."),
            text(
                "It is switched off, revoked or deleted. Whoever gave it to you knows why, and can give you another one.",
            ),
        ),
        other => return Err(other),
    };
    asked.cookies.lock().push(cookie::forget());
    form(asked, status, Some(Trouble { what, advice })).await
}

async fn form(asked: &Asked, status: StatusCode, trouble: Option<Trouble>) -> Result<Response, AdminError> {
    let branding = asked.admin.branding().await?.branding;
    let p = asked.frame(asked.say("Your key")).await?;
    asked.page_as(status, &Enter { p, branding, trouble })
}

impl Enter {
    /// Whether the page leads to where operators log in.
    fn leads_in(&self) -> bool {
        self.branding.show_admin_button && self.p.name.is_empty()
    }
}
