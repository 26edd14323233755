//! `[notify]`

use super::{ConfigError, section::section};

section! {
    /// Telling operators, through the channels that they have set up.
    "notify" => Notify {
        /// Whether anybody is told.
        enabled: bool = "true",
        /// What the relay calls itself in messages, so that several can be told apart.
        name: String = "Posthaste",
    }
}

impl Notify {
    pub(super) fn finish(&self, errors: &mut Vec<ConfigError>) {
        let length = self.name.trim().chars().count();
        if length == 0 || length > LONGEST || self.name.chars().any(char::is_control) {
            let problem = format!("it is no name: 1 to {LONGEST} characters on one line");
            errors.push(ConfigError::new("notify.name", None, problem));
        }
    }
}

/// Messages have more to say than who says it.
const LONGEST: usize = 60;
