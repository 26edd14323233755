//! Model ids (<https://docs.aws.amazon.com/bedrock/latest/userguide/models-supported.html>).

use crate::{error::ApiError, models::serves};

/// Whether the sandbox answers here for this id: of a model, of an inference profile, or an ARN.
pub(crate) fn is_served(id: &str) -> bool {
    serves(id, SERVED)
}

/// The error for an id that is not [served](is_served).
pub(crate) fn unknown() -> ApiError {
    ApiError::invalid("The provided model identifier is invalid.")
}

const SERVED: &[&str] = &[
    "ai21.",
    "amazon.",
    "anthropic.",
    "apac.",
    "arn:aws:bedrock:",
    "au.",
    "ca.",
    "cohere.",
    "deepseek.",
    "eu.",
    "global.",
    "jp.",
    "meta.",
    "mistral.",
    "openai.",
    "qwen.",
    "sandbox-",
    "us.",
];
