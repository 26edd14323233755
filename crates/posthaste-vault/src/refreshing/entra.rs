//! Tokens of Microsoft Entra for applications (client credentials).

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use posthaste_core::{AccessToken, Account, Credential, Egress, TokenFacts};
use url::Url;

use super::{Issued, Issuer};
use crate::{
    StoredCredential, StoredEntra, Vault,
    oauth::{OAuthError, OAuthFlows},
};

/// Where Entra's tokens come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntraSettings {
    /// The authority, without the tenant. National clouds have their own.
    pub authority: Url,
    /// What the tokens are for.
    pub scope: String,
}

impl Default for EntraSettings {
    /// The global cloud, and Azure OpenAI. <https://learn.microsoft.com/en-us/azure/ai-foundry/openai/reference>, checked
    /// 2026-11-26.
    fn default() -> Self {
        Self {
            authority: Url::parse("https://login.microsoftonline.com").expect("a constant URL"),
            scope: "https://cognitiveservices.azure.com/.default".to_owned(),
        }
    }
}

/// Gets tokens for the applications that accounts name.
pub struct Entra {
    settings: EntraSettings,
    vault: Arc<Vault>,
    flows: OAuthFlows,
}

impl Entra {
    /// Asks as `settings` say.
    pub fn new(settings: EntraSettings, flows: OAuthFlows) -> Self {
        Self { settings, vault: Arc::clone(flows.vault()), flows }
    }

    /// `{authority}/{tenant}/oauth2/v2.0/token`. The tenant is one segment, whatever it holds.
    fn token_url(&self, tenant: &str) -> Option<Url> {
        let mut url = self.settings.authority.clone();
        url.path_segments_mut().ok()?.pop_if_empty().push(tenant).extend(["oauth2", "v2.0", "token"]);
        Some(url)
    }
}

#[async_trait]
impl Issuer for Entra {
    async fn issue(&self, account: &Account, egress: &Egress) -> Result<Issued, OAuthError> {
        let sealed = account.credential.as_ref().ok_or(OAuthError::NotLoggedIn)?;
        let application =
            StoredEntra::open(&self.vault, account.id, sealed).map_err(OAuthError::from_vault)?;
        let unfit = || OAuthError::Vault { what: "the authority of Entra takes no tenant".to_owned() };
        let url = self.token_url(&application.tenant).ok_or_else(unfit)?;
        let token = self.flows.client_credentials(&url, &application, &self.settings.scope, egress).await?;
        Ok(Issued {
            expires_at: token.expires_at,
            credential: Credential::Token(AccessToken {
                secret: token.access_token,
                expires_at: token.expires_at,
                facts: TokenFacts::default(),
            }),
        })
    }
}

impl fmt::Debug for Entra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entra").field("settings", &self.settings).finish_non_exhaustive()
    }
}
