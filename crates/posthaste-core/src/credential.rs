//! What an account presents to its upstream.

use serde::{Deserialize, Serialize};

use crate::{Secret, Timestamp};

/// An account's credential, opened. It never serialises; `Debug` shows no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// An API key, or a token that an operator entered: presented as it is.
    Key(Secret),
    /// An access token that the vault keeps fresh.
    Token(AccessToken),
    /// AWS keys, with which requests are signed.
    Aws(AwsKeys),
}

impl Credential {
    /// The text that goes into a header; AWS keys only sign.
    pub fn text(&self) -> Option<&Secret> {
        match self {
            Self::Key(secret) => Some(secret),
            Self::Token(token) => Some(&token.secret),
            Self::Aws(_) => None,
        }
    }
}

/// An access token of OAuth, with what its issuer told along with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessToken {
    /// The token.
    pub secret: Secret,
    /// When it ends, if the issuer told.
    pub expires_at: Option<Timestamp>,
    /// Facts that requests need.
    pub facts: TokenFacts,
}

/// What a token server tells beside the token. None of it is secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct TokenFacts {
    /// Where the token may be used (`resource_url` of Qwen): stands in for the account's base URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// The identity that the token belongs to at the vendor, where requests name it (ChatGPT's account id).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// For the operator's eye: the mail address or name behind the token, where the vendor tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
}

/// AWS access keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsKeys {
    /// `AKIA…` or, for temporary ones, `ASIA…`.
    pub access_key_id: String,
    /// Signs.
    pub secret_access_key: Secret,
    /// Goes with temporary keys.
    pub session_token: Option<Secret>,
    /// When temporary keys end, if it is known.
    pub expires_at: Option<Timestamp>,
}
