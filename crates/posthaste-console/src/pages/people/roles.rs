//! Roles in words.

use posthaste_core::Role;

/// What a role is called.
pub(in crate::pages) fn role_name(role: Role) -> &'static str {
    match role {
        Role::User => text("user"),
        Role::Viewer => text("viewer"),
        Role::Operator => text("operator"),
        Role::Admin => text("admin"),
        Role::Owner => text("owner of the relay"),
    }
}

/// What somebody of a role may do.
pub(in crate::pages) fn role_words(role: Role) -> &'static str {
    match role {
        Role::User => text("keeps own client keys, and sees nothing else"),
        Role::Viewer => text("sees how the relay is set up and what it does, and changes nothing"),
        Role::Operator => text("keeps accounts, pools, routes, client keys and notifications"),
        Role::Admin => text("keeps everything but owners of the relay and other admins"),
        Role::Owner => text("keeps everything"),
    }
}

/// Marks a text that pages say in the reader's language.
fn text(text: &'static str) -> &'static str {
    text
}
