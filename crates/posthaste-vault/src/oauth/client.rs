//! The operator's OAuth clients.

use std::{collections::BTreeMap, fmt, time::Duration};

use posthaste_core::Secret;
use url::Url;

use super::{OAuthError, OAuthProvider, oauth_provider};

/// What an operator configures of a vendor's sign-in: `[oauth.<provider>]`. What is not given is the provider's.
#[derive(Clone, Debug, Default)]
pub struct OAuthSettings {
    /// The client's id, as the vendor registered it.
    pub client_id: Option<String>,
    /// The client's secret, where the vendor gave one.
    pub client_secret: Option<Secret>,
    /// What is asked for.
    pub scopes: Option<Vec<String>>,
    /// Where the browser is sent with the code: as registered with the vendor. Port 0 means any free one.
    pub redirect_uri: Option<Url>,
    /// Instead of the provider's.
    pub authorize_url: Option<Url>,
    /// Instead of the provider's when not empty; the later ones stand in for an earlier one that is down.
    pub token_urls: Vec<Url>,
    /// Instead of the provider's.
    pub device_url: Option<Url>,
    /// How long before its end a token is refreshed.
    pub refresh_window: Option<Duration>,
}

/// A client that can ask a vendor for tokens.
#[derive(Clone, Debug)]
pub struct OAuthClient {
    /// The vendor.
    pub provider: &'static OAuthProvider,
    /// The client's id.
    pub client_id: String,
    /// The client's secret.
    pub client_secret: Option<Secret>,
    /// What is asked for.
    pub scopes: Vec<String>,
    /// Where the browser is sent with the code.
    pub redirect_uri: Option<Url>,
    /// Where the browser goes.
    pub authorize_url: Option<Url>,
    /// Where tokens come from; never empty.
    pub token_urls: Vec<Url>,
    /// Where device codes come from.
    pub device_url: Option<Url>,
    /// How long before its end a token is refreshed.
    pub refresh_window: Duration,
}

impl OAuthClient {
    /// Fills what the settings leave open from the provider's row.
    ///
    /// # Errors
    /// [`OAuthError::NotConfigured`] when the client's id or a secret that the vendor asks for is missing.
    pub fn new(provider: &'static OAuthProvider, settings: &OAuthSettings) -> Result<Self, OAuthError> {
        let missing = |key| OAuthError::NotConfigured { provider: provider.name, key };
        let client_id = settings.client_id.clone().or_else(|| provider.client_id.map(str::to_owned));
        let client_id = client_id.ok_or_else(|| missing("client_id"))?;
        if provider.needs_secret && settings.client_secret.is_none() {
            return Err(missing("client_secret"));
        }
        let own_servers = !settings.token_urls.is_empty();
        Ok(Self {
            provider,
            client_id,
            client_secret: settings.client_secret.clone(),
            scopes: settings
                .scopes
                .clone()
                .unwrap_or_else(|| provider.scopes.iter().copied().map(str::to_owned).collect()),
            redirect_uri: settings.redirect_uri.clone().or_else(|| provider.redirect_uri.map(url)),
            authorize_url: settings.authorize_url.clone().or_else(|| provider.authorize_url.map(url)),
            token_urls: if own_servers {
                settings.token_urls.clone()
            } else {
                provider.token_urls.iter().copied().map(url).collect()
            },
            device_url: settings.device_url.clone().or_else(|| provider.device_url.map(url)),
            refresh_window: settings.refresh_window.unwrap_or(provider.refresh_window),
        })
    }
}

/// The clients of all vendors, as configured.
#[derive(Clone, Default)]
pub struct OAuthClients {
    settings: BTreeMap<&'static str, (&'static OAuthProvider, OAuthSettings)>,
}

impl OAuthClients {
    /// Takes what was configured.
    pub fn new(settings: impl IntoIterator<Item = (&'static OAuthProvider, OAuthSettings)>) -> Self {
        let named = settings.into_iter().map(|(provider, settings)| (provider.name, (provider, settings)));
        Self { settings: named.collect() }
    }

    /// The client for this provider.
    ///
    /// # Errors
    /// [`OAuthError::UnknownProvider`], and [`OAuthError::NotConfigured`], which says what to set.
    pub fn client(&self, provider: &str) -> Result<OAuthClient, OAuthError> {
        if let Some((provider, settings)) = self.settings.get(provider) {
            return OAuthClient::new(provider, settings);
        }
        let unknown = || OAuthError::UnknownProvider { name: provider.to_owned() };
        OAuthClient::new(oauth_provider(provider).ok_or_else(unknown)?, &OAuthSettings::default())
    }
}

impl OAuthClients {
    /// How long before its end a token of this provider is refreshed, whether or not a client is set up.
    pub(crate) fn refresh_window(&self, provider: &str) -> Duration {
        let row = oauth_provider(provider).map(|row| row.refresh_window);
        let (own, set) = match self.settings.get(provider) {
            Some((row, settings)) => (Some(row.refresh_window), settings.refresh_window),
            None => (row, None),
        };
        set.or(own).unwrap_or(Duration::from_secs(60))
    }

    /// The token server that is asked first, for messages.
    pub(crate) fn token_host(&self, provider: &str) -> String {
        let client = self.client(provider).ok();
        let host = client.as_ref().and_then(|client| client.token_urls.first()).and_then(Url::host_str);
        host.unwrap_or(provider).to_owned()
    }
}

impl fmt::Debug for OAuthClients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.settings.iter().map(|(name, (_, settings))| (name, settings))).finish()
    }
}

fn url(text: &str) -> Url {
    Url::parse(text).expect("the rows' URLs are valid, which a test checks")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named() {
        let error = OAuthClients::default().client("claude").unwrap_err();
        assert_eq!(
            error.to_string(),
            "no OAuth client is set up for Claude: `oauth.claude.client_id` is missing"
        );
        assert!(error.advice().contains("POSTHASTE_OAUTH__CLAUDE__CLIENT_ID"), "{}", error.advice());
        let google = oauth_provider("google").unwrap();
        let settings = OAuthSettings { client_id: Some("dummy".to_owned()), ..OAuthSettings::default() };
        let error = OAuthClients::new([(google, settings)]).client("google").unwrap_err();
        assert!(error.advice().contains("`client_secret_file`"), "{}", error.advice());
    }

    #[test]
    fn the_sandbox_needs_nothing() {
        let client = OAuthClients::default().client("sandbox").unwrap();
        assert_eq!(client.scopes, ["inference"]);
        assert!(matches!(OAuthClients::default().client("nobody"), Err(OAuthError::UnknownProvider { .. })));
    }

    #[test]
    fn own_token_servers_replace_the_providers() {
        let own = vec![url("https://one.example/token"), url("https://two.example/token")];
        let settings = OAuthSettings { token_urls: own.clone(), ..OAuthSettings::default() };
        let client = OAuthClient::new(oauth_provider("sandbox").unwrap(), &settings).unwrap();
        assert_eq!(client.token_urls, own);
    }
}
