//! `[log]`

use super::{
    ConfigError,
    section::{choice, section},
};

section! {
    /// What is logged, on standard error. Secrets, prompts and answers are never logged.
    "log" => Log {
        /// Which events: a level (`error`, `warn`, `info`, `debug`, `trace`), or levels by module such as
        /// `info,posthaste_gateway=debug`.
        filter: String = "info",
        /// `pretty` for people, `json` for programs, one object a line.
        format: LogFormat = "pretty",
    }
}

choice! {
    /// The form of log lines.
    LogFormat {
        Pretty = "pretty": "Lines for people.",
        Json = "json": "One JSON object a line.",
    }
}

impl Log {
    pub(super) fn finish(&self, errors: &mut Vec<ConfigError>) {
        if let Err(error) = crate::logging::parse(&self.filter) {
            errors.push(ConfigError::new("log.filter", None, error));
        }
    }
}
