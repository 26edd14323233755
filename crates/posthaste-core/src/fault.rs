//! The relay's errors as clients meet them.

use std::{borrow::Cow, fmt, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{BoxError, CallerLimits};

/// What went wrong, in the few kinds that clients can tell apart.
///
/// Status, body, log level, retry and metric label are all read from the kind, so a new place that fails needs no new
/// row in any table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The request is malformed or asks for what cannot be.
    InvalidRequest,
    /// No client key, or one that is unknown.
    Unauthenticated,
    /// The client key is revoked, expired or may not do this.
    PermissionDenied,
    /// No such path or model.
    NotFound,
    /// The earlier answer that the request goes on from is not there, or not for this caller.
    AnswerNotFound,
    /// The path exists, but not with this method.
    MethodNotAllowed,
    /// The body is larger than the relay takes.
    TooLarge,
    /// The body is encoded in a way that the relay does not take.
    UnsupportedEncoding,
    /// Too many requests for now; waiting helps.
    RateLimited,
    /// A budget is used up; waiting for seconds does not help.
    QuotaExhausted,
    /// Nobody is free to serve; the relay or every account is overloaded.
    Overloaded,
    /// The upstream failed, and no other account could take over.
    UpstreamFailed,
    /// The upstream took too long.
    Timeout,
    /// The client went away.
    Cancelled,
    /// The relay itself failed.
    Internal,
}

impl FaultKind {
    /// Every kind, in the order of their declaration.
    pub const ALL: [Self; 15] = [
        Self::InvalidRequest,
        Self::Unauthenticated,
        Self::PermissionDenied,
        Self::NotFound,
        Self::AnswerNotFound,
        Self::MethodNotAllowed,
        Self::TooLarge,
        Self::UnsupportedEncoding,
        Self::RateLimited,
        Self::QuotaExhausted,
        Self::Overloaded,
        Self::UpstreamFailed,
        Self::Timeout,
        Self::Cancelled,
        Self::Internal,
    ];

    /// The stable name used in metrics, the ledger and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::Unauthenticated => "unauthenticated",
            Self::PermissionDenied => "permission_denied",
            Self::NotFound => "not_found",
            Self::AnswerNotFound => "answer_not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::TooLarge => "too_large",
            Self::UnsupportedEncoding => "unsupported_encoding",
            Self::RateLimited => "rate_limited",
            Self::QuotaExhausted => "quota_exhausted",
            Self::Overloaded => "overloaded",
            Self::UpstreamFailed => "upstream_failed",
            Self::Timeout => "timeout",
            Self::Cancelled => "cancelled",
            Self::Internal => "internal",
        }
    }

    /// Position in [`Self::ALL`], for tables indexed by kind.
    pub const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whose fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The client's request.
    Client,
    /// The relay, or its configuration.
    Relay,
    /// An upstream account.
    Upstream,
}

/// An error on its way to the client, before it is put in the words of a dialect.
#[derive(Debug)]
pub struct Fault {
    /// What went wrong.
    pub kind: FaultKind,
    /// Whose fault it is.
    pub origin: Origin,
    /// For the client: what happened and what to do; holds no secrets.
    pub message: Cow<'static, str>,
    /// When asking again may help.
    pub retry_after: Option<Duration>,
    /// How many upstream accounts were asked before it came to this.
    pub attempts: u16,
    /// Where the caller's limits stand, if one of them is the reason.
    pub limits: Option<Box<CallerLimits>>,
    /// For the log.
    pub source: Option<BoxError>,
}

impl Fault {
    /// A fault with a message for the client.
    pub fn new(kind: FaultKind, origin: Origin, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            origin,
            message: message.into(),
            retry_after: None,
            attempts: 0,
            limits: None,
            source: None,
        }
    }

    /// The client's fault: a request that cannot be served as it is.
    pub fn invalid_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(FaultKind::InvalidRequest, Origin::Client, message)
    }

    /// The relay's own failure. The client is told no more than `message`; the cause goes to the log.
    pub fn internal(message: impl Into<Cow<'static, str>>, source: impl Into<BoxError>) -> Self {
        Self { source: Some(source.into()), ..Self::new(FaultKind::Internal, Origin::Relay, message) }
    }

    /// Adds when asking again may help.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// Adds where the caller's limits stand.
    #[must_use]
    pub fn with_limits(mut self, limits: CallerLimits) -> Self {
        self.limits = Some(Box::new(limits));
        self
    }

    /// Adds the cause for the log.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source.as_ref() as &(dyn std::error::Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn index_is_the_position_in_all_and_names_match_json() {
        for (position, kind) in FaultKind::ALL.into_iter().enumerate() {
            assert_eq!(kind.index(), position);
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }
}
