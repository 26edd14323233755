//! What can go wrong with a sign-in or a refresh.

use std::time::Duration;

use super::{oauth_provider, provider::ENTRA};

/// A failure of OAuth, named for what can be done about it. No variant holds a code, a token or a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OAuthError {
    /// No sign-in of this name is known.
    #[error("no OAuth provider is called `{name}`")]
    UnknownProvider {
        /// The name.
        name: String,
    },
    /// A setting of the operator's is missing.
    #[error("no OAuth client is set up for {}: `oauth.{provider}.{key}` is missing", title(provider))]
    NotConfigured {
        /// The provider's name.
        provider: &'static str,
        /// The key below `[oauth.<provider>]`.
        key: &'static str,
    },
    /// The vendor has no such flow, or its endpoint is not known.
    #[error("{} has no {flow}", title(provider))]
    NotOffered {
        /// The provider's name.
        provider: &'static str,
        /// Which.
        flow: &'static str,
    },
    /// The person refused, or the vendor refused the person.
    #[error("the sign-in at {} was denied", title(provider))]
    Denied {
        /// The provider's name.
        provider: &'static str,
    },
    /// The sign-in took too long: its code or its ticket has ended.
    #[error("the sign-in at {} took too long", title(provider))]
    ExpiredCode {
        /// The provider's name.
        provider: &'static str,
    },
    /// What was pasted holds no code.
    #[error("there is no code in what was pasted")]
    NoCode,
    /// The ticket is not one of this relay's, or is damaged.
    #[error("the sign-in's ticket cannot be read")]
    BadTicket,
    /// The answer belongs to another sign-in than the one that was begun.
    #[error("the answer belongs to another sign-in: its `state` differs")]
    StateMismatch,
    /// The code or refresh token is not good any more. Nothing but another login helps.
    #[error("{} does not accept the grant any more: {why}", title(provider))]
    InvalidGrant {
        /// The provider's name.
        provider: &'static str,
        /// What the vendor said.
        why: String,
    },
    /// The access token has ended and there is no refresh token. Nothing but another login helps.
    #[error("the token of {} has ended, and there is none to refresh it with", title(provider))]
    NoRefreshToken {
        /// The provider's name.
        provider: &'static str,
    },
    /// The vendor does not know the operator's client, or its secret is wrong.
    #[error("{} does not accept the OAuth client: {why}", title(provider))]
    InvalidClient {
        /// The provider's name.
        provider: &'static str,
        /// What the vendor said.
        why: String,
    },
    /// Another error that the token server told.
    #[error("{} refused: {error}: {why}", title(provider))]
    Refused {
        /// The provider's name.
        provider: &'static str,
        /// The code of RFC 6749 §5.2 or of the vendor.
        error: String,
        /// What the vendor said.
        why: String,
    },
    /// No answer came.
    #[error("the token server {host} cannot be reached: {why}")]
    Unreachable {
        /// The server.
        host: String,
        /// The cause.
        why: String,
        /// Whether it is certain that the request was not read.
        unsent: bool,
    },
    /// The account's proxy does not carry the request.
    #[error("the token server {host} is not asked: {why}")]
    Proxy {
        /// The server beyond the proxy.
        host: String,
        /// Which proxy, and what it could not do.
        why: String,
    },
    /// The server has too much to do, or is broken.
    #[error("the token server {host} answers {status}")]
    Busy {
        /// The server.
        host: String,
        /// The status.
        status: u16,
        /// When it wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// The answer is not what RFC 6749 describes.
    #[error("the token server {host} answers what cannot be read: {what}")]
    BadAnswer {
        /// The server.
        host: String,
        /// What is wrong with it.
        what: String,
    },
    /// The account was never logged in.
    #[error("the account has not been logged in")]
    NotLoggedIn,
    /// The machine that the relay runs on gives no AWS keys.
    #[error("{what}")]
    NoAwsKeys {
        /// Where they were looked for, and what is wrong there.
        what: String,
        /// Whether waiting is of no use.
        lasting: bool,
    },
    /// The account was deleted meanwhile.
    #[error("the account is gone")]
    Gone,
    /// Another refresh or login took over.
    #[error("another instance took over the refresh and has no new token yet")]
    Superseded,
    /// The store did not do its part, or another instance has not finished.
    #[error("{what}")]
    Store {
        /// What.
        what: String,
    },
    /// The system gives no random bytes, or a stored token cannot be opened.
    #[error("{what}")]
    Vault {
        /// What.
        what: String,
    },
}

impl OAuthError {
    pub(crate) fn store(what: impl Into<String>) -> Self {
        Self::Store { what: what.into() }
    }

