//! What is told of a person, checked.

use posthaste_core::{Role, Secret, User};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{AdminError, input, input::Disclosed};

/// A person to be made.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NewUser {
    /// The name to log in with; it is kept in small letters.
    pub name: String,
    /// The password; without one the person cannot log in yet.
    pub password: Option<Disclosed>,
    /// What the person may do; `user` unless told.
    pub role: Option<Role>,
    /// What the person is called.
    pub display_name: Option<String>,
    /// Where mail reaches the person.
    pub email: Option<String>,
    /// How many client keys the person may have at once.
    pub max_keys: Option<u32>,
}

/// What is to change of a person. What is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct UserChange {
    /// What the person may do.
    pub role: Option<Role>,
    /// Whether the person may log in.
    pub enabled: Option<bool>,
    /// What the person is called; empty for the name to log in with.
    pub display_name: Option<String>,
    /// Where mail reaches the person; empty for nowhere.
    pub email: Option<String>,
    /// How many client keys the person may have at once.
    pub max_keys: Option<u32>,
}

/// A change whose parts can be taken.
pub(super) struct CheckedChange(UserChange);

impl UserChange {
    pub(super) fn check(mut self) -> Result<CheckedChange, AdminError> {
        if let Some(name) = &mut self.display_name {
            *name = line("display_name", name)?;
        }
        if let Some(email) = &mut self.email {
            *email = line("email", email)?;
            let parts = email.split_once('@');
            let whole = parts.is_some_and(|(local, domain)| {
                !local.is_empty() && !domain.is_empty() && !email.contains(char::is_whitespace)
            });
            if !email.is_empty() && !whole {
                return Err(AdminError::invalid("email", "is no address such as name@example.com"));
            }
        }
        Ok(CheckedChange(self))
    }
}

impl CheckedChange {
    pub(super) fn apply(&self, user: &mut User) {
        let UserChange { role, enabled, display_name, email, max_keys } = &self.0;
        user.role = role.unwrap_or(user.role);
        user.enabled = enabled.unwrap_or(user.enabled);
        if let Some(name) = display_name {
            user.display_name.clone_from(name);
        }
        if let Some(email) = email {
            user.email = Some(email.clone()).filter(|email| !email.is_empty());
        }
        user.max_keys = max_keys.or(user.max_keys);
    }
}

/// Takes over what somebody else says of a person, as far as it can be taken; what is not told stays.
pub(crate) fn spoken_of(user: &mut User, display_name: Option<&str>, email: Option<&str>) {
    let told = [
        UserChange { display_name: display_name.map(str::to_owned), ..UserChange::default() },
        UserChange { email: email.map(str::to_owned), ..UserChange::default() },
    ];
    for change in told {
        match change.check() {
            Ok(change) => change.apply(user),
            Err(error) => tracing::debug!(user = user.name, %error, "told of a person and left out"),
        }
    }
}

/// A name to log in with: as a record's, and in small letters.
pub(crate) fn login_name(name: &str) -> Result<String, AdminError> {
    let name = input::name(&name.trim().to_lowercase())?;
    if name.contains([':', '/', '"']) || name.chars().any(char::is_whitespace) {
        let message =
            format!("`{}` holds a space, a colon, a slash or a quote; leave those out", name.escape_debug());
        return Err(AdminError::invalid("name", message));
    }
    Ok(name)
}

/// A password that is not among the first that anybody would try (NIST SP 800-63B §3.1.1.2: long enough, whatever its
/// characters).
pub(crate) fn password(password: &Disclosed, name: &str) -> Result<Secret, AdminError> {
    let refuse = |message: String| Err(AdminError::invalid("password", message));
    let text = password.secret().expose();
    let length = text.chars().count();
    if length < LEAST_CHARACTERS {
        return refuse(format!("is shorter than {LEAST_CHARACTERS} characters; take a few words"));
    }
    if length > MOST_CHARACTERS {
        return refuse(format!("is longer than {MOST_CHARACTERS} characters; take a shorter one"));
    }
    let small = text.to_lowercase();
    let first = text.chars().next();
    let plain = KNOWN.iter().any(|known| small.contains(known)) && length < 16;
    if plain || text.chars().all(|c| Some(c) == first) || small.contains(name) && length < name.len() + 8 {
        return refuse("is one of the first that anybody would try; take a few words".to_owned());
    }
    Ok(Secret::new(text))
}

fn line(field: &'static str, text: &str) -> Result<String, AdminError> {
    let text = text.trim();
    if text.chars().any(char::is_control) || text.chars().count() > MOST_LINE {
        let message = format!("is no single line of at most {MOST_LINE} characters; write one");
        return Err(AdminError::invalid(field, message));
    }
    Ok(text.to_owned())
}

const LEAST_CHARACTERS: usize = 10;
const MOST_CHARACTERS: usize = 256;
const MOST_LINE: usize = 200;

/// Parts of the passwords that were met most in lists of stolen ones.
const KNOWN: [&str; 12] = [
    "password",
    "12345",
    "qwerty",
    "letmein",
    "welcome",
    "admin",
    "iloveyou",
    "abc123",
    "changeme",
    "passw0rd",
    "posthaste",
    "00000",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_to_log_in_with_are_small_and_plain() {
        assert_eq!(login_name(" Ada.Lovelace@Example.COM ").unwrap(), "ada.lovelace@example.com");
        for name in ["", "a b", "a:b", "a/b", "a\"", "0190c0de-0000-7000-8000-000000000001"] {
            assert!(login_name(name).is_err(), "{name}");
        }
    }

    #[test]
    fn passwords_that_anybody_would_try_are_refused() {
        let checked = |text: &str| password(&Disclosed::new(Secret::new(text)), "ada");
        for text in ["", "tiny pass", "aaaaaaaaaaaa", "Password123!", "adalovelac", &"x".repeat(257)] {
            let error = checked(text).unwrap_err().to_string();
            assert!(text.is_empty() || !error.contains(text), "{error}");
        }
        for text in ["correct horse battery", "žluťoučký kůň", "adas very own long password"] {
            assert_eq!(checked(text).unwrap().expose(), text);
        }
    }

    #[test]
    fn an_address_is_one() {
        let checked =
            |email: &str| UserChange { email: Some(email.to_owned()), ..UserChange::default() }.check();
        assert!(checked("ada@example.com").is_ok() && checked("").is_ok());
        for email in ["ada", "@example.com", "ada@", "a da@example.com", "ada@example.com\nBcc: x"] {
            assert!(checked(email).is_err(), "{email}");
        }
    }
}
