//! The machine's AWS keys as credentials: each instance has its own.

use async_trait::async_trait;
use posthaste_core::{Account, Credential, Egress};

use super::{Issued, Issuer};
use crate::{
    aws_chain::{AwsAsk, AwsChain, AwsChainError},
    oauth::OAuthError,
};

#[async_trait]
impl Issuer for AwsChain {
    async fn issue(&self, account: &Account, egress: &Egress) -> Result<Issued, OAuthError> {
        let settings = &account.settings;
        let ask = AwsAsk { profile: settings.profile.as_deref(), region: settings.region.as_deref() };
        let keys = self.keys(ask, egress).await?;
        Ok(Issued { expires_at: keys.expires_at, credential: Credential::Aws(keys) })
    }
}

impl From<AwsChainError> for OAuthError {
    fn from(error: AwsChainError) -> Self {
        Self::NoAwsKeys { lasting: error.needs_operator(), what: error.to_string() }
    }
}
