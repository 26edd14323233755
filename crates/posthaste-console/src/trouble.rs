//! What went wrong, on a page.

mod not_known;

use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use posthaste_admin::AdminError;

use self::not_known::not_known;
use crate::{
    answer,
    asked::Asked,
    frame::Frame,
    look::{Language, Look},
    texts,
};

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
        Ok(p) => {
            let message = detail(asked.look.language, error);
            asked.page_as(status, &Trouble { p, heading, message })
        }
        Err(error) => Err(error),
    };
    framed.unwrap_or_else(|_| without_frame(asked.look, error))
}

/// The same where not even the frame can be made.
pub(crate) fn without_frame(look: Look, error: &AdminError) -> Response {
    let (status, heading) = told(error);
    let heading = texts::say(look.language, heading);
    let bare = Bare { language: look.language.code(), heading, message: detail(look.language, error) };
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

/// What went wrong, for the head of a form.
///
/// Where the admin layer tells it in free words, those are English: other languages say first which kind of trouble it is.
pub(crate) fn in_form(language: Language, error: &AdminError) -> String {
    let detail = detail(language, error);
    let is_free =
        matches!(error, AdminError::Invalid { .. } | AdminError::Conflict { .. } | AdminError::Login(_));
    if language == Language::English || !is_free {
        return detail;
    }
    let (_, heading) = told(error);
    format!("{}: {detail}", texts::say(language, heading))
}

/// The same below a heading that tells the kind.
fn detail(language: Language, error: &AdminError) -> String {
    fn text(text: &'static str) -> &'static str {
        text
    }
    let say = |text: &'static str| texts::say(language, text).to_owned();
    let fill = |text: &'static str, value: &str| texts::fill(language, text, value);
    match error {
        AdminError::Invalid { .. } | AdminError::Conflict { .. } | AdminError::Login(_) => error.to_string(),
        AdminError::NotFound { what } => fill(text("there is no {}"), what),
        AdminError::Stale { what, version, .. } => {
            let changed =
                text("{} was changed in the meantime: it has version {} now; look at it and decide anew");
            // The record's name may hold braces itself.
            let said = say(changed);
            let (before, after) = said.split_once("{}").unwrap_or((&said, ""));
            format!("{before}{what}{}", after.replacen("{}", &version.to_string(), 1))
        }
        AdminError::Forbidden { need } => fill(text("you may not do that: it needs {}"), need),
        AdminError::Unauthenticated { what, .. } => say(not_known(*what)),
        AdminError::TooMany { wait } => {
            fill(text("too many tries failed; try again in {} s"), &wait.as_secs().max(1).to_string())
        }
        AdminError::Directory => say(text(
            "the directory of people cannot be asked now; who has a password of this relay can log in all the same",
        )),
        AdminError::IdentityProvider => say(text(
            "the identity provider cannot be asked now; who has a password of this relay can log in all the same",
        )),
        AdminError::Store(_) => say(text("the store failed")),
        AdminError::Vault(_) => say(text("the vault failed")),
    }
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use posthaste_admin::NotKnown;

    use super::*;

    fn errors() -> Vec<AdminError> {
        let what = || "client key `laptop`".to_owned();
        vec![
            AdminError::NotFound { what: what() },
            AdminError::Stale { what: what(), version: 7, current: None },
            AdminError::Forbidden { need: "keys:write".to_owned() },
            AdminError::Unauthenticated { what: NotKnown::NameOrPassword, missing: None },
            AdminError::TooMany { wait: Duration::from_millis(200) },
            AdminError::Directory,
            AdminError::IdentityProvider,
            AdminError::Invalid { field: "name", message: "is empty; give a name".to_owned() },
            AdminError::Conflict { what: what() },
        ]
    }

    #[test]
    fn english_pages_say_what_programs_are_told() {
        for error in errors() {
            assert_eq!(detail(Language::English, &error), error.to_string());
            assert_eq!(in_form(Language::English, &error), error.to_string());
        }
    }

    #[test]
    fn chinese_pages_say_each_kind_in_chinese_and_keep_the_values() {
        for error in errors() {
            let said = in_form(Language::Chinese, &error);
            assert!(said.chars().any(|letter| ('\u{4e00}'..='\u{9fff}').contains(&letter)), "{said}");
            assert!(!said.contains("{}"), "{said}");
        }
        let stale = in_form(Language::Chinese, &errors()[1]);
        assert!(stale.contains("client key `laptop`") && stale.contains('7'), "{stale}");
        let invalid = in_form(Language::Chinese, &errors()[7]);
        assert!(invalid.ends_with("name: is empty; give a name"), "{invalid}");
        // Nothing is said twice below a heading that tells the kind.
        assert_eq!(detail(Language::Chinese, &errors()[7]), "name: is empty; give a name");
    }
}
