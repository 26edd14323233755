//! The own page of whoever has logged in: the log-in, and the own client keys.

mod account;
mod factor;
mod keys;

use posthaste_admin::{AdminError, KnownPerson, NotKnown};

use crate::{
    asked::Asked,
    serve::{Door, Page, shows, takes},
    trouble::is_of_form,
};

pub(super) fn pages() -> Vec<Page> {
    vec![
        shows("/me", Door::Person, account::show),
        takes("/me/password", Door::Person, account::change_password),
        takes("/me/end-other-sessions", Door::Person, account::end_other_sessions),
        shows("/me/second-factor", Door::Person, factor::show),
        takes("/me/second-factor", Door::Person, factor::enrol),
        takes("/me/second-factor/remove", Door::Person, factor::remove),
        shows("/me/keys", Door::Person, keys::show),
        takes("/me/keys", Door::Person, keys::create),
        takes("/me/keys/delete", Door::Person, keys::delete),
        takes("/me/keys/redeem", Door::Person, keys::redeem),
    ]
}

/// Who asks. The door of these pages lets nobody else in.
fn person(asked: &Asked) -> Result<&KnownPerson, AdminError> {
    asked.person().ok_or(AdminError::Unauthenticated { what: NotKnown::LogIn, missing: None })
}

/// Whether the form is shown again with what went wrong. Whoever may not, or tried too often, is told at the form as well.
fn is_told_at_the_form(error: &AdminError) -> bool {
    is_of_form(error)
        || matches!(error, AdminError::TooMany { .. } | AdminError::Forbidden { .. } | AdminError::Directory)
}
