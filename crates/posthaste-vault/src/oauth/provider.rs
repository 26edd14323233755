//! What is publicly known of vendors' sign-in endpoints, one row a vendor.

use std::{fmt, time::Duration};

/// A vendor's sign-in: its endpoints and its manners. Whose client logs in is the operator's to say; see
/// [`OAuthSettings`](crate::oauth::OAuthSettings).
pub struct OAuthProvider {
    /// The name: of the section `[oauth.<name>]`, and in stored tokens.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// Where the browser goes for a code; `None` when there is no code flow.
    pub authorize_url: Option<&'static str>,
    /// What the authorize URL carries beside what RFC 6749 and RFC 7636 say.
    pub authorize_extra: &'static [(&'static str, &'static str)],
    /// Where codes and refresh tokens become access tokens; the later ones stand in for an earlier one that is down.
    pub token_urls: &'static [&'static str],
    /// How the token endpoint wants to be asked.
    pub token_body: TokenBody,
    /// Whether the token endpoint wants the authorize URL's `state` along with the code.
    pub state_at_token: bool,
    /// Where device codes come from (RFC 8628); `None` when there is no device flow.
    pub device_url: Option<&'static str>,
    /// Whether the device flow carries PKCE.
    pub device_pkce: bool,
    /// A client that needs no configuration: the sandbox's own.
    pub client_id: Option<&'static str>,
    /// Whether clients of this vendor have a secret.
    pub needs_secret: bool,
    /// What is asked for unless configured otherwise.
    pub scopes: &'static [&'static str],
    /// What a refresh asks for; empty leaves it out.
    pub refresh_scopes: &'static [&'static str],
    /// Where the browser is sent with the code unless configured otherwise.
    pub redirect_uri: Option<&'static str>,
    /// How long before its end a token is refreshed.
    pub refresh_window: Duration,
    /// Where the answer tells the API's address.
    pub base_url: &'static [Fact],
    /// Where it tells the identity that requests must name.
    pub account: &'static [Fact],
    /// Where it tells a mail address or name.
    pub identity: &'static [Fact],
    /// How a token can be tried out without cost; `None` when there is no such way.
    pub check: Option<TokenCheck>,
}

/// How a token endpoint wants to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenBody {
    /// As RFC 6749 says.
    Form,
    /// The same parameters as one JSON object.
    Json,
}

/// Where a fact about a token is found; of several the first that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fact {
    /// In what.
    pub source: FactSource,
    /// Where in it (RFC 6901).
    pub pointer: &'static str,
}

/// What holds facts about a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactSource {
    /// The token endpoint's answer.
    Answer,
    /// The claims of its `id_token`. They come straight from the issuer over TLS, so that the signature need not be
    /// checked (OpenID Connect Core 1.0 §3.1.3.7, 6).
    IdToken,
}

/// A request that costs nothing and succeeds with a good token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenCheck {
    /// Asked with `GET` and the token as bearer.
    pub url: &'static str,
    /// Goes along.
    pub headers: &'static [(&'static str, &'static str)],
}

/// Every row.
pub fn oauth_providers() -> &'static [OAuthProvider] {
    &PROVIDERS
}

/// The row with this name.
pub fn oauth_provider(name: &str) -> Option<&'static OAuthProvider> {
    PROVIDERS.iter().find(|provider| provider.name == name)
}

impl fmt::Debug for OAuthProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OAuthProvider({})", self.name)
    }
}

