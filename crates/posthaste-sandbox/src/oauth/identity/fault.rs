//! How the provider can be asked to misbehave.

/// What is wrong with a log-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::oauth) enum IdentityFault {
    /// The token has no signature and says so (`alg` is `none`).
    Unsigned,
    /// The token is signed with HMAC, and the public key is the password.
    KeyAsPassword,
    /// The token is signed with a key that goes by another key's name.
    Forged,
    /// The token is signed with a key that the provider tells nobody of.
    UnknownKey,
    /// The token is signed with a key that the provider tells of only from now on.
    NewKey,
    OtherIssuer,
    OtherAudience,
    /// The token is for somebody else as well.
    TwoAudiences,
    /// The token was asked for by somebody else.
    OtherParty,
    OtherNonce,
    NoNonce,
    Expired,
    /// There is no identity token.
    NoToken,
    /// The token tells no name.
    NoName,
    /// The token endpoint fails.
    TokenAway,
}

impl IdentityFault {
    /// The fault that a word asks for.
    pub(super) fn named(word: &str) -> Option<Self> {
        Some(match word {
            "unsigned" => Self::Unsigned,
            "key-as-password" => Self::KeyAsPassword,
            "forged" => Self::Forged,
            "unknown-key" => Self::UnknownKey,
            "new-key" => Self::NewKey,
            "other-issuer" => Self::OtherIssuer,
            "other-audience" => Self::OtherAudience,
            "two-audiences" => Self::TwoAudiences,
            "other-party" => Self::OtherParty,
            "other-nonce" => Self::OtherNonce,
            "no-nonce" => Self::NoNonce,
            "expired" => Self::Expired,
            "no-token" => Self::NoToken,
            "no-name" => Self::NoName,
            "token-away" => Self::TokenAway,
            _ => return None,
        })
    }
}