    /// What the vendor said, or all that there is to say.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::InvalidGrant { why, .. } => why.clone(),
            other => other.to_string(),
        }
    }

    /// Whether waiting is of no use: an operator has to do what [`advice`](Self::advice) says.
    pub const fn needs_operator(&self) -> bool {
        matches!(
            self,
            Self::UnknownProvider { .. }
                | Self::NotConfigured { .. }
                | Self::NotLoggedIn
                | Self::InvalidClient { .. }
                | Self::NoAwsKeys { lasting: true, .. }
                | Self::Vault { .. }
        ) || self.needs_login()
    }

    /// Whether only another login helps.
    pub const fn needs_login(&self) -> bool {
        matches!(self, Self::InvalidGrant { .. } | Self::NoRefreshToken { .. })
    }

    /// Whether another token server may be asked: it is certain that this one did nothing with the request.
    pub(crate) const fn did_nothing(&self) -> bool {
        matches!(self, Self::Unreachable { unsent: true, .. } | Self::Proxy { .. } | Self::Busy { .. })
    }

    /// When to ask again at the earliest, if the server said.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// What to do about it, in one line.
    pub fn advice(&self) -> String {
        match self {
            Self::UnknownProvider { .. } => {
                let names: Vec<_> = super::oauth_providers().iter().map(|provider| provider.name).collect();
                format!("use one of {}", names.join(", "))
            }
            Self::NotConfigured { provider, key } => not_configured(provider, key),
            Self::NotOffered { provider, flow } if *flow == DEVICE_FLOW => {
                format!("log in with a code, or set `device_url` below `[oauth.{provider}]`")
            }
            Self::NotOffered { provider, .. } => {
                format!(
                    "log in with the device flow, or set `authorize_url` and `redirect_uri` below `[oauth.{provider}]`"
                )
            }
            Self::Denied { .. } => "start the login again and allow it in the browser".to_owned(),
            Self::ExpiredCode { .. } => "start the login again and finish it sooner".to_owned(),
            Self::NoCode => {
                "paste the code as the page shows it, or the whole address that the browser was sent to"
                    .to_owned()
            }
            Self::BadTicket => "start the login again".to_owned(),
            Self::StateMismatch => {
                "paste the answer of the login that you began last, or start again".to_owned()
            }
            Self::InvalidGrant { .. } | Self::NoRefreshToken { .. } => "log the account in again".to_owned(),
            Self::InvalidClient { provider, .. } | Self::Refused { provider, .. }
                if *provider == ENTRA.name =>
            {
                "check the tenant, the id and the secret of the account's application".to_owned()
            }
            Self::InvalidClient { provider, .. } => format!(
                "check `client_id` and the client's secret below `[oauth.{provider}]` against what the vendor registered"
            ),
            Self::Refused { provider, error, .. } if error == "invalid_scope" => {
                format!("check `scopes` below `[oauth.{provider}]`")
            }
            Self::Refused { provider, .. } => {
                format!(
                    "compare `[oauth.{provider}]` with what the vendor registered: scopes, redirect address, client"
                )
            }
            Self::Unreachable { .. } => {
                "check the network, and the token server's address if you set one".to_owned()
            }
            Self::Proxy { .. } => "check the account's proxy and its login".to_owned(),
            Self::Busy { .. } => "wait: it is asked again by itself".to_owned(),
            Self::BadAnswer { .. } => {
                "check that the token server's address, if you set one, is that of an OAuth token endpoint"
                    .to_owned()
            }
            Self::NoAwsKeys { .. } => {
                "check them with `aws sts get-caller-identity` as the user that the relay runs as, or give the account keys of its own"
                    .to_owned()
            }
            Self::NotLoggedIn => "log it in".to_owned(),
            Self::Gone => "use another account".to_owned(),
            Self::Superseded => "wait: it is asked again by itself".to_owned(),
            Self::Store { .. } => "check the store".to_owned(),
            Self::Vault { .. } => "check the master key, or log the account in again".to_owned(),
        }
    }
}

fn title(provider: &str) -> &str {
    if provider == ENTRA.name {
        return ENTRA.title;
    }
    oauth_provider(provider).map_or(provider, |provider| provider.title)
}

fn not_configured(provider: &str, key: &str) -> String {
    let variable = format!("POSTHASTE_OAUTH__{}__{}", provider.to_uppercase(), key.to_uppercase());
    if key == "client_secret" {
        return format!(
            "set {variable}, or `client_secret_file` below `[oauth.{provider}]` in posthaste.toml, to the secret of your OAuth client"
        );
    }
    format!(
        "set `{key}` below `[oauth.{provider}]` in posthaste.toml, or {variable}: it names the OAuth client that the vendor registered for you"
    )
}

pub(crate) const DEVICE_FLOW: &str = "device flow";
pub(crate) const CODE_FLOW: &str = "flow with a code";
