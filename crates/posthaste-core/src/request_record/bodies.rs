//! What a request and its answer said, for a client key whose operator asked for that.

use serde::{Deserialize, Serialize};

/// The bodies of a request. They are kept sealed, with secrets masked and media left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CapturedBodies {
    /// The request's, as the client sent it, out of its compression.
    pub request: CapturedBody,
    /// The answer's, as it was delivered; `None` where the client was told a fault in its place.
    pub answer: Option<CapturedBody>,
}

/// One body.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CapturedBody {
    /// What is kept of it.
    pub text: String,
    /// How many bytes it had.
    pub whole_bytes: u64,
    /// Whether `text` is its beginning only.
    pub cut: bool,
}
