//! How pages look is chosen here.

use std::sync::Arc;

use axum::response::Response;
use posthaste_admin::AdminError;

use crate::{
    BASE, answer,
    asked::Asked,
    serve::{Door, Page, takes},
};

pub(super) fn pages() -> Vec<Page> {
    vec![takes("/look", Door::Open, choose)]
}

async fn choose(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let look = asked.form.all("look").fold(asked.look, crate::look::Look::with);
    asked.cookies.lock().extend(look.cookie(asked.visitor.secure));
    Ok(answer::see(own_path(asked.form.value("to"))))
}

/// A path of the console's; its beginning where the text is anything else, so that nobody is sent to another site.
pub(crate) fn own_path(to: &str) -> &str {
    let is_own = to.strip_prefix(BASE).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']));
    if is_own && !to.contains(['\\', '\r', '\n']) { to } else { BASE }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_elsewhere() {
        for own in ["/admin-next", "/admin-next/keys?search=a", "/admin-next?x=1"] {
            assert_eq!(own_path(own), own);
        }
        for other in
            ["//evil.example", "https://evil.example", "/admin-nextevil", "/admin-next/\\evil", "", "/admin"]
        {
            assert_eq!(own_path(other), BASE, "{other}");
        }
    }
}
