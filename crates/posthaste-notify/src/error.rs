//! What is wrong with a channel.

/// A channel cannot be used as it is configured. Messages name the field and hold no secrets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChannelError {
    /// Something is missing.
    #[error("the channel has no {0}")]
    Missing(&'static str),
    /// Something is not what it should be.
    #[error("the channel's {field} cannot be used: {why}")]
    Invalid {
        /// The field.
        field: &'static str,
        /// Why, and what to do.
        why: String,
    },
    /// A secret does not open.
    #[error("the channel's {field} does not open: set it anew")]
    Sealed {
        /// The field.
        field: &'static str,
    },
}

impl ChannelError {
    pub(crate) fn invalid(field: &'static str, why: impl Into<String>) -> Self {
        Self::Invalid { field, why: why.into() }
    }
}
