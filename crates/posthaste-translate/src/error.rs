//! Why a translation failed.

use std::borrow::Cow;

use posthaste_core::{BoxError, Dialect, Fault, FaultKind, Origin};

/// Why a translation failed.
#[derive(Debug, thiserror::Error)]
pub enum TranslateError {
    /// The client's body is not a request of its dialect; the client must correct it.
    #[error("the body is not a valid {dialect} request: {source}")]
    Malformed {
        /// The client's dialect.
        dialect: Dialect,
        /// Where and what.
        source: serde_json::Error,
    },
    /// A field of the client's request holds what its dialect does not allow; the client must correct it.
    #[error("`{field}`: {problem}")]
    InvalidField {
        /// The field, as a dotted path.
        field: Cow<'static, str>,
        /// What is wrong with it.
        problem: Cow<'static, str>,
    },
    /// The request means something that the upstream's dialect cannot say; the client may leave it out or ask another model.
    #[error(
        "`{field}` cannot be carried to a model that is served over {to}; leave it out or choose another model"
    )]
    Inexpressible {
        /// The field, as a dotted path.
        field: String,
        /// The upstream's dialect.
        to: Dialect,
    },
    /// The upstream's answer is not one of its dialect; another account may do better.
    #[error("the upstream's answer is not a valid {dialect} answer")]
    UnreadableAnswer {
        /// The upstream's dialect.
        dialect: Dialect,
        /// Where and what.
        #[source]
        source: BoxError,
    },
    /// The upstream's stream ended before the answer did; what was sent so far is incomplete.
    #[error("the upstream's stream ended before the answer did")]
    Truncated,
}

impl TranslateError {
    pub(crate) fn invalid(field: &'static str, problem: impl Into<Cow<'static, str>>) -> Self {
        Self::InvalidField { field: field.into(), problem: problem.into() }
    }

    pub(crate) fn inexpressible(field: impl Into<String>, to: Dialect) -> Self {
        Self::Inexpressible { field: field.into(), to }
    }

    pub(crate) fn unreadable(dialect: Dialect, source: impl Into<BoxError>) -> Self {
        Self::UnreadableAnswer { dialect, source: source.into() }
    }
}

impl From<TranslateError> for Fault {
    fn from(error: TranslateError) -> Self {
        match &error {
            TranslateError::Malformed { .. }
            | TranslateError::InvalidField { .. }
            | TranslateError::Inexpressible { .. } => {
                Self::invalid_request(error.to_string()).caused_by(error)
            }
            TranslateError::UnreadableAnswer { .. } | TranslateError::Truncated => {
                Self::new(FaultKind::UpstreamFailed, Origin::Upstream, error.to_string()).caused_by(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_is_told_the_field_and_the_upstream_is_blamed_for_its_answers() {
        let fault = Fault::from(TranslateError::inexpressible("n", Dialect::AnthropicMessages));
        assert_eq!((fault.kind, fault.origin), (FaultKind::InvalidRequest, Origin::Client));
        assert!(fault.message.contains("`n`"));
        let fault = Fault::from(TranslateError::Truncated);
        assert_eq!((fault.kind, fault.origin), (FaultKind::UpstreamFailed, Origin::Upstream));
    }
}
