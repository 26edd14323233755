//! What went wrong, on a page.

use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use posthaste_admin::AdminError;

use crate::{answer, asked::Asked, frame::Frame, look::Look, texts};

#[derive(Template)]
#[template(path = "trouble.html")]
struct Trouble<'a> {
    p: Frame,
    heading: &'a str,
    message: String,
}

#[derive(Template)]
#[template(path = "bare.html")]
struct Bare<'a> {
    language: &'static str,
    heading: &'a str,
    message: String,
}

/// A page for what cannot be done.
pub(crate) async fn page(asked: &Arc<Asked>, error: &AdminError) -> Response {
    let (status, heading) = told(error);
    tell_log(error);
    let heading = asked.say(heading);
    let framed = match asked.frame(heading).await {
        Ok(p) => asked.page_as(status, &Trouble { p, heading, message: error.to_string() }),
        Err(error) => Err(error),
    };
    framed.unwrap_or_else(|_| without_frame(asked.look, error))
}

/// The same where not even the frame can be made.
pub(crate) fn without_frame(look: Look, error: &AdminError) -> Response {
    let (status, heading) = told(error);
    let heading = texts::say(look.language, heading);
    let bare = Bare { language: look.language.code(), heading, message: error.to_string() };
    answer::page(status, bare.render().unwrap_or_else(|_| heading.to_owned()))
}

/// Whether a form that was sent can be mended by whoever sent it.
pub(crate) fn is_of_form(error: &AdminError) -> bool {
    matches!(
        error,
        AdminError::Invalid { .. }
            | AdminError::Conflict { .. }
            | AdminError::Stale { .. }
            | AdminError::NotFound { .. }
    )
}

fn told(error: &AdminError) -> (StatusCode, &'static str) {
    fn text(text: &'static str) -> &'static str {
        text
    }
    match error {
        AdminError::Invalid { .. } => (StatusCode::UNPROCESSABLE_ENTITY, text("That cannot be taken")),
        AdminError::NotFound { .. } => (StatusCode::NOT_FOUND, text("Nothing here")),
        AdminError::Stale { .. } => (StatusCode::CONFLICT, text("Somebody else was there first")),
        // A name that is taken, a record that is still used, something that is over already: the message says which.
        AdminError::Conflict { .. } => (StatusCode::CONFLICT, text("Something stands in the way")),
        AdminError::Forbidden { .. } => (StatusCode::FORBIDDEN, text("You may not do that")),
        AdminError::Unauthenticated { .. } => (StatusCode::UNAUTHORIZED, text("Log in first")),
        AdminError::TooMany { .. } => (StatusCode::TOO_MANY_REQUESTS, text("Too many tries")),
        AdminError::Login(_) | AdminError::Directory | AdminError::IdentityProvider => {
            (StatusCode::BAD_GATEWAY, text("Somebody else does not answer"))
        }
        AdminError::Store(_) | AdminError::Vault(_) => {
            (StatusCode::INTERNAL_SERVER_ERROR, text("Something of our own failed"))
        }
    }
}

fn tell_log(error: &AdminError) {
    if matches!(error, AdminError::Store(_) | AdminError::Vault(_)) {
        tracing::error!(error = error as &dyn std::error::Error, "a page could not be made");
    }
}
