//! Errors in no dialect; each dialect has its own statuses, names and bodies for them.

/// A request that is answered with an error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct ApiError {
    pub(crate) kind: ErrorKind,
    pub(crate) message: String,
    /// Seconds, as the header `retry-after` tells them.
    pub(crate) retry_after: Option<u32>,
    /// The field that is meant, in dialects that tell it apart.
    pub(crate) param: Option<String>,
    /// A finer name than the kind, in dialects that have one.
    pub(crate) code: Option<&'static str>,
}

impl ApiError {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), retry_after: None, param: None, code: None }
    }

    /// The most frequent one: the request breaks a rule of the API.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidRequest, message)
    }

    /// Names the field that is meant.
    pub(crate) fn about(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }

    pub(crate) const fn coded(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }
}

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    InvalidRequest,
    Authentication,
    Billing,
    Permission,
    NotFound,
    RequestTooLarge,
    RateLimit,
    Api,
    Timeout,
    Overloaded,
}

/// An error that a fault model asks for; each dialect has its own words for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    ContextTooLong,
    BadKey,
    NoCredit,
    Forbidden,
    RateLimited { retry_after: Option<u32> },
    Internal,
    TimedOut,
    Overloaded,
}