static PROVIDERS: [OAuthProvider; 5] = [
    // Endpoints as the vendor's console and CLI documentation name them, https://docs.claude.com, checked 2026-11-26.
    // The token endpoint takes JSON and the `state`; a page of the vendor's shows the code as CODE#STATE for pasting.
    // Refresh tokens rotate.
    OAuthProvider {
        name: "claude",
        title: "Claude",
        authorize_url: Some("https://claude.ai/oauth/authorize"),
        authorize_extra: &[("code", "true")],
        token_urls: &[
            "https://platform.claude.com/v1/oauth/token",
            "https://console.anthropic.com/v1/oauth/token",
        ],
        token_body: TokenBody::Json,
        state_at_token: true,
        device_url: None,
        device_pkce: false,
        client_id: None,
        needs_secret: false,
        scopes: &["user:profile", "user:inference"],
        refresh_scopes: &[],
        redirect_uri: Some("https://platform.claude.com/oauth/code/callback"),
        refresh_window: WINDOW,
        base_url: &[],
        account: &[],
        identity: &[Fact::answer("/account/email_address"), Fact::answer("/organization/name")],
        check: Some(TokenCheck {
            url: "https://api.anthropic.com/api/oauth/profile",
            headers: &[("anthropic-beta", "oauth-2025-04-20")],
        }),
    },
    // https://auth.openai.com/.well-known/openid-configuration, checked 2026-11-26. Refresh tokens rotate; one that was
    // used before is refused with `refresh_token_reused`. The identity token names the ChatGPT account.
    OAuthProvider {
        name: "openai",
        title: "OpenAI",
        authorize_url: Some("https://auth.openai.com/oauth/authorize"),
        authorize_extra: &[("id_token_add_organizations", "true")],
        token_urls: &["https://auth.openai.com/oauth/token"],
        token_body: TokenBody::Form,
        state_at_token: false,
        device_url: None,
        device_pkce: false,
        client_id: None,
        needs_secret: false,
        scopes: &["openid", "profile", "email", "offline_access"],
        refresh_scopes: &["openid", "profile", "email"],
        redirect_uri: Some("http://localhost:1455/auth/callback"),
        refresh_window: WINDOW,
        base_url: &[],
        account: &[Fact::id_token("/https:~1~1api.openai.com~1auth/chatgpt_account_id")],
        identity: &[Fact::id_token("/email")],
        check: None,
    },
    // https://developers.google.com/identity/protocols/oauth2/native-app, checked 2026-11-26. Clients of installed
    // programs have a secret; a refresh token comes with the first consent only, unless consent is asked for anew, and
    // mostly does not rotate. Their device flow does not grant these scopes.
    OAuthProvider {
        name: "google",
        title: "Google",
        authorize_url: Some("https://accounts.google.com/o/oauth2/v2/auth"),
        authorize_extra: &[("access_type", "offline"), ("prompt", "consent")],
        token_urls: &["https://oauth2.googleapis.com/token"],
        token_body: TokenBody::Form,
        state_at_token: false,
        device_url: None,
        device_pkce: false,
        client_id: None,
        needs_secret: true,
        scopes: &[
            "https://www.googleapis.com/auth/cloud-platform",
            "https://www.googleapis.com/auth/userinfo.email",
            "https://www.googleapis.com/auth/userinfo.profile",
        ],
        refresh_scopes: &[],
        redirect_uri: Some("http://127.0.0.1:0/oauth2callback"),
        refresh_window: WINDOW,
        base_url: &[],
        account: &[],
        identity: &[Fact::id_token("/email")],
        check: Some(TokenCheck { url: "https://openidconnect.googleapis.com/v1/userinfo", headers: &[] }),
    },
    // https://github.com/QwenLM/qwen-code (its sign-in), checked 2026-11-26. Device flow with PKCE; `resource_url` tells
    // where the token may be used and can change with a refresh; the new refresh token may be missing.
    OAuthProvider {
        name: "qwen",
        title: "Qwen",
        authorize_url: None,
        authorize_extra: &[],
        token_urls: &["https://chat.qwen.ai/api/v1/oauth2/token"],
        token_body: TokenBody::Form,
        state_at_token: false,
        device_url: Some("https://chat.qwen.ai/api/v1/oauth2/device/code"),
        device_pkce: true,
        client_id: None,
        needs_secret: false,
        scopes: &["openid", "profile", "email", "model.completion"],
        refresh_scopes: &[],
        redirect_uri: None,
        refresh_window: Duration::from_secs(300),
        base_url: &[Fact::answer("/resource_url")],
        account: &[],
        identity: &[],
        check: None,
    },
    // The imitation vendor within the program; see `posthaste-sandbox`.
    OAuthProvider {
        name: "sandbox",
        title: "the sandbox",
        authorize_url: Some("http://sandbox.posthaste.internal/oauth/authorize"),
        authorize_extra: &[],
        token_urls: &["http://sandbox.posthaste.internal/oauth/token"],
        token_body: TokenBody::Form,
        state_at_token: false,
        device_url: Some("http://sandbox.posthaste.internal/oauth/device"),
        device_pkce: true,
        client_id: Some("posthaste-sandbox"),
        needs_secret: false,
        scopes: &["inference"],
        refresh_scopes: &[],
        redirect_uri: Some("http://127.0.0.1:0/callback"),
        refresh_window: WINDOW,
        base_url: &[Fact::answer("/resource_url")],
        account: &[Fact::answer("/account/uuid")],
        identity: &[Fact::answer("/account/email_address")],
        check: Some(TokenCheck { url: "http://sandbox.posthaste.internal/oauth/userinfo", headers: &[] }),
    },
];

/// Entra, which logs in no person: applications present their own secret (client credentials, RFC 6749 §4.4).
pub(crate) static ENTRA: OAuthProvider = OAuthProvider {
    name: "entra",
    title: "Microsoft Entra",
    authorize_url: None,
    authorize_extra: &[],
    token_urls: &[],
    token_body: TokenBody::Form,
    state_at_token: false,
    device_url: None,
    device_pkce: false,
    client_id: None,
    needs_secret: true,
    scopes: &[],
    refresh_scopes: &[],
    redirect_uri: None,
    refresh_window: WINDOW,
    base_url: &[],
    account: &[],
    identity: &[],
    check: None,
};

impl Fact {
    const fn answer(pointer: &'static str) -> Self {
        Self { source: FactSource::Answer, pointer }
    }

    const fn id_token(pointer: &'static str) -> Self {
        Self { source: FactSource::IdToken, pointer }
    }
}

/// A minute covers a slow token server and clocks that differ a little.
const WINDOW: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;

    #[test]
    fn rows_are_sound() {
        for (position, row) in PROVIDERS.iter().enumerate() {
            assert!(PROVIDERS[..position].iter().all(|earlier| earlier.name != row.name), "{}", row.name);
            assert!(row.name.bytes().all(|letter| letter.is_ascii_lowercase()), "{}", row.name);
            assert!(!row.token_urls.is_empty(), "{}", row.name);
            assert!(row.authorize_url.is_some() || row.device_url.is_some(), "{}", row.name);
            let single = [row.authorize_url, row.device_url, row.redirect_uri];
            for url in single.into_iter().flatten().chain(row.token_urls.iter().copied()) {
                let url = Url::parse(url).unwrap();
                assert!(
                    url.scheme() == "https"
                        || row.name == "sandbox"
                        || Some(url.as_str()) == row.redirect_uri
                );
            }
        }
    }

    #[test]
    fn no_vendors_client_is_shipped() {
        let shipped: Vec<_> =
            PROVIDERS.iter().filter(|row| row.client_id.is_some()).map(|row| row.name).collect();
        assert_eq!(shipped, ["sandbox"]);
    }
}
