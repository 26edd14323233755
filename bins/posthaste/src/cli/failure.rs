//! How a command fails: words on standard error and an exit code.

use std::{fmt::Write as _, io::Write as _, process::ExitCode};

use posthaste_admin::{AdminFailure, FailureKind};

use super::output::printable;
use crate::{admin_socket::CallError, config::ConfigErrors};

/// A failed command.
#[derive(Debug)]
pub(super) struct Failure {
    code: u8,
    message: String,
    causes: Vec<String>,
    hint: Option<String>,
}

impl Failure {
    /// An input that is not in order.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::new(USAGE, message)
    }

    /// Nothing there.
    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(NOT_FOUND, message)
    }

    /// Something that did not work.
    pub(super) fn failed(message: impl Into<String>) -> Self {
        Self::new(FAILED, message)
    }

    /// Adds why.
    #[must_use]
    pub(super) fn caused_by(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(cause.into());
        self
    }

    /// Adds what to do.
    #[must_use]
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says it on standard error.
    pub(super) fn report(&self) -> ExitCode {
        let mut text = format!("error: {}\n", printable(&self.message));
        for cause in &self.causes {
            let _ = writeln!(text, "cause: {}", printable(cause));
        }
        if let Some(hint) = &self.hint {
            let _ = writeln!(text, "hint: {}", printable(hint));
        }
        // With standard error closed there is nobody to tell.
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
        ExitCode::from(self.code)
    }

    fn new(code: u8, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), causes: Vec::new(), hint: None }
    }
}

impl From<&ConfigErrors> for Failure {
    fn from(errors: &ConfigErrors) -> Self {
        Self::usage(errors.to_string()).hint("docs/CONFIG.md and `posthaste config reference` list every key")
    }
}

impl From<AdminFailure> for Failure {
    fn from(failure: AdminFailure) -> Self {
        let code = match failure.kind {
            FailureKind::Invalid => USAGE,
            FailureKind::NotFound => NOT_FOUND,
            FailureKind::Conflict => CONFLICT,
            FailureKind::Internal => FAILED,
        };
        let message = match failure.field {
            Some(field) => format!("{}: {}", field.replace('_', "-"), failure.message),
            None => failure.message,
        };
        Self { code, message, causes: failure.causes, hint: None }
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Failed(failure) => failure.into(),
            CallError::NoAnswer(source) => {
                Self::failed(CallError::NoAnswer(std::io::ErrorKind::Other.into()).to_string())
                    .caused_by(source.to_string())
            }
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        let mut chain = error.chain().map(ToString::to_string);
        let message = chain.next().unwrap_or_default();
        Self { causes: chain.collect(), ..Self::failed(message) }
    }
}

pub(super) const FAILED: u8 = 1;
const USAGE: u8 = 2;
const NOT_FOUND: u8 = 3;
const CONFLICT: u8 = 4;
