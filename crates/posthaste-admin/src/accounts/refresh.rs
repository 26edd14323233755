//! Renewing an account's token at once, and ending its rest.

use posthaste_core::{AccountId, AuthForm, Timestamp};
use posthaste_vault::oauth::OAuthError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::AccountService;
use crate::{AccountView, AdminError, change::find};

/// An account whose token was renewed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RefreshedAccount {
    /// Which account.
    pub account_id: AccountId,
    /// Its name.
    pub account: String,
    /// When the new token ends, if its issuer told.
    pub expires_at: Option<Timestamp>,
    /// The mail address or name behind the token, where the vendor told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
}

impl AccountService<'_> {
    /// Ends an account's rest and forgets what it failed at, so that it is asked with the next request.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] where no relay runs: rests end with the relay.
    pub async fn reset(self, account: &str) -> Result<AccountView, AdminError> {
        let found = find(&self.admin.account_records(), account).await?.value;
        let Some(runtime) = &self.admin.parts().runtime else {
            let message =
                "no relay runs on this data folder, and rests end with the relay: there is nothing to reset";
            return Err(AdminError::invalid("account", message));
        };
        runtime.release(found.id);
        self.show(account).await
    }

    /// Gets an account's next token now, whatever it has, and also after its refresh token was refused.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] for an account whose credential does not end; [`AdminError::Login`] when there is no new
    /// token. The old one goes on serving until it ends.
    pub async fn refresh(self, account: &str) -> Result<RefreshedAccount, AdminError> {
        let account = find(&self.admin.account_records(), account).await?.value;
        match account.auth {
            AuthForm::OAuth if account.credential.is_none() => return Err(OAuthError::NotLoggedIn.into()),
            AuthForm::OAuth | AuthForm::Entra | AuthForm::AwsChain => {}
            _ => {
                let message = format!(
                    "`{}` presents what its operator entered, which is never renewed; enter another with accounts update",
                    account.name
                );
                return Err(AdminError::invalid("account", message));
            }
        }
        let report = self.admin.credentials().refresh(&account).await?;
        Ok(RefreshedAccount {
            account_id: account.id,
            account: account.name,
            expires_at: report.expires_at,
            identity: report.facts.identity,
        })
    }
}
