//! How a command fails: words on standard error and an exit code.

use std::{fmt::Write as _, io::Write as _, process::ExitCode};

use posthaste_admin::{AdminFailure, FailureKind};
use serde_json::json;

use super::output::printable;
use crate::{admin_socket::CallError, config::ConfigErrors};

/// A failed command.
#[derive(Debug)]
pub(super) struct Failure {
    code: u8,
    message: String,
    causes: Vec<String>,
    hint: Option<String>,
    /// What it is called, for programs, where the code says too little.
    state: Option<String>,
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

    /// Something that is in the way.
    pub(super) fn conflict(message: impl Into<String>) -> Self {
        Self::new(CONFLICT, message)
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

    /// Adds what it is called, for programs.
    #[must_use]
    pub(super) fn called(mut self, state: Option<String>) -> Self {
        self.state = state;
        self
    }

    /// What it is called, for programs.
    pub(super) fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }

    /// What happened and what to do, in one line.
    pub(super) fn line(&self) -> String {
        let hint = self.hint.as_ref().map(|hint| format!(": {hint}")).unwrap_or_default();
        format!("{}{hint}", self.message)
    }

    /// Says it on standard error: in lines for people, or as one line of JSON.
    pub(super) fn report(&self, json: bool) -> ExitCode {
        let text = if json { self.json() } else { self.text() };
        // With standard error closed there is nobody to tell.
        let _ = writeln!(std::io::stderr().lock(), "{}", printable(&text));
        ExitCode::from(self.code)
    }

    fn text(&self) -> String {
        let mut text = format!("error: {}", self.message);
        for cause in &self.causes {
            let _ = write!(text, "\ncause: {cause}");
        }
        if let Some(hint) = &self.hint {
            let _ = write!(text, "\nhint: {hint}");
        }
        text
    }

    fn json(&self) -> String {
        let kind = match self.code {
            USAGE => "invalid",
            NOT_FOUND => "not_found",
            CONFLICT => "conflict",
            _ => "failed",
        };
        let mut error =
            json!({ "kind": kind, "message": self.message, "causes": self.causes, "hint": self.hint });
        if let Some(state) = &self.state {
            error["state"] = json!(state);
        }
        json!({ "error": error }).to_string()
    }

    fn new(code: u8, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), causes: Vec::new(), hint: None, state: None }
    }
}

/// A command line that is not in order. Its usage is what to do.
impl From<&clap::Error> for Failure {
    fn from(error: &clap::Error) -> Self {
        let text = error.to_string();
        let text = text.strip_prefix("error: ").unwrap_or(&text);
        match text.split_once("\n\n") {
            Some((message, usage)) => Self::usage(message).hint(usage.trim()),
            None => Self::usage(text.trim()),
        }
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
            FailureKind::Upstream
            | FailureKind::Internal
            | FailureKind::Forbidden
            | FailureKind::Unauthenticated
            | FailureKind::TooMany => FAILED,
        };
        let message = match failure.field {
            Some(field) => format!("{}: {}", field.replace('_', "-"), failure.message),
            None => failure.message,
        };
        Self { code, message, causes: failure.causes, hint: failure.advice, state: failure.state }
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
