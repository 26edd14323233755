//! `[keys]`

use super::{ConfigError, section::section};

section! {
    /// Client keys.
    "keys" => Keys {
        /// What new client keys start with. Keys made before a change stay valid.
        prefix: String = "cr_",
    }
}

impl Keys {
    pub(super) fn finish(&self, errors: &mut Vec<ConfigError>) {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if self.prefix.len() > MAX_PREFIX || !self.prefix.chars().all(plain) {
            errors.push(ConfigError::new(
                "keys.prefix",
                None,
                format!(
                    "`{}` is not a prefix: at most {MAX_PREFIX} letters, digits, `_` and `-`",
                    self.prefix
                ),
            ));
        }
    }
}

/// Keys travel in headers and are shown in tables; a prefix is a mark, not a name.
const MAX_PREFIX: usize = 16;
