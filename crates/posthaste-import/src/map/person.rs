//! People who log in: users, who were known by a directory, and the administrator.
//!
//! No password comes along. A user has none there: a directory was asked. Of the administrator's there is a bcrypt hash, and beside
//! it the password itself, in a file in the clear; it is not to be trusted any more. So nobody of them can log in until an owner
//! of this relay, or whoever runs it, gives them a password.

use std::collections::BTreeMap;

use posthaste_core::{Role, SignIn, User, UserId};
use uuid::Uuid;

use super::{MapOptions, Wanted};
use crate::{
    found::{Found, FoundRecord},
    ids,
    report::LeftOut,
};

/// A person as it is to be.
#[derive(Debug)]
pub(crate) struct WantedPerson {
    /// The record, without a password.
    pub(crate) user: User,
    /// What the operator should know.
    pub(crate) notes: Vec<String>,
}

/// The identity of an administrator, who has none there.
pub(super) fn id_of_admin(admin: &FoundRecord) -> Uuid {
    ids::derived("administrator", &admin.id)
}

pub(super) fn people(
    found: &Found,
    options: &MapOptions,
    mut taken: BTreeMap<String, Uuid>,
    wanted: &mut Wanted,
) {
    let admins = found.admins.iter().map(|admin| ("administrator", id_of_admin(admin), admin));
    let users = found.users.iter().map(|user| ("user", ids::stable("owner", &user.id), user));
    for (noun, id, record) in admins.chain(users) {
        let called = record.fields.text("username").unwrap_or_default();
        let left_out = |why: &str| LeftOut::one(format!("{noun} `{}`: {why}", called.escape_debug()));
        let Some(name) = login_name(&called) else {
            wanted.left_out.push(left_out(
                "this can be no name to log in with (one word without colons, slashes and quotes, 64 characters at most); \
                 make the person with `users create`",
            ));
            continue;
        };
        match taken.get(&name) {
            Some(other) if *other != id => {
                wanted.left_out.push(left_out("somebody else logs in by that name already"));
                continue;
            }
            _ => drop(taken.insert(name.clone(), id)),
        }
        wanted.people.push(person(noun == "administrator", id, name, record, options));
    }
}

fn person(
    is_admin: bool,
    id: Uuid,
    name: String,
    record: &FoundRecord,
    options: &MapOptions,
) -> WantedPerson {
    let fields = &record.fields;
    let mut notes = Vec::new();
    let role = match fields.text("role").as_deref() {
        _ if is_admin => Role::Owner,
        // They kept people there.
        Some("admin") => Role::Admin,
        Some("user") | None => Role::User,
        Some(other) => {
            notes.push(format!("the role `{}` is not known here: it is `user`", other.escape_debug()));
            Role::User
        }
    };
    let email = fields.text("email").map(|email| email.into_owned()).filter(|email| {
        let fits = is_address(email);
        if !fits {
            notes.push("what stands there as the mail address is none".to_owned());
        }
        fits
    });
    let parts = [fields.text("firstName"), fields.text("lastName")];
    let full = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let display_name = fields.text("displayName").map_or(full, |name| name.into_owned());
    let created_at = fields.moment("createdAt").unwrap_or(options.now);
    let user = User {
        id: UserId::from_uuid(id),
        display_name: line(&display_name),
        name,
        email,
        role,
        sign_in: match is_admin {
            true => SignIn::Password { hash: None },
            // Its users were all known by the directory; nobody here was yet.
            false => SignIn::Ldap { dn: String::new() },
        },
        second_factor: None,
        enabled: fields.flag("isActive") != Some(false),
        max_keys: None,
        known_networks: Vec::new(),
        last_login_at: fields.moment("lastLoginAt").or_else(|| fields.moment("lastLogin")),
        created_at,
        updated_at: options.now,
    };
    WantedPerson { user, notes }
}

/// The name in small letters, where one can log in by it here.
fn login_name(name: &str) -> Option<String> {
    let name = name.trim().to_lowercase();
    let unfit = |c: char| c.is_whitespace() || c.is_control() || [':', '/', '"'].contains(&c);
    let fits = !name.is_empty() && name.chars().count() <= MOST_NAME && !name.contains(unfit);
    (fits && Uuid::try_parse(&name).is_err()).then_some(name)
}

fn is_address(email: &str) -> bool {
    let parts = email.split_once('@');
    let unfit = |c: char| c.is_whitespace() || c.is_control();
    parts.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
        && !email.contains(unfit)
        && email.chars().count() <= MOST_LINE
}

/// A single line of a bounded length.
fn line(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MOST_LINE).collect();
    text.trim().to_owned()
}

const MOST_NAME: usize = 64;
const MOST_LINE: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_to_log_in_with_are_small_and_plain() {
        assert_eq!(login_name(" Ada.Lovelace@Example.COM ").as_deref(), Some("ada.lovelace@example.com"));
        let long = "x".repeat(65);
        for name in ["", "a b", "a:b", "a/b", "a\"", "a\u{1b}", "0190c0de-0000-7000-8000-000000000001", &long]
        {
            assert_eq!(login_name(name), None, "{name}");
        }
    }

    #[test]
    fn lines_and_addresses_are_bounded() {
        assert_eq!(line(" a\r\nb "), "a  b");
        assert_eq!(line(&"ü".repeat(300)).chars().count(), 200);
        assert!(is_address("ada@example.org"));
        for email in ["ada", "@example.org", "ada@", "a da@example.org", "ada@example.org\nBcc: x"] {
            assert!(!is_address(email), "{email}");
        }
    }
}
