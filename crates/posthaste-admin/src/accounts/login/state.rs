//! What a failed login or refresh is called, and what it means for a login under way.

use posthaste_vault::oauth::OAuthError;

/// A stable name for programs.
pub(crate) const fn state(error: &OAuthError) -> &'static str {
    match error {
        OAuthError::UnknownProvider { .. } => "unknown_provider",
        OAuthError::NotConfigured { .. } => "not_configured",
        OAuthError::NotOffered { .. } => "not_offered",
        OAuthError::Denied { .. } => "denied",
        OAuthError::ExpiredCode { .. } => "expired_code",
        OAuthError::NoCode => "no_code",
        OAuthError::BadTicket => "bad_ticket",
        OAuthError::StateMismatch => "state_mismatch",
        OAuthError::InvalidGrant { .. } => "invalid_grant",
        OAuthError::NoRefreshToken { .. } => "no_refresh_token",
        OAuthError::InvalidClient { .. } => "invalid_client",
        OAuthError::Refused { .. } => "refused",
        OAuthError::Unreachable { .. } => "unreachable",
        OAuthError::Proxy { .. } => "proxy_down",
        OAuthError::Busy { .. } => "busy",
        OAuthError::BadAnswer { .. } => "bad_answer",
        OAuthError::NoAwsKeys { .. } => "no_aws_keys",
        OAuthError::NotLoggedIn => "not_logged_in",
        OAuthError::Gone => "gone",
        OAuthError::Superseded => "superseded",
        OAuthError::Store { .. } => "store",
        OAuthError::Vault { .. } => "vault",
    }
}

/// Whether the operator has to give or set something else.
pub(crate) const fn is_input(error: &OAuthError) -> bool {
    matches!(
        error,
        OAuthError::UnknownProvider { .. }
            | OAuthError::NotConfigured { .. }
            | OAuthError::NotOffered { .. }
            | OAuthError::NoCode
            | OAuthError::StateMismatch
    )
}

/// Whether a login is over with this. A slip can be put right, and the network may come back.
pub(super) const fn ends_login(error: &OAuthError) -> bool {
    !matches!(
        error,
        OAuthError::NoCode
            | OAuthError::StateMismatch
            | OAuthError::Unreachable { .. }
            | OAuthError::Proxy { .. }
            | OAuthError::Busy { .. }
    )
}
